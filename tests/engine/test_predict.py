"""Predictions of videos, against litpose's own and against the pixels of the frames."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from lpmodels import KEYPOINTS, make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.engine import loop as fastpath
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.pixels import PixelReader, bilinear_sources, corners, crop_boxes
from napari_cropzoom.engine.predict import predict_video
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.video.video import Video
from videos import BLOB_FRAMES as T
from videos import BLOB_HEIGHT as HEIGHT
from videos import BLOB_WIDTH as WIDTH
from videos import draw_blobs, make_blob_video, write_video, zero_packets

NOT_ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="no such name there")


def boxes_inside() -> np.ndarray:
    """Even and odd corners and sizes, some smaller than the network's image and some larger."""
    rng = np.random.default_rng(1)
    w, h = rng.integers(20, 150, T), rng.integers(20, 150, T)
    return np.stack([rng.integers(0, WIDTH - w), rng.integers(0, HEIGHT - h), w, h], axis=1).astype(float)


def boxes_anywhere() -> np.ndarray:
    boxes = boxes_inside()
    boxes[::3, 0] = -10
    boxes[1::3, 1] = HEIGHT - 15
    return boxes


def litpose(model: ModelFolder, video: Path, boxes: np.ndarray | None, folder: Path) -> Path:
    """Have Lightning Pose itself predict; returns its file."""
    from lightning_pose.api import Model
    from lightning_pose.metrics import compute_metrics_single

    boxes_file = None
    if boxes is not None:
        boxes_file = folder / "boxes.csv"
        pd.DataFrame(boxes.astype(int), columns=["x", "y", "w", "h"])[["x", "y", "h", "w"]].to_csv(
            boxes_file
        )
    theirs = Model.from_dir(model.path)
    theirs.predict_on_video_file(video, folder, compute_metrics=False, bbox_file=boxes_file)
    compute_metrics_single(theirs.cfg, None, folder / f"{video.stem}.csv")
    return folder / f"{video.stem}.csv"


def read(path: Path) -> np.ndarray:
    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    return table.to_numpy().reshape(len(table), -1, 3)


def assert_agree(ours: np.ndarray, theirs: np.ndarray, sure: float = 0.5) -> None:
    assert ours.shape == theirs.shape
    trusted = theirs[..., 2] >= sure
    assert trusted.mean() > 0.5
    distance = np.hypot(*np.moveaxis(ours[..., :2] - theirs[..., :2], -1, 0))[trusted]
    assert np.median(distance) < 0.01
    assert distance.max() < 0.1


@pytest.mark.conformance
@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
@pytest.mark.parametrize(
    ("boxes", "edge"), [(None, "pad"), (boxes_inside(), "pad"), (boxes_anywhere(), "clamp")]
)
def test_agrees_with_litpose(
    tmp_path: Path, video: Path, backbone: str, boxes: np.ndarray | None, edge: str
) -> None:
    model = ModelFolder.open(make_lp_model(tmp_path / "model", backbone))
    theirs = litpose(model, video, boxes, tmp_path)
    written = run_stage(predict_video(model, video, boxes, edge=edge))
    assert written == model.path / "video_preds" / "blobs.csv"
    assert_agree(read(written), read(theirs))
    assert written.read_text().splitlines()[:3] == theirs.read_text().splitlines()[:3]
    ours, other = (
        pd.read_csv(f.with_name("blobs_temporal_norm.csv"), index_col=0) for f in (written, theirs)
    )
    assert list(ours.columns) == list(KEYPOINTS)
    np.testing.assert_allclose(ours, other, atol=0.2)


@pytest.mark.conformance
def test_temporal_context_agrees_with_litpose(tmp_path: Path, video: Path) -> None:
    """Except at the end, where Lightning Pose repeats its first frame for some lengths of video."""
    model = ModelFolder.open(make_lp_model(tmp_path / "model", model_type="heatmap_mhcrnn"))
    boxes = boxes_inside()
    theirs = read(litpose(model, video, boxes, tmp_path))
    for batch_size in (16, 7):
        ours = run_stage(Engine.load(model).predict(video, boxes, batch_size=batch_size))
        np.testing.assert_allclose(ours.xy[:-2], theirs[:-2, :, :2], atol=0.1)
        np.testing.assert_allclose(ours.likelihood[:-2], theirs[:-2, :, 2], atol=1e-3)
        np.testing.assert_array_equal(ours.xy[-2:], ours.xy[[-3, -3]])


def test_regression_is_put_into_the_frame(tmp_path: Path, video: Path) -> None:
    from lightning_pose.api import Model

    model = ModelFolder.open(make_lp_model(tmp_path / "model", model_type="regression"))
    ours = run_stage(Engine.load(model).predict(video))
    with Video(video) as frames:
        theirs = Model.from_dir(model.path).predict_frame(frames[7])
    np.testing.assert_allclose(ours.xy[7], theirs["keypoints"], atol=0.5)
    np.testing.assert_array_equal(ours.likelihood, 1)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6])
def test_temporal_context_of_very_short_videos(tmp_path: Path, frames: int) -> None:
    make_blob_video(tmp_path / "short.mp4", frames, 64, 64)
    model = ModelFolder.open(make_lp_model(tmp_path / "model", model_type="heatmap_mhcrnn"))
    poses = run_stage(Engine.load(model).predict(tmp_path / "short.mp4"))
    assert poses.xy.shape == (frames, len(KEYPOINTS), 2)
    assert np.isfinite(poses.xy).all()
    np.testing.assert_array_equal(poses.xy[:3], np.broadcast_to(poses.xy[0], poses.xy[:3].shape))


@pytest.mark.parametrize("boxes", [None, boxes_anywhere()])
def test_several_threads_cut_boxes_as_one_does(monkeypatch, engine: Engine, video: Path, boxes) -> None:
    found = []
    for count in (0, 4):
        monkeypatch.setattr(fastpath, "CUTTERS", count)
        found.append(run_stage(engine.predict(video, boxes, batch_size=7)))
    np.testing.assert_array_equal(found[0].xy, found[1].xy)
    np.testing.assert_array_equal(found[0].likelihood, found[1].likelihood)


def test_frames_without_a_box_have_no_keypoints(engine: Engine, video: Path) -> None:
    boxes = boxes_inside()
    whole = run_stage(engine.predict(video, boxes))
    absent = np.zeros(T, bool)
    absent[[0, 7, 8, T - 1]] = True
    boxes[absent] = np.nan
    poses = run_stage(engine.predict(video, boxes))
    assert np.isnan(poses.xy[absent]).all()
    assert (poses.likelihood[absent] == 0).all()
    np.testing.assert_allclose(poses.xy[~absent], whole.xy[~absent], atol=0.01)
    nobody = run_stage(engine.predict(video, np.full((T, 4), np.nan)))
    assert np.isnan(nobody.xy).all()


def test_beyond_the_frame_is_black(video: Path) -> None:
    with Video(video) as frames:
        native = next(iter(frames.stream()))
        reader = PixelReader(frames.index)
        seen = np.pad(reader.whole(native), ((50, 50), (50, 50), (0, 0)))
        for x, y, w, h in [(-7, -9, 40, 30), (300, 220, 41, 33), (-50, -50, 420, 340), (-30, 5, 20, 8)]:
            np.testing.assert_array_equal(
                reader.box(native, x, y, w, h), seen[y + 50 : y + 50 + h, x + 50 : x + 50 + w]
            )


@pytest.mark.parametrize(
    ("codec", "pixels", "size"),
    [
        ("libx264", "yuv420p", (320, 240)),
        ("libx264", "yuv420p", (322, 242)),
        ("libx264", "yuv422p", (322, 242)),
        ("libx264", "yuv444p", (321, 241)),
        ("mjpeg", "yuvj420p", (322, 242)),
        ("mjpeg", "yuvj422p", (323, 241)),
        ("ffv1", "gray", (322, 242)),
        ("ffv1", "bgr0", (322, 242)),
    ],
)
def test_a_crop_has_the_pixels_of_the_whole_frame(
    tmp_path: Path, codec: str, pixels: str, size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / ("v.mp4" if codec == "libx264" else "v.mkv")
    pictures = (draw_blobs(rng.uniform(20, 200, (3, 2)), size[1], size[0], 15, seed) for seed in range(3))
    write_video(path, pictures, codec=codec, pix_fmt=pixels)
    with Video(path) as frames:
        reader = PixelReader(frames.index)
        for number, native in enumerate(frames.stream()):
            for _ in range(20):
                w, h = rng.integers(1, 100, 2)
                x, y = rng.integers(0, size[0] - w), rng.integers(0, size[1] - h)
                np.testing.assert_array_equal(
                    reader.box(native, int(x), int(y), int(w), int(h)),
                    frames[number][y : y + h, x : x + w],
                )


@pytest.mark.parametrize("shape", [(37, 41), (64, 64), (200, 311), (1, 1), (720, 1280)])
def test_resizes_as_torch_does(engine: Engine, shape: tuple[int, int]) -> None:
    import torch

    from napari_cropzoom.engine.network.samples import Samples

    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    samples = Samples(
        corners(picture, (64, 96))[None],
        bilinear_sources(shape[0], 64)[1][None],
        bilinear_sources(shape[1], 96)[1][None],
        np.zeros((1, 4), np.float32),
    )
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    image = torch.nn.functional.interpolate(image, (64, 96), mode="bilinear", align_corners=False)
    image = (image - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    np.testing.assert_allclose(engine.network.images(samples).cpu(), image, atol=1e-5)


def test_crop_boxes() -> None:
    boxes = np.array(
        [[10.9, 5, 20.5, 8], [-5, -6, 20, 20], [90, 70, 30, 30], [200, 0, 5, 5], [np.nan, 0, 5, 5]]
    )
    np.testing.assert_array_equal(
        crop_boxes(boxes, 100, 80, "clamp"),
        [[10, 5, 20, 8], [0, 0, 15, 14], [90, 70, 10, 10], [np.nan] * 4, [np.nan] * 4],
    )
    padded = crop_boxes(boxes, 100, 80, "pad")
    np.testing.assert_array_equal(padded[:4], np.trunc(boxes[:4]))
    assert np.isnan(padded[4]).any()
    with pytest.raises(CropzoomError, match="edge"):
        crop_boxes(boxes, 100, 80, "wrap")  # type: ignore[arg-type]  # what the test is about


def test_boxes_must_fit_the_video(engine: Engine, video: Path) -> None:
    with pytest.raises(CropzoomError, match="50 frames, and there are 49 boxes"):
        run_stage(engine.predict(video, boxes_inside()[:-1]))
    with pytest.raises(CropzoomError, match="batch size is 0"):
        run_stage(engine.predict(video, batch_size=0))


def files_under(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_leaves_nothing_when_stopped_and_all_when_done(
    model: ModelFolder, engine: Engine, video: Path
) -> None:
    before = files_under(model.path)
    stage = predict_video(model, video, engine=engine)
    for progress in stage:
        if progress.done:
            break
    stage.close()
    assert files_under(model.path) == before
    seen = []
    run_stage(predict_video(model, video, engine=engine, batch_size=8), seen.append)
    written = {"blobs.csv", "blobs_temporal_norm.csv", "blobs_made_with.npz"}
    assert {p.name for p in files_under(model.path) - before} == written
    assert [p.done for p in seen if p.text == "frames"] == sorted(
        p.done for p in seen if p.text == "frames"
    )
    assert (seen[-1].done, seen[-1].total) == (T, T)


@pytest.mark.parametrize("stem", ["clip", "-x", pytest.param("10:30 %d", marks=NOT_ON_WINDOWS)])
def test_draws_the_labeled_video(
    tmp_path: Path, model: ModelFolder, engine: Engine, monkeypatch, capfd, stem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = Path(f"{stem}.mp4")
    make_blob_video(tmp_path / clip, 12, 128, 96)
    capfd.readouterr()
    run_stage(predict_video(model, clip, engine=engine, metrics=False, labeled_video=True))
    assert capfd.readouterr() == ("", "")  # neither MoviePy's bars nor the name of a hidden file
    with Video(model.path / "video_preds" / "labeled_videos" / f"{stem}_labeled.mp4") as drawn:
        assert abs(drawn.n_frames - 12) <= 1


def test_a_drawing_that_fails_says_why(
    tmp_path: Path, model: ModelFolder, engine: Engine, monkeypatch, capfd
) -> None:
    clip = tmp_path / "failing.mp4"
    make_blob_video(clip, 4, 128, 96)
    config = OmegaConf.merge(engine.config, {"eval": {"colormap": "no-such-colours"}})
    monkeypatch.setattr(engine, "config", config)
    with pytest.raises(CropzoomError, match=r"could not draw the labeled video \(.*no-such-colours"):
        run_stage(predict_video(model, clip, engine=engine, metrics=False, labeled_video=True))
    assert capfd.readouterr() == ("", "")
    assert len(read_predictions(model.predictions_csv(clip), 4)) == 4


def test_who_stops_the_drawing_keeps_the_predictions(
    tmp_path: Path, model: ModelFolder, engine: Engine
) -> None:
    clip = tmp_path / "stopped.mp4"
    make_blob_video(clip, 12, 128, 96)
    stage = predict_video(model, clip, engine=engine, metrics=False, labeled_video=True)
    for progress in stage:
        if "drawing" in progress.text:
            break
    stage.close()
    assert len(read_predictions(model.predictions_csv(clip), 12)) == 12
    assert not model.labeled_video(clip).exists()
    assert not list(model.labeled_videos_dir.glob(".*"))


@pytest.mark.parametrize("labeled_video", [False, True])
def test_what_cannot_be_written_is_said_before_the_first_frame(
    tmp_path: Path, model: ModelFolder, engine: Engine, labeled_video: bool
) -> None:
    clip = tmp_path / "nowhere.mp4"
    make_blob_video(clip, 4, 128, 96)
    (tmp_path / "file").write_text("")
    model = dataclasses.replace(model, path=tmp_path / "file")
    stage = predict_video(model, clip, engine=engine, labeled_video=labeled_video)
    with pytest.raises(CropzoomError, match="cannot be written"):
        next(stage)


@pytest.mark.parametrize("every", [1, 5])
def test_frames_that_cannot_be_decoded_get_no_keypoints(
    tmp_path: Path, model: ModelFolder, engine: Engine, every: int
) -> None:
    """NaN and likelihood 0 in their own rows, and one line that says how many there are."""
    clip, said = tmp_path / "damaged.avi", list[str]()
    pictures = (draw_blobs(np.array([[40.0, 40], [70, 50]]), 96, 128, 8, i) for i in range(40))
    write_video(clip, pictures, codec="mjpeg", pix_fmt="yuvj420p")
    zero_packets(clip, (7, 8, 30))
    written = run_stage(
        predict_video(model, clip, engine=engine, metrics=False, every=every, notify=said.append)
    )
    found = read(written)
    lost = np.isnan(found[:, :, :2]).all(axis=(1, 2))
    assert np.flatnonzero(lost).tolist() == [7, 8, 30]
    assert any("3 of 40 frames cannot be decoded" in line for line in said)
    assert not found[lost][:, :, 2].any()
    assert np.isfinite(found[~lost]).all()


def test_frames_that_are_black_in_a_crop_get_no_keypoints(
    tmp_path: Path, model: ModelFolder, engine: Engine
) -> None:
    """The crop itself is whole; its record says which of its frames could not be decoded."""
    clip = tmp_path / "damaged.avi"
    pictures = (draw_blobs(np.array([[40.0, 40], [70, 50]]), 96, 128, 8, i) for i in range(12))
    write_video(clip, pictures, codec="mjpeg", pix_fmt="yuvj420p")
    zero_packets(clip, (3, 4))
    crop = tmp_path / "cropped_damaged.mp4"
    run_stage(crop_video(clip, np.tile([0.0, 0, 96, 96], (12, 1)), crop))
    found = read(run_stage(predict_video(model, crop, engine=engine, metrics=False)))
    assert np.isnan(found[3:5, :, :2]).all()
    assert not found[3:5, :, 2].any()
    assert np.isfinite(np.delete(found, [3, 4], axis=0)).all()
