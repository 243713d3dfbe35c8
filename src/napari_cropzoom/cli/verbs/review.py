"""``review``: napari with everything loaded."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path
from napari_cropzoom.core.errors import CropzoomError


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    look = add_verb(verbs, common, "review", review, "open napari with everything loaded")
    look.add_argument("video", type=any_path, nargs="?", help="the full-frame video")
    look.add_argument("--bbox", type=any_path, metavar="FILE", help="boxes to review")
    look.add_argument("--detector", type=any_path, metavar="DIR", help="detector's model directory")
    look.add_argument("--pose", type=any_path, metavar="DIR", help="pose model's directory")
    look.add_argument(
        "--output_dir",
        type=any_path,
        metavar="DIR",
        help="where the other steps were told to put results",
    )


def review(args: argparse.Namespace) -> None:
    """Open the review bench."""
    from napari_cropzoom.app import has_screen, review_main

    for path in (args.video, args.bbox, args.detector, args.pose):
        if path is not None and not Path(path).exists():
            raise CropzoomError(f"{path}: no such file or folder. Check the path.")
    if not has_screen():
        raise CropzoomError(
            "There is no screen to open a window on. Run it on a desktop, with `ssh -X`, or under "
            "`xvfb-run`."
        )

    review_main(args.video, args.bbox, args.detector, args.pose, args.output_dir)
