"""Where a review lies on disk, and the final boxes for ``litpose``.

In ``bboxes_reviewed/`` beside the raw boxes lie

``<video>_bbox.csv``, or ``bbox.csv`` of labeled frames
    the final boxes, named after the video whatever the raw file is called, in the form that
    ``litpose crop --bbox_dir`` takes;
``metadata.json``
    the keys of ``litpose smooth_bbox`` (method, window, source) and, per video, what was done;
``<stem>_journal.jsonl``
    every edit and the hash of the raw file, see :mod:`napari_cropzoom.files.journal`.

``places.json`` in the user's own data folder says of videos, and of folders of projects, by their paths:
``results``, the folder that was chosen for what is made of them, and ``reviews``, raw boxes that were
reviewed, the last first. The window and the commands read it, so that both find the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.atomic import atomic_path, cannot_write
from napari_cropzoom.files.bbox_csv import METADATA, write_bbox_csv
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.parsing import MISSHAPEN, OtherVersionError, read_json, size_of, why_not_read
from napari_cropzoom.files.user_data import user_data_folder

REVIEW_DIR = "bboxes_reviewed"
PLACES = "places.json"
PLACES_VERSION = 1
PLACES_KEPT = 1000  # videos
REVIEWS_KEPT = 4  # of a video


def review_dir(raw_csv: Path) -> Path:
    """Folder of the reviewed boxes of ``raw_csv``."""
    return raw_csv.parent / REVIEW_DIR


def journal_file(raw_csv: Path) -> Path:
    """Path of the journal of the review of ``raw_csv``."""
    return review_dir(raw_csv) / f"{stem(raw_csv)}_journal.jsonl"


def is_labels(source: Path) -> bool:
    """Whether boxes are of the images of a labels file, not of the frames of a video."""
    return source.suffix.lower() == ".csv"


def reviewed_csv(raw_csv: Path, video: Path) -> Path:
    """Path of the final boxes made of ``raw_csv``, named as ``litpose`` has it: after the video.

    Of a labels file they are ``bbox.csv``, which ``litpose crop --bbox_dir`` looks for.
    """
    return review_dir(raw_csv) / ("bbox.csv" if is_labels(video) else f"{video.stem}_bbox.csv")


def own_place_of(path: Path, raw_csv: Path) -> Path:
    """Where what is made of a further animal's boxes lies: in the folder of its raw boxes.

    As with ``--output_dir`` and that folder, so that nothing of the first animal is written over.

    Parameters
    ----------
    path : Path
        Where that of the first animal lies, such as ``<model>/video_preds/<video>.csv``.
    raw_csv : Path
        Raw boxes of the further animal.
    """
    return raw_csv.parent.joinpath(*path.absolute().parts[-3:])


def stem(raw_csv: Path) -> str:
    """Name of the video that boxes belong to."""
    return raw_csv.stem.removesuffix("_bbox")


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read, or is no file: a pipe would be waited for, and a device has no end.
    """
    size_of(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(path: Path) -> Path:
    """Give a file another name beside it, that nothing has yet; returns the new path.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to, or the file is open in another program.
    """
    number = 1
    while (other := path.with_name(f"{path.stem}_{number}{path.suffix}")).exists():
        number += 1
    try:
        return path.rename(other)
    except OSError as error:
        raise cannot_write(path, error) from error


def save_final(
    raw_csv: Path,
    video: Path,
    final: FloatArray,
    smoothing: SmoothingSettings,
    summary: dict[str, Any],
    images: Sequence[str] | None = None,
) -> Path:
    """Write the final boxes and ``metadata.json``.

    Parameters
    ----------
    raw_csv : Path
        The raw boxes; the file is not touched.
    video : Path
        The video they belong to.
    final : ndarray, (T, 4)
        ``x, y, w, h``, whole pixels, no gaps.
    smoothing : SmoothingSettings
        As used.
    summary : dict
        What ``metadata.json`` says of this video, e.g. which frames were filled.
    images : sequence of str, optional
        Names of the images, where ``video`` is a labels file.

    Returns
    -------
    Path
        The CSV of the final boxes.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to.
    """
    target = reviewed_csv(raw_csv, video)
    write_bbox_csv(target, final, images)
    metadata_path = target.parent / METADATA
    metadata = {
        "method": smoothing.method,
        "window": smoothing.window,
        "source": str(real_path(raw_csv.parent)),
        "videos": {**_others_in(metadata_path), video.stem: summary},
    }
    with atomic_path(metadata_path) as part:
        part.write_text(json.dumps(metadata, indent=2, allow_nan=False), encoding="utf-8")
    return target


def why_set_aside(raw_csv: Path, video: Path) -> str:
    """Say that saving a review puts a ``metadata.json`` aside that cannot be read; empty if it can be."""
    try:
        _known_videos(reviewed_csv(raw_csv, video).parent / METADATA)
    except CropzoomError as error:
        return (
            f"{error} Saving gives it another name; save the reviews of the other videos there again too."
        )
    return ""


def _others_in(metadata: Path) -> dict[str, Any]:
    """What is known of the videos of a folder; what cannot be read is set aside, not lost."""
    try:
        return _known_videos(metadata)
    except CropzoomError:
        set_aside(metadata)
        return {}


def _known_videos(metadata: Path) -> dict[str, Any]:
    """What ``metadata.json`` says of each video; raises `CropzoomError` if it is there but unreadable."""
    if not os.path.lexists(metadata):
        return {}
    try:
        content = read_json(metadata)
    except (OSError, *MISSHAPEN) as error:
        raise CropzoomError(
            f"{metadata}: cannot be read ({why_not_read(error)}), so in which frames a review saw no "
            "animal is not known. Save the review again, or delete this file."
        ) from error
    videos = content.get("videos") if isinstance(content, dict) else None  # another program's file
    return videos if isinstance(videos, dict) else {}


def without_absent(boxes: FloatArray, bbox_csv: Path, video: Path) -> FloatArray:
    """Boxes for a pose model: none in the frames of which the review says that no animal is there.

    ``litpose crop`` wants a box in every frame, so the file has one there too, filled from its
    neighbours; a pose model would find keypoints in it with confidence.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        As read of ``bbox_csv``.
    bbox_csv : Path
        Boxes of one video; only those that a review has saved say anything.
    video : Path

    Returns
    -------
    ndarray, (T, 4)
        NaN where there is no animal; ``boxes`` itself where that is nowhere.

    Raises
    ------
    CropzoomError
        As :func:`absent_frames`.
    """
    frames = absent_frames(bbox_csv.parent, video.stem, len(boxes))
    if not frames:
        return boxes
    boxes = boxes.copy()
    boxes[frames] = np.nan
    return boxes


def absent_frames(folder: Path, video_stem: str, n_frames: int) -> list[int]:
    """Frames of which a review says that no animal is there; none where it does not know the video.

    Parameters
    ----------
    folder : Path
        Where the review has saved its boxes.
    video_stem : str
        Name of the full-frame video without its suffix.
    n_frames : int
        Of the video.

    Raises
    ------
    CropzoomError
        If ``metadata.json`` is there but cannot be read.
    """
    said = _known_videos(folder / METADATA).get(video_stem)
    absent = said.get("absent") if isinstance(said, dict) else None
    numbers = absent if isinstance(absent, list) else []
    return [each for each in numbers if isinstance(each, int) and 0 <= each < n_frames]


def frames_left_in(bbox_csv: Path) -> int:
    """In how many frames smoothing has moved the boxes of a saved review off the animal.

    0 where nobody has counted them; see :func:`.leaving.frames_left`.
    """
    try:
        said = _known_videos(bbox_csv.parent / METADATA).get(bbox_csv.name.removesuffix("_bbox.csv"))
    except CropzoomError:
        return 0
    left = said.get("left") if isinstance(said, dict) else None
    return left if isinstance(left, int) and left > 0 else 0


@dataclass(frozen=True)
class Places:
    """Where a person keeps what is made of a video, or of the videos of a project.

    Attributes
    ----------
    results : Path or None
        Chosen folder; None for the usual places.
    reviews : tuple of Path
        Raw boxes that were reviewed, the last first; files may be gone since.
    """

    results: Path | None = None
    reviews: tuple[Path, ...] = ()


def places_of(video: Path) -> Places:
    """What is known of a video, or of the folder of a project."""
    known = _all_places().get(str(video.absolute()))
    if not isinstance(known, dict):
        return Places()
    folder, reviews = known.get("results"), known.get("reviews")
    return Places(
        Path(folder) if isinstance(folder, str) and folder else None,
        tuple(Path(raw) for raw in reviews if isinstance(raw, str)) if isinstance(reviews, list) else (),
    )


def results_of(video: Path) -> Path | None:
    """Folder that a person chose for what is made of a video; None for the usual places."""
    return places_of(video).results


def remember_results(video: Path, folder: Path | None) -> None:
    """Keep the folder for the next time; None for the usual places."""
    _keep(video, Places(None if folder is None else folder.absolute(), places_of(video).reviews))


def remember_reviewed(video: Path, raw_csv: Path) -> None:
    """Keep which boxes of a video were reviewed, for the next time."""
    known, raw = places_of(video), raw_csv.absolute()
    others = [each for each in known.reviews if each != raw]
    _keep(video, Places(known.results, tuple([raw, *others][:REVIEWS_KEPT])))


def adopt_places(older: Mapping[str, Places]) -> None:
    """Keep places that were written down elsewhere, by video, where nothing is known of it here."""
    found = {video: _as_json(places) for video, places in older.items() if places != Places()}
    _write_all({**found, **_all_places()})


def _keep(video: Path, places: Places) -> None:
    everything, key = dict(_all_places()), str(video.absolute())
    everything.pop(key, None)
    if places != Places():
        everything[key] = _as_json(places)
    _write_all(everything)


def _as_json(places: Places) -> dict[str, Any]:
    results = "" if places.results is None else str(places.results)
    return {"results": results, "reviews": [str(raw) for raw in places.reviews]}


def _write_all(everything: dict[str, Any]) -> None:
    """Write them down, or keep nothing where that cannot be; what is there unreadable is set aside."""
    kept = dict(list(everything.items())[-PLACES_KEPT:])
    with contextlib.suppress(CropzoomError, OSError):
        path = user_data_folder() / PLACES
        if doubt_of_places():
            set_aside(path)
        write_places(path, kept)


def write_places(path: Path, places: dict[str, Any]) -> None:
    """Write the places of some videos, whole or not at all.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    with atomic_path(path, durable=False) as part:
        part.write_text(json.dumps({"version": PLACES_VERSION, "places": places}), encoding="utf-8")


def doubt_of_places() -> str:
    """Say that the places kept before cannot be read, and what to do; empty if they can be."""
    path = user_data_folder() / PLACES
    if not os.path.lexists(path):
        return ""
    try:
        _places_in(path)
    except (OSError, *MISSHAPEN) as error:
        return (
            f"{path}: cannot be read ({why_not_read(error)}), so the folders for results chosen before, "
            "and which boxes were reviewed, are not known. Put a copy of it back, or delete it."
        )
    return ""


def _places_in(path: Path) -> dict[str, Any]:
    """Read the file; raises ``OSError`` or one of ``MISSHAPEN``."""
    content = read_json(path)
    if content["version"] != PLACES_VERSION:
        raise OtherVersionError(content["version"])
    return dict(content["places"])


def _all_places() -> dict[str, Any]:
    path = user_data_folder() / PLACES
    try:
        found = path.stat()
    except OSError:
        return {}
    return _read_places(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read_places(path: Path, _changed_at: int, _size: int) -> dict[str, Any]:
    """The file as it was then; one that is damaged counts as none."""
    try:
        return _places_in(path)
    except (OSError, *MISSHAPEN):
        return {}
