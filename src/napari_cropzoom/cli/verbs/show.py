"""``show``: a labeled video to send to others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_verb,
    names,
    positive_float,
    probability,
    whole_number,
)
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError, brief

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray

LARGE_GIF = 10e6  # bytes
LAYOUTS = ("frame", "crop", "both", "timeline")


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    draw = add_verb(verbs, common, "show", show, "a video with boxes and keypoints drawn in")
    draw.add_argument("video", type=Path, help="the video")
    draw.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="*.mp4 or *.gif to write"
    )
    draw.add_argument("--overwrite", action="store_true", help="replace a file of that name")
    draw.add_argument("--bbox", type=Path, metavar="FILE", help="boxes, one row a frame")
    draw.add_argument("--before", type=Path, metavar="FILE", help="boxes of before, dashed beside them")
    draw.add_argument("--preds", type=Path, metavar="FILE", help="keypoints in the full frame")
    draw.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="frame, crop (enlarged), both, or timeline: both and a timeline below (default: both with "
        "--bbox, else frame)",
    )
    draw.add_argument(
        "--range", type=frames, metavar="A:B", help="frames A to B, both shown (default: all)"
    )
    draw.add_argument(
        "--speed", type=positive_float, default=1.0, help="2 plays twice as fast (default: 1)"
    )
    draw.add_argument("--scale", type=positive_float, default=1.0, help="of the picture (default: 1)")
    draw.add_argument(
        "--color", choices=("part", "likelihood"), default="part", help="of keypoints (default: part)"
    )
    draw.add_argument(
        "--min_likelihood",
        type=probability,
        default=0.5,
        help="keypoints below it are hollow (default: 0.5)",
    )
    draw.add_argument("--names", action="store_true", help="write the body parts' names")
    draw.add_argument(
        "--skeleton", type=names, metavar="A-B,B-C", help="lines between body parts, instead of --model's"
    )
    draw.add_argument(
        "--model", type=Path, metavar="DIR", help="model whose project.yaml says the skeleton"
    )
    draw.add_argument(
        "--trail", type=whole_number, default=0, metavar="N", help="trails over N frames (default: none)"
    )


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


def show(args: argparse.Namespace) -> None:
    """Draw what is given into the video."""
    from napari_cropzoom.engine.skeleton import skeleton_of
    from napari_cropzoom.export.drawing import Look
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video
    from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, read_predictions_of
    from napari_cropzoom.files.formats import registry
    from napari_cropzoom.video.index import VideoIndex

    index = VideoIndex.scan(args.video)
    size = (index.width, index.height)

    def read(path: Path | None) -> FloatArray | None:
        if path is None:
            return None
        check_made_of(path, args.video, GIVE_OTHERS)
        return registry.read_boxes(
            path, index.n_frames, allow_missing=True, frame_size=size, faults="skip", notify=print_note
        )

    poses = None
    if args.preds is not None:
        poses, note = read_predictions_of(args.preds, index.n_frames, args.video)
        if note:
            print_note(note)
    skeleton = () if args.model is None else skeleton_of(args.model)
    if args.model is not None and not skeleton:
        print_note(f"{args.model}: no project.yaml of this model names a skeleton, so no lines are drawn")
    if args.skeleton and poses is not None:
        skeleton = bones(args.skeleton, poses.names)
    first, last = args.range or (0, -1)
    shown = Shown(
        read(args.bbox),
        read(args.before),
        poses,
        Look(args.color, args.min_likelihood, args.names, skeleton, args.trail),
        args.layout or ("frame" if args.bbox is None else "both"),
        first,
        last,
        args.speed,
        args.scale,
    )
    stage = write_labeled_video(args.video, args.output, shown, overwrite=args.overwrite)
    path = run_with_bar(stage, f"drawing {args.video.name}")
    print(f"labeled video saved to {path}", flush=True)
    if path.suffix.lower() == ".gif" and path.stat().st_size > LARGE_GIF:
        megabytes = path.stat().st_size / 1e6
        print_note(f"{path.name} has {megabytes:.0f} MB; --scale 0.5 makes it about a quarter of that")


def bones(pairs: Sequence[str], body_parts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of body parts, each written ``A-B``; a name may hold dashes itself.

    Raises
    ------
    CropzoomError
        If one is no pair of these body parts.
    """
    known, found = set(body_parts), list[tuple[str, str]]()
    for text in pairs:
        places = [place for place, letter in enumerate(text) if letter == "-"]
        splits = [(text[:place], text[place + 1 :]) for place in places]
        pair = next((each for each in splits if known.issuperset(each)), None)
        if pair is None:
            raise CropzoomError(
                f"--skeleton {brief(text)}: is no pair A-B of the body parts {', '.join(body_parts)}."
            )
        found.append(pair)
    return tuple(found)
