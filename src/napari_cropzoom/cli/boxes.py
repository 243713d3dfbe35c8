"""``create_bbox``, ``smooth_bbox``, ``remap``: boxes and keypoints, no video and no torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_model_and_inputs,
    add_verb,
    names,
    positive_int,
    probability,
    ratio,
)
from napari_cropzoom.cli.inputs import expand, is_video
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.smoothing import SmoothingSettings

DEFAULT_RATIO = 2.0
METHODS = ("median", "mean", "savgol", "gaussian")


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verbs of this module."""
    create = add_verb(
        verbs, common, "create_bbox", create_bbox, "put boxes round the detector's keypoints"
    )
    add_model_and_inputs(create)
    size = create.add_mutually_exclusive_group()
    size.add_argument("--crop_ratio", type=ratio, help="side in spans of the keypoints (default: 2.0)")
    size.add_argument("--crop_size", type=positive_int, help="fixed side in pixels")
    create.add_argument(
        "--anchor_keypoints", type=names, default=(), help="keypoints that count, a,b,c (default: all)"
    )
    create.add_argument(
        "--min_likelihood", type=probability, help="keypoints below it do not count (default: all count)"
    )

    smooth = add_verb(verbs, common, "smooth_bbox", smooth_bbox, "smooth every *_bbox.csv of a directory")
    smooth.add_argument("bbox_dir", type=Path, help="directory of *_bbox.csv files")
    smooth.add_argument("--output_dir", type=Path, required=True, help="where the smoothed files go")
    smooth.add_argument("--method", choices=METHODS, default="median", help="default: median")
    smooth.add_argument("--window", type=positive_int, default=5, help="frames (default: 5)")

    back = add_verb(verbs, common, "remap", remap, "put keypoints of a crop back into the full frame")
    back.add_argument("preds_file", type=Path, help="predictions of the cropped video or images")
    back.add_argument("bbox_file", type=Path, help="boxes of the crop")
    back.add_argument(
        "--crop", type=Path, metavar="FILE", help="the cropped video, where it is not found"
    )


def create_bbox(args: argparse.Namespace) -> None:
    """Boxes of every input, beside its predictions."""
    import numpy as np

    from napari_cropzoom.core.sizing import SizingSettings, boxes_from_keypoints
    from napari_cropzoom.io.bbox_csv import write_bbox_csv
    from napari_cropzoom.io.predictions_csv import read_predictions_table
    from napari_cropzoom.pipeline.models import ModelFolder

    model = ModelFolder.open(args.model_dir, need_checkpoint=False)
    crop_ratio = DEFAULT_RATIO if args.crop_size is None and args.crop_ratio is None else args.crop_ratio
    settings = SizingSettings(crop_ratio, args.crop_size, args.anchor_keypoints, args.min_likelihood)
    work = []
    for file in expand(args.input_path):
        folder = model.image_preds_dir / file.name
        if is_video(file):
            work.append((file, model.predictions_csv(file), model.bbox_csv(file)))
        else:
            work.append((file, folder / "predictions.csv", folder / "bbox.csv"))
    for file, preds, _ in work:
        if not preds.is_file():
            raise CropzoomError(
                f"{preds}: there are no predictions of {file.name}. Run `cropzoom predict "
                f"{args.model_dir} "
                f"{file}` first."
            )
    for file, preds, output in work:
        print(f"creating bboxes for {file.name}")
        table = read_predictions_table(preds)
        boxes = boxes_from_keypoints(table.poses(), settings)
        if len(boxes) and np.isnan(boxes[:, 0]).all():
            raise CropzoomError(
                f"{preds}: no frame has a keypoint that counts, so there would be no box at all; "
                f"{output.name} is as it was. Give a lower --min_likelihood."
            )
        write_bbox_csv(output, boxes, table.index if table.is_labeled_frames else None)
        missing = int(np.isnan(boxes[:, 0]).sum())
        if missing:
            print(
                f"{missing} frames have no keypoint that counts and no box; fill them in "
                "`cropzoom review`"
            )


def smooth_bbox(args: argparse.Namespace) -> None:
    """Every ``*_bbox.csv`` of a directory, smoothed into another one."""
    from napari_cropzoom.core.smoothing import SmoothingSettings
    from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_metadata

    source, target = args.bbox_dir, args.output_dir
    if not source.is_dir():
        raise CropzoomError(
            f"{source}: there is no such directory. Give the one with the *_bbox.csv files."
        )
    if target.resolve() == source.resolve():
        raise CropzoomError(f"{target}: would overwrite the raw boxes. Give another --output_dir.")
    files = sorted(source.glob("*_bbox.csv"))
    if not files:
        raise CropzoomError(f"{source}: holds no *_bbox.csv file. Run `cropzoom create_bbox` first.")
    print(f"smoothing bboxes in {source}")
    tracks = [(file, read_bbox_csv(file)) for file in files]
    settings = SmoothingSettings(args.method, args.window)
    for file, boxes in tracks:
        write_smoothed(target / file.name, boxes, settings)
        print(f"smoothed {file.name} → {target / file.name}")
    write_metadata(target, args.method, args.window, source)
    print(f"saved smoothed bboxes to {target}")


def write_smoothed(path: Path, boxes: FloatArray, settings: SmoothingSettings) -> FloatArray:
    """Smooth boxes, write them in whole pixels and return these."""
    import numpy as np

    from napari_cropzoom.core.smoothing import smooth
    from napari_cropzoom.io.bbox_csv import write_bbox_csv

    smoothed = np.rint(smooth(boxes, settings))
    write_bbox_csv(path, smoothed)
    return smoothed


def remap(args: argparse.Namespace) -> None:
    """Keypoints of a crop in pixels of the full frame."""
    from napari_cropzoom.pipeline.remap import remap_predictions

    result = remap_predictions(args.preds_file, args.bbox_file, crop=args.crop)
    if result.note:
        print(f"note: {result.note}")
    print(f"remapped predictions saved to {result.path}")
