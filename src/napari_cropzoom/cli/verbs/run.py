"""``run``: from full-frame videos to keypoints, with boxes between the two models."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    SIZING,
    SMOOTH_WINDOW,
    Verbs,
    add_encoding,
    add_prediction_options,
    add_sizing,
    add_smoothing,
    add_verb,
    any_path,
    encoding,
    sizing_of,
    use_one_device,
)
from napari_cropzoom.cli.inputs import (
    boxes_of,
    can_be_read,
    check_boxes,
    check_predictions,
    check_replaceable,
    check_video,
    expand,
    print_note,
    read_boxes,
)
from napari_cropzoom.cli.outcomes import Outcomes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.cli.smoothing import count_left, smoothed_boxes, told_of_smoothing
from napari_cropzoom.cli.verbs.predict import ALL, Predictor, tell_skipped
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted, verb

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray

SMOOTHED = "bboxes_smoothed"


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    whole = add_verb(verbs, common, "run", run, "detect, put boxes, smooth, find the pose")
    whole.add_argument("video", type=any_path, nargs="+", help="videos, or directories of them")
    whole.add_argument(
        "--detector", type=any_path, metavar="DIR", required=True, help="detector's model directory"
    )
    whole.add_argument(
        "--pose", type=any_path, metavar="DIR", required=True, help="pose model's directory"
    )
    whole.add_argument(
        "--bbox_dir", type=any_path, help="use these boxes, such as reviewed ones; do not detect"
    )
    add_sizing(whole)
    add_smoothing(whole, "none with --bbox_dir")
    whole.add_argument("--crop", action="store_true", help="write the cropped videos too")
    whole.add_argument("--skip_viz", action="store_true", help="do not write the labeled video")
    add_prediction_options(whole)
    add_encoding(whole)


def run(args: argparse.Namespace) -> None:
    """All steps of every video; crops stay in memory unless ``--crop`` is given."""
    from napari_cropzoom.crop.encoders import check_works
    from napari_cropzoom.engine.model_folder import ModelFolder, check_two_models
    from napari_cropzoom.engine.sparse import check_every

    check_every(args.every, args.bbox_dir is not None)
    if args.crop:
        check_works(args.encoder)
    if args.bbox_dir is not None and any(getattr(args, name) not in (None, ()) for name in SIZING):
        raise CropzoomError(
            "--bbox_dir: the boxes there have a size already; --crop_ratio, --crop_size, "
            "--anchor_keypoints and --min_likelihood are for boxes that are made. Leave out the one or "
            "the others."
        )
    use_one_device(args)
    results = args.output_dir
    detector = ModelFolder.open(args.detector, need_checkpoint=args.bbox_dir is None, results=results)
    pose = ModelFolder.open(args.pose, results=results)
    if results is not None and detector.output == pose.output:
        raise CropzoomError(
            f"{pose.output}: would take the results of both models. Rename one of the model folders, or "
            "leave out --output_dir."
        )
    if args.bbox_dir is None:
        check_two_models(detector, pose)
    videos = expand(args.video, csv=False)
    finder, poser = Predictor(detector, args), Predictor(pose, args)
    outcomes = Outcomes(videos)
    check = partial(_check, finder, poser, args)
    good = [video for video in videos if outcomes.attempt(video, partial(check, video))]
    for video in good:
        if args.overwrite or not pose.predictions_csv(video).exists():
            outcomes.attempt(video, partial(_run, finder, poser, args, video))
    outcomes.finish()


def _check(finder: Predictor, poser: Predictor, args: argparse.Namespace, video: Path) -> str:
    """Refuse a video that cannot be worked on, before a model is loaded for it."""
    if args.bbox_dir is not None:
        check_boxes(boxes_of(video, args.bbox_dir), video)
    done, found = poser.model.predictions_csv(video), finder.model.predictions_csv(video)
    if done.exists() and not args.overwrite:
        check_predictions(done, video)
        return tell_skipped(video, _why_not_the_same(finder, poser, args, video))
    check_video(video)
    if args.bbox_dir is None:
        if found.exists() and not args.overwrite:
            check_predictions(found, video)
            if why := finder.why_not_the_same(video, None, every=args.every):
                print_note(f"{found}: is kept ({why})")
        check_replaceable(finder.model.bbox_csv(video), video, args.overwrite)
    if args.crop and not args.overwrite:
        from napari_cropzoom.crop.record import check_crop_of

        if told := check_crop_of(finder.model.cropped_video(video), video):
            print_note(told)
    return "not done"


def _why_not_the_same(finder: Predictor, poser: Predictor, args: argparse.Namespace, video: Path) -> str:
    """Why the keypoints that are there are not what a run now gives; empty if they are."""
    from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints
    from napari_cropzoom.files.predictions_csv import read_predictions
    from napari_cropzoom.files.review_paths import REVIEW_DIR, without_absent

    if not can_be_read(video):
        return ""
    if args.bbox_dir is not None:
        boxes = read_boxes(boxes_of(video, args.bbox_dir), video)
        boxes = without_absent(_smooth(boxes, args), boxes_of(video, args.bbox_dir), video)
        return poser.why_not_the_same(video, boxes)
    found = finder.model.predictions_csv(video)
    if not found.is_file():
        return ""
    check_predictions(found, video)
    if why := finder.why_not_the_same(video, None, every=args.every):
        return f"of {finder.model.path.name}, {why}"
    boxes = boxes_from_keypoints(read_predictions(found), sizing_of(args))
    if (boxes[:, 0] != boxes[:, 0]).any():
        return ""  # which a run would refuse; they were filled by hand
    raw = finder.model.bbox_csv(video)
    is_reviewed = (raw.parent / REVIEW_DIR / raw.name).is_file()
    cure = f"{ALL}, --bbox_dir takes the reviewed boxes" if is_reviewed else ALL
    return poser.why_not_the_same(video, _smooth(boxes, args), some=cure)


def _run(finder: Predictor, poser: Predictor, args: argparse.Namespace, video: Path) -> str:
    from napari_cropzoom.files.review_paths import without_absent

    detector = finder.model
    if args.bbox_dir is None:
        boxes = _detected_boxes(finder, video, args)
    else:
        boxes = read_boxes(boxes_of(video, args.bbox_dir), video)
    boxes = _smoothed(boxes, args, detector.output / SMOOTHED / f"{video.stem}_bbox.csv", video)
    if args.crop:
        _crop(args, video, boxes, detector.cropped_video(video))
    if args.bbox_dir is not None:
        boxes = without_absent(boxes, boxes_of(video, args.bbox_dir), video)
    return f"saved to {poser.video(video, boxes, labeled_video=not args.skip_viz)}"


def _detected_boxes(finder: Predictor, video: Path, args: argparse.Namespace) -> FloatArray:
    """Boxes round the detector's keypoints; its predictions are made unless they are there."""
    import numpy as np

    from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.belonging import sign
    from napari_cropzoom.files.predictions_csv import read_predictions

    preds = finder.model.predictions_csv(video)
    if args.overwrite or not preds.exists():
        finder.video(video, None, labeled_video=False, every=args.every)
    boxes = boxes_from_keypoints(read_predictions(preds), sizing_of(args))
    output = finder.model.bbox_csv(video)
    write_bbox_csv(output, boxes)
    sign(output, video)
    print(f"boxes of {video.name} saved to {output}", flush=True)
    missing = np.isnan(boxes[:, 0])
    if n := int(missing.sum()):
        raise CropzoomError(
            f"{output}: frame {int(missing.argmax())} has no box ({counted(n, 'frame')} "
            f"{verb(n, 'have')} none). Fill the gaps in `cropzoom review`, then run again with "
            "--bbox_dir."
        )
    return boxes


def _smoothed(boxes: FloatArray, args: argparse.Namespace, output: Path, video: Path) -> FloatArray:
    """Boxes smoothed as asked for, written where they differ from what is on disk already."""
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.files.bbox_csv import write_bbox_csv, write_metadata
    from napari_cropzoom.files.belonging import sign

    window = _window(args)
    if window <= 1:
        return boxes
    check_replaceable(output, video, args.overwrite)
    smoothed = _smooth(boxes, args)
    write_bbox_csv(output, smoothed)
    sign(output, video)
    raw = args.bbox_dir or output.parent.with_name("video_preds")
    write_metadata(output.parent, args.smooth_method, window, raw)
    print(f"smoothed boxes saved to {output}", flush=True)
    count = count_left(boxes, SmoothingSettings(args.smooth_method, window))
    if told := told_of_smoothing(output, count, len(boxes), "Give a smaller --smooth_window"):
        print_note(told)
    return smoothed


def _window(args: argparse.Namespace) -> int:
    default = SMOOTH_WINDOW if args.bbox_dir is None else 0
    return int(default if args.smooth_window is None else args.smooth_window)


def _smooth(boxes: FloatArray, args: argparse.Namespace) -> FloatArray:
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings

    window = _window(args)
    return boxes if window <= 1 else smoothed_boxes(boxes, SmoothingSettings(args.smooth_method, window))


def _crop(args: argparse.Namespace, video: Path, boxes: FloatArray, output: Path) -> None:
    from napari_cropzoom.crop.crop import crop_video

    stage = crop_video(video, boxes, output, edge=args.edge, encoding=encoding(args))
    made = run_with_bar(stage, f"cropping {video.name}")
    print(f"crop of {video.name} saved to {made.video}", flush=True)
