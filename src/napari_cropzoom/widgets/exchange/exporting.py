"""Results of a review in the formats of other programs: what there is to choose, and writing it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.base import BoxExport, PoseExport
from napari_cropzoom.files.formats.outside_rows import BoxesOut, PosesOut, VideoFacts
from napari_cropzoom.files.formats.registry import (
    EXPORTS,
    POSE_EXPORTS,
    check_places,
    get_export,
    get_pose_export,
)
from napari_cropzoom.review.session import Session

ONE_ANIMAL = ("table",)  # such a file holds no names
BOXES = {each.name for each in EXPORTS}
_ALL: dict[str, BoxExport | PoseExport] = {each.name: each for each in EXPORTS}
_ALL.update({each.name: each for each in POSE_EXPORTS})
GREYED = "Formats in grey need napari-cropzoom[formats], which is not installed."
NO_KEYPOINTS = "There are no keypoints yet. Run step Pose or Detect first."
NO_BOXES = "There are no boxes yet. Make, load or draw some first."


def labels() -> dict[str, str]:
    """Label of every export by its name."""
    of_boxes = {each.name: each.label for each in EXPORTS}
    return of_boxes | {each.name: f"Keypoints: {each.label}" for each in POSE_EXPORTS}


def missing(name: str) -> list[str]:
    """Modules that an export needs and that are not installed."""
    return [each for each in getattr(_ALL[name], "packages", ()) if find_spec(each) is None]


def help_of(name: str) -> str:
    """What an export writes, in a sentence, and how to install what it needs."""
    needed = missing(name)
    beside = " pynwb ndx-pose" if "pynwb" in needed else ""
    install = f'Not installed. Run: pip install "napari-cropzoom[formats]"{beside}' if needed else ""
    return "\n".join(filter(None, (_ALL[name].help, install)))


def pattern_of(name: str) -> str:
    """Of its usual file name; empty for a folder."""
    patterns = _ALL[name].patterns
    return patterns[0] if patterns else ""


def facts_of(session: Session) -> VideoFacts:
    """What formats need to know of a video."""
    video = session.video
    size = video.width, video.height
    return VideoFacts(video.path.name, *size, video.n_frames, video.fps, str(video.path))


def to_export(session: Session, name: str, path: Path) -> Callable[[], Path]:
    """Work that writes what is there now to a file or folder, to be called in a thread.

    Boxes are the final ones, of all animals that have some; a table holds the current animal. Keypoints
    are those of the pose model in the boxes of the current animal, or else, of the first, the detector's.

    Raises
    ------
    CropzoomError
        If there is nothing to write, or it would replace the video or the boxes that are reviewed; when
        called, as the export.
    """
    facts = facts_of(session)
    raw = [entry.raw_csv for entry in session.tracks.entries.values() if entry.raw_csv is not None]
    animals = [entry.track.name for entry in session.tracks.with_boxes]
    check_places(name, path, session.video.path, animals, raw)
    if name not in BOXES:
        poses = session.pose_poses or session.keypoints.about("detector")
        if poses is None:
            raise CropzoomError(NO_KEYPOINTS)
        pose_export, animal = get_pose_export(name), session.track.name

        def write_poses() -> Path:
            pose_export.write(path, PosesOut({animal: poses}, facts))
            return path

        return write_poses
    entries = [session.tracks.entry] if name in ONE_ANIMAL else session.tracks.with_boxes
    if not entries or not all(entry.has_boxes for entry in entries):
        raise CropzoomError(NO_BOXES)
    copies, fill, box_export = [entry.copy() for entry in entries], session.fill, get_export(name)

    def write_boxes() -> Path:
        boxes = {entry.track.name: entry.final_boxes(fill) for entry in copies}
        box_export.write(path, BoxesOut(boxes, facts))
        return path

    return write_boxes
