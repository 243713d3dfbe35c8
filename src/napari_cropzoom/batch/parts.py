"""A long video in parts: what a step of it still has to do, cut into ranges of frames.

What comes of all parts is joined to the same bytes as in one go: a frame keeps its place in a batch of
the network, and a crop is encoded in closed groups of pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.batch.results import Result
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.sampling.changed import SIDE
from napari_cropzoom.crop.join import EncodedGroups
from napari_cropzoom.engine.incremental import PredictedPart
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.parsing import MISSHAPEN, UNREADABLE_ARRAYS, load_arrays, parse_json

LONGEST = 4800
"""Frames of a part: whole groups of pictures, and whole batches of all usual sizes."""

DETECT, CROP, POSE = "detect", "crop", "pose"
ORDER = ("", DETECT, CROP, POSE)


@dataclass(frozen=True, eq=False)
class Part:
    """Some frames of a step.

    Attributes
    ----------
    step : str
        ``detect``, ``crop`` or ``pose``.
    frames : ndarray, (N,) int
        To be worked on, sorted; for a crop all of the groups they are in.
    first : int
        Frame of the first of ``boxes``.
    boxes : ndarray, (M, 4), or None
        Of the frames and what lies between and beside them; None for whole frames.
    size : (int, int)
        Width and height of the crop.
    group : int
        Frames in a group of the crop.
    """

    step: str
    frames: NDArray[np.intp]
    first: int = 0
    boxes: FloatArray | None = None
    size: tuple[int, int] = (0, 0)
    group: int = 1

    def all_boxes(self, n_frames: int) -> FloatArray | None:
        """(T, 4) boxes: those of frames that do not matter are absent, or in a crop any."""
        if self.boxes is None:
            return None
        after = n_frames - self.first - len(self.boxes)
        beside = ((self.first, after), (0, 0))
        if self.step == CROP:
            return np.pad(self.boxes, beside, mode="edge")
        return np.pad(self.boxes, beside, constant_values=np.nan)

    @property
    def name(self) -> str:
        """Of its result."""
        return f"{self.step}_{int(self.frames[0])}"

    @property
    def groups(self) -> list[int]:
        """Numbers of the groups of the crop."""
        return [int(number) for number in np.unique(self.frames // self.group)]


@dataclass(frozen=True, eq=False)
class InParts:
    """A step of a long video that is to be done in parts before its work goes on.

    Attributes
    ----------
    parts : tuple of Part
    found : Result
        What is known of the video so far.
    """

    parts: tuple[Part, ...]
    found: Result

    @property
    def step(self) -> str:
        """Which step it is."""
        return self.parts[0].step


@dataclass(frozen=True, eq=False)
class Joined:
    """What came of all parts of a step.

    Attributes
    ----------
    step : str
        Empty if there were none.
    found : Result or None
        As in `InParts`.
    predicted : tuple of PredictedPart
    encoded : tuple of EncodedGroups
    """

    step: str = ""
    found: Result | None = None
    predicted: tuple[PredictedPart, ...] = ()
    encoded: tuple[EncodedGroups, ...] = ()

    def is_before(self, step: str) -> bool:
        """Whether this is of a step that comes before another one."""
        return ORDER.index(self.step) < ORDER.index(step)

    def is_after(self, step: str) -> bool:
        """Whether this is of a step that comes after another one."""
        return ORDER.index(self.step) > ORDER.index(step)

    @classmethod
    def of(cls, step: str, found: Result, made: Sequence[Path | EncodedGroups]) -> Joined:
        """Put together what came of the parts that were asked for; what cannot be read is left out."""
        read = (read_predicted(one) for one in made if isinstance(one, Path))
        predicted = tuple(one for one in read if one is not None)
        encoded = tuple(one for one in made if isinstance(one, EncodedGroups))
        return cls(step, found, predicted, encoded)


NOTHING = Joined()


def frames_of_groups(groups: Sequence[int], group: int, n_frames: int) -> NDArray[np.intp]:
    """Frames of the groups of a crop."""
    frames = (np.asarray(groups, np.intp)[:, None] * group + np.arange(group)).ravel()
    return frames[frames < n_frames]


def cut(
    step: str,
    frames: NDArray[np.intp],
    boxes: FloatArray | None,
    longest: int,
    size: tuple[int, int] = (0, 0),
    group: int = 1,
) -> tuple[Part, ...]:
    """Cut a step into parts that begin at multiples of a length.

    Parameters
    ----------
    step, frames, size, group
        As in `Part`, of the whole step.
    boxes : ndarray, (T, 4), or None
    longest : int
        Frames of a part; for a crop rounded up to whole groups.
    """
    longest = -(-longest // group) * group
    return tuple(_part(step, some, boxes, size, group) for some in _runs(frames, longest) if len(some))


def _runs(frames: NDArray[np.intp], longest: int) -> Iterator[NDArray[np.intp]]:
    yield from np.split(frames, np.flatnonzero(np.diff(frames // longest)) + 1)


def _part(
    step: str, frames: NDArray[np.intp], boxes: FloatArray | None, size: tuple[int, int], group: int
) -> Part:
    if boxes is None:
        return Part(step, frames, size=size, group=group)
    first = max(int(frames[0]) - SIDE, 0)
    return Part(step, frames, first, boxes[first : int(frames[-1]) + SIDE + 1], size, group)


def write_predicted(path: Path, part: PredictedPart) -> None:
    """Write the results of a network to an ``.npz`` file, until they are joined.

    Raises
    ------
    CropzoomError
        If it cannot be written.
    """
    about = json.dumps({"made_with": dict(part.made_with), "device": part.device})
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            about=np.array(about),
            frames=part.frames,
            xy=part.xy,
            likelihood=part.likelihood,
            undecodable=part.undecodable,
        )


def read_predicted(path: Path) -> PredictedPart | None:
    """Read what :func:`write_predicted` wrote; None if that cannot be, and those frames run again."""
    try:
        with load_arrays(path) as data:
            about = parse_json(str(data["about"]))
            return PredictedPart(
                data["frames"],
                data["xy"],
                data["likelihood"],
                data["undecodable"],
                about["made_with"],
                about["device"],
            )
    except (*UNREADABLE_ARRAYS, *MISSHAPEN):
        return None
