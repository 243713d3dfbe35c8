"""``report``: a page that tells of a review."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_verb, probability, whole_number
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    tell = add_verb(verbs, common, "report", report, "a review as one HTML file to send")
    tell.add_argument("video", type=Path, help="the video")
    tell.add_argument(
        "--bbox", type=Path, required=True, metavar="FILE", help="the raw boxes, as `review` takes them"
    )
    tell.add_argument("--output", type=Path, required=True, metavar="FILE", help="*.html to write")
    tell.add_argument("--overwrite", action="store_true", help="replace a file of that name")
    tell.add_argument(
        "--preds_before",
        type=Path,
        metavar="FILE",
        help="keypoints of the detector (default: those beside the boxes)",
    )
    tell.add_argument(
        "--preds", type=Path, metavar="FILE", help="keypoints of the pose model, in the full frame"
    )
    tell.add_argument(
        "--pictures", type=whole_number, default=6, metavar="N", help="suspects to show (default: 6)"
    )
    tell.add_argument(
        "--amount", type=probability, help="how many suspects, 0 none to 1 everything odd (default: 0.5)"
    )
    tell.add_argument("--skip_pixels", action="store_true", help="do not look at the pixels for suspects")
    tell.add_argument("--who", default="", metavar="NAME", help="say who reviewed (default: do not say)")
    tell.add_argument("--when", action="store_true", help="say when the review and the report were made")
    tell.add_argument("--paths", action="store_true", help="say in which folders the files lie")


def report(args: argparse.Namespace) -> None:
    """Write the report."""
    from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT
    from napari_cropzoom.export.report.facts import Asked
    from napari_cropzoom.export.report.report import write_report

    asked = Asked(
        args.video,
        args.bbox,
        args.preds_before,
        args.preds,
        not args.skip_pixels,
        DEFAULT_AMOUNT if args.amount is None else args.amount,
        args.pictures,
        args.who,
        args.when,
        args.paths,
    )
    stage = write_report(asked, args.output, overwrite=args.overwrite)
    path = run_with_bar(stage, f"reporting {args.video.name}")
    print(f"report saved to {path}", flush=True)
    if args.preds is None:
        print_note("without --preds the report says nothing of the keypoints after the review")
