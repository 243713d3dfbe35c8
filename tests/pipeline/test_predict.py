from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpmodels import KEYPOINTS, draw_blobs, make_blob_video, make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.labeled_frames import crop_csv, predict_csv
from napari_cropzoom.pipeline.loading import plain_backbone
from napari_cropzoom.pipeline.models import ModelFolder, unsafe_globals
from napari_cropzoom.pipeline.pixels import PixelReader, corners, crop_boxes, taps
from napari_cropzoom.pipeline.predict import Engine, predict_video
from napari_cropzoom.pipeline.progress import run_stage
from napari_cropzoom.pipeline.train import train

T, WIDTH, HEIGHT = 50, 320, 240


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "blobs.mp4"
    make_blob_video(path, T, WIDTH, HEIGHT)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return ModelFolder.open(make_lp_model(tmp_path_factory.mktemp("models") / "resnet18"))


@pytest.fixture(scope="module")
def engine(model: ModelFolder) -> Engine:
    return Engine.load(model)


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
    import av

    rng = np.random.default_rng(0)
    path = tmp_path / ("v.mp4" if codec == "libx264" else "v.mkv")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        for seed in range(3):
            places = rng.uniform(20, 200, (3, 2))
            picture = draw_blobs(places, size[1], size[0], 15, seed)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
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

    from napari_cropzoom.pipeline.network import Samples

    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    samples = Samples(
        np.array([0]),
        corners(picture, (64, 96))[None],
        taps(shape[0], 64)[1][None],
        taps(shape[1], 96)[1][None],
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
    assert {p.name for p in files_under(model.path) - before} == {"blobs.csv", "blobs_temporal_norm.csv"}
    assert [p.done for p in seen if p.text == "frames"] == sorted(
        p.done for p in seen if p.text == "frames"
    )
    assert (seen[-1].done, seen[-1].total) == (T, T)


def test_draws_the_labeled_video(tmp_path: Path, model: ModelFolder, engine: Engine) -> None:
    clip = tmp_path / "clip.mp4"
    make_blob_video(clip, 12, 128, 96)
    run_stage(predict_video(model, clip, engine=engine, metrics=False, labeled_video=True))
    with Video(model.path / "video_preds" / "labeled_videos" / "clip_labeled.mp4") as drawn:
        assert abs(drawn.n_frames - 12) <= 1


def rewrite(model: Path, change: object) -> Path:
    import torch

    (checkpoint,) = model.rglob("*.ckpt")
    content = torch.load(checkpoint, weights_only=False)
    change(content)
    torch.save(content, checkpoint)
    return checkpoint


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return make_lp_model(tmp_path / "copy")


def test_small_half_precision_checkpoints_load_here_and_in_litpose(
    copy: Path, engine: Engine, video: Path
) -> None:
    from lightning_pose.api import Model

    def slim(content: dict) -> None:
        kept = ("state_dict", "hyper_parameters", "pytorch-lightning_version")
        for key in set(content) - set(kept):
            del content[key]
        weights = content["state_dict"]
        content["state_dict"] = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
        content["hyper_parameters"]["pretrained"] = True

    rewrite(copy, slim)
    ours = Engine.load(ModelFolder.open(copy))
    assert {str(p.dtype) for p in ours.network.module.parameters()} == {"torch.float32"}
    poses, exact = (run_stage(e.predict(video)) for e in (ours, engine))
    assert np.median(np.abs(poses.xy - exact.xy)) < 1

    rewrite(copy, lambda content: content["hyper_parameters"].update(pretrained=False))
    theirs = Model.from_dir(copy).predict_frame(np.zeros((64, 64, 3), np.uint8))
    assert theirs["keypoints"].dtype == np.float32


class Foreign:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_strangers_code_does_not_run_unless_trusted(copy: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    checkpoint = rewrite(copy, lambda content: content.update(extra=Foreign(marker)))
    assert unsafe_globals(checkpoint) == [f"{os.mkdir.__module__}.mkdir"]
    with pytest.raises(CropzoomError, match=r"\.mkdir.*--trust_checkpoint"):
        Engine.load(ModelFolder.open(copy))
    assert not marker.exists()
    Engine.load(ModelFolder.open(copy), trust=True)
    assert marker.exists()


def test_lightning_poses_own_checkpoints_are_not_questioned(model: ModelFolder) -> None:
    assert model.checkpoint is not None
    assert unsafe_globals(model.checkpoint) == []


def test_weights_of_another_model_are_refused(copy: Path) -> None:
    rewrite(copy, lambda content: content["state_dict"].popitem())
    with pytest.raises(CropzoomError, match="does not fit the model"):
        Engine.load(ModelFolder.open(copy))
    rewrite(copy, lambda content: content["hyper_parameters"].update(num_keypoints=7))
    with pytest.raises(CropzoomError, match="does not fit the model"):
        Engine.load(ModelFolder.open(copy))
    rewrite(copy, lambda content: content.pop("hyper_parameters"))
    with pytest.raises(CropzoomError, match="hyper_parameters"):
        Engine.load(ModelFolder.open(copy))


def test_wrong_choices_name_themselves(model: ModelFolder) -> None:
    with pytest.raises(CropzoomError, match="precision is 'fp8'"):
        Engine.load(model, precision="fp8")
    with pytest.raises(CropzoomError, match="runtime is 'abacus'"):
        Engine.load(model, runtime="abacus")
    with pytest.raises(CropzoomError, match="runtime onnx cannot be used"):
        Engine.load(model, runtime="onnx")
    with pytest.raises(CropzoomError, match=r"overrides data\.nonsense=1"):
        Engine.load(model, overrides=["data.nonsense=1"])


def test_overrides_and_precision_count(model: ModelFolder, engine: Engine, video: Path) -> None:
    changed = Engine.load(model, precision="bf16", overrides=["data.image_resize_dims.width=96"])
    assert changed.image_size == (64, 96)
    assert engine.image_size == (64, 64)
    assert len(run_stage(changed.predict(video))) == T


def test_networks_that_would_be_downloaded_are_built_plain() -> None:
    assert plain_backbone("resnet50_animal_ap10k") == "resnet50"
    assert plain_backbone("resnet18") == "resnet18"


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Eight labeled frames in the model's data folder, with boxes where `create_bbox` puts them."""
    from PIL import Image

    copy = make_lp_model(tmp_path / "labeled", size=128)
    rng = np.random.default_rng(3)
    names = [f"labeled-data/v/img{i:03d}.png" for i in range(8)]
    places = rng.uniform(40, 90, (8, len(KEYPOINTS), 2))
    (copy / "labeled-data" / "v").mkdir(parents=True)
    for name, place in zip(names, places, strict=True):
        Image.fromarray(draw_blobs(place, 120, 140, 5)).save(copy / name)
    columns = pd.MultiIndex.from_product(
        [["me"], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(places.reshape(8, -1), names, columns).to_csv(copy / "CollectedData.csv")
    boxes = copy / "image_preds" / "CollectedData.csv"
    boxes.mkdir(parents=True)
    pd.DataFrame({"x": 10, "y": 20, "h": 80, "w": 90}, names).to_csv(boxes / "bbox.csv")
    return copy


def test_labeled_frames_are_predicted_and_cropped_where_litpose_does(labeled: Path) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    folder = labeled / "image_preds" / "CollectedData.csv"
    assert run_stage(predict_csv(model, csv, folder, batch_size=3)) == folder / "predictions.csv"
    assert len(pd.read_csv(folder / "predictions.csv", header=[0, 1, 2])) == 8
    assert (folder / "predictions_pixel_error.csv").is_file()
    cropped = run_stage(crop_csv(model, csv))
    assert cropped == folder / "cropped_CollectedData.csv"
    before, after = (
        pd.read_csv(f, header=[0, 1, 2], index_col=0).to_numpy().reshape(8, -1, 2) for f in (csv, cropped)
    )
    np.testing.assert_allclose(before - after, np.broadcast_to([10, 20], before.shape))
    assert len(list((labeled / "cropped_images").rglob("*.png"))) == 8
    assert (labeled / "cropped_videos").is_dir()


def test_missing_labels_and_boxes_are_named(labeled: Path, tmp_path: Path) -> None:
    model = ModelFolder.open(labeled)
    with pytest.raises(CropzoomError, match=r"absent\.csv: no such file"):
        run_stage(predict_csv(model, tmp_path / "absent.csv"))
    with pytest.raises(CropzoomError, match=r"bbox\.csv: no such file.*create_bbox"):
        run_stage(crop_csv(model, labeled / "CollectedData.csv", tmp_path))


def test_training_refuses_what_crops_cannot_give(labeled: Path, tmp_path: Path) -> None:
    detector, config = ModelFolder.open(labeled), labeled / "config.yaml"
    with pytest.raises(CropzoomError, match="pca_multiview"):
        run_stage(
            train(config, tmp_path / "o", detector, ["model.losses_to_use=[pca_multiview,temporal]"])
        )
    with pytest.raises(CropzoomError, match="Crop the labeled frames first"):
        run_stage(train(config, tmp_path / "o", detector))
    with pytest.raises(CropzoomError, match="no such file"):
        run_stage(train(tmp_path / "none.yaml", tmp_path / "o"))
    assert not (tmp_path / "o").exists()


def test_a_training_that_fails_says_why_in_one_line(labeled: Path, tmp_path: Path) -> None:
    with pytest.raises(CropzoomError, match="exit code 1") as caught:
        run_stage(train(labeled / "config.yaml", tmp_path / "out", overrides=["data.nonsense=1"]))
    assert "\n" not in str(caught.value)
    assert "nonsense" in (tmp_path / "out" / "train.log").read_text()
