"""``batch``: all steps of many videos; those with many suspects wait for a review."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from napari_cropzoom.cli.arguments import (
    SMOOTH_WINDOW,
    Verbs,
    add_encoding,
    add_prediction_options,
    add_sizing,
    add_smoothing,
    add_verb,
    encoding,
    probability,
    sizing_of,
)
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

RESULTS = "batch.csv"


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    many = add_verb(verbs, common, "batch", batch, "all steps of many videos, resumed by their records")
    many.add_argument(
        "video", type=Path, nargs="+", help="videos, or folders: every video in and below them"
    )
    many.add_argument(
        "--detector", type=Path, metavar="DIR", required=True, help="detector's model directory"
    )
    many.add_argument("--pose", type=Path, metavar="DIR", help="pose model's directory")
    many.add_argument(
        "--review_above",
        type=probability,
        metavar="RATE",
        help="leave a video for review if more than this share of its frames, 0 to 1, lies in suspects",
    )
    add_sizing(many)
    add_smoothing(many, "reviewed boxes stay")
    many.add_argument(
        "--skip_pixels",
        action="store_true",
        help="find suspects without looking at the pixels of the videos, which takes some time",
    )
    many.add_argument("--crop", action="store_true", help="write the cropped videos too")
    many.add_argument(
        "--until",
        choices=("boxes", "crop", "pose"),
        default="pose",
        help="the last step: without pose, --pose is not needed (default: pose)",
    )
    many.add_argument("--skip_viz", action="store_true", help="do not write the labeled videos")
    many.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help=f"table of what became of each video (default: {RESULTS} in --output_dir, or else in the "
        "pose model's folder)",
    )
    add_prediction_options(many)
    add_encoding(many)


def batch(args: argparse.Namespace) -> None:
    """Check all videos, work on them one after the other, and say what became of each."""
    from napari_cropzoom.batch.batch import Batch, BatchSettings, left_for_review
    from napari_cropzoom.batch.inputs import find_videos
    from napari_cropzoom.batch.results import FAILED, Result, rows_of_others, table, write_results
    from napari_cropzoom.crop.encoders import check_works
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.files.atomic import check_writable

    if args.crop or args.until == "crop":
        check_works(args.encoder)
    settings = BatchSettings(
        sizing_of(args),
        SMOOTH_WINDOW if args.smooth_window is None else args.smooth_window,
        args.review_above,
        not args.skip_pixels,
        args.crop,
        args.until,
        not args.skip_viz,
        args.edge,
        args.batch_size,
        {
            "precision": args.precision,
            "runtime": args.runtime,
            "overrides": tuple(args.overrides or ()),
            "trust": args.trust_checkpoint,
            "onnx_precision": args.onnx_precision,
        },
        args.overwrite,
        args.every,
        encoding(args),
        args.smooth_method,
    )
    detector = ModelFolder.open(args.detector)
    pose = None if args.pose is None else ModelFolder.open(args.pose)
    work = Batch(detector, pose, settings, print_line)
    videos = find_videos(args.video, args.output_dir, print_note)
    output = args.results or (args.output_dir or (pose or detector).path) / RESULTS
    check_writable(output)
    results = {video.path: Result(video.path) for video in videos}
    others = rows_of_others(output, results.values())

    def fail(path: Path, error: CropzoomError) -> None:
        print(f"error: {error}", file=sys.stderr, flush=True)
        results[path] = Result(path, FAILED, str(error))

    for video in videos:
        try:
            work.check(video)
        except CropzoomError as error:
            fail(video.path, error)
    for number, video in enumerate(videos, 1):
        if results[video.path].state != FAILED:
            print_line(f"{number} of {len(videos)}: {video.path}")
            try:
                results[video.path] = run_with_bar(work.work(video), video.path.name)
            except CropzoomError as error:
                fail(video.path, error)
        write_results(output, results.values(), others)
    print_line(table(list(results.values())))
    print_line(f"table saved to {output}")
    if told := left_for_review(results.values(), videos, detector):
        print_note(told)
    failed = sum(result.state == FAILED for result in results.values())
    if failed:
        raise CropzoomError(f"{failed} of {counted(len(results), 'video')} failed, see above.")
