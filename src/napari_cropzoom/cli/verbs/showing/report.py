"""``report``: a page that tells of a review."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path, probability, whole_number
from napari_cropzoom.cli.inputs import boxes_of, expand, print_note
from napari_cropzoom.cli.outcomes import Outcomes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.export.report.facts import ReportSettings


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    tell = add_verb(verbs, common, "report", report, "a review as one HTML file to send")
    tell.add_argument(
        "video",
        type=any_path,
        nargs="+",
        help="the video; of several, or a folder, one page with a row a video",
    )
    boxes = tell.add_mutually_exclusive_group(required=True)
    boxes.add_argument(
        "--bbox", type=any_path, metavar="FILE", help="the raw boxes, as `review` takes them"
    )
    boxes.add_argument(
        "--bbox_dir", type=any_path, metavar="DIR", help="where they lie, each named after its video"
    )
    tell.add_argument("--output", type=any_path, required=True, metavar="FILE", help="*.html to write")
    tell.add_argument("--overwrite", action="store_true", help="replace a file of that name")
    tell.add_argument(
        "--preds_before",
        type=any_path,
        metavar="FILE",
        help="keypoints of the detector (default: those beside the boxes)",
    )
    tell.add_argument(
        "--preds", type=any_path, metavar="FILE", help="keypoints of the pose model, in the full frame"
    )
    tell.add_argument(
        "--preds_dir", type=any_path, metavar="DIR", help="where these lie, each named after its video"
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
    """Write the report of a video, or the page of several."""
    from napari_cropzoom.export.report.report import write_report

    videos = expand(args.video, csv=False, written=False)
    if len(videos) > 1:
        overview(args, videos)
        return
    asked = asked_of(args, videos[0])
    stage = write_report(asked, args.output, overwrite=args.overwrite)
    path, n_others = run_with_bar(stage, f"reporting {videos[0].name}")
    print(f"report saved to {path}", flush=True)
    tell_others(n_others)
    if asked.after is None:
        print_note("without --preds the report says nothing of the keypoints after the review")


def tell_others(count: int, of: str = "") -> None:
    """Print that boxes have changed since the pose model ran, if any have."""
    if count:
        print_note(
            f"{of}in {counted(count, 'frame')} the boxes have changed since the pose model ran, as the "
            "report says. Run it again on these with `predict --only_changed`."
        )


def overview(args: argparse.Namespace, videos: list[Path]) -> None:
    """One page with a row a video; one that cannot be read, or has no keypoints, is named on it."""
    from napari_cropzoom.export.report.facts import gather
    from napari_cropzoom.export.report.overview import VideoRow, rows_of, write_overview
    from napari_cropzoom.export.report.sheet import SUFFIXES
    from napari_cropzoom.export.targets import check_target

    given = next((name for name in ("bbox", "preds", "preds_before") if getattr(args, name)), None)
    if given is not None:
        cure = "" if given == "preds_before" else f" Give --{given}_dir."
        raise CropzoomError(f"--{given} is one file, and this is {counted(len(videos), 'video')}.{cure}")
    check_target(args.output, SUFFIXES, overwrite=args.overwrite)
    outcomes, rows = Outcomes(videos), list[VideoRow]()

    def read(video: Path) -> str:
        asked, missing = asked_of(args, video), None
        if asked.after is not None and not asked.after.is_file():
            asked, missing = replace(asked, after=None), asked.after
        try:
            facts = run_with_bar(gather(asked), f"reading {video.name}")
        except CropzoomError as error:
            said = str(error) if args.paths else str(error).replace(str(video.parent), "…")
            rows.append(VideoRow(video.name, why_not=said.replace(str(args.bbox_dir), "…")))
            raise
        tell_others(facts.n_others, f"{video.name}: ")
        rows.extend(rows_of(facts, has_no_file=missing is not None))
        if missing is not None:
            print_note(f"{missing}: is not there, so the row of {video.name} has no keypoints after")
        return "is on the page"

    for video in videos:
        outcomes.attempt(video, partial(read, video))
    path = write_overview(rows, len(videos), args.output, "Reviews", overwrite=args.overwrite)
    print(f"report saved to {path}", flush=True)
    outcomes.finish()


def asked_of(args: argparse.Namespace, video: Path) -> ReportSettings:
    """What the report of a video is made of."""
    from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT
    from napari_cropzoom.export.report.facts import ReportSettings

    after = args.preds
    if after is None and args.preds_dir is not None:
        after = args.preds_dir / f"{video.stem}.csv"
    return ReportSettings(
        video,
        args.bbox or boxes_of(video, args.bbox_dir),
        args.preds_before,
        after,
        not args.skip_pixels,
        DEFAULT_AMOUNT if args.amount is None else args.amount,
        args.pictures,
        args.who,
        args.when,
        args.paths,
    )
