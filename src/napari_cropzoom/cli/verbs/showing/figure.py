"""``figure``: a picture for print."""

from __future__ import annotations

import argparse

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path, positive_float, whole_number
from napari_cropzoom.cli.drawn import Frames, add_drawn, read_drawn
from napari_cropzoom.cli.progress import run_with_bar

KINDS = ("frame", "crop", "trajectory", "timeline")


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    draw = add_verb(verbs, common, "figure", figure, "a frame, trajectory or timeline for print")
    draw.add_argument("video", type=any_path, help="the video")
    draw.add_argument(
        "--output", type=any_path, required=True, metavar="FILE", help="*.png or *.svg to write"
    )
    draw.add_argument(
        "--kind",
        choices=KINDS,
        default="frame",
        help="frame (default), crop, trajectory (the way of the box over the arena, and how long it was "
        "where) or timeline",
    )
    draw.add_argument(
        "--frame", type=whole_number, default=0, metavar="N", help="frame to draw (default: 0)"
    )
    draw.add_argument(
        "--width", type=positive_float, default=120.0, metavar="MM", help="on paper (default: 120 mm)"
    )
    draw.add_argument(
        "--dpi", type=positive_float, default=300.0, help="dots an inch of a PNG (default: 300)"
    )
    draw.add_argument(
        "--px_per_mm",
        type=positive_float,
        metavar="N",
        help="pixels of the video in a millimetre: for a scale bar, and for lengths in mm",
    )
    add_drawn(draw)


def figure(args: argparse.Namespace) -> None:
    """Draw and write."""
    from napari_cropzoom.export.figure import Figure, write_figure
    from napari_cropzoom.export.plates import Drawn, Scale

    drawn = Drawn(*read_drawn(args, Frames.of(args.video)))
    scale = Scale(args.px_per_mm or 0.0)
    asked = Figure(args.kind, drawn, args.frame, args.width, args.dpi, scale)
    stage = write_figure(args.video, args.output, asked, overwrite=args.overwrite)
    print(f"figure saved to {run_with_bar(stage, f'drawing {args.video.name}')}", flush=True)
