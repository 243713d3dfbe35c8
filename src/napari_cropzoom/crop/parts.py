"""A long crop in parts: groups of pictures encoded elsewhere, for `crop_video` to join."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.progress import Stage
from napari_cropzoom.crop.crop import CropWork, encode, unchanged_groups
from napari_cropzoom.crop.encode import Timing
from napari_cropzoom.crop.encoders import SOFTWARE, EncoderSettings
from napari_cropzoom.crop.join import EncodedGroups, GroupedVideo, failure
from napari_cropzoom.crop.record import source_fingerprint
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.video.video import Video


class GroupsToEncode(NamedTuple):
    """What a crop still needs.

    Attributes
    ----------
    boxes : ndarray, (T, 4)
        As they are cut.
    size : (int, int)
        Width and height.
    group : int
        Frames in a group.
    groups : tuple of int
        Numbers of the groups.
    """

    boxes: FloatArray
    size: tuple[int, int]
    group: int
    groups: tuple[int, ...]


def groups_to_encode(
    video: Path, boxes: FloatArray, output: Path, *, encoding: EncoderSettings, edge: str = "pad"
) -> GroupsToEncode:
    """Which groups `crop_video` would encode; none where a graphics chip does it, in one go.

    Parameters are those of :func:`napari_cropzoom.crop.crop.crop_video`.

    Raises
    ------
    CropzoomError
        If a frame has no box, or the number of boxes is not that of the frames.
    """
    with Video(video) as source:
        work = CropWork.of(source, boxes, None, encoding, edge)
        if encoding.encoder != SOFTWARE:
            return GroupsToEncode(work.boxes, work.size, work.form.group, ())
        kept = unchanged_groups(work, output, source_fingerprint(video))
        left = tuple(number for number in range(work.n_groups) if number not in kept)
        return GroupsToEncode(work.boxes, work.size, work.form.group, left)


def crop_part(
    video: Path,
    boxes: FloatArray,
    groups: Sequence[int],
    size: tuple[int, int],
    encoding: EncoderSettings,
    edge: str,
    output: Path,
) -> Stage[EncodedGroups]:
    """Encode some groups of a crop into a file of their own.

    Parameters
    ----------
    video : Path
    boxes : ndarray, (T, 4)
        As for the whole crop; those of frames in other groups do not matter.
    groups : sequence of int
        Numbers of groups, sorted.
    size : (int, int)
        Of the whole crop, see `groups_to_encode`.
    encoding, edge
        See :func:`napari_cropzoom.crop.crop.crop_video`.
    output : Path
        MP4 to write.

    Raises
    ------
    CropzoomError
        If the video cannot be read, the file cannot be written, or the encoder fails.
    """
    with Video(video) as source:
        work = CropWork.of(source, boxes, size, encoding, edge)
        kept = set(range(work.n_groups)) - set(groups)
        count = sum(end - first for first, end in work.frames(kept))
        rate = work.timing.rate
        timing = Timing(np.arange(count), 1 / rate, rate, True)
        try:
            with (
                atomic_path(output) as part,
                GroupedVideo(part, work.form, timing, output) as written,
            ):
                yield from encode(work, written, kept)
        except av.FFmpegError as error:
            raise failure(output, error) from error
        lost = tuple(source.index.damage.numbers().tolist())
        return EncodedGroups(tuple(groups), output, work.made_with, lost)
