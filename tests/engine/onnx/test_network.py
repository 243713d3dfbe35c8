"""Exports run without torch: the same keypoints, and only where that is known."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.fingerprint import machine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.head import Head
from napari_cropzoom.engine.network.samples import Samples
from napari_cropzoom.engine.onnx.network import OnnxNetwork
from napari_cropzoom.engine.onnx.note import open_without_torch
from napari_cropzoom.engine.outputs import predictions_frame, write_temporal_norm
from napari_cropzoom.files.predictions_csv import read_predictions
from onnx_models import assert_same_keypoints, export_of, load, needs_onnx, turn_head

pytestmark = needs_onnx
SIZE = (64, 64)


@pytest.fixture(scope="module")
def head(exported) -> Head:
    note = export_of(exported[0]).read_note()
    assert note is not None
    return note.head


def peaks_at(places, spread: float, size: int = 16) -> np.ndarray:
    """(1, K, size, size) float32 heatmaps with a peak at each (x, y), one of them flat."""
    rows, columns = np.mgrid[:size, :size]
    maps = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2)) for x, y in places]
    maps.append(np.ones((size, size)))
    return np.stack([each / each.sum() for each in maps])[None].astype(np.float32)


@pytest.mark.parametrize("spread", [0.5, 1.25, 4.0])
def test_keypoints_are_lightning_poses_to_the_edges(head: Head, spread: float) -> None:
    import torch
    from lightning_pose.models.heads.heatmap import run_subpixelmaxima

    places = [(0, 0), (15, 15), (0.4, 15), (7.3, 2.8), (14.6, 0.2), (8, 8)]
    maps = peaks_at(places, spread)
    xy, likelihood = head.keypoints(maps)
    wanted, trust = run_subpixelmaxima(torch.from_numpy(maps), 2, torch.tensor(head.temperature))
    np.testing.assert_allclose(xy.reshape(1, -1), wanted.numpy(), atol=1e-3)
    np.testing.assert_allclose(likelihood, trust.numpy(), atol=1e-3)
    assert likelihood[0, 5] > 0.01 > likelihood[0, 6]


def test_images_are_what_the_network_is_given(head: Head, engine: Engine) -> None:
    random = np.random.default_rng(3)
    samples = Samples(
        random.integers(0, 256, (3, 128, 128, 3), np.uint8),
        random.random((3, 64), np.float32),
        random.random((3, 64), np.float32),
        np.zeros((3, 4), np.float32),
    )
    wanted = engine.network.images(samples).numpy()
    np.testing.assert_allclose(head.images(samples), wanted, atol=1e-5)


def test_the_command_predicts_without_torch(copy: Path, engine: Engine, video: Path) -> None:
    code = (
        "import sys; from napari_cropzoom.cli import main; code = main(sys.argv[1:]); "
        "found = {'torch', 'lightning_pose', 'lightning'} & set(sys.modules); "
        "sys.exit(code or ' '.join(found) or 0)"
    )
    command = ["predict", str(copy), str(video), "--runtime", "onnx", "--skip_viz", "--overwrite"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("torch")) == (0, 0), done.stderr
    folder = ModelFolder.open(copy)
    found = read_predictions(folder.predictions_csv(video))
    wanted = run_stage(engine.predict(video))
    sure = wanted.likelihood >= 0.5
    assert sure.sum() > 20
    assert np.abs(found.xy - wanted.xy)[sure].max() < 0.01
    names = {path.name for path in folder.video_preds_dir.iterdir()}
    assert names == {"blobs.csv", "blobs_temporal_norm.csv", "blobs_made_with.npz"}


def test_boxes_and_whole_frames_give_the_same_as_the_network(
    exported, engine: Engine, video: Path
) -> None:
    ours = load(exported[0], video)
    assert isinstance(ours.network, OnnxNetwork)
    assert ours.description == "heatmap model, onnx on cpu"
    assert ours.network.n_keypoints == engine.network.n_keypoints
    assert_same_keypoints(ours, engine, video)
    boxes = np.tile([10.0, 20, 150, 100], (50, 1))
    boxes[[3, 4]] = np.nan
    boxes[7] = [-20, 200, 90, 90]
    found, wanted = (run_stage(each.predict(video, boxes)) for each in (ours, engine))
    sure = wanted.likelihood >= 0.5
    assert np.abs(found.xy - wanted.xy)[sure].max() < 0.05
    assert np.isnan(found.xy[3:5]).all()


def test_what_is_not_known_to_agree_goes_through_torch(copy: Path, video: Path) -> None:
    def opened(*overrides: str, precision: str | None = None) -> OnnxNetwork | None:
        return open_without_torch(ModelFolder.open(copy), overrides, precision, 1)

    export = export_of(copy)
    note = export.read_note()
    assert opened() is not None
    assert opened("data.data_dir=x") is None
    assert opened(precision="fp16") is None
    export.write_note(replace(note, agrees=False))
    assert opened() is None
    export.write_note(replace(note, device="cuda"))
    assert opened() is None
    export.note_path.write_bytes(b"PK")
    assert opened() is None
    assert isinstance(load(copy, video).network, OnnxNetwork), "it was not compared again"
    assert opened() is not None
    turn_head(copy)
    assert opened() is None
    assert isinstance(load(copy, video).network, OnnxNetwork)


def test_a_checkpoint_that_came_since_is_the_one_that_runs(copy: Path, video: Path) -> None:
    before = ModelFolder.open(copy)
    assert before.checkpoint is not None
    newer = Path(str(before.checkpoint).replace("version_0", "version_1"))
    newer.parent.mkdir(parents=True)
    shutil.copyfile(before.checkpoint, newer)
    turn_head(newer.parent)
    ours = Engine.load(before, runtime="onnx")
    assert_same_keypoints(ours, load(copy, video, runtime="eager"), video)
    assert Engine.load(before, runtime="onnx").made_with == ours.made_with


def test_a_data_folder_that_cannot_be_written_to_does_without(
    copy: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "file"))
    for _ in range(2):
        said: list[str] = []
        assert load(copy, video, said).runtime == "onnx"
        assert ["agrees with the network" in line for line in said] == [True]


def test_auto_needs_no_torch_once_it_knows(copy: Path, video: Path) -> None:
    export, said = export_of(copy), list[str]()
    note = export.read_note()
    assert note is not None
    export.write_note(replace(note, machine=machine(), precision="fp32", eager=0.02, onnx=0.01))
    assert isinstance(load(copy, video, said, "auto").network, OnnxNetwork)
    assert said == ["runtime auto: onnx; onnx is 2.00 times as fast as eager on this machine"]


def test_models_without_heatmaps_run_their_export(tmp_path: Path, video: Path) -> None:
    folder = make_lp_model(tmp_path / "regression", model_type="regression")
    ours, wanted = load(folder, video), load(folder, video, runtime="eager")
    assert ours.network.n_keypoints == wanted.network.n_keypoints == 3
    found, own = (run_stage(each.predict(video)) for each in (ours, wanted))
    np.testing.assert_allclose(found.xy, own.xy, atol=0.05)
    np.testing.assert_array_equal(found.likelihood, own.likelihood)


def test_movement_between_frames_is_lightning_poses(tmp_path: Path, engine: Engine) -> None:
    from lightning_pose.metrics import compute_metrics_single

    xy = np.random.default_rng(1).normal(200, 30, (20, 3, 2))
    xy[[0, 7]] = np.nan
    poses = Poses(engine.keypoint_names, xy, np.ones((20, 3)), "heatmap_tracker")
    theirs, ours = tmp_path / "theirs.csv", tmp_path / "ours.csv"
    predictions_frame(poses).to_csv(theirs)
    compute_metrics_single(cfg=engine.config, labels_file=None, preds_file=theirs)
    write_temporal_norm(ours, poses)
    lines = [
        path.with_name(f"{path.stem}_temporal_norm.csv").read_text().splitlines()
        for path in (theirs, ours)
    ]
    assert lines[0][:2] == lines[1][:2]
    numbers = [np.genfromtxt(each, delimiter=",", skip_header=1) for each in lines]
    np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-6)


def test_a_batch_is_no_larger_than_the_video(
    exported: tuple[Path, ...], video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(exported[0], video)
    sizes: list[int] = []
    submit = engine._pool.submit

    def noting(work, samples):
        sizes.append(len(samples.boxes))
        return submit(work, samples)

    monkeypatch.setattr(engine._pool, "submit", noting)
    found = run_stage(engine.predict(video, batch_size=1000))
    assert sizes == [len(found.xy)]
