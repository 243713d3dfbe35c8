"""What ``show`` draws on: the video it is given, pictures, or one colour where there is no video."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.drawn import Frames
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.export.grounds import Ground

BLACK = 0, 0, 0


def ground_and_frames(args: argparse.Namespace) -> tuple[Ground, Frames]:
    """The frames that are drawn on, and what boxes and keypoints have to fit.

    Raises
    ------
    CropzoomError
        If the video cannot be read, or is not there and its size is not known.
    """
    from napari_cropzoom.export.grounds import VideoGround, ground_of

    video: Path | None = args.video
    if video is None or (args.background is not None and not video.exists()):
        ground = _plain(args)
        return ground, Frames(ground.n_frames, (ground.width, ground.height))
    if args.size is not None:
        raise CropzoomError(
            f"--size: is of frames without a video, and {video} is there. Leave out one of them; --scale "
            "makes the picture smaller."
        )
    try:
        ground = ground_of(video, args.background, _rate(args))
    except CropzoomError as error:
        if video.exists():
            raise
        raise CropzoomError(f"{error} Or draw on one colour without it: --background black.") from error
    is_video = isinstance(ground, VideoGround)
    size = (ground.width, ground.height)
    return ground, Frames(ground.n_frames, size, video if is_video else None)


def _plain(args: argparse.Namespace) -> Ground:
    """One colour, as many frames and as large as the records say, or ``--size``."""
    from napari_cropzoom.export.grounds import USUAL_RATE, PlainGround
    from napari_cropzoom.export.recorded_facts import known_of

    known = known_of(args.bbox, args.preds)
    given: Path = args.preds or args.bbox
    size = args.size or known.size
    if size is None:
        raise CropzoomError(
            f"{given}: no record beside it says how large the frames of its video are. Give --size "
            "WIDTHxHEIGHT, such as --size 1280x720, or the video."
        )
    rate = _rate(args) or known.rate or USUAL_RATE
    said = [
        f"no video: {counted(known.n_frames, 'frame')} of {size[0]}x{size[1]} pixels",
        f" ({known.size_from})" if args.size is None else "",
        f", {float(rate):g} a second",
    ]
    if args.fps is None:
        said.append(f" ({known.rate_from})" if known.rate else " (not known; --fps gives another)")
    print_note("".join(said))
    path = given if args.video is None else args.video
    return PlainGround(path, known.n_frames, size, rate, args.background or BLACK)


def _rate(args: argparse.Namespace) -> Fraction | None:
    return None if args.fps is None else Fraction(str(args.fps))
