"""All verbs and their arguments in one parser."""

from __future__ import annotations

import argparse
from typing import Any

from napari_cropzoom.cli.verbs import (
    batch,
    bench,
    crop,
    demo,
    evaluate,
    improve,
    info,
    predict,
    project,
    remap,
    review,
    run,
    train,
)
from napari_cropzoom.cli.verbs.boxes import create_bbox, detect, flags, smooth_bbox
from napari_cropzoom.cli.verbs.exchange import export, import_bbox
from napari_cropzoom.cli.verbs.showing import figure, report, show

VERBS = (
    predict, train, evaluate, improve, create_bbox, smooth_bbox, remap, flags, info, detect, import_bbox,
    export, crop, run, batch, project, show, figure, report, bench, review, demo,
)  # fmt: skip
"""In the order of the help."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``cropzoom``; ``args.handler`` of what it returns runs the verb."""
    parser = argparse.ArgumentParser(
        prog="cropzoom",
        description="Review bench of the Lightning Pose cropzoom pipeline. Speaks litpose: the same "
        "verbs, flags and files.",
    )
    parser.add_argument("--version", action=_SayVersion, nargs=0, help="say which version this is")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error came from"
    )
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for verb in VERBS:
        verb.add_parser(verbs, common)
    return parser


class _SayVersion(argparse.Action):
    """Finds the version out when it is asked for, which takes longer than all of the parser."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("napari-cropzoom")
        except PackageNotFoundError:
            number = "(not installed)"
        print(f"napari-cropzoom {number}")
        parser.exit()
