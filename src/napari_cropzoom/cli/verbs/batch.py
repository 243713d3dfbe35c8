"""``batch``: all steps of many videos; those with many suspects wait for a review."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    SMOOTH_WINDOW,
    Verbs,
    add_encoding,
    add_prediction_options,
    add_sizing,
    add_smoothing,
    add_verb,
    any_path,
    encoding,
    positive_int,
    probability,
    sizing_of,
    use_one_device,
)
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.batch.batch import Batch
    from napari_cropzoom.batch.inputs import BatchVideo
    from napari_cropzoom.batch.results import Result
    from napari_cropzoom.batch.settings import BatchSettings

RESULTS = "batch.csv"


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    many = add_verb(verbs, common, "batch", batch, "all steps of many videos, resumed by their records")
    many.add_argument(
        "video", type=any_path, nargs="+", help="videos, or folders: every video in and below them"
    )
    many.add_argument(
        "--detector", type=any_path, metavar="DIR", required=True, help="detector's model directory"
    )
    many.add_argument("--pose", type=any_path, metavar="DIR", help="pose model's directory")
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
        type=any_path,
        metavar="FILE",
        help=f"table of what became of each video (default: {RESULTS} in --output_dir, or else in the "
        "pose model's folder)",
    )
    many.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="have the workers of a running Dask scheduler do the work, such as tcp://node1:8786, or "
        "'local' for workers on this machine",
    )
    many.add_argument(
        "--workers",
        type=positive_int,
        metavar="N",
        help="how many, with --scheduler local (default: one for each device, or else what cores and "
        "memory allow)",
    )
    add_prediction_options(many)
    add_encoding(many)


def batch(args: argparse.Namespace) -> None:
    """Check all videos, work on them here or on a cluster, and say what became of each."""
    from napari_cropzoom.batch.batch import Batch
    from napari_cropzoom.batch.inputs import find_videos
    from napari_cropzoom.batch.results import (
        FAILED,
        TABLE,
        Result,
        left_for_review,
        table,
        write_results,
    )
    from napari_cropzoom.batch.settings import BatchSettings
    from napari_cropzoom.cli.outputs import check_output
    from napari_cropzoom.crop.encoders import check_works
    from napari_cropzoom.engine.model_folder import ModelFolder

    scheduler = _where(args)
    if (args.crop or args.until == "crop") and scheduler is None:
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
    if args.results is not None:
        check_output(args.results, *TABLE)
    detector = ModelFolder.open(args.detector)
    pose = None if args.pose is None else ModelFolder.open(args.pose)
    work = Batch(detector, pose, settings, print_line)
    videos = find_videos(args.video, args.output_dir, print_note)
    output = args.results or (args.output_dir or (pose or detector).path) / RESULTS
    check_output(output, *TABLE)
    results = {video.path: Result(video.path) for video in videos}

    def take(result: Result) -> None:
        if result.state == FAILED:
            print(f"error: {result.why}", file=sys.stderr, flush=True)
        results[result.video] = result
        write_results(output, results.values())

    if scheduler is not None:
        _on_cluster(args, scheduler, videos, settings, take)
    else:
        _here(work, videos, take)
    print_line(table(list(results.values())))
    print_line(f"table saved to {output}")
    if told := left_for_review(results.values(), videos, detector):
        print_note(told)
    failed = sum(result.state == FAILED for result in results.values())
    if failed:
        raise CropzoomError(f"{failed} of {counted(len(results), 'video')} failed, see above.")


def _where(args: argparse.Namespace) -> str | None:
    """The scheduler that does the work; None for this process, on the device it was told."""
    from napari_cropzoom.engine.network.devices import check_devices

    scheduler: str | None = args.scheduler
    several = args.device is not None and len(args.device) > 1
    if scheduler is None and several:
        scheduler = "local"
    if args.workers is not None and scheduler != "local":
        raise CropzoomError("--workers: is for --scheduler local only; a running scheduler has its own.")
    if args.device is None:
        return scheduler
    if scheduler is None:
        use_one_device(args)
    elif scheduler == "local":
        check_devices(args.device)
    else:
        raise CropzoomError(
            f"--device: is for this machine; the workers of {scheduler} have their own. Start each "
            "with CUDA_VISIBLE_DEVICES, such as CUDA_VISIBLE_DEVICES=1 dask worker ADDRESS."
        )
    return scheduler


def _here(work: Batch, videos: Sequence[BatchVideo], take: Callable[[Result], object]) -> None:
    """Check all videos, then do one after the other."""
    from napari_cropzoom.batch.results import FAILED, Result

    good = []
    for video in videos:
        try:
            work.check(video)
            good.append(video)
        except CropzoomError as error:
            take(Result(video.path, FAILED, str(error)))
    for video in good:
        print_line(f"{videos.index(video) + 1} of {len(videos)}: {video.path}")
        try:
            take(run_with_bar(work.work(video), video.path.name))
        except CropzoomError as error:
            take(Result(video.path, FAILED, str(error)))


def _on_cluster(
    args: argparse.Namespace,
    scheduler: str,
    videos: Sequence[BatchVideo],
    settings: BatchSettings,
    take: Callable[[Result], object],
) -> None:
    """Send the work to the workers of a scheduler."""
    from napari_cropzoom.batch.cluster import run_on
    from napari_cropzoom.batch.settings import settings_as_json

    count = iter(range(1, len(videos) + 1))

    def told(result: Result) -> None:
        print_line(f"{next(count)} of {len(videos)}: {result.video}: {result.state}")
        take(result)

    asked = {
        "detector": str(args.detector.absolute()),
        "pose": args.pose and str(args.pose.absolute()),
        "settings": settings_as_json(settings),
    }
    how = {"workers": args.workers, "devices": args.device or ()}
    stage = run_on(scheduler, videos, asked, told, print_line, **how)
    run_with_bar(stage, "batch")
