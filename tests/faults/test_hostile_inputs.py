"""Files that somebody else may have written, changed at random: a result or one clear message, soon.

`CROPZOOM_MUTATIONS=10000 pytest tests/faults/test_hostile_inputs.py` for the long run.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.record import CropRecord, Making, read_side_file, write_side_file
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import read_metadata, write_bbox_csv
from napari_cropzoom.files.journal_lines import encode_edit
from napari_cropzoom.files.provenance import MadeWith, read_made_with, write_made_with
from napari_cropzoom.files.review_paths import file_sha256, journal_file
from napari_cropzoom.review.stored import read_review

MUTATIONS = int(os.environ.get("CROPZOOM_MUTATIONS", "300"))
SECONDS, MEMORY = 5.0, 1e9
LONGEST_MESSAGE = 700  # characters beside paths
N = 40

HOSTILE = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, -(10**30), 1e308, -1e308, 1e-320),
    *(float("inf"), float("nan"), "9" * 400, "1e400"),
    *("", " ", "..", "../../../etc/passwd", "/dev/zero", "/", "\\\\server\\x", "C:\\x", "a\0b"),
    *("\ud800", "x" * 5000, "${oc.env:HOME}", "${now:%S}", "track", "edit", "undo", "saved", "rename"),
    *([], {}, [[]], [None], {"a": 1}, [0] * 1000, [[0, 4e9]], [[1, 2, 3]], {"_target_": "os.system"}),
]
DEEP = "nested deep"  # becomes that where it is written
CHARACTERS = [
    b"",
    b"\0",
    b"\xff",
    b"\n",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"-",
    b"9" * 50,
    b"&a",
    b"*a",
    b"\xed\xa0\x80",
]

bytes_changes = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 8), st.sampled_from(CHARACTERS)), min_size=1, max_size=4
)
ways = st.sampled_from(["set", "drop", "nest", "copy"])
value_change = st.tuples(st.integers(0, 10_000), st.sampled_from(HOSTILE), ways)
value_changes = st.lists(value_change, min_size=1, max_size=3)


def changed_bytes(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Cut some bytes out here and there and put others in."""
    for where, length, new in changes:
        place = int(where * len(data))
        data = data[:place] + new + data[place + length :]
    return data


def places(content: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a structure."""
    found, stack = [], [content]
    while stack:
        each = stack.pop()
        keys = (
            list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        )
        for key in keys:
            found.append((each, key))
            stack.append(each[key])
    return found


def changed_values(content: Any, changes: list[tuple[int, Any, str]]) -> Any:
    """Put hostile values, nesting or copies into a structure."""
    content = copy.deepcopy(content)
    for number, value, how in changes:
        found = places(content)
        if not found:
            return value
        holder, key = found[number % len(found)]
        if how == "drop":
            del holder[key]
        elif how == "nest":
            holder[key] = DEEP
        elif how == "copy" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[number % len(holder)]))
        else:
            holder[key] = copy.deepcopy(value)
    return content


def as_json(content: Any) -> bytes:
    """As JSON, which is YAML as well."""
    data = json.dumps(content).encode()
    return data.replace(json.dumps(DEEP).encode(), b"[" * 3000 + b"]" * 3000)


def peak_memory() -> float:
    """Bytes that this process has had at most."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return float(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def tried(read: Callable[[], object], folder: Path) -> None:
    """Read: a result or a message in one line, within time and memory."""
    before, started = peak_memory(), time.perf_counter()
    try:
        read()
    except CropzoomError as error:
        message = str(error).replace(str(folder), "")
        assert "\n" not in message
        assert len(message) < LONGEST_MESSAGE, message
    assert time.perf_counter() - started < SECONDS
    assert peak_memory() - before < MEMORY


def long_run(share: int = 1) -> Callable[[Any], Any]:
    """Settings of every test here; slow readers take a share."""
    return settings(
        max_examples=max(30, MUTATIONS // share),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# ---- configuration ---------------------------------------------------------------------------------

CONFIG: dict[str, Any] = {
    "data": {
        "image_resize_dims": {"height": 128, "width": 256},
        "data_dir": "/data",
        "video_dir": "videos",
        "csv_file": ["CollectedData.csv"],
        "num_keypoints": 2,
        "keypoint_names": ["nose", "tail"],
        "view_names": None,
    },
    "model": {"model_type": "heatmap", "model_name": "mouse", "losses_to_use": [], "checkpoint": None},
    "training": {"imgaug": {"Rot90": {"p": 1.0, "kwargs": {"k": [[0, 1]]}}}},
}


@given(value_changes)
@long_run()
def test_configurations_of_hostile_values(tmp_path: Path, changes: Any) -> None:
    (tmp_path / "config.yaml").write_bytes(as_json(changed_values(CONFIG, changes)))
    tried(lambda: ModelFolder.open(tmp_path, need_checkpoint=False), tmp_path)


@given(bytes_changes)
@long_run()
def test_configurations_of_changed_bytes(tmp_path: Path, changes: Any) -> None:
    (tmp_path / "config.yaml").write_bytes(changed_bytes(yaml.safe_dump(CONFIG).encode(), changes))
    tried(lambda: ModelFolder.open(tmp_path, need_checkpoint=False), tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("hydra") is None, reason="needs Lightning Pose")
@given(value_changes)
@long_run(10)
def test_configurations_of_a_training(tmp_path: Path, changes: Any) -> None:
    from napari_cropzoom.engine.training.config import compose, vetted

    config = tmp_path / "train.yaml"
    config.write_bytes(as_json(changed_values(CONFIG, changes)))
    out = tmp_path / "out"
    tried(lambda: vetted(config, compose(config), out, trust=False), tmp_path)


# ---- checkpoint ------------------------------------------------------------------------------------


def small_checkpoint() -> bytes:
    import torch

    file = io.BytesIO()
    weights = {f"layer{i}": torch.arange(6.0).reshape(2, 3) for i in range(3)}
    torch.save(
        {"state_dict": weights, "hyper_parameters": {"num_keypoints": 2, "backbone": "resnet18"}}, file
    )
    return file.getvalue()


def read_it(path: Path) -> None:
    from napari_cropzoom.engine.vetting import check_weights, read_checkpoint, unsafe_globals

    with contextlib.suppress(CropzoomError):
        unsafe_globals(path)
    weights = read_checkpoint(path).get("state_dict")
    if isinstance(weights, dict):
        check_weights(path, weights)


needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("lightning_pose") is None, reason="needs torch and what checkpoints name"
)


@needs_torch
@given(bytes_changes)
@long_run()
def test_checkpoints_of_changed_bytes(tmp_path: Path, changes: Any) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(changed_bytes(small_checkpoint(), changes))
    tried(lambda: read_it(path), tmp_path)


@needs_torch
@given(bytes_changes, st.booleans())
@long_run()
def test_checkpoints_whose_pickle_is_changed(tmp_path: Path, changes: Any, old: bool) -> None:
    import torch

    path = tmp_path / "a.ckpt"
    if old:
        content = torch.load(io.BytesIO(small_checkpoint()), weights_only=True)
        torch.save(content, path, _use_new_zipfile_serialization=False)
        path.write_bytes(changed_bytes(path.read_bytes(), changes))
    else:
        with (
            zipfile.ZipFile(io.BytesIO(small_checkpoint())) as before,
            zipfile.ZipFile(path, "w") as after,
        ):
            for name in before.namelist():
                data = before.read(name)
                after.writestr(name, changed_bytes(data, changes) if name.endswith(".pkl") else data)
    tried(lambda: read_it(path), tmp_path)


# ---- journal ---------------------------------------------------------------------------------------


def review_lines(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Raw boxes of two animals, and a journal with a line of every kind."""
    from napari_cropzoom.core.boxes import Box, BoxTrack
    from napari_cropzoom.core.editing import edits, range_tools

    raw = folder / "preds" / "mouse_bbox.csv"
    white = folder / "preds" / "white" / "mouse_bbox.csv"
    boxes = np.tile([5.0, 6, 30, 30], (N, 1))
    boxes[7:9] = np.nan
    for path in (raw, white):
        if not path.exists():
            write_bbox_csv(path, boxes)
    track = BoxTrack(boxes, "animal")
    made = [edits.set_box(track, 3, Box(1, 2, 20, 20)), range_tools.interpolate(track, 2, 20)]
    what = {"source": 1, "color": "#56b4e9", "sizing": None, "interpolated": [[1, 2], [5, 5]]}
    sizing = {"crop_ratio": 2.0, "crop_size": None, "anchor_keypoints": ["nose"], "min_likelihood": 0.5}
    lines = [
        {"do": "begin", "version": 2, "video": "mouse.mp4", "n_frames": N},
        {"do": "track", "name": "animal", "raw": "../mouse_bbox.csv", "sha256": file_sha256(raw), **what},
        {"do": "track", "name": "white", "raw": "../white/mouse_bbox.csv", "sha256": file_sha256(white)}
        | what | {"sizing": sizing},
        *(encode_edit(edit) for edit in made),
        {"do": "undo", "count": 1},
        {"do": "redo", "count": 1},
        {"do": "rename", "old": "white", "new": "grey"},
        {"do": "smoothing", "method": "median", "window": 7},
        {"do": "fill", "how": "hold"},
        {"do": "saved"},
    ]  # fmt: skip
    return raw, lines


@given(value_changes)
@long_run()
def test_journals_of_hostile_values(tmp_path: Path, changes: Any) -> None:
    raw, lines = review_lines(tmp_path)
    path = journal_file(raw)
    path.parent.mkdir(exist_ok=True)
    content = changed_values(lines, changes)
    path.write_bytes(b"".join(as_json(line) + b"\n" for line in content))
    tried(lambda: read_review(raw, N, Source.DETECTED, allow_missing=True), tmp_path)


@given(bytes_changes)
@long_run()
def test_journals_of_changed_bytes(tmp_path: Path, changes: Any) -> None:
    raw, lines = review_lines(tmp_path)
    path = journal_file(raw)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(changed_bytes(b"".join(as_json(line) + b"\n" for line in lines), changes))
    tried(lambda: read_review(raw, N, Source.DETECTED, allow_missing=True), tmp_path)


def test_a_long_journal_is_read_soon(tmp_path: Path) -> None:
    """300,000 lines take 4 s."""
    raw, lines = review_lines(tmp_path)
    edit = next(line for line in lines if line["do"] == "edit")
    path = journal_file(raw)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        b"".join(as_json(line) + b"\n" for line in lines[:3]) + (as_json(edit) + b"\n") * 60_000
    )
    tried(lambda: read_review(raw, N, Source.DETECTED, allow_missing=True), tmp_path)


# ---- records ---------------------------------------------------------------------------------------


def crop_record(path: Path) -> None:
    making = Making({"crf": 18}, {"bytes": 1}, {"bytes": 2})
    write_side_file(path, CropRecord("m.mp4", np.tile([5.0, 6, 30, 30], (N, 1)), (30, 30), 25.0, making))


@given(value_changes, bytes_changes, st.booleans())
@long_run()
def test_records_of_crops(tmp_path: Path, values: Any, changes: Any, structured: bool) -> None:
    path = tmp_path / "cropped_m.json"
    crop_record(path)
    if structured:
        path.write_bytes(as_json(changed_values(json.loads(path.read_bytes()), values)))
    else:
        path.write_bytes(changed_bytes(path.read_bytes(), changes))
    tried(lambda: read_side_file(path), tmp_path)


@given(value_changes, bytes_changes, st.booleans())
@long_run()
def test_metadata_of_smoothing(tmp_path: Path, values: Any, changes: Any, structured: bool) -> None:
    content = {"method": "median", "window": 5, "source": "/x", "videos": {"m": {"raw": "m.csv"}}}
    data = (
        as_json(changed_values(content, values))
        if structured
        else changed_bytes(as_json(content), changes)
    )
    (tmp_path / "metadata.json").write_bytes(data)
    tried(lambda: read_metadata(tmp_path), tmp_path)


def rewritten_arrays(path: Path, changes: Any, values: Any, structured: bool) -> None:
    """Change the bytes of the file, or those of a member in a sound archive."""
    if not structured:
        path.write_bytes(changed_bytes(path.read_bytes(), changes))
        return
    with zipfile.ZipFile(path) as before:
        members = {name: before.read(name) for name in before.namelist()}
    chosen = sorted(members)[values[0][0] % len(members)]
    members[chosen] = changed_bytes(members[chosen], changes)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for name, data in members.items():
            after.writestr(name, data)


@given(value_changes, bytes_changes, st.booleans())
@long_run()
def test_records_of_predictions(tmp_path: Path, values: Any, changes: Any, structured: bool) -> None:
    path = tmp_path / "m_made_with.npz"
    write_made_with(
        path, MadeWith({"network": "x"}, "cpu", {"frames": N}, np.full((N, 4), 7.0), "ab" * 32)
    )
    rewritten_arrays(path, changes, values, structured)
    tried(lambda: read_made_with(path), tmp_path)


def test_records_that_unpack_to_far_more_are_none(tmp_path: Path) -> None:
    path = tmp_path / "m_made_with.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("boxes.npy", "w") as member:
        np.lib.format.write_array_header_1_0(
            member, {"descr": "<f8", "fortran_order": False, "shape": (40_000_000, 4)}
        )
        for _ in range(1280):
            member.write(bytes(1_000_000))
    assert path.stat().st_size < 3_000_000
    tried(lambda: read_made_with(path), tmp_path)
    assert read_made_with(path) is None
