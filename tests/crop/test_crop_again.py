"""A crop made again after a review: only the changed groups are encoded, and nothing else differs."""

from __future__ import annotations

import filecmp
import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from napari_cropzoom.core.progress import Progress, run_stage
from napari_cropzoom.crop import encode
from napari_cropzoom.crop.crop import Cropped, crop_video
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number, zero_packets

N, GROUP = 3 * encode.GROUP + 40, encode.GROUP
SIZE = (96, 64)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return make_numbered_video(tmp_path_factory.mktemp("even") / "v.mp4", N, size=SIZE, bframes=3)


def boxes_of(n: int = N) -> np.ndarray:
    """The whole frame, some pixels up and down, so that the number can be read off every crop."""
    i = np.arange(n)
    x, y = np.rint(3 * np.sin(i / 9)), np.rint(2 * np.cos(i / 7))
    return np.column_stack([x, y, np.full(n, SIZE[0]), np.full(n, SIZE[1])]).astype(float)


def crop(video: Path, boxes: np.ndarray, output: Path, **how: object) -> Cropped:
    how = {"encoding": EncoderSettings(), **how}
    return run_stage(crop_video(video, boxes, output, **how))  # type: ignore[arg-type]


def planes(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray()


def check_again(video: Path, output: Path, boxes: np.ndarray, changed: np.ndarray, groups: int) -> None:
    """Crop twice and compare with a crop made at once, which lies elsewhere."""
    first = crop(video, boxes, output)
    assert (first.encoded, first.note) == (first.groups, "")
    before, old = list(planes(output)), output.read_bytes()
    again = crop(video, changed, output)
    assert again.encoded == groups
    assert again.note.startswith(f"re-encoded {groups} of {again.groups} groups")
    whole = output.parent / "whole" / output.name
    assert crop(video, changed, whole).encoded == again.groups
    assert filecmp.cmp(output, whole, shallow=False)
    assert output.read_bytes() != old
    touched = {int(n) // GROUP for n in np.flatnonzero((boxes != changed).any(axis=1))}
    for number, picture in enumerate(planes(output)):
        if number // GROUP not in touched:
            assert (picture == before[number]).all(), f"frame {number} lies outside the changed groups"
    source, cropped = Video(video), Video(output)
    assert cropped.n_frames == source.n_frames
    assert np.abs(cropped.times - source.times).max() <= 1.01 * float(cropped.index.time_base)
    assert [read_number(cropped[i]) for i in range(len(boxes))] == list(range(len(boxes)))
    record = json.loads(output.with_suffix(".json").read_text())
    assert record["boxes"] == changed.astype(int).tolist()


CHANGES = {
    "one frame": ([GROUP + 5], 1),
    "first frame": ([0], 1),
    "last frame": ([N - 1], 1),
    "both sides of a border": ([GROUP - 1, GROUP], 2),
    "two apart": ([3, 2 * GROUP + 1], 2),
}


@pytest.mark.parametrize(("frames", "groups"), CHANGES.values(), ids=CHANGES)
def test_only_the_changed_groups_are_encoded_and_the_file_is_the_same(source, tmp_path, frames, groups):
    boxes = boxes_of()
    changed = boxes.copy()
    changed[frames, 0] += 5
    check_again(source, tmp_path / "cropped_v.mp4", boxes, changed, groups)


def test_variable_frame_rate(tmp_path):
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.integers(1, 9, N)) / 100
    video = make_numbered_video(tmp_path / "v.mp4", N, size=SIZE, bframes=3, times=times.tolist())
    assert Video(video).index.variable_frame_rate
    boxes = boxes_of()
    changed = boxes.copy()
    changed[GROUP + 1, 1] += 4
    check_again(video, tmp_path / "cropped_v.mp4", boxes, changed, 1)


def test_frame_rate_of_television(tmp_path):
    fps = Fraction(30000, 1001)
    video = make_numbered_video(tmp_path / "v.mp4", 2 * GROUP + 1, size=SIZE, fps=fps)
    boxes = boxes_of(2 * GROUP + 1)
    changed = boxes.copy()
    changed[-1, 1] += 4
    check_again(video, tmp_path / "cropped_v.mp4", boxes, changed, 1)


def test_nothing_changed_leaves_the_file_alone(source, tmp_path):
    output = tmp_path / "cropped_v.mp4"
    crop(source, boxes_of(), output)
    stat = output.stat()
    assert crop(source, boxes_of(), output).encoded == 0
    assert output.stat().st_mtime_ns == stat.st_mtime_ns
    assert crop(source, boxes_of(), output, encode_all=True).encoded == 4


def test_the_record_keeps_which_frames_could_not_be_decoded(tmp_path):
    """Also where their group stays, and so nobody meets them again."""
    video = make_numbered_video(tmp_path / "v.mp4", GROUP + 20, size=SIZE)
    zero_packets(video, (40, 41))
    output, record = tmp_path / "cropped_v.mp4", tmp_path / "cropped_v.json"
    crop(video, boxes_of(GROUP + 20), output)
    before = record.read_bytes()
    assert 40 in json.loads(before)["undecodable"]
    assert crop(video, boxes_of(GROUP + 20), output).encoded == 0
    assert record.read_bytes() == before
    changed = boxes_of(GROUP + 20)
    changed[GROUP + 5] += 2
    assert crop(video, changed, output).encoded == 1
    assert json.loads(record.read_bytes())["undecodable"] == json.loads(before)["undecodable"]


def touch_source(video: Path, output: Path, how: dict[str, object]) -> None:
    os.utime(video, ns=(1, 1))


def damage_crop(video: Path, output: Path, how: dict[str, object]) -> None:
    content = bytearray(output.read_bytes())
    content[len(content) // 2] ^= 1
    output.write_bytes(content)


def forget(video: Path, output: Path, how: dict[str, object]) -> None:
    output.with_suffix(".json").unlink()


def break_record(video: Path, output: Path, how: dict[str, object]) -> None:
    output.with_suffix(".json").write_text("{}")


def older_record(video: Path, output: Path, how: dict[str, object]) -> None:
    record = json.loads(output.with_suffix(".json").read_text())
    del record["making"]
    output.with_suffix(".json").write_text(json.dumps(record))


def other_ffmpeg(video: Path, output: Path, how: dict[str, object]) -> None:
    record = json.loads(output.with_suffix(".json").read_text())
    record["making"]["encoding"]["ffmpeg"] = "1.0"
    output.with_suffix(".json").write_text(json.dumps(record))


def other_quality(video: Path, output: Path, how: dict[str, object]) -> None:
    how["encoding"] = EncoderSettings(crf=20)


def other_size(video: Path, output: Path, how: dict[str, object]) -> None:
    how["size"] = (90, 60)


MISMATCHES = (
    touch_source, damage_crop, forget, break_record, older_record, other_ffmpeg, other_quality,
    other_size,
)  # fmt: skip


@pytest.mark.parametrize("change", MISMATCHES, ids=lambda change: change.__name__)
def test_anything_else_that_differs_means_a_full_run(tmp_path, change):
    n = GROUP + 5
    video = make_numbered_video(tmp_path / "v.mp4", n, size=SIZE)
    output = tmp_path / "cropped_v.mp4"
    boxes = boxes_of(n)
    how: dict[str, object] = {}
    crop(video, boxes, output)
    change(video, output, how)
    boxes[3, 0] += 5
    assert crop(video, boxes, output, **how).encoded == 2
    assert [read_number(image) for image in Video(output)] == list(range(n))


def test_stopped_half_way_the_older_crop_stays(source, tmp_path):
    output = tmp_path / "cropped_v.mp4"
    crop(source, boxes_of(), output)
    content, record = output.read_bytes(), output.with_suffix(".json").read_bytes()
    changed = boxes_of()
    changed[:, 0] += 5
    stage = crop_video(source, changed, output)
    assert isinstance(next(stage), Progress)
    next(stage)
    stage.close()
    assert output.read_bytes() == content
    assert output.with_suffix(".json").read_bytes() == record
    assert len(list(tmp_path.iterdir())) == 2
