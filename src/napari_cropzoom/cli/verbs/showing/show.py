"""``show``: a labeled video to send to others."""

from __future__ import annotations

import argparse
from fractions import Fraction
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Choices,
    Verbs,
    add_verb,
    any_path,
    positive_float,
    positive_int,
    probability,
    quality,
    whole_number,
)
from napari_cropzoom.cli.drawn import (
    BOX,
    add_drawn,
    add_looks,
    colour,
    palettes,
    read_animal,
    read_drawn,
    sources_beside,
    with_looks,
)
from napari_cropzoom.cli.drawn_on import ground_and_frames
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.cli.verbs.exchange.export import animal_names
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.encoders import PRESETS

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.export.grounds import Ground
    from napari_cropzoom.export.overlay import LabelOverlay

LARGE_GIF = 10e6  # bytes
QUALITIES = {
    "usual": (1.0, 20, "veryfast"),
    "preview": (0.25, 28, "ultrafast"),
    "draft": (0.5, 24, "superfast"),
    "final": (1.0, 16, "slow"),
}
"""Scale, crf and preset."""
LAYOUTS = ("frame", "crop", "both", "timeline", "grid")


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    draw = add_verb(verbs, common, "show", show, "a video with boxes and keypoints drawn in")
    draw.add_argument(
        "video",
        type=any_path,
        nargs="?",
        help="the video, a folder of pictures or a TIFF; without it, boxes and keypoints are drawn on "
        "one colour",
    )
    draw.add_argument(
        "--output",
        type=any_path,
        required=True,
        metavar="FILE",
        help="*.mp4 or *.gif to write, or *.png of one frame",
    )
    draw.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="frame, crop (enlarged), both, timeline (both and a timeline below), or grid (the crops of "
        "all animals) (default: grid with --also, both with --bbox, else frame)",
    )
    draw.add_argument(
        "--also",
        type=any_path,
        nargs="+",
        action="append",
        default=[],
        metavar="FILE",
        help="boxes of one more animal and, if there are any, its keypoints; once for each animal",
    )
    which = draw.add_mutually_exclusive_group()
    which.add_argument(
        "--range",
        type=frames,
        nargs="+",
        metavar="A:B",
        help="frames A to B, both shown; several follow each other (default: all)",
    )
    which.add_argument(
        "--suspects",
        type=whole_number,
        metavar="N",
        help="the N worst suspects of --before, or of --bbox, with half a second before and after each",
    )
    draw.add_argument(
        "--skip_empty",
        action="store_true",
        help="leave out frames in which there is neither a box nor a keypoint",
    )
    draw.add_argument(
        "--theme", choices=("dark", "light"), default="dark", help="beside the frame (default: dark)"
    )
    draw.add_argument(
        "--region",
        type=region,
        metavar="X,Y,W,H",
        help="the part of the frame that is shown, in pixels, or in fractions as 0.25,0,0.5,1",
    )
    draw.add_argument(
        "--background",
        type=colour,
        metavar="COLOR",
        help="draw on this colour (black, #333333 or 51,51,51) in place of the video's pixels; then the "
        "video need not be there (default: the video, and black where none is given)",
    )
    draw.add_argument(
        "--size",
        type=size,
        metavar="WxH",
        help="of the frames in pixels, where there is no video and no record says it",
    )
    add_masks(draw)
    fast = draw.add_mutually_exclusive_group()
    fast.add_argument(
        "--speed", type=positive_float, default=1.0, help="2 plays twice as fast (default: 1)"
    )
    fast.add_argument(
        "--fps",
        type=positive_float,
        metavar="N",
        help="frames a second, instead of --speed; of pictures and without a video 30 by itself",
    )
    draw.add_argument(
        "--quality",
        choices=QUALITIES,
        default="usual",
        help="preview and draft are small (a quarter and half the size) and fast, final is slow and "
        "sharp; --scale, --crf and --preset win over it (default: usual)",
    )
    draw.add_argument("--scale", type=positive_float, help="of the picture (default: 1)")
    draw.add_argument("--crf", type=quality, help="of an MP4: 0 without loss to 51 (default: 20)")
    draw.add_argument("--preset", choices=PRESETS, help="of an MP4: speed of x264 (default: veryfast)")
    add_drawn(draw)
    add_looks(draw)


def add_masks(draw: argparse.ArgumentParser) -> None:
    """``--masks`` and how they look; :func:`masks_of` reads them."""
    draw.add_argument(
        "--masks",
        type=any_path,
        metavar="FILE",
        help="label images to lay over the frames: a TIFF with a page a frame or one for all, or a "
        "folder of TIFFs; a number for each animal",
    )
    draw.add_argument(
        "--masks_alpha",
        type=probability,
        help="opacity of masks, 0 to 1 (default: 0.3, and 0 with --masks_outline)",
    )
    draw.add_argument("--masks_outline", action="store_true", help="the outlines of masks")
    draw.add_argument(
        "--masks_width", type=positive_int, metavar="PX", help="of outlines (default: fits the picture)"
    )
    draw.add_argument(
        "--masks_color", type=colour, metavar="COLOR", help="of outlines (default: that of the mask)"
    )
    draw.add_argument(
        "--masks_palette",
        choices=Choices(palettes),
        metavar="NAME",
        help="colours of masks, of the same names as --palette (default: those of the animals)",
    )


def size(text: str) -> tuple[int, int]:
    """``WxH``, pixels."""
    width, _, height = text.lower().partition("x")
    try:
        pair = int(width), int(height)
    except ValueError:
        pair = (0, 0)
    if min(pair) < 1:
        raise argparse.ArgumentTypeError(f"must be width x height as in 1280x720, not {text}")
    return pair


def frames(text: str) -> tuple[int, int]:
    """``A:B``, frames from A to B."""
    first, colon, last = text.partition(":")
    try:
        pair = int(first or 0), int(last) if last else -1
    except ValueError:
        pair = (-1, -1)
    if not colon or pair[0] < 0 or pair[1] < -1:
        raise argparse.ArgumentTypeError(f"must be two frames as in 100:250, not {text}")
    return pair


def region(text: str) -> tuple[float, ...]:
    """``X,Y,W,H``, pixels or fractions."""
    try:
        values = tuple(float(value) for value in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 4 or not all(0 <= value < float("inf") for value in values) or 0 in values[2:]:
        raise argparse.ArgumentTypeError(f"must be x, y, width, height as in 100,50,640,480, not {text}")
    return values


def region_of(
    given: tuple[float, ...] | None, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """The region in pixels; where no value is over 1 they are fractions of the frame."""
    if given is None:
        return None
    if max(given) <= 1:
        sides = width, height, width, height
        given = tuple(value * side for value, side in zip(given, sides, strict=True))
    x, y, wide, high = (round(value) for value in given)
    return x, y, max(wide, 1), max(high, 1)


def ranges_of_suspects(
    args: argparse.Namespace, ground: Ground, boxes: FloatArray | None, poses: Poses | None
) -> list[tuple[int, int]]:
    """Frames of the worst suspects and those beside them, in the order of the video.

    Raises
    ------
    CropzoomError
        If there are no boxes, or nothing in them is odd.
    """
    from napari_cropzoom.core.inspection.inspection import Evidence, Inspection, anchor_likelihood, ranked
    from napari_cropzoom.core.inspection.suspect import ranges_round

    if boxes is None:
        raise CropzoomError("--suspects: are of boxes. Give these with --bbox.")
    likelihood = None if poses is None else anchor_likelihood(poses)
    evidence = Evidence(likelihood, poses, (ground.width, ground.height))
    worst = ranked(Inspection.of(boxes, evidence).suspects)[: args.suspects]
    if not worst:
        raise CropzoomError(f"{args.before or args.bbox}: has no suspects to show. Leave out --suspects.")
    return ranges_round(worst, max(1, round(ground.rate / 2)), ground.n_frames - 1)


def masks_of(args: argparse.Namespace) -> LabelOverlay | None:
    """Label images and how they look; outlines alone, but where an opacity is given too.

    Raises
    ------
    CropzoomError
        If there are none whose look is to be changed.
    """
    from napari_cropzoom.export.overlay import USUAL_OPACITY, LabelOverlay

    is_outlined = args.masks_outline or args.masks_width is not None or args.masks_color is not None
    if args.masks is None:
        if is_outlined or args.masks_alpha is not None or args.masks_palette is not None:
            raise CropzoomError("--masks_…: are of label images. Give these with --masks.")
        return None
    usual = 0.0 if is_outlined else USUAL_OPACITY
    opacity = usual if args.masks_alpha is None else args.masks_alpha
    width = args.masks_width or 0
    return LabelOverlay(args.masks, opacity, is_outlined, args.masks_palette, width, args.masks_color)


def show(args: argparse.Namespace) -> None:
    """Draw what is given into the video."""
    from napari_cropzoom.export.animals import Animal
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video
    from napari_cropzoom.export.video_file import Encoding

    for files in args.also:
        if args.bbox is None or len(files) > 2:
            raise CropzoomError(
                "--also: takes the boxes of one more animal and its keypoints, and --bbox those of the "
                "first. Give --also once for each animal."
            )
    ground, frames = ground_and_frames(args)
    boxes, before, poses, look = read_drawn(args, frames)
    names = animal_names([args.bbox, *(files[0] for files in args.also)]) if args.also else [""]
    others = []
    for files, name in zip(args.also, names[1:], strict=True):
        other, keypoints = read_animal(frames, *files)
        assert other is not None
        others.append(Animal(other, keypoints, name))
    usual = "frame" if args.bbox is None else "grid" if others else "both"
    if args.suspects is not None:
        args.range = ranges_of_suspects(args, ground, boxes if before is None else before, poses)
    (first, last), *more = args.range or [(0, -1)]
    # pictures and plain frames are as many a second as --fps says, a video plays faster or slower
    speed = args.speed if args.fps is None else Fraction(str(args.fps)) / ground.rate
    scale, crf, preset = QUALITIES[args.quality]
    encoding = Encoding(crf if args.crf is None else args.crf, args.preset or preset)
    shown = Shown(
        boxes,
        before,
        poses,
        with_looks(args, look, poses),
        args.layout or usual,
        first,
        last,
        speed,
        args.scale or scale,
        tuple(others),
        names[0],
        tuple(more),
        args.theme,
        sources_beside(args.bbox, frames),
        region_of(args.region, ground.width, ground.height),
        BOX in args.trail_of,
        masks_of(args),
        args.skip_empty,
    )
    stage = write_labeled_video(ground, args.output, shown, overwrite=args.overwrite, encoding=encoding)
    path = run_with_bar(stage, f"drawing {ground.path.name}")
    what = "picture" if path.suffix.lower() == ".png" else "labeled video"
    print(f"{what} saved to {path}", flush=True)
    if path.suffix.lower() == ".gif" and path.stat().st_size > LARGE_GIF:
        megabytes = path.stat().st_size / 1e6
        print_note(f"{path.name} has {megabytes:.0f} MB; --scale 0.5 makes it about a quarter of that")
