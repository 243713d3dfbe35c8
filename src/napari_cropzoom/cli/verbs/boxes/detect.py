"""``detect``: boxes by a detector that needs no model."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from napari_cropzoom.cli.arguments import OVERWRITE, Choices, Verbs, add_verb, any_path
from napari_cropzoom.cli.inputs import boxes_of, check_replaceable, check_video, expand
from napari_cropzoom.cli.outcomes import Outcomes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.words import counted


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    find = add_verb(verbs, common, "detect", detect, "find boxes without a model")
    find.add_argument("video", type=any_path, nargs="+", help="videos, or directories of them")
    find.add_argument(
        "--method",
        choices=Choices(detector_names),
        metavar="METHOD",
        default="motion",
        help="one of %(choices)s (default: motion)",
    )
    find.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the method, such as box_size=200; may be given again",
    )
    find.add_argument("--output_dir", type=any_path, required=True, help="where <stem>_bbox.csv goes")
    find.add_argument("--overwrite", action="store_true", help=OVERWRITE)


def detector_names() -> list[str]:
    """Names of the detectors that are installed."""
    from napari_cropzoom.detection import registry

    return registry.detector_names()


def detect(args: argparse.Namespace) -> None:
    """Boxes of each video by a detector without a model."""
    from napari_cropzoom.detection.registry import get_detector, settings_from
    from napari_cropzoom.files.atomic import check_writable
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.belonging import sign

    detector = get_detector(args.method)
    settings = settings_from(detector, args.set)
    videos = expand(args.video, csv=False)
    outcomes = Outcomes(videos)

    def check(video: Path) -> str:
        check_video(video)
        output = boxes_of(video, args.output_dir)
        check_replaceable(output, video, args.overwrite)
        check_writable(output)
        return "not done"

    def find(video: Path) -> str:
        boxes = run_with_bar(detector.detect(video, settings), f"detecting {video.name}")
        output = boxes_of(video, args.output_dir)
        write_bbox_csv(output, boxes, check_first=False)
        sign(output, video)
        missing = int((boxes[:, 0] != boxes[:, 0]).sum())
        note = f" ({missing} of {counted(len(boxes), 'frame')} without a box)" if missing else ""
        print(f"boxes of {video.name} saved to {output}{note}", flush=True)
        return f"saved to {output}"

    good = [video for video in videos if outcomes.attempt(video, partial(check, video))]
    for video in good:
        outcomes.attempt(video, partial(find, video))
    outcomes.finish()
