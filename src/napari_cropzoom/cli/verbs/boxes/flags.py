"""``flags``: what the review queue shows, without a window."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path, probability
from napari_cropzoom.cli.inputs import print_note, tell_doubt
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
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
        "bbox_file", type=any_path, help="boxes, one row a frame; or keypoints, to put boxes round"
    )
    find.add_argument("--preds", type=any_path, metavar="FILE", help="keypoints of the detector")
    find.add_argument(
        "--pose",
        type=any_path,
        metavar="FILE",
        help="keypoints of the pose model, found in these boxes, which are not to touch their edge "
        "(default: those in the folder of another model near by, if they were made of these boxes)",
    )
    find.add_argument("--video", type=any_path, metavar="FILE", help="the video, to check its pixels too")
    find.add_argument(
        "--amount",
        type=probability,
        default=None,
        help="how many suspects, 0 none to 1 everything odd (default: 0.5)",
    )
    find.add_argument("--json", action="store_true", help="one JSON object")


def flags(args: argparse.Namespace) -> None:
    """Print what is worth a look in a file of boxes, the highest score first."""
    from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT, Inspection, at_least
    from napari_cropzoom.core.inspection.motion import told_of_misfit
    from napari_cropzoom.core.inspection.posed import with_posed
    from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, check_one_source
    from napari_cropzoom.files.formats.predictions import Predictions
    from napari_cropzoom.files.formats.registry import format_of, read_boxes
    from napari_cropzoom.review.suspects import lost_frames, over
    from napari_cropzoom.video.index import VideoIndex
    from napari_cropzoom.video.judge import note_odd

    given = [file for file in (args.bbox_file, args.preds, args.pose) if file is not None]
    if args.video is not None:
        for file in given:
            check_made_of(file, args.video, GIVE_OTHERS)
    for file in given[1:]:
        check_one_source(args.bbox_file, file)
    for file in given:
        tell_doubt(file)
    index = None if args.video is None else VideoIndex.scan(args.video, look=True)
    n_frames, size = (None, None) if index is None else (index.n_frames, (index.width, index.height))
    boxes = read_boxes(
        args.bbox_file, n_frames, allow_missing=True, frame_size=size, faults="skip", notify=print_note
    )
    if args.preds is None and isinstance(format_of(args.bbox_file), Predictions):
        args.preds = args.bbox_file  # the boxes are made of these keypoints, which speak for them too
    amount = DEFAULT_AMOUNT if args.amount is None else args.amount
    inspection = Inspection.of(boxes, _evidence(args, boxes, size, index))
    posed = _posed(args, boxes, size)
    suspects = at_least(with_posed(inspection.suspects, posed), amount)
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


def _posed(args: argparse.Namespace, boxes: FloatArray, size: tuple[int, int] | None) -> list[Suspect]:
    """Frames in which the keypoints of a pose model touch the edge of the very boxes it was given."""
    from napari_cropzoom.core.boxes import BoxTrack
    from napari_cropzoom.core.inspection.posed import PosedSuspects
    from napari_cropzoom.core.smoothing.finalize import finalize
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.core.smoothing.track import SmoothedTrack
    from napari_cropzoom.files.provenance import read_video_predictions

    final, pose = finalize(boxes), args.pose
    if pose is None:
        pose = _pose_near(args.bbox_file, final)
        if pose is None:
            return []
        print_note(f"the pose in these boxes is that of {pose}")
    posed = PosedSuspects.of(read_video_predictions(pose, len(boxes)), final, size)
    return posed.entries(SmoothedTrack(BoxTrack(boxes), SmoothingSettings(window=1)))[0]


def _pose_near(bbox_file: Path, final: FloatArray) -> Path | None:
    """Predictions of the same video in the folder of another model, which were made in these boxes."""
    from napari_cropzoom.files.provenance import made_with_path, read_made_with

    name = f"{bbox_file.stem.removesuffix('_bbox')}.csv"
    for above in bbox_file.absolute().parents[1:4]:
        for found in sorted(above.glob(f"*/video_preds/{name}")):
            record = read_made_with(made_with_path(found))
            if record is None:
                tell_doubt(found)
            seen = None if record is None else record.boxes
            if seen is not None and len(seen) == len(final) and (seen == final).all(axis=1).any():
                return found
    return None


def _evidence(
    args: argparse.Namespace, boxes: FloatArray, size: tuple[int, int] | None, index: VideoIndex | None
) -> Evidence:
    from napari_cropzoom.core.inspection.inspection import Evidence, anchor_likelihood
    from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
    from napari_cropzoom.files.predictions_csv import read_predictions

    likelihood = poses = motion = None
    if args.preds is not None:
        poses = read_predictions(args.preds)
        if len(poses) != len(boxes):
            raise CropzoomError(
                f"{args.bbox_file}: has {counted(len(boxes), 'box')} but {args.preds} has "
                f"{counted(len(poses), 'row')}. Give boxes and predictions of the same video."
            )
        likelihood = anchor_likelihood(poses)
    if args.video is not None and len(boxes) >= LEAST_FRAMES:
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
