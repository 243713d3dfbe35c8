"""``flags``: what the review queue shows, without a window."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_verb, probability
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.review import Burst, Evidence


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb of this module."""
    find = add_verb(verbs, common, "flags", flags, "suspicious frames, ranked, with reasons")
    find.add_argument("bbox_file", type=Path, help="boxes, one row a frame")
    find.add_argument("--preds", type=Path, metavar="FILE", help="keypoints of the detector")
    find.add_argument("--video", type=Path, metavar="FILE", help="the video, to look at its pixels too")
    find.add_argument(
        "--amount",
        type=probability,
        default=None,
        help="how much to look at, 0 nothing to 1 everything odd (default: 0.5)",
    )
    find.add_argument("--json", action="store_true", help="one JSON object")


def flags(args: argparse.Namespace) -> None:
    """Print what is worth a look in a file of boxes, the highest score first."""
    from napari_cropzoom.core.review import DEFAULT_AMOUNT, at_least, find_bursts
    from napari_cropzoom.io.bbox_csv import read_bbox_csv

    boxes = read_bbox_csv(args.bbox_file, _frames_of(args.video), allow_missing=True)
    amount = DEFAULT_AMOUNT if args.amount is None else args.amount
    bursts = at_least(find_bursts(boxes, _evidence(args, len(boxes))), amount)
    if args.json:
        print(json.dumps({"frames": len(boxes), "flagged": [_as_json(each) for each in bursts]}))
        return
    print(_table(bursts, len(boxes)))


def _frames_of(video: Path | None) -> int | None:
    from napari_cropzoom.io.video import Video

    if video is None:
        return None
    with Video(video) as source:
        return source.n_frames


def _evidence(args: argparse.Namespace, n_frames: int) -> Evidence:
    from napari_cropzoom.core.review import Evidence, anchor_likelihood
    from napari_cropzoom.io.predictions_csv import read_predictions
    from napari_cropzoom.io.video import Video
    from napari_cropzoom.pipeline.pixel_evidence import LEAST_FRAMES, pixel_evidence

    likelihood = poses = size = motion = None
    if args.preds is not None:
        poses = read_predictions(args.preds)
        if len(poses.xy) != n_frames:
            raise CropzoomError(
                f"{args.bbox_file}: has {n_frames} boxes but {args.preds} has {len(poses.xy)} rows. Give "
                "boxes and predictions of the same video."
            )
        likelihood = anchor_likelihood(poses)
    if args.video is not None:
        with Video(args.video) as source:
            size = (source.width, source.height)
        if n_frames >= LEAST_FRAMES:
            motion = run_with_bar(pixel_evidence(args.video), f"looking at {args.video.name}")
    return Evidence(likelihood, poses, size, motion)


def _as_json(burst: Burst) -> dict[str, object]:
    return {
        "frame": burst.frame,
        "first": burst.first,
        "last": burst.last,
        "score": round(burst.score, 4),
        "reasons": list(burst.reasons),
    }


def _table(bursts: list[Burst], n_frames: int) -> str:
    """One burst a line, a count at the end."""
    lines = [f"{'frame':>9}  {'frames':>17}  score  reasons"] if bursts else []
    for each in bursts:
        stretch = str(each.first) if each.n_frames == 1 else f"{each.first} to {each.last}"
        lines.append(f"{each.frame:>9}  {stretch:>17}  {each.score:>5.2f}  {each.reason}")
    noun = "stretch" if len(bursts) == 1 else "stretches"
    lines.append(f"{len(bursts) or 'no'} {noun} to look at in {n_frames} frames")
    return "\n".join(lines)
