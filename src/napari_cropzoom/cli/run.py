"""``run``: from full-frame videos to keypoints, with boxes between the two models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_prediction_options, add_verb, whole_number
from napari_cropzoom.cli.boxes import write_smoothed
from napari_cropzoom.cli.inputs import expand
from napari_cropzoom.cli.models import Predictor, boxes_of, check_boxes, read_boxes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray

DEFAULT_WINDOW = 5
SMOOTHED = "bboxes_smoothed"


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb of this module."""
    whole = add_verb(verbs, common, "run", run, "detect, put boxes, smooth, find the pose")
    whole.add_argument("video", type=Path, nargs="+", help="videos, or directories of them")
    whole.add_argument(
        "--detector", type=Path, metavar="DIR", required=True, help="detector's model directory"
    )
    whole.add_argument("--pose", type=Path, metavar="DIR", required=True, help="pose model's directory")
    whole.add_argument(
        "--bbox_dir", type=Path, help="use these boxes, such as reviewed ones; do not detect"
    )
    whole.add_argument(
        "--smooth_window",
        type=whole_number,
        help=f"frames of the median, 0 or 1 for none (default: {DEFAULT_WINDOW}; none with --bbox_dir)",
    )
    whole.add_argument("--crop", action="store_true", help="write the cropped videos too")
    whole.add_argument("--skip_viz", action="store_true", help="do not write the labeled video")
    add_prediction_options(whole)


def run(args: argparse.Namespace) -> None:
    """All steps of every video; crops stay in memory unless ``--crop`` is given."""
    from napari_cropzoom.pipeline.coarse import check_every
    from napari_cropzoom.pipeline.models import ModelFolder

    check_every(args.every, args.bbox_dir is not None)
    detector = ModelFolder.open(args.detector, need_checkpoint=args.bbox_dir is None)
    pose = ModelFolder.open(args.pose)
    videos = expand(args.video, csv=False)
    if args.bbox_dir is not None:
        for video in videos:
            check_boxes(boxes_of(video, args.bbox_dir))
    finder, poser = Predictor(detector, args), Predictor(pose, args)
    for video in videos:
        if pose.predictions_csv(video).exists() and not args.overwrite:
            print(f"skipping {video} (prediction file already exists)", flush=True)
            continue
        if args.bbox_dir is None:
            boxes = _detected_boxes(finder, video, args.overwrite, args.every)
        else:
            boxes = read_boxes(boxes_of(video, args.bbox_dir), video)
        boxes = _smoothed(boxes, args, detector.path / SMOOTHED / f"{video.stem}_bbox.csv")
        if args.crop:
            _crop(args, video, boxes, detector.cropped_video(video))
        poser.video(video, boxes, labeled_video=not args.skip_viz)


def _detected_boxes(finder: Predictor, video: Path, overwrite: bool, every: int) -> FloatArray:
    """Boxes round the detector's keypoints; its predictions are made unless they are there."""
    import numpy as np

    from napari_cropzoom.core.sizing import SizingSettings, boxes_from_keypoints
    from napari_cropzoom.io.bbox_csv import write_bbox_csv
    from napari_cropzoom.io.predictions_csv import read_predictions

    preds = finder.model.predictions_csv(video)
    if overwrite or not preds.exists():
        finder.video(video, None, labeled_video=False, every=every)
    boxes = boxes_from_keypoints(read_predictions(preds), SizingSettings())
    output = finder.model.bbox_csv(video)
    write_bbox_csv(output, boxes)
    print(f"boxes of {video.name} saved to {output}", flush=True)
    missing = np.isnan(boxes[:, 0])
    if missing.any():
        raise CropzoomError(
            f"{output}: frame {int(missing.argmax())} has no box ({int(missing.sum())} "
            "frames have none). Fill "
            "the gaps in `cropzoom review`, then run again with --bbox_dir."
        )
    return boxes


def _smoothed(boxes: FloatArray, args: argparse.Namespace, output: Path) -> FloatArray:
    """Boxes smoothed as asked for, written where they differ from what is on disk already."""
    from napari_cropzoom.core.smoothing import SmoothingSettings
    from napari_cropzoom.io.bbox_csv import write_metadata

    default = DEFAULT_WINDOW if args.bbox_dir is None else 0
    window = default if args.smooth_window is None else args.smooth_window
    if window <= 1:
        return boxes
    smoothed = write_smoothed(output, boxes, SmoothingSettings("median", window))
    write_metadata(output.parent, "median", window, args.bbox_dir or args.detector / "video_preds")
    print(f"smoothed boxes saved to {output}", flush=True)
    return smoothed


def _crop(args: argparse.Namespace, video: Path, boxes: FloatArray, output: Path) -> None:
    from napari_cropzoom.pipeline.crop import crop_video

    stage = crop_video(video, boxes, output, edge=args.edge)
    made = run_with_bar(stage, f"cropping {video.name}")
    print(f"crop of {video.name} saved to {made.video}", flush=True)
