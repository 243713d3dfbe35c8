"""Labels files as input: predict and crop the labeled frames, as `litpose` does.

Lightning Pose's functions write as they go, so they are given a hidden folder, and its files are put in
place once all of them are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_folder, atomic_path
from napari_cropzoom.pipeline.background import awaited
from napari_cropzoom.pipeline.exported import run_export
from napari_cropzoom.pipeline.loading import load_model
from napari_cropzoom.pipeline.models import ModelFolder, one_line
from napari_cropzoom.pipeline.network import Network
from napari_cropzoom.pipeline.progress import Progress, Stage, Tell, quiet

T = TypeVar("T")


def predict_csv(
    model: ModelFolder,
    csv: Path,
    bbox_dir: Path | None = None,
    *,
    batch_size: int | None = None,
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    trust: bool = False,
    onnx_precision: str | None = None,
    tell: Tell = quiet,
) -> Stage[Path]:
    """Predict labeled frames with ``lightning_pose.api.Model.predict_on_label_csv``.

    Parameters
    ----------
    model : ModelFolder
    csv : Path
        Labels; images are found from the model's ``data.data_dir``.
    bbox_dir : Path or None
        Holds ``bbox.csv`` with a box for every image to crop to; None looks at whole images.
    batch_size : int or None
        Images given to the network at a time.
    precision, runtime, overrides, trust, onnx_precision, tell
        As in :meth:`napari_cropzoom.pipeline.predict.Engine.load`, but ``auto`` is ``eager``: there are
        too few frames for the one to be faster.

    Returns
    -------
    Path
        ``image_preds/<name of the labels file>/predictions.csv``, with its metrics beside it.

    Raises
    ------
    CropzoomError
        If the model cannot be loaded, or labels, images or boxes are missing.
    """
    csv = _labels(csv)
    boxes = None if bbox_dir is None else _boxes(Path(bbox_dir) / "bbox.csv")
    if batch_size is not None:
        overrides = [*overrides, f"training.val_batch_size={batch_size}"]

    target = model.image_preds_dir / csv.name
    with atomic_folder(target) as part:

        def work() -> None:
            loaded = load_model(model, precision, runtime, overrides, trust, onnx_precision)
            if runtime == "onnx":
                network = Network(loaded.model, "fp32")
                run_export(loaded, network, model, onnx_precision, None, tell)
            loaded.model_dir = part / "model"
            loaded.predict_on_label_csv(csv_file=csv, bbox_file=boxes)
            written = loaded.image_preds_dir() / csv.name
            for file in written.iterdir():
                file.rename(part / file.name)

        yield from _run(work, csv, "predicting labeled frames")
    return target / "predictions.csv"


def _labels(csv: Path) -> Path:
    """Refuse a file that does not begin as Lightning Pose's labels do: scorer, bodyparts, coords."""
    csv = _existing(csv, "Give the labels file.")
    with csv.open(encoding="utf-8", errors="replace") as file:
        starts = [file.readline().split(",")[0].strip() for _ in range(3)]
    if starts[1:] != ["bodyparts", "coords"]:
        raise CropzoomError(
            f"{csv}: line 2: not a labels file, whose first lines begin with scorer, bodyparts and "
            "coords. Give the CollectedData.csv of a Lightning Pose project, or a video."
        )
    return csv


def crop_csv(model: ModelFolder, csv: Path, bbox_dir: Path | None = None) -> Stage[Path]:
    """Crop labeled frames, their context frames too, with Lightning Pose's own function.

    Parameters
    ----------
    model : ModelFolder
        The detector.
    csv : Path
        Labels; images are found from the model's ``data.data_dir``.
    bbox_dir : Path or None
        Holds ``bbox.csv``; None for where `create_bbox` puts it.

    Returns
    -------
    Path
        The labels of the crops, ``image_preds/<name>/cropped_<name>``; the images are in
        ``cropped_images``.

    Raises
    ------
    CropzoomError
        If labels, images or boxes are missing.
    """
    csv = _labels(csv)
    boxes = _boxes((bbox_dir or model.image_preds_dir / csv.name) / "bbox.csv")
    data_dir = Path(str(model.config["data"]["data_dir"]))
    if not data_dir.is_dir():
        raise CropzoomError(
            f"{data_dir}: no such folder. Set data.data_dir in {model.path / 'config.yaml'} "
            "to where the labeled images are."
        )
    target = model.cropped_csv(csv)

    # left in reverse: the labels appear once their images are there
    with atomic_path(target) as labels, atomic_folder(model.cropped_data_dir) as images:

        def work() -> None:
            from lightning_pose.utils.cropzoom import crop_labeled_frames

            crop_labeled_frames(data_dir, csv, boxes, images, labels)

        yield from _run(work, csv, "cropping labeled frames")
    model.cropped_videos_dir.mkdir(parents=True, exist_ok=True)
    return target


def _run(work: Callable[[], T], csv: Path, text: str) -> Stage[T]:
    with ThreadPoolExecutor(1) as pool:
        try:
            result = yield from awaited(pool.submit(work), Progress(0, 0, text))
        except (OSError, ValueError, KeyError, AssertionError, SystemExit) as error:
            raise CropzoomError(
                f"{csv}: {text} failed ({_why(error)}). Check data.data_dir in the model's "
                "config.yaml, that every image has a box, and that image_resize_dims divide by 128."
            ) from error
    return result


def _why(error: BaseException) -> str:
    """Return the first line of what went wrong; Lightning Pose ends the process over some of it."""
    return "Lightning Pose gave up" if isinstance(error, SystemExit) else one_line(error)


def _existing(path: Path, cure: str) -> Path:
    path = Path(path).absolute()
    if not path.is_file():
        raise CropzoomError(f"{path}: no such file. {cure}")
    return path


def _boxes(path: Path) -> Path:
    return _existing(path, "Make the boxes first with create_bbox, or give another --bbox_dir.")
