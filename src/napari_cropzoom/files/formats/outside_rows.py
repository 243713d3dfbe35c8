"""What a file of another program says, before it is put to the frames of a video."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import plain_path, quoted
from napari_cropzoom.files.formats.contents import Content

Corner = Literal["corner", "centre"]
Unit = Literal["pixels", "fractions"]


@dataclass(frozen=True)
class VideoFacts:
    """What a format needs to know of the video.

    Attributes
    ----------
    name : str
        File name.
    width, height : int
        In pixels.
    n_frames : int
    fps : float
    file : str
        Path of the video, to refuse what was made of another one; empty where that is not known.
    """

    name: str
    width: int
    height: int
    n_frames: int
    fps: float
    file: str = ""

    @property
    def size(self) -> FrameSize:
        """Width and height."""
        return self.width, self.height

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return Path(self.name).stem


@dataclass(frozen=True)
class ImportOptions:
    """What a person says of a file, each None or empty where the file is to say it.

    Attributes
    ----------
    corner : {"corner", "centre"} or None
        What x, y are.
    unit : {"pixels", "fractions"} or None
    tracks : tuple of str
        Names of the animals that are wanted; empty for all.
    first_frame : {0, 1} or None
        Number of the first frame.
    crop_size : int or None
        Side of the boxes, in pixels, where the file has points only.
    crop_ratio : float or None
        The same in spans of the keypoints, or in lengths of the body.
    cm_per_pixel : float or None
    """

    corner: Corner | None = None
    unit: Unit | None = None
    tracks: tuple[str, ...] = ()
    first_frame: int | None = None
    crop_size: int | None = None
    crop_ratio: float | None = None
    cm_per_pixel: float | None = None


@dataclass(frozen=True, eq=False)
class OutsideRows:
    """Rows of a file, as many as it has boxes or poses, of any animal and frame in any order.

    Attributes
    ----------
    names : tuple of str
        Animals.
    animal : ndarray, (N,) int64
        Whose each row is: a place in ``names``.
    frame : ndarray, (N,) int64
        As the file numbers them.
    boxes : ndarray, (N, 4), or None
        ``x, y, w, h``; None where the file has keypoints.
    keypoints : ndarray, (N, K, 2), or None
        In pixels; K = 1 for a file of centres.
    confidence : ndarray, (N,)
        0 to 1, NaN where nothing is said.
    first_frame : {0, 1} or None
        Number of the first frame, None if the format leaves it open.
    usual_first : {0, 1} or None
        The same of the tool that usually writes the format, for where the numbers prove nothing.
    corner : {"corner", "centre"} or None
        What x, y of the boxes are, None if the format leaves it open.
    usual_corner : {"corner", "centre"} or None
        The same as the names of the columns suggest it, for where the numbers prove nothing.
    unit : {"pixels", "fractions"} or None
    body_length : float or None
        Of an animal, in pixels.
    notes : tuple of str
        What a person should know.
    """

    names: tuple[str, ...]
    animal: IntArray
    frame: IntArray
    boxes: FloatArray | None = None
    keypoints: FloatArray | None = None
    confidence: FloatArray = field(default_factory=lambda: np.empty(0))
    first_frame: int | None = 0
    usual_first: int | None = None
    corner: Corner | None = "corner"
    usual_corner: Corner | None = None
    unit: Unit | None = "pixels"
    body_length: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.frame)
        if len(self.confidence) != n:
            object.__setattr__(self, "confidence", np.full(n, np.nan))
        known = self.boxes if self.boxes is not None else self.keypoints
        if known is None or len(known) != n or len(self.animal) != n:
            raise ValueError("rows do not fit together")

    def keep(self, rows: BoolArray) -> OutsideRows:
        """Only some of the rows; itself where that is all of them."""
        if rows.all():
            return self
        return replace(
            self,
            animal=self.animal[rows],
            frame=self.frame[rows],
            boxes=None if self.boxes is None else self.boxes[rows],
            keypoints=None if self.keypoints is None else self.keypoints[rows],
            confidence=self.confidence[rows],
        )

    @property
    def is_missing(self) -> BoolArray:
        """(N,) bool: rows without a box or any keypoint."""
        if self.boxes is not None:
            return np.asarray(np.isnan(self.boxes).all(axis=1))
        assert self.keypoints is not None
        return np.asarray(np.asarray(np.isnan(self.keypoints).any(axis=2)).all(axis=1))

    @classmethod
    def dense(
        cls, names: Sequence[str], keypoints: FloatArray, confidence: FloatArray, **more: object
    ) -> OutsideRows:
        """Of arrays over all frames and animals: keypoints (T, A, K, 2) and confidence (T, A)."""
        frames, animals = keypoints.shape[:2]
        if len(names) != animals:
            raise ValueError(f"{counted(len(names), 'name')} of {counted(animals, 'animal')}")
        return cls(
            tuple(names),
            np.tile(np.arange(animals), frames),
            np.repeat(np.arange(frames), animals),
            keypoints=keypoints.reshape(frames * animals, *keypoints.shape[2:]),
            confidence=np.asarray(confidence, np.float64).reshape(-1),
            **more,  # type: ignore[arg-type]
        )


def numbered(ids: Sequence[Hashable] | np.ndarray) -> tuple[tuple[str, ...], IntArray]:
    """Names of animals from numbers or words, and which of them each row is of.

    Numbers become ``animal_3``, in ascending order; words stay, in the order of the file.
    """
    array = np.asarray(ids)
    if array.dtype.kind in "iuf":
        values, places = np.unique(array, return_inverse=True)
        return tuple(f"animal_{value:g}" for value in values.tolist()), places.astype(np.int64)
    import pandas as pd

    places, words = pd.factorize(np.asarray([str(each) for each in array.tolist()], dtype=object))
    return tuple(str(word) for word in words), np.asarray(places, np.int64)


@dataclass(frozen=True, eq=False)
class BoxesOut:
    """Boxes to be written for another program.

    Attributes
    ----------
    tracks : dict of str to ndarray, (T, 4)
        Of each animal ``x, y, w, h`` in pixels, NaN rows where missing.
    video : VideoFacts
    """

    tracks: dict[str, FloatArray]
    video: VideoFacts


@dataclass(frozen=True, eq=False)
class PosesOut:
    """Keypoints to be written for another program: of each animal, T frames."""

    animals: dict[str, Poses]
    video: VideoFacts


class OutsideFormat(Protocol):
    """A format of another program.

    In HDF5 it may have sets of names in ``arrays``: a file with all names of one set is that for certain.

    Attributes
    ----------
    name : str
        For ``--format``: lower case, without spaces.
    label : str
        In the window and in reports.
    help : str
        What is in such a file, in a sentence.
    patterns : tuple of str
        Of usual file names; nothing is recognised by them.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]

    def recognises(self, content: Content) -> bool:
        """Whether a file is of this format, by its content."""
        ...

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Return what the file says.

        Raises
        ------
        CropzoomError
            With the file, the place and the cure. Anything else that a damaged file raises is put
            into words by :func:`napari_cropzoom.files.formats.importing.read_outside`.
        """
        ...


def refuse(path: Path, what: str) -> CropzoomError:
    """Error of a file."""
    return CropzoomError(f"{path}: {what}")


def notes_on_video(
    path: Path,
    video: VideoFacts,
    size: FrameSize | None = None,
    n_frames: int | None = None,
    name: str = "",
) -> tuple[str, ...]:
    """Hold what a file says of the video it is of against the video that is there.

    Parameters
    ----------
    path : Path
    video : VideoFacts
    size : (int, int), optional
        Width and height, as the file says.
    n_frames : int, optional
    name : str, optional
        File name, with folders or without.

    Returns
    -------
    tuple of str
        Notes where the name or the number of frames is another one.

    Raises
    ------
    CropzoomError
        If the frames have another size: every box would be somewhere else.
    """
    if size is not None and size != video.size:
        raise refuse(
            path,
            f"is of frames of {size[0]} x {size[1]}, {video.name} has {video.width} x {video.height}. "
            "Give the video that it is of.",
        )
    notes = []
    own = plain_path(name).rpartition("/")[2]
    if own and Path(own).stem.casefold() != video.stem.casefold():
        notes.append(f"it says that it is of {quoted(own)}, not of {video.name}: are they the same?")
    if n_frames and n_frames != video.n_frames:
        notes.append(
            f"it says that its video has {counted(n_frames, 'frame')}, {video.name} has "
            f"{video.n_frames}: is it the same?"
        )
    return tuple(f"{path.name}: {note}" for note in notes)
