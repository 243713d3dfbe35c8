"""Files of labels made by review, and the record of what was found.

Beside the labels of a project, ``<labels>.csv``, which stay as they are. Each is made of those above it:

``<labels>_with_review_made_of.json``
    what was found: of each image the video and what tells it from others of its name, the frame, the box,
    why it was suspected, the pose model, and its keypoints with their likelihoods;
``<labels>_with_review_journal.jsonl``
    what a person has said of it, see :mod:`.said`;
``<labels>_with_review.csv``
    the labels of the project, and those made by review that were not rejected, see :mod:`.label_table`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.parsing import MISSHAPEN, read_json, why_not_read
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.files.provenance import is_same_file

VERSION = 2
END = "_with_review"
Place = tuple[float, float]
Places = dict[str, Place]


@dataclass(frozen=True)
class FoundInImage:
    """What was found in one image.

    Attributes
    ----------
    why : str
        Why its frame was suspected.
    box : Box
        Set by a person, in pixels of the image.
    places : dict
        Of each keypoint x and y, in pixels of the image; those too unlikely to be a label too.
    likelihoods : dict
        Of each keypoint; nothing in records of version 1.
    least : float
        Likelihood from which a keypoint is a label.
    """

    why: str
    box: Box
    places: Places
    likelihoods: dict[str, float]
    least: float

    @classmethod
    def of(cls, about: Mapping[str, Any], row: Places | None) -> FoundInImage | None:
        """By its entry in the record, in version 1 its row in the table. None if it makes no sense."""
        with contextlib.suppress(*MISSHAPEN):
            places, likelihoods = dict(row or {}), dict[str, float]()
            if "keypoints" in about:
                cells = {str(name): [*map(float, each)] for name, each in about["keypoints"].items()}
                places = {name: (each[0], each[1]) for name, each in cells.items()}
                likelihoods = {name: each[2] for name, each in cells.items() if len(each) > 2}
            elif row is None:
                return None
            box = Box(*map(float, about["box"]))
            return cls(str(about["why"]), box, places, likelihoods, float(about.get("least", 0.0)))
        return None

    def labels(self) -> Places:
        """Keypoints that are likely enough."""
        return {
            name: place
            for name, place in self.places.items()
            if self.likelihoods.get(name, 1.0) >= self.least
        }

    @property
    def likelihood(self) -> float:
        """Mean over the keypoints, 1 where nothing is known."""
        return sum(self.likelihoods.values()) / len(self.likelihoods) if self.likelihoods else 1.0

    def keypoints(self) -> dict[str, list[float]]:
        """For the record: of each keypoint x, y and likelihood, where that is known."""
        known = self.likelihoods
        return {
            name: [*place, *([known[name]] if name in known else [])]
            for name, place in self.places.items()
        }


def with_review(labels: Path) -> Path:
    """Where the table with the new rows lies."""
    return labels.with_name(f"{labels.stem}{END}.csv")


def without_review(labels: Path) -> Path:
    """The labels that a table with new rows was made of; others as they are."""
    made_of = labels.with_name(f"{labels.stem.removesuffix(END)}.csv")
    return made_of if record_of(labels).is_file() and made_of.is_file() else labels


def record_of(target: Path) -> Path:
    """Where it is told which rows were made by review."""
    return target.with_name(f"{target.stem}_made_of.json")


def label_journal(target: Path) -> Path:
    """Where it is told what a person has said of them."""
    return target.with_name(f"{target.stem}_journal.jsonl")


def read_record(path: Path) -> dict[str, dict[str, Any]]:
    """What is known of the rows made by review, by their image; nothing where there is no record.

    Raises
    ------
    CropzoomError
        If it is there but cannot be read: written again it would have lost the rows of before.
    """
    if not os.path.lexists(path):
        return {}
    try:
        return {str(image): dict(about) for image, about in read_json(path)["images"].items()}
    except (OSError, *MISSHAPEN) as error:
        raise CropzoomError(
            f"{path}: cannot be read ({why_not_read(error)}), so which labels were made by review is not "
            "known. Put a copy of it back, or move it away: those labels then count as your own."
        ) from error


def write_record(path: Path, about: Mapping[str, Any]) -> None:
    """Add rows to the record of what was made by review.

    Raises
    ------
    CropzoomError
        If the file cannot be written, or the one there cannot be read.
    """
    content = {"version": VERSION, "images": {**read_record(path), **about}}
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")


def video_in_record(video: Path, labels: Path) -> str:
    """How a record names a video: from the folder of the labels, where it lies in it."""
    try:
        return video.absolute().relative_to(labels.absolute().parent).as_posix()
    except ValueError:
        return str(video.absolute())


def added_frames(
    labels: Path, videos: Sequence[Path] = (), notify: Notify = ignore
) -> dict[Path, list[int]]:
    """Frames of each video that are rows of the table made of ``labels``, by its record.

    Parameters
    ----------
    labels : Path
        Labels of the project.
    videos : sequence of Path
        Of the project: one that was moved or renamed is known again by its bytes.
    notify : callable
        Is told of videos that are other files now, or are known by their names only.

    Raises
    ------
    CropzoomError
        If the table or the record cannot be read.
    """
    target = with_review(labels)
    if not target.is_file():
        return {}
    root, frames = labels.absolute().parent, dict[tuple[str, str], list[int]]()
    there = {plain_path(image) for image in read_predictions_table(target).index}
    for image, about in read_record(record_of(target)).items():
        with contextlib.suppress(*MISSHAPEN):
            if image in there:
                identity = json.dumps(about.get("video_identity"))
                frames.setdefault((about["video"], identity), []).append(int(about["frame"]))
    result = dict[Path, list[int]]()
    for (named, identity), numbers in frames.items():
        path, said = _found_again(root, named, json.loads(identity), videos)
        if said:
            notify(f"{said} ({counted(len(numbers), 'frame')} in {target.name})")
        if path is not None:
            result.setdefault(path, []).extend(numbers)
    return result


def _found_again(
    root: Path, named: str, identity: Any, videos: Sequence[Path]
) -> tuple[Path | None, str]:
    """A video by its name and identity in a record, and what to know of it; None if it is not there.

    Where a record of an older version knows no more than the name, one whose folder was moved is found by
    the end of its path.
    """
    parts = named.replace("\\", "/").split("/")
    path = Path(os.path.normpath(root / named))
    ends = [path, *(root.joinpath(*parts[first:]) for first in range(1, len(parts)))]
    files = [end for end in ends if end.is_file()]
    if not isinstance(identity, dict):
        return (files[0], _on_trust(files[0], named)) if files else (None, "")
    for file in (*files, *videos):
        with contextlib.suppress(OSError):
            if file.stat().st_size == identity.get("bytes") and is_same_file(identity, file):
                return file, ""
    if not path.is_file():
        return None, ""
    return None, (
        f"{path}: is another file than the one of which labels were made by review, so none of its "
        "frames is left out of the comparison"
    )


def _on_trust(file: Path, named: str) -> str:
    return (
        f"{file}: is taken for {brief(named)}, of which labels were made by review; the record of an "
        "older version says only the name of that video"
    )
