"""``flags``: what the review queue shows, without a window."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_verb, probability
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.inspection.inspection import Evidence, Suspect
    from napari_cropzoom.video.index import VideoIndex

WAYS_ON = (
    "Ways on: make boxes with `cropzoom detect VIDEO --method motion`, follow the animal from a right "
    "box with Q in `cropzoom review`, or label frames of this video and train the detector again."
)


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    find = add_verb(verbs, common, "flags", flags, "suspicious frames, ranked, with reasons")
    find.add_argument(
        "bbox_file", type=Path, help="boxes, one row a frame; or keypoints, to put boxes round"
    )
    find.add_argument("--preds", type=Path, metavar="FILE", help="keypoints of the detector")
    find.add_argument("--video", type=Path, metavar="FILE", help="the video, to check its pixels too")
    find.add_argument(
        "--amount",
        type=probability,
        default=None,
        help="how many suspects, 0 none to 1 everything odd (default: 0.5)",
    )
    find.add_argument("--json", action="store_true", help="one JSON object")


def flags(args: argparse.Namespace) -> None:
    """Print what is worth a look in a file of boxes, the highest score first."""
    from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT, Inspection, at_least, ranked
    from napari_cropzoom.core.inspection.motion import told_of_misfit
    from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, check_one_source
    from napari_cropzoom.files.formats.predictions import Predictions
    from napari_cropzoom.files.formats.registry import format_of, read_boxes
    from napari_cropzoom.review.suspects import lost_frames, over
    from napari_cropzoom.video.index import VideoIndex
    from napari_cropzoom.video.judge import note_odd

    given = [args.bbox_file, *([] if args.preds is None else [args.preds])]
    if args.video is not None:
        for file in given:
            check_made_of(file, args.video, GIVE_OTHERS)
    check_one_source(given[0], given[-1])
    index = None if args.video is None else VideoIndex.scan(args.video, look=True)
    n_frames, size = (None, None) if index is None else (index.n_frames, (index.width, index.height))
    boxes = read_boxes(
        args.bbox_file, n_frames, allow_missing=True, frame_size=size, faults="skip", notify=print_note
    )
    if args.preds is None and isinstance(format_of(args.bbox_file), Predictions):
        args.preds = args.bbox_file  # the boxes are made of these keypoints, which speak for them too
    amount = DEFAULT_AMOUNT if args.amount is None else args.amount
    inspection = Inspection.of(boxes, _evidence(args, len(boxes), size, index))
    suspects = at_least(ranked(inspection.suspects), amount)
    if index is not None:
        note_odd(index)
        suspects = over(lost_frames(index.damage, len(boxes)), suspects)
    if args.json:
        told: dict[str, object] = {"frames": len(boxes), "flagged": [_as_json(each) for each in suspects]}
        if args.video is not None:
            told["missed"] = round(inspection.missed, 4)
        print(json.dumps(told))
        return
    print(_table(suspects, len(boxes)))
    if misfit := told_of_misfit(inspection.missed):
        print(f"{misfit} {WAYS_ON}")


def _evidence(
    args: argparse.Namespace, n_frames: int, size: tuple[int, int] | None, index: VideoIndex | None
) -> Evidence:
    from napari_cropzoom.core.inspection.inspection import Evidence, anchor_likelihood
    from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
    from napari_cropzoom.files.predictions_csv import read_predictions

    likelihood = poses = motion = None
    if args.preds is not None:
        poses = read_predictions(args.preds)
        if len(poses.xy) != n_frames:
            raise CropzoomError(
                f"{args.bbox_file}: has {counted(n_frames, 'box')} but {args.preds} has "
                f"{counted(len(poses.xy), 'row')}. Give boxes and predictions of the same video."
            )
        likelihood = anchor_likelihood(poses)
    if args.video is not None and n_frames >= LEAST_FRAMES:
        try:
            motion = run_with_bar(pixel_evidence(args.video, index), f"looking at {args.video.name}")
        except CameraMovesError as error:
            print_note(str(error))
    return Evidence(likelihood, poses, size, motion)


def _as_json(suspect: Suspect) -> dict[str, object]:
    return {
        "frame": suspect.frame,
        "first": suspect.first,
        "last": suspect.last,
        "score": round(suspect.score, 4),
        "reasons": list(suspect.reasons),
    }


def _table(suspects: list[Suspect], n_frames: int) -> str:
    """One suspect a line, a count at the end."""
    lines = [f"{'frame':>9}  {'frames':>17}  score  reasons"] if suspects else []
    for each in suspects:
        frames = str(each.first) if each.n_frames == 1 else f"{each.first} to {each.last}"
        lines.append(f"{each.frame:>9}  {frames:>17}  {each.score:>5.2f}  {each.reason}")
    found = counted(len(suspects), "suspect") if suspects else "no suspects"
    lines.append(f"{found} in {counted(n_frames, 'frame')}")
    return "\n".join(lines)
