"""``show``: a labeled video to send to others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_verb, positive_float, whole_number
from napari_cropzoom.cli.drawn import add_drawn, read_animal, read_drawn
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.cli.verbs.exchange.export import animal_names
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.poses import Poses

LARGE_GIF = 10e6  # bytes
LAYOUTS = ("frame", "crop", "both", "timeline", "grid")


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    draw = add_verb(verbs, common, "show", show, "a video with boxes and keypoints drawn in")
    draw.add_argument("video", type=Path, help="the video")
    draw.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="*.mp4 or *.gif to write"
    )
    draw.add_argument(
        "--layout",
        choices=LAYOUTS,
        help="frame, crop (enlarged), both, timeline (both and a timeline below), or grid (the crops of "
        "all animals) (default: grid with --also, both with --bbox, else frame)",
    )
    draw.add_argument(
        "--also",
        type=Path,
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
        "--theme", choices=("dark", "light"), default="dark", help="beside the frame (default: dark)"
    )
    draw.add_argument(
        "--speed", type=positive_float, default=1.0, help="2 plays twice as fast (default: 1)"
    )
    draw.add_argument("--scale", type=positive_float, default=1.0, help="of the picture (default: 1)")
    add_drawn(draw)


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


def sources_beside(bbox: Path | None, video: Path) -> NDArray[np.uint8] | None:
    """(T,) where reviewed boxes come from, by the review they lie beside; None where there is none."""
    from napari_cropzoom.export.stages import sources_of
    from napari_cropzoom.files.review_paths import journal_file, review_dir
    from napari_cropzoom.video.index import VideoIndex

    if bbox is None:
        return None
    raw = bbox.parent.parent / bbox.name
    if bbox.parent != review_dir(raw) or not (raw.is_file() and journal_file(raw).is_file()):
        return None
    return sources_of(raw, VideoIndex.scan(video).n_frames, video)


def ranges_of_suspects(
    args: argparse.Namespace, boxes: FloatArray | None, poses: Poses | None
) -> list[tuple[int, int]]:
    """Frames of the worst suspects and those beside them, in the order of the video.

    Raises
    ------
    CropzoomError
        If there are no boxes, or nothing in them is odd.
    """
    from napari_cropzoom.core.inspection.inspection import Evidence, Inspection, anchor_likelihood, ranked
    from napari_cropzoom.video.index import VideoIndex

    if boxes is None:
        raise CropzoomError("--suspects: are of boxes. Give these with --bbox.")
    index = VideoIndex.scan(args.video)
    likelihood = None if poses is None else anchor_likelihood(poses)
    evidence = Evidence(likelihood, poses, (index.width, index.height))
    worst = ranked(Inspection.of(boxes, evidence).suspects)[: args.suspects]
    if not worst:
        raise CropzoomError(f"{args.before or args.bbox}: has no suspects to show. Leave out --suspects.")
    beside = max(1, round(index.rate / 2))
    last = index.n_frames - 1
    ranges = list[tuple[int, int]]()
    for each in sorted(worst, key=lambda suspect: suspect.first):
        begin, end = max(0, each.first - beside), min(last, each.last + beside)
        if ranges and begin <= ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((begin, end))
    return ranges


def show(args: argparse.Namespace) -> None:
    """Draw what is given into the video."""
    from napari_cropzoom.export.animals import Animal
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video

    for files in args.also:
        if args.bbox is None or len(files) > 2:
            raise CropzoomError(
                "--also: takes the boxes of one more animal and its keypoints, and --bbox those of the "
                "first. Give --also once for each animal."
            )
    boxes, before, poses, look = read_drawn(args)
    names = animal_names([args.bbox, *(files[0] for files in args.also)]) if args.also else [""]
    others = []
    for files, name in zip(args.also, names[1:], strict=True):
        other, keypoints = read_animal(args.video, *files)
        assert other is not None
        others.append(Animal(other, keypoints, name))
    usual = "frame" if args.bbox is None else "grid" if others else "both"
    if args.suspects is not None:
        args.range = ranges_of_suspects(args, boxes if before is None else before, poses)
    (first, last), *more = args.range or [(0, -1)]
    shown = Shown(
        boxes,
        before,
        poses,
        look,
        args.layout or usual,
        first,
        last,
        args.speed,
        args.scale,
        tuple(others),
        names[0],
        tuple(more),
        args.theme,
        sources_beside(args.bbox, args.video),
    )
    stage = write_labeled_video(args.video, args.output, shown, overwrite=args.overwrite)
    path = run_with_bar(stage, f"drawing {args.video.name}")
    print(f"labeled video saved to {path}", flush=True)
    if path.suffix.lower() == ".gif" and path.stat().st_size > LARGE_GIF:
        megabytes = path.stat().st_size / 1e6
        print_note(f"{path.name} has {megabytes:.0f} MB; --scale 0.5 makes it about a quarter of that")
