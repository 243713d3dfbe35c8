"""What is drawn on frames: arguments that ``show`` and ``figure`` share, and reading what they name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Choices,
    any_path,
    names,
    positive_float,
    probability,
    whole_number,
)
from napari_cropzoom.cli.inputs import check_is_of, print_note
from napari_cropzoom.core.errors import CropzoomError, brief

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.export.keypoints import KeypointLook

BOX = "box"
"""The trail of the centre of the box."""


def add_drawn(draw: argparse.ArgumentParser) -> None:
    """Boxes, keypoints and how they look; :func:`read_drawn` reads them."""
    draw.add_argument("--overwrite", action="store_true", help="replace a file of that name")
    draw.add_argument("--bbox", type=any_path, metavar="FILE", help="boxes, one row a frame")
    draw.add_argument(
        "--before", type=any_path, metavar="FILE", help="boxes of before, dashed and orange"
    )
    draw.add_argument("--preds", type=any_path, metavar="FILE", help="keypoints in the full frame")
    draw.add_argument(
        "--color",
        choices=("part", "likelihood", "animal"),
        default="part",
        help="what the colour of keypoints shows (default: part)",
    )
    draw.add_argument(
        "--palette",
        choices=Choices(palettes),
        metavar="NAME",
        help="colours of keypoints: one of %(choices)s (default: as in the window)",
    )
    draw.add_argument(
        "--marker_size",
        type=positive_float,
        default=0.0,
        metavar="PX",
        help="radius of a keypoint in pixels of the frame (default: fits the picture)",
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
        "--model", type=any_path, metavar="DIR", help="model whose project.yaml says the skeleton"
    )
    draw.add_argument(
        "--trail", type=whole_number, default=0, metavar="N", help="trails over N frames (default: none)"
    )


def add_looks(draw: argparse.ArgumentParser) -> None:
    """How keypoints and trails look in a video, beyond :func:`add_drawn`."""
    draw.add_argument(
        "--marker",
        choices=Choices(marks),
        default="circle",
        metavar="SHAPE",
        help="of keypoints: one of %(choices)s (default: circle)",
    )
    draw.add_argument(
        "--no_keypoints", action="store_true", help="leave out the marks: lines, trails and names only"
    )
    draw.add_argument(
        "--line_width",
        type=positive_float,
        default=0.0,
        metavar="PX",
        help="of the skeleton, in pixels of the frame (default: fits the picture)",
    )
    draw.add_argument(
        "--alpha", type=probability, default=1.0, help="opacity of all keypoints, 0 to 1 (default: 1)"
    )
    draw.add_argument(
        "--trail_of",
        type=names,
        default=(),
        metavar="A,B",
        help="body parts that leave a trail, `box` for the centre of the box (default: all body parts)",
    )
    draw.add_argument(
        "--trail_width", type=positive_float, default=1.0, metavar="PX", help="default: 1 pixel"
    )
    draw.add_argument(
        "--no_fade", action="store_true", help="trails are as strong at their end as at the animal"
    )
    draw.add_argument(
        "--trail_alpha", type=probability, default=1.0, help="opacity of trails, 0 to 1 (default: 1)"
    )
    draw.add_argument(
        "--trail_color",
        type=colour,
        metavar="COLOR",
        help="of all trails (default: the colours of what leaves them)",
    )


def colour(text: str) -> tuple[int, int, int]:
    """The name of a colour, its ``#rrggbb``, or its red, green and blue from 0 to 255."""
    from PIL import ImageColor

    numbers = text.split(",")
    try:
        if len(numbers) == 3:
            red, green, blue = (int(number) for number in numbers)
            if not 0 <= min(red, green, blue) <= max(red, green, blue) <= 255:
                raise ValueError(text)
        else:
            red, green, blue, *_ = ImageColor.getrgb(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be a colour such as black, #333333 or 51,51,51, not {text}"
        ) from error
    return red, green, blue


def palettes() -> list[str]:
    """Names of palettes."""
    from napari_cropzoom.export.palettes import PALETTES

    return list(PALETTES)


def marks() -> list[str]:
    """Names of shapes of keypoints."""
    from napari_cropzoom.export.keypoints import MARKS

    return list(MARKS)


def with_looks(args: argparse.Namespace, look: KeypointLook, poses: Poses | None) -> KeypointLook:
    """The look with what :func:`add_looks` asks for.

    Raises
    ------
    CropzoomError
        If a trail is asked of a body part that is none, or there is no trail to be changed.
    """
    parts = tuple(part for part in args.trail_of if part != BOX)
    known = () if poses is None else poses.names
    for part in parts:
        if part not in known:
            said = f"they are {', '.join(known)}" if known else "there are no keypoints: give --preds"
            raise CropzoomError(f"--trail_of {brief(part)}: is no body part; {said}.")
    is_of_trails = args.trail_of or args.no_fade or args.trail_color or args.trail_alpha < 1
    if is_of_trails and not args.trail:
        raise CropzoomError(
            "--trail_of, --no_fade, --trail_alpha and --trail_color: are of trails. Give their length "
            "too, --trail N."
        )
    if BOX in args.trail_of and args.bbox is None:
        raise CropzoomError("--trail_of box: is of boxes. Give these with --bbox.")
    return replace(
        look,
        mark=args.marker,
        marks_shown=not args.no_keypoints,
        line=args.line_width,
        opacity=args.alpha,
        trail_of=parts,
        trails_shown=bool(parts or not args.trail_of),
        trail_width=args.trail_width,
        trail_fades=not args.no_fade,
        trail_opacity=args.trail_alpha,
        trail_colour=args.trail_color,
    )


@dataclass(frozen=True)
class Frames:
    """What files of boxes and keypoints have to fit.

    Attributes
    ----------
    n_frames : int
    size : (int, int)
        Width and height in pixels.
    video : Path or None
        The video; None where it is not there, so that nothing can be of another one.
    """

    n_frames: int
    size: tuple[int, int]
    video: Path | None = None

    @classmethod
    def of(cls, video: Path) -> Frames:
        """Those of a video that is there."""
        from napari_cropzoom.video.index import VideoIndex

        index = VideoIndex.scan(video)
        return cls(index.n_frames, (index.width, index.height), video)


def read_drawn(
    args: argparse.Namespace, frames: Frames
) -> tuple[FloatArray | None, FloatArray | None, Poses | None, KeypointLook]:
    """Boxes (T, 4), boxes of before, keypoints and their look, checked against the frames.

    Raises
    ------
    CropzoomError
        If a file cannot be read or is of another video.
    """
    from napari_cropzoom.engine.skeleton import skeleton_of
    from napari_cropzoom.export.keypoints import KeypointLook
    from napari_cropzoom.export.palettes import check_palette

    check_palette(args.color, args.palette)
    boxes, poses = read_animal(frames, args.bbox, args.preds)
    before, _ = read_animal(frames, args.before)
    skeleton = () if args.model is None else skeleton_of(args.model)
    if args.model is not None and not skeleton:
        print_note(f"{args.model}: no project.yaml of this model names a skeleton, so no lines are drawn")
    if args.skeleton and poses is not None:
        skeleton = bones(args.skeleton, poses.names)
    look = KeypointLook(
        args.color,
        args.min_likelihood,
        args.names,
        skeleton,
        args.trail,
        args.marker_size,
        args.palette,
    )
    return boxes, before, poses, look


def read_animal(
    frames: Frames, bbox: Path | None, preds: Path | None = None
) -> tuple[FloatArray | None, Poses | None]:
    """Boxes (T, 4) and keypoints of one animal, checked against the frames.

    The final boxes of a review are NaN where it says that there is no animal: in the file these frames
    have filled boxes.

    Raises
    ------
    CropzoomError
        If a file cannot be read or is of another video.
    """
    from napari_cropzoom.core.inspection.posed import found_in_others, told_of_others
    from napari_cropzoom.export.stages import of_animal
    from napari_cropzoom.files.belonging import GIVE_OTHERS, check_one_source, read_predictions_of
    from napari_cropzoom.files.formats import registry

    boxes = poses = None
    if bbox is not None:
        if frames.video is not None:
            check_is_of(bbox, frames.video, GIVE_OTHERS)
        elif preds is not None:
            check_one_source(bbox, preds)
        boxes = registry.read_boxes(
            bbox,
            frames.n_frames,
            allow_missing=True,
            frame_size=frames.size,
            faults="skip",
            notify=print_note,
        )
        boxes = of_animal(boxes, sources_beside(bbox, frames))
    if preds is not None:
        poses, note = read_predictions_of(preds, frames.n_frames, frames.video)
        if note:
            print_note(note)
    if boxes is not None and poses is not None:
        told = told_of_others(found_in_others(poses, boxes, frames.size), frames.n_frames)
        if told:
            print_note(f"{preds}: {told} Run it again on these with `predict --only_changed`.")
    return boxes, poses


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


def sources_beside(bbox: Path | None, frames: Frames) -> NDArray[np.uint8] | None:
    """(T,) where reviewed boxes come from, by the review they lie beside; None where there is none."""
    from napari_cropzoom.export.stages import sources_of
    from napari_cropzoom.files.review_paths import journal_file, review_dir

    if bbox is None:
        return None
    raw = bbox.parent.parent / bbox.name
    if bbox.parent != review_dir(raw) or not (raw.is_file() and journal_file(raw).is_file()):
        return None
    return sources_of(raw, frames.n_frames, frames.video)
