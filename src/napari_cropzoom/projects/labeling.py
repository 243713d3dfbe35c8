"""Corrected frames as labeled frames of a project, in Lightning Pose's own layout.

Beside the table and the record of :mod:`.review_labels.record` are written

``labeled-data/<video>/img<number>.png``
    whole frames, with eight digits; those two before and two after too, for models with temporal context.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.leftovers import remove
from napari_cropzoom.files.names import name_key
from napari_cropzoom.files.parsing import MISSHAPEN
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.files.provenance import video_identity
from napari_cropzoom.projects.corrections import Corrected, choose
from napari_cropzoom.projects.layout import FRAMES_FOLDER
from napari_cropzoom.projects.review_labels.label_review import LabelReview, write_label_table
from napari_cropzoom.projects.review_labels.record import (
    read_record,
    record_of,
    video_in_record,
    with_review,
    write_record,
)
from napari_cropzoom.video.video import Video

CONTEXT = 2  # frames on either side
ALIKE = 12.0  # mean difference of two pictures of one frame, of 255, at most
LEAST_SHARE = 0.5  # of the keypoints that labels and pose model have, which a frame has to have


@dataclass(frozen=True)
class WrittenLabels:
    """What was written.

    Attributes
    ----------
    labels : Path
        The table with the new rows.
    images : list of str
        New images that have a row, relative to the project.
    of_videos, of_kinds : Counter
        How many of each.
    n_left_out : int
        Corrected frames in which too few keypoints are likely.
    """

    labels: Path
    images: list[str] = field(default_factory=list)
    of_videos: Counter[str] = field(default_factory=Counter)
    of_kinds: Counter[str] = field(default_factory=Counter)
    n_left_out: int = 0


def label_frames(
    labels: Path,
    corrected: Sequence[Corrected],
    poses: Sequence[Poses],
    *,
    count: int,
    gap: int,
    min_likelihood: float,
    has_context: bool,
    pose_model: str,
) -> Stage[WrittenLabels]:
    """Choose frames, write their images, and then the table with their rows.

    Parameters
    ----------
    labels : Path
        Labels file of the project; rows made before are kept.
    corrected : sequence of Corrected
    poses : sequence of Poses
        Keypoints in the reviewed boxes, of each video, in pixels of the full frame.
    count, gap : int
        How many frames at most, and how far apart in one video.
    min_likelihood : float
        Keypoints below it are left empty.
    has_context : bool
        Whether the frames round each are written too.
    pose_model : str
        Named in the record.

    Raises
    ------
    CropzoomError
        If a file cannot be read or written.
    """
    target, names = with_review(labels), LabelReview.read(labels).names
    record = read_record(record_of(target))
    known = {*record}
    for file in filter(Path.is_file, (labels, target)):
        known |= {plain_path(image) for image in read_predictions_table(file).index}
    folders = _folders(corrected, record)
    usable, n_left_out = [], 0
    for each, found, folder in zip(corrected, poses, folders, strict=True):
        shared = [name for name in names if name in found.names]
        is_likely = likely(shared, found, each, min_likelihood).mean(axis=1) >= LEAST_SHARE
        is_new = np.ones(len(is_likely), bool)
        for frame in np.flatnonzero(each.is_wrong).tolist():
            is_new[frame] = _image(folder, frame) not in known
        n_left_out += int((each.is_wrong & is_new & ~is_likely).sum())
        usable.append(is_likely & is_new)
    chosen = choose(corrected, poses, usable, count, gap)
    result = WrittenLabels(target, n_left_out=n_left_out)
    about: dict[str, Any] = {}
    with contextlib.ExitStack() as written:  # images that no record names go again
        for number, each in enumerate(corrected):
            frames = [frame for video, frame in chosen if video == number]
            yield from _write_images(labels.parent, folders[number], each, frames, has_context, written)
            for frame in frames:
                image = _image(folders[number], frame)
                about[image] = {
                    "video": video_in_record(each.video, labels),
                    "video_identity": video_identity(each.index),
                    "frame": frame,
                    "box": each.boxes[frame].tolist(),
                    "why": each.kinds[frame],
                    "pose": pose_model,
                    "keypoints": _places(names, poses[number], each, frame),
                    "least": min_likelihood,
                }
                result.images.append(image)
                result.of_videos[each.video.name] += 1
                result.of_kinds[each.kinds[frame]] += 1
        if about:
            write_record(record_of(target), about)
        written.pop_all()
    if about:
        write_label_table(labels)
    return result


def likely(names: Sequence[str], poses: Poses, corrected: Corrected, min_likelihood: float) -> BoolArray:
    """(T, K) whether each of the labels' keypoints is known, likely and inside the frame."""
    result = np.zeros((len(poses.xy), len(names)), bool)
    size = np.array([corrected.index.width, corrected.index.height])
    for place, name in enumerate(names):
        if name in poses.names:
            part = poses.names.index(name)
            xy = poses.xy[:, part]
            with np.errstate(invalid="ignore"):
                is_inside = ((xy >= 0) & (xy < size)).all(axis=1)
                result[:, place] = is_inside & (poses.likelihood[:, part] >= min_likelihood)
    return result


def _folders(corrected: Sequence[Corrected], record: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Folder of the images of each video: its name, with that of its folder where two have one name.

    One that has images of another video, by the record, is left to that; a number makes a new one.
    """
    stems = Counter(name_key(each.video.stem) for each in corrected)
    result = list[str]()
    for each in corrected:
        stem, identity = each.video.stem, video_identity(each.index)
        first = stem if stems[name_key(stem)] == 1 else f"{each.video.parent.name}_{stem}"
        others = {
            name_key(Path(image).parent.name)
            for image, about in record.items()
            if about.get("video_identity", identity) != identity
        }
        names = itertools.chain([first], (f"{first}_{number}" for number in itertools.count(2)))
        taken = others | {name_key(name) for name in result}
        result.append(next(name for name in names if name_key(name) not in taken))
    return result


def _image(folder: str, frame: int) -> str:
    return f"{FRAMES_FOLDER}/{folder}/img{frame:08d}.png"


def _places(
    names: Sequence[str], poses: Poses, corrected: Corrected, frame: int
) -> dict[str, list[float]]:
    """Of each of the labels' keypoints that is inside the frame: x, y and likelihood."""
    is_inside = likely(names, poses, corrected, 0.0)[frame]
    parts = {
        name: poses.names.index(name) for name, inside in zip(names, is_inside, strict=True) if inside
    }
    return {
        name: [*poses.xy[frame, part].round(3).tolist(), float(poses.likelihood[frame, part])]
        for name, part in parts.items()
    }


def _write_images(
    root: Path,
    folder: str,
    corrected: Corrected,
    frames: Sequence[int],
    has_context: bool,
    written: contextlib.ExitStack,
) -> Stage[None]:
    """Write frames, and those round them, as images that are not there yet.

    ``written`` is given what takes them away again.
    """
    reach = CONTEXT if has_context else 0
    last = corrected.index.n_frames - 1
    numbers = sorted(
        {min(max(frame + by, 0), last) for frame in frames for by in range(-reach, reach + 1)}
    )
    if not numbers:
        return
    with Video(corrected.video, index=corrected.index) as source:
        for done, number in enumerate(numbers):
            yield Progress(done, len(numbers), "images")
            image, picture = root / _image(folder, number), source.frame(number)
            if image.exists():
                _check_shows(image, picture, corrected.video)
                continue
            written.callback(_take_away, image)
            write_image(image, picture)
    yield Progress(len(numbers), len(numbers), "images")


def _check_shows(image: Path, picture: NDArray[np.uint8], video: Path) -> None:
    """Refuse an image of something else than the frame; programs differ a little in colours.

    Raises
    ------
    CropzoomError
    """
    from PIL import Image

    try:
        with Image.open(image) as file:
            shown = np.asarray(file.convert("RGB"), np.int16)
    except (OSError, *MISSHAPEN) as error:
        raise CropzoomError(f"{image}: cannot be read ({brief(error)}). Move it away.") from error
    if shown.shape != picture.shape or np.abs(shown - picture).mean() > ALIKE:
        raise CropzoomError(
            f"{image}: does not show that frame of {video}, so it seems to be of another video of that "
            f"name. Move the folder {image.parent} away if nothing needs it, or rename the video."
        )


def _take_away(image: Path) -> None:
    """Remove an image, and its folders where these hold nothing else."""
    remove(image)
    with contextlib.suppress(OSError):
        image.parent.rmdir()
        image.parent.parent.rmdir()


def write_image(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, (H, W, 3) RGB, as PNG, whole or not at all.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    from PIL import Image

    with atomic_path(path) as part:
        Image.fromarray(picture).save(part, format="PNG")
