"""Which video or labels file a file was made of, and whether that is this one.

Two videos may have one name, and so may what was made of them. Predictions of a video say what they are
of in their record (:mod:`napari_cropzoom.files.provenance`), boxes and what is of labels in
``<name>_made_of.json`` beside ``<name>.csv``:

``version``
    1;
``made_of``
    ``name``, ``bytes`` and ``sample`` (see :func:`napari_cropzoom.files.provenance.file_identity`);
``sha256``
    of the CSV, so that the record is of no use once another program has written that.

A table with no record is taken on trust, and so is one whose record cannot be read; :func:`doubt_of` says
that of the latter, on every road on which it is taken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path, take_away
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.parsing import MISSHAPEN, OtherVersionError, read_json, why_not_read
from napari_cropzoom.files.predictions_csv import PredictionsTable, read_predictions_table
from napari_cropzoom.files.provenance import (
    file_identity,
    is_same_file,
    made_with_path,
    read_made_with,
    read_video_predictions,
    why_unreadable,
)
from napari_cropzoom.files.review_paths import file_sha256, is_labels

VERSION = 1
CURE = (
    "Give this one a folder of its own for results (--output_dir, in the window in step Video), or "
    "replace the other's: --overwrite, or move that file away."
)
GIVE_OTHERS = "Give those of this video."
"""The cure where a table is only read."""
GIVE_LABELS = "Give the labels file of the project, such as CollectedData.csv."
MOST_LIKELIHOOD = 1.5
"""Scores of SLEAP may be a little over 1."""
Identity = dict[str, Any]


def record_path(csv: Path) -> Path:
    """Where the record of a table lies."""
    return csv.with_name(f"{csv.stem}_made_of.json")


def sign(csv: Path, source: Path) -> None:
    """Write down that a table was made of this video or labels file; one that has gone leaves no record.

    Raises
    ------
    CropzoomError
        If the record cannot be written or removed.
    """
    try:
        _write(csv, {"name": source.name, **file_identity(source)})
    except OSError:
        take_away(record_path(csv))


def sign_as(csv: Path, other: Path) -> None:
    """Write down that a table was made of the same video as ``other``, if that is known."""
    identity = made_of(other)
    if identity is None:
        take_away(record_path(csv))
    else:
        _write(csv, identity)


def made_of(csv: Path) -> Identity | None:
    """Identity of what predictions or boxes were made of; None if nothing says so.

    What the predictions beside boxes were made of does not count: they may be newer. A record that cannot
    be read says nothing either; see :func:`doubt_of`.
    """
    try:
        record = read_made_with(made_with_path(csv))
        if record is not None and record.predictions == file_sha256(csv) and "sample" in record.video:
            return {"name": record.video_name, **record.video}
        identity, sha256 = _read(record_path(csv))
        return identity if sha256 == file_sha256(csv) else None
    except (OSError, *MISSHAPEN):
        return None


def _read(path: Path) -> tuple[Identity, str]:
    """Read the record of a table; raises ``OSError`` or one of ``MISSHAPEN``."""
    content = read_json(path)
    if content["version"] != VERSION:
        raise OtherVersionError(content["version"])
    identity = {name: content["made_of"][name] for name in ("name", "bytes", "sample")}
    return identity, str(content["sha256"])


def doubt_of(csv: Path) -> str:
    """Say that the record of a table is there but cannot be read, and what to do; empty if it is not so.

    Such a table is taken as one without a record, which a person should know who takes it.
    """
    if not csv.name:  # such as /
        return ""
    made_with, record = made_with_path(csv), record_path(csv)
    for path, why, cure in (
        (made_with, why_unreadable(made_with), "Predict again"),
        (record, _why_unreadable(record), "Make it again"),
    ):
        if why and made_of(csv) is None:
            return (
                f"{path}: cannot be read ({why}), so nothing says what {csv.name} was made of, and that "
                f"is taken on trust. {cure}, or delete this record."
            )
    return ""


def _why_unreadable(path: Path) -> str:
    if not os.path.lexists(path):
        return ""
    try:
        _read(path)
    except (OSError, *MISSHAPEN) as error:
        return why_not_read(error)
    return ""


def check_made_of(csv: Path, source: Path, cure: str = CURE) -> bool:
    """Refuse a table that was made of another video or labels file than this one.

    Parameters
    ----------
    csv : Path
        Predictions or boxes.
    source : Path
    cure : str
        What to do, for a person.

    Returns
    -------
    bool
        Whether it is known to be of this one; if not, nothing says so (see :func:`doubt_of`), or
        ``source`` is not there.

    Raises
    ------
    CropzoomError
        With both and what to do.
    """
    identity = made_of(csv)
    if identity is None:
        return False
    try:
        check_identity(csv, identity, source, cure)
    except OSError:
        return False
    return True


def check_one_source(csv: Path, other: Path) -> None:
    """Refuse two tables that were made of different videos, where both say of which.

    Raises
    ------
    CropzoomError
    """
    mine, theirs = made_of(csv), made_of(other)
    if mine and theirs and any(mine[name] != theirs[name] for name in ("bytes", "sample")):
        raise CropzoomError(
            f"{csv}: was made of another video than {other}. Give both of the same video."
        )


def check_identity(file: Path, identity: Identity, source: Path, cure: str = CURE) -> None:
    """Refuse ``file`` if it was made of another file than ``source``, by what is known of that.

    Raises
    ------
    CropzoomError
    OSError
        If ``source`` cannot be read.
    """
    if not is_same_file(identity, source):
        name, size = brief(identity.get("name") or source.name), brief(identity.get("bytes"))
        raise CropzoomError(
            f"{file}: was made of another file ({name}, {size} bytes) than {source} "
            f"({source.stat().st_size} bytes). {cure}"
        )


def read_predictions_of(
    csv: Path, n_frames: int, video: Path | None, cure: str = GIVE_OTHERS
) -> tuple[Poses, str]:
    """Read the keypoints of a video or of labeled images, and what to know of where they come from.

    ``cure`` is what to do where they are of another video; None for a video that is not there.

    Raises
    ------
    CropzoomError
        If they are of another video, or as
        :func:`napari_cropzoom.files.provenance.read_video_predictions`.
    """
    is_known = video is None or check_made_of(csv, video, cure)
    if video is not None and (images := images_of(video)) is not None:
        return of_images(read_predictions_table(csv), images), doubt_of(csv)
    poses = read_video_predictions(csv, n_frames)
    said = ("" if is_known else on_trust(csv), _doubt_of_likelihood(csv, poses))
    return poses, " ".join(filter(None, said))


def _doubt_of_likelihood(csv: Path, poses: Poses) -> str:
    """Say where likelihoods are no such thing, as percentages; empty if they may be."""
    known = poses.likelihood[np.isfinite(poses.likelihood)]
    if not len(known) or (known.min() >= 0 and known.max() <= MOST_LIKELIHOOD):
        return ""
    return (
        f"{csv}: its likelihoods go from {known.min():.4g} to {known.max():.4g}, not from 0 to 1, so "
        "they do not say what is sure. Bring them to 0 to 1 in that file, and load it again."
    )


def images_of(source: Path) -> tuple[str, ...] | None:
    """Names of the images of a labels file, in its order; None where ``source`` is a video.

    Raises
    ------
    CropzoomError
        If it is no table of labels.
    """
    if not is_labels(source):
        return None
    table = read_predictions_table(source)
    if not table.is_labeled_frames:
        raise CropzoomError(f"{source}: has frames of a video, not labeled images. {GIVE_LABELS}")
    return tuple(table.index)


def missing_images(images: Sequence[str], data_dir: Path) -> str:
    """Say which images of a labels file are not there, and what to do; empty if all are."""
    missing = [file for file in (data_dir / image for image in images) if not file.is_file()]
    if not missing:
        return ""
    return (
        f"{len(missing)} of {counted(len(images), 'image')} cannot be found, the first {missing[0]}. "
        "Copy them there, or take their rows out of a copy of the labels."
    )


def of_images(table: PredictionsTable, images: Sequence[str]) -> Poses:
    """Keypoints of some images, in their order.

    Raises
    ------
    CropzoomError
        If an image is not in the table.
    """
    place = {plain_path(image): row for row, image in enumerate(table.index)}
    try:
        rows = [place[plain_path(image)] for image in images]
    except KeyError as error:
        raise CropzoomError(f"{table.path}: has no keypoints of {brief(error.args[0])}.") from error
    poses = table.poses()
    return Poses(poses.names, poses.xy[rows], poses.likelihood[rows], poses.scorer)


def on_trust(csv: Path) -> str:
    """What a person is told of a table that does not say what it was made of."""
    return doubt_of(csv) or (
        f"{csv}: does not say which video it was made of; its frames fit, so it is taken on trust."
    )


def _write(csv: Path, identity: Identity) -> None:
    about = {name: identity[name] for name in ("name", "bytes", "sample")}
    content = {"version": VERSION, "made_of": about, "sha256": file_sha256(csv)}
    with atomic_path(record_path(csv)) as part:
        part.write_text(json.dumps(content), encoding="utf-8")
