"""Labels files as input: predict and crop the labeled frames, as `litpose` does.

Lightning Pose's functions write as they go, so they are given a hidden folder, and its files are put in
place once all of them are there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.progress import Notify, Progress, Stage, ignore
from napari_cropzoom.detection.background import awaited
from napari_cropzoom.engine.checkpoint import load_model
from napari_cropzoom.engine.model_folder import ModelFolder, one_line
from napari_cropzoom.engine.network.torch_network import TorchNetwork
from napari_cropzoom.engine.onnx.build import run_export
from napari_cropzoom.engine.pixels import Edge
from napari_cropzoom.files.atomic import (
    FileInUseError,
    atomic_folder,
    check_free,
    check_writable,
    naming,
    put_beside,
    put_in_place,
)
from napari_cropzoom.files.bbox_csv import plain_bbox, read_labeled_bbox
from napari_cropzoom.files.belonging import CURE, GIVE_OTHERS, check_made_of, missing_images, sign
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.leftovers import temporary_folder
from napari_cropzoom.files.predictions_csv import plain_labels, read_predictions_table

if TYPE_CHECKING:
    import torch

    from napari_cropzoom.engine.onnx.network import OnnxNetwork

LONGEST_LINE = 4_000_000  # characters of a line of the header
MOST_PIXELS = 100_000_000  # of one crop
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
    edge: Edge = "pad",
    notify: Notify = ignore,
) -> Stage[Path]:
    """Predict labeled frames with ``lightning_pose.api.Model.predict_on_label_csv``.

    With boxes, that function gives the network the whole image and takes what it finds for places in the
    box (Lightning Pose 2.4.3). So the images are cropped first, and the boxes bring the keypoints back.

    Parameters
    ----------
    model : ModelFolder
    csv : Path
        Labels; images are found from the model's ``data.data_dir``, or else from the labels' folder.
    bbox_dir : Path or None
        Holds ``bbox.csv`` with a box for every image to crop to, in any order; None looks at whole
        images.
    batch_size : int or None
        Images given to the network at a time.
    precision, runtime, overrides, trust, onnx_precision, notify
        As in :meth:`napari_cropzoom.engine.engine.Engine.load`, but ``auto`` is ``eager``: there are
        too few frames for the one to be faster.
    edge : {"pad", "clamp"}
        Whether a box that leaves the image is filled up with black or cut off.

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
    given = None if bbox_dir is None else _boxes(Path(bbox_dir) / "bbox.csv")
    is_said = any(each.lstrip("+").startswith("data.data_dir=") for each in overrides)
    data_dir = None if is_said and given is None else _data_dir(model, csv)
    if batch_size is not None:
        overrides = [*overrides, f"training.val_batch_size={batch_size}"]

    said: list[str] = []
    target = model.image_preds_dir / csv.name
    for file in target.glob("predictions*.csv"):
        with naming(file):
            check_free(file)
    with atomic_folder(target) as part, temporary_folder() as copies:

        def work() -> None:
            plain = plain_labels(csv, copies)
            boxes = given and plain_bbox(given, copies)
            loaded = load_model(model, precision, runtime, overrides, trust, onnx_precision)
            if runtime == "onnx":
                network = TorchNetwork(loaded.model, "fp32")
                _, _, exported = run_export(loaded, network, model, onnx_precision, None, said.append)
                loaded.model.forward = partial(_forward, exported)
            loaded.model_dir = part / "model"
            if boxes is None or data_dir is None:
                loaded.predict_on_label_csv(csv_file=plain, data_dir=data_dir)
            else:
                crops = part / "crops"
                bbox_file = crop_images(
                    data_dir, plain, boxes, crops, edge, with_context=_sees_context(model)
                )
                loaded.predict_on_label_csv(csv_file=plain, data_dir=crops, bbox_file=bbox_file)
                shutil.rmtree(crops)
            written = loaded.image_preds_dir() / csv.name
            for file in written.iterdir():
                file.rename(part / file.name)

        yield from _run(work, csv, "predicting labeled frames")
        for line in said:
            notify(line)
    predictions = target / "predictions.csv"
    sign(predictions, csv)
    return predictions


def _forward(exported: OnnxNetwork, images: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.from_numpy(exported.outputs(images.float().cpu().numpy())).to(images.device)


def _labels(csv: Path) -> Path:
    """Refuse a file that does not begin as Lightning Pose's labels do: scorer, bodyparts, coords."""
    csv = _existing(csv, "Give the labels file.")
    with csv.open(encoding="utf-8-sig", errors="replace") as file:
        starts = [file.readline(LONGEST_LINE).split(",")[0].strip(' "\n') for _ in range(3)]
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
        Labels; images are found from the model's ``data.data_dir``, or else from the labels' folder.
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
        If labels, images or boxes are missing, or a crop would lie outside the output folder or
        where images are cropped from.
    """
    csv = _labels(csv)
    boxes = _boxes((bbox_dir or model.image_preds_dir / csv.name) / "bbox.csv")
    check_made_of(boxes, csv, GIVE_OTHERS if bbox_dir else CURE)
    data_dir = _data_dir(model, csv)
    target = model.cropped_csv(csv)
    with temporary_folder() as copies:
        plain, boxes = plain_labels(csv, copies, once=True), plain_bbox(boxes, copies)
        _check_places(boxes, data_dir, model.cropped_data_dir)
        check_writable(target)
        labels = copies / target.name
        try:
            with atomic_folder(model.cropped_data_dir) as images:

                def work() -> None:
                    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                        pool.submit(_crop_here, data_dir, plain, boxes, images, labels).result()

                yield from _run(work, csv, "cropping labeled frames")
        except FileInUseError as error:  # the labels are of the images that were kept elsewhere
            kept = put_beside(labels, target)
            raise FileInUseError(f"{error} Their labels are {kept}.", error.kept) from error
        put_in_place([labels], target.parent)  # they appear once their images are there
    model.cropped_videos_dir.mkdir(parents=True, exist_ok=True)
    return target


def _crop_here(data_dir: Path, csv: Path, boxes: Path, images: Path, labels: Path) -> None:
    """Have Lightning Pose crop, in a process that has one thread: it forks, which hangs beside others."""
    from lightning_pose.utils.cropzoom import crop_labeled_frames

    crop_labeled_frames(data_dir, csv, boxes, images, labels)


def crop_images(
    data_dir: Path, csv: Path, boxes: Path, output: Path, edge: Edge, *, with_context: bool
) -> Path:
    """Crop labeled images to their boxes, under the names they have in the labels.

    Parameters
    ----------
    data_dir : Path
        Where the names in the labels lead from.
    csv, boxes : Path
        Labels, and a box for every image in them.
    output : Path
        A new folder.
    edge : {"pad", "clamp"}
    with_context : bool
        Crop the two images before and after each, too, if they are there, to the same box; one that has
        labels has its own box.

    Returns
    -------
    Path
        The boxes as they were cut, in the order of the labels, as Lightning Pose takes them.

    Raises
    ------
    CropzoomError
        If an image has no box, or its crop would lie elsewhere than in ``output``.
    """
    from lightning_pose.utils.io import get_context_img_paths, parse_label_csv
    from PIL import Image

    names = [str(name) for name in parse_label_csv(str(csv)).image_names]
    known, values = read_labeled_bbox(boxes)
    of_image = dict(zip(known, values.tolist(), strict=True))
    _check_names(csv, names, 4, output)
    done = set(names)
    rows = []
    for name in names:
        box = of_image.get(name)
        if box is None or np.isnan(box[0]):
            raise CropzoomError(
                f"{boxes}: has no box for {brief(name)}. Make the boxes again, or add it."
            )
        x, y, w, h = (round(value) for value in box)
        if w * h > MOST_PIXELS:
            raise CropzoomError(f"{boxes}: the box of {brief(name)} is {w} x {h} pixels. Correct it.")
        around = get_context_img_paths(Path(name)) if with_context else ()
        others = [each for each in map(str, around) if each not in done and (data_dir / each).is_file()]
        done.update(others)
        for each in (name, *others):
            with Image.open(data_dir / each) as image:
                corners = (x, y, x + w, y + h)
                if edge == "clamp":
                    right, bottom = min(corners[2], image.width), min(corners[3], image.height)
                    corners = (max(x, 0), max(y, 0), right, bottom)
                if corners[0] >= corners[2] or corners[1] >= corners[3]:
                    raise CropzoomError(f"{boxes}: the box of {brief(name)} lies outside its image.")
                place = output / each
                place.parent.mkdir(parents=True, exist_ok=True)
                image.convert("RGB").crop(corners).save(place, "PNG", compress_level=1)
            if each == name:
                rows.append((corners[0], corners[1], corners[3] - corners[1], corners[2] - corners[0]))
    written = output / "bbox.csv"
    pd.DataFrame(rows, names, ["x", "y", "h", "w"]).to_csv(written)
    return written


def _data_dir(model: ModelFolder, csv: Path) -> Path:
    """Where images are: in the folder that the model names, or beside the labels of a moved project."""
    named = Path(str(model.config["data"].get("data_dir") or csv.parent))
    table = read_predictions_table(csv)
    names = [name for name in table.index if table.is_labeled_frames and not _leads_out(name)]
    images = [plain_path(name) for name in names]
    missing, moved = (missing_images(images, folder) for folder in (named, csv.parent))
    if not missing or not moved:
        return csv.parent if missing else named
    said, config = missing if named.is_dir() else moved, model.path / "config.yaml"
    raise CropzoomError(f"{csv}: {said} Or set data.data_dir in {config} to where they are.")


def _sees_context(model: ModelFolder) -> bool:
    return model.model_type == "heatmap_mhcrnn"


def _check_names(file: Path, names: Sequence[str], first_line: int, output: Path) -> None:
    for line, name in enumerate(names, first_line):
        if _leads_out(name):
            raise CropzoomError(
                f"{file}: line {line}: the crop of {brief(name)!r} would lie outside {output}. Name "
                "images as seen from data.data_dir, without '..', in the labels and the boxes."
            )


def _check_places(boxes: Path, data_dir: Path, output: Path) -> None:
    """Refuse images whose crops Lightning Pose would write elsewhere than in a folder for them alone.

    It puts the crop of an image where the image's name leads, seen from the output folder.
    """
    try:
        names = [str(name) for name in pd.read_csv(boxes, index_col=0).index]
    except (ValueError, OverflowError) as error:
        raise CropzoomError(f"{boxes}: cannot be read as a table ({brief(error)}).") from error
    _check_names(boxes, names, 2, output)
    folders = {os.path.dirname(name) for name in names}
    originals = {_real(data_dir, folder) for folder in folders}
    top = os.path.join(_real(output, ""), "")
    for folder in sorted(folders):
        place = _real(output, folder)
        if not os.path.join(place, "").startswith(top):
            raise CropzoomError(
                f"{output / folder}: a link leads out of {output}, so crops would be written to {place}. "
                "Remove the link."
            )
        if place in originals:
            raise CropzoomError(
                f"{place}: the crops would be written where images are cropped from. Set data.data_dir "
                "to where the labeled images are, and crop with another model folder."
            )


def _leads_out(name: str) -> bool:
    """Whether a name of an image is no way down from a folder, on any system."""
    parts = re.split(r"[/\\]", name)
    return parts[0] == "" or ".." in parts or re.match(r"[A-Za-z]:", name) is not None or "\0" in name


def _real(folder: Path, inner: str) -> str:
    return os.path.normcase(os.path.realpath(folder / inner))


def _run(work: Callable[[], T], csv: Path, text: str) -> Stage[T]:
    with ThreadPoolExecutor(1) as pool, _quiet():
        try:
            result = yield from awaited(pool.submit(work), Progress(0, 0, text))
        except (OSError, ValueError, KeyError, AssertionError, SystemExit, BrokenExecutor) as error:
            raise CropzoomError(f"{csv}: {text} failed {_why(error)}") from error
    return result


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what libraries print: bars, advice, which processors there are. Errors are raised."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _why(error: BaseException) -> str:
    """Say what went wrong, and what to do; Lightning Pose ends the process over some of it."""
    if isinstance(error, SystemExit):
        return "(Lightning Pose gave up). Check that data.image_resize_dims in config.yaml divide by 128."
    if isinstance(error, BrokenExecutor):
        return "(its process was killed, maybe for want of memory). Close other programs, and try again."
    return f"({one_line(error)}). Correct it in the labels, the images or the model's config.yaml."


def _existing(path: Path, cure: str) -> Path:
    path = Path(path).absolute()
    if not path.is_file():
        raise CropzoomError(f"{path}: no such file. {cure}")
    return path


def _boxes(path: Path) -> Path:
    return _existing(path, "Make the boxes first with create_bbox, or give another --bbox_dir.")
