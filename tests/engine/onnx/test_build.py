"""ONNX exports: made on request, kept, made again, refused where they are wrong, taken where faster."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.fingerprint import machine
from napari_cropzoom.engine.labeled_frames import predict_csv
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.head import Head
from napari_cropzoom.engine.onnx.build import LARGEST_SHIFT, _agreement
from napari_cropzoom.engine.onnx.note import Export, Note, measured_note, preferred_precision
from napari_cropzoom.files.review_paths import file_sha256
from onnx_models import assert_same_keypoints, export_of, load, needs_onnx, turn_head

DATA = Path(__file__).resolve().parents[2] / "data"
NAMES = ("nose", "back", "tail")


@needs_onnx
def test_an_export_is_built_where_litpose_finds_it(
    exported: tuple[Path, list[str]], video: Path, engine: Engine
) -> None:
    from lightning_pose.api import Model

    folder, said = exported
    names = {path.name for path in (folder / "exports_onnx").iterdir()}
    stem = "epoch=0-step=0-best_fp32"
    assert f"{stem}.onnx" in names
    assert names <= {f"{stem}.onnx", f"{stem}.onnx.data"}
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "tb_logs", "exports_onnx"}
    assert said[0].startswith("building the ONNX export")
    assert "agrees with the network" in said[1]
    assert "sure keypoints in 8 frames (limit 0.05 px)" in said[1]
    Model.from_dir(folder, runtime="onnx").predict_frame(np.zeros((64, 64, 3), np.uint8))

    before = export_of(folder).path.stat().st_mtime_ns
    again: list[str] = []
    ours = load(folder, video, again)
    assert again == []
    assert export_of(folder).path.stat().st_mtime_ns == before
    assert (ours.description, engine.description) == ("heatmap model, onnx on cpu", "heatmap model, cpu")
    assert_same_keypoints(ours, engine, video)


@needs_onnx
def test_another_checkpoint_of_the_same_name_is_exported_again(copy: Path, video: Path) -> None:
    turn_head(copy)
    said: list[str] = []
    ours = load(copy, video, said)
    assert "building" in said[0]
    assert "agrees with the network" in said[1]
    assert_same_keypoints(ours, load(copy, video, runtime="eager"), video)


@needs_onnx
def test_an_export_of_litpose_is_compared_and_an_older_one_made_again(copy: Path, video: Path) -> None:
    export = export_of(copy)
    export.note_path.unlink()
    said: list[str] = []
    load(copy, video, said)
    assert ["agrees with the network" in line for line in said] == [True]
    export.note_path.unlink()
    os.utime(export.path, (0, 0))
    load(copy, video, said)
    assert "building" in said[1]


def spoil(export: Export) -> None:
    """Change weights in the exported files, whichever holds them."""
    file = max(export.path.parent.glob("*.onnx*"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4 * 4
    content[middle : middle + 40_000] = np.full(10_000, 0.5, np.float32).tobytes()
    file.write_bytes(content)


@needs_onnx
def test_an_export_with_other_keypoints_is_refused_until_it_is_deleted(copy: Path, video: Path) -> None:
    spoil(export_of(copy))
    with pytest.raises(CropzoomError, match=r"best_fp32\.onnx: cannot be used.*Delete it") as first:
        load(copy, video)
    said_first = str(first.value)
    del first  # its frames hold the export open, and Windows replaces no file that is

    def examples(size: tuple[int, int]) -> None:
        raise AssertionError("compared once more")

    with pytest.raises(CropzoomError) as second:
        Engine.load(ModelFolder.open(copy), runtime="onnx", examples=examples)
    assert said_first == str(second.value)
    del second
    gc.collect()

    said: list[str] = []
    assert load(copy, video, said, "auto").description == "heatmap model, cpu"
    assert said[-1].startswith("runtime auto: eager, since ONNX cannot be used")

    export_of(copy).path.unlink()
    assert load(copy, video, said).runtime == "onnx"
    assert "building" in said[-1], "what is built again is the same, and known"


@needs_onnx
def test_a_file_that_is_no_export_is_named(copy: Path, video: Path) -> None:
    export = export_of(copy)
    export.path.write_bytes(b"no export")
    with pytest.raises(CropzoomError, match=r"best_fp32\.onnx: cannot be opened .* Delete it"):
        load(copy, video)


@needs_onnx
@pytest.mark.parametrize(("left", "why"), [(1000, "cut short"), (None, "missing")])
def test_damaged_weights_are_named_in_one_line(
    copy: Path, video: Path, capfd: pytest.CaptureFixture[str], left: int | None, why: str
) -> None:
    path = export_of(copy).path
    weights = path.with_name(f"{path.name}.data")
    if left is None:
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:left])
    with pytest.raises(CropzoomError) as caught:
        load(copy, video)
    assert f"its weights in {weights.name} are {why}). Delete it" in str(caught.value)
    assert "onnxruntime" not in capfd.readouterr().err
    path.unlink()
    assert load(copy, video).runtime == "onnx"


@needs_onnx
def test_auto_measures_once_and_takes_the_faster(copy: Path, video: Path) -> None:
    export, said = export_of(copy), list[str]()
    measured = load(copy, video, said, "auto")
    note = export.read_note()
    assert note is not None
    assert min(note.eager, note.onnx) > 0
    assert measured.runtime == note.faster
    assert said == [note.describe_speed()]

    for eager, onnx, faster in ((0.02, 0.01, "onnx"), (0.0103, 0.01, "eager"), (0.01, 0.02, "eager")):
        export.write_note(replace(note, eager=eager, onnx=onnx))
        ours = load(copy, video, said, "auto")
        assert ours.runtime == ours.made_with["runtime"] == faster
        assert export.read_note().eager == eager
    assert measured_note(ModelFolder.open(copy), "bf16", None) is None
    export.write_note(replace(note, machine="another machine", eager=9.0, onnx=1.0))
    assert measured_note(ModelFolder.open(copy), "fp32", None) is None
    load(copy, video, said, "auto")
    assert export.read_note().machine == machine()


@needs_onnx
def test_the_command_builds_and_then_knows_that_nothing_has_changed(
    tmp_path: Path, video: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "data"))
    folder = make_lp_model(tmp_path / "model")
    command = ["predict", str(folder), str(video), "--runtime", "onnx", "--skip_viz"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "building the ONNX export of model (fp32), once\nthe ONNX export agrees" in said
    assert "torch.onnx" not in said
    assert main([*command, "--only_changed"]) == 0
    assert capsys.readouterr().out == "blobs.mp4: up to date: no box has changed\n"


@needs_onnx
def test_the_export_predicts_labelled_frames_too(tmp_path: Path) -> None:
    import cv2
    import pandas as pd

    labels = tmp_path / "CollectedData.csv"
    names = ["labeled-data/a/img0.png", "labeled-data/a/img1.png"]
    columns = pd.MultiIndex.from_product(
        [["s"], NAMES, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(np.full((2, 6), 20.0), index=names, columns=columns).to_csv(labels)
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (128, 128, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / name), noise)
    folder = ModelFolder.open(make_lp_model(tmp_path / "model", size=128))
    overrides = [f"data.data_dir={tmp_path}"]
    found = []
    for runtime in ("onnx", "eager"):
        stage = predict_csv(folder, labels, runtime=runtime, overrides=overrides)
        found.append(pd.read_csv(run_stage(stage), header=[0, 1, 2], index_col=0).iloc[:, :9])
    np.testing.assert_allclose(*(part.to_numpy(float) for part in found), atol=0.05)
    assert export_of(folder.path).read_note() is not None
    spoil(export_of(folder.path))
    with pytest.raises(CropzoomError, match="cannot be used"):
        run_stage(predict_csv(folder, labels, runtime="onnx", overrides=overrides))


@needs_onnx
def test_overrides_of_the_image_size_do_not_export(model: ModelFolder) -> None:
    with pytest.raises(CropzoomError, match="overrides set another one"):
        Engine.load(model, runtime="onnx", overrides=["data.image_resize_dims.width=96"])
    assert not (model.path / "exports_onnx").exists()


def test_what_is_missing_is_named_with_its_cure(
    model: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(CropzoomError, match=r"no onnxruntime.*pip install onnxruntime"):
        Engine.load(model, runtime="onnx")
    said: list[str] = []
    assert Engine.load(model, runtime="auto", notify=said.append).runtime == "eager"
    assert "pip install onnxruntime" in said[0]
    assert not (model.path / "exports_onnx").exists()


def test_models_with_temporal_context_are_not_for_onnx(tmp_path: Path) -> None:
    folder = ModelFolder.open(make_lp_model(tmp_path / "context", model_type="heatmap_mhcrnn"))
    with pytest.raises(CropzoomError, match="temporal context"):
        Engine.load(folder, runtime="onnx")


def results(shift: float, likelihood: float, output: float = 1.0):
    xy = np.zeros((2, 3, 2))
    xy[1, 2, 0] = shift
    return xy, np.full((2, 3), likelihood), np.array([0.2, output], np.float32)


@pytest.mark.parametrize(
    ("own", "other", "trusted", "words"),
    [
        (results(0, 0.9), results(LARGEST_SHIFT * 0.9, 0.9), True, "'tail' is 0.045 px"),
        (results(0, 0.9), results(LARGEST_SHIFT * 1.1, 0.9), False, "'tail' is 0.055 px"),
        (results(0, 0.9), results(3, 0.1), False, "6 sure keypoints in 2 frames"),
        (results(0, 0.1), results(3, 0.9), False, "'tail' is 3 px"),
        (results(0, 0.9), results(np.nan, np.nan), False, "'tail' is inf px"),
        (results(0, 0.1), results(3, 0.1), True, "without a sure keypoint"),
        (results(0, 0.1), results(0, 0.1, 1.01), False, "0.01 of the largest value"),
        (results(0, 0.1), results(0, 0.1, np.nan), False, "nan of the largest value"),
    ],
)
def test_only_sure_keypoints_have_to_agree_or_else_the_output(own, other, trusted, words) -> None:
    found, said = _agreement(own, other, NAMES)
    assert found is trusted
    assert words in said


def test_the_precision_is_what_is_asked_for_or_what_suits_the_device(tmp_path: Path) -> None:
    folder = ModelFolder.open(make_lp_model(tmp_path / "model"))
    half = Export(folder, "fp16").path
    half.parent.mkdir()
    half.touch()
    assert preferred_precision(folder, "fp16", "cpu") == "fp16"
    assert preferred_precision(folder, None, "cpu") == "fp32"
    assert preferred_precision(folder, None, "cuda") == "fp16"
    Export(folder, "fp32").path.touch()
    assert preferred_precision(folder, None, "cuda") == "fp32"


def test_damaged_notes_count_as_none_and_other_files_have_none(tmp_path: Path) -> None:
    folder = make_lp_model(tmp_path / "model")
    export = export_of(folder)
    export.path.parent.mkdir()
    export.path.write_bytes(b"x")
    head = Head(*(np.zeros((2, 1), np.float32) for _ in range(6)))
    note = Note("cpu", True, "same", head)
    export.write_note(note)
    assert replace(export.read_note(), head=head) == note
    assert not any(folder.rglob("*.npz")), "the note lies in the model's folder"
    good = export.note_path.read_bytes()
    for content in (b"", b"PK", b"[]", good[: len(good) // 2]):
        export.note_path.write_bytes(content)
        assert export.read_note() is None
    export.write_note(note)
    export.path.write_bytes(b"y")
    assert export.read_note() is None


@needs_onnx
def test_an_altered_export_that_comes_with_a_matching_note_is_not_used(
    exported: tuple[Path, list[str]], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "sent"
    shutil.copytree(exported[0], sent)
    note = export_of(sent).read_note()
    spoil(export_of(sent))
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "of_the_sender"))
    export_of(sent).write_note(note)
    written = export_of(sent).note_path
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "mine"))
    shutil.copyfile(written, sent / "exports_onnx" / written.name)
    shutil.copyfile(written, export_of(sent).path.with_suffix(".npz"))
    with pytest.raises(CropzoomError, match="cannot be used, since"):
        load(sent, video)


@needs_onnx
def test_a_note_of_the_version_before_is_not_used_and_said_so(
    exported: tuple[Path, list[str]], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is as version 0.1 wrote it, with its hashes made right for a spoiled export."""
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "data"))
    sent = tmp_path / "sent"
    shutil.copytree(exported[0], sent)
    export = export_of(sent)
    content = json.loads((DATA / "onnx_note_0.1.json").read_text())

    def note_of_before() -> None:
        digest = hashlib.sha256()
        for file in (export.path, export.path.with_name(f"{export.path.name}.data")):
            if file.is_file():
                digest.update(f"{file.name}\0{file_sha256(file)}\0".encode())
        content.update(checkpoint=file_sha256(export.checkpoint), export=digest.hexdigest())
        export.path.with_suffix(".json").write_text(json.dumps(content))

    note_of_before()
    said: list[str] = []
    load(sent, video, said)
    assert said[0].endswith("the note beside it is of an older cropzoom and not used; comparing")
    assert "agrees with the network" in said[1]
    spoil(export)
    note_of_before()
    with pytest.raises(CropzoomError, match="cannot be used, since"):
        load(sent, video)


def test_the_checkpoint_that_lightning_pose_picks_has_to_be_the_checked_one(tmp_path: Path) -> None:
    """It takes the first ``version_N`` of the whole path for the version of the training."""
    folder = make_lp_model(tmp_path / "version_7" / "model")
    (best,) = folder.rglob("*.ckpt")
    newer = folder / "tb_logs" / "blobs" / "version_1" / "checkpoints" / "epoch=9-step=9.ckpt"
    newer.parent.mkdir(parents=True)
    shutil.copyfile(best, newer)
    for runtime in ("tensorrt", "onnx"):
        with pytest.raises(CropzoomError, match=r"step=9\.ckpt: was checked, but .*picks .*best"):
            Engine.load(ModelFolder.open(folder), runtime=runtime)


def test_lightning_pose_loads_no_checkpoint_for_tensorrt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightning_pose.api.model_runtime as runtime

    def load_again(*_: object, **__: object) -> None:
        raise AssertionError("the checkpoint was loaded without restriction")

    monkeypatch.setattr(runtime, "load_model_from_checkpoint", load_again)
    folder = ModelFolder.open(make_lp_model(tmp_path / "model"))
    with pytest.raises(CropzoomError, match="runtime tensorrt cannot be used here"):
        Engine.load(folder, runtime="tensorrt")
