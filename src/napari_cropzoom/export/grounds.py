"""What boxes and keypoints are drawn on: a video, pictures in files, or one colour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.export.drawing import Picture
from napari_cropzoom.export.palettes import Colour
from napari_cropzoom.export.targets import LARGEST
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, without_tiff_logs
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video

STACKS = (".tif", ".tiff")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", *STACKS)
USUAL_RATE = Fraction(30)
"""Frames a second where nothing says how many."""
MOST_DIGITS = 18  # of a number in a file's name


class Ground(Protocol):
    """Frames that are drawn on.

    Attributes
    ----------
    path : Path
        For messages.
    n_frames, width, height : int
        How many, and their size in pixels.
    pts : (T,) int64
        When each is shown, in units of ``time_base``, sorted.
    time_base : Fraction
        Seconds.
    rate : Fraction
        Frames a second, on average.
    """

    path: Path
    n_frames: int
    width: int
    height: int
    pts: NDArray[np.int64]
    time_base: Fraction
    rate: Fraction

    def pictures(self, first: int, last: int) -> Iterator[Picture]:
        """(H, W, 3) uint8 RGB of frames ``first`` to ``last``, which are not to be painted into."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class VideoGround:
    """The frames of a video, at their own times; those that cannot be decoded are crossed out.

    Parameters
    ----------
    path : Path
    colour : (int, int, int), optional
        Red, green and blue that stand in place of its pixels.

    Raises
    ------
    CropzoomError
        If the video cannot be read.
    """

    def __init__(self, path: Path, colour: Colour | None = None) -> None:
        self._index = VideoIndex.scan(path)
        self._video = None if colour is not None else Video(path, index=self._index)
        self._colour = colour
        self.path, self.n_frames = path, self._index.n_frames
        self.width, self.height = self._index.width, self._index.height
        self.pts = np.asarray(self._index.pts, np.int64)
        self.time_base, self.rate = self._index.time_base, self._index.rate

    def pictures(self, first: int, last: int) -> Iterator[Picture]:
        """(H, W, 3) uint8 RGB of frames ``first`` to ``last``."""
        video = self._video
        if video is None:
            yield from repeat(_plain(self.width, self.height, self._colour), last + 1 - first)
            return
        for number, native in enumerate(video.stream(first, last + 1), first):
            yield video.frame(number) if number in self._index.damage else video.to_rgb(native)

    def close(self) -> None:
        """Close the video."""
        if self._video is not None:
            self._video.close()


class Even:
    """Frames of which nothing says when they are shown: one after the other, ``rate`` a second."""

    def __init__(self, path: Path, n_frames: int, size: tuple[int, int], rate: Fraction) -> None:
        self.path, self.n_frames = path, n_frames
        self.width, self.height = size
        self.rate, self.time_base = rate, 1 / rate
        self.pts: NDArray[np.int64] = np.arange(n_frames, dtype=np.int64)


class PlainGround(Even):
    """One colour in place of a video that is not there.

    Parameters
    ----------
    path : Path
        For messages.
    n_frames : int
    size : (int, int)
        Width and height in pixels.
    rate : Fraction
        Frames a second.
    colour : (int, int, int)
        Red, green and blue.

    Raises
    ------
    CropzoomError
        If no video holds frames of that size.
    """

    def __init__(
        self,
        path: Path,
        n_frames: int,
        size: tuple[int, int],
        rate: Fraction = USUAL_RATE,
        colour: Colour = (0, 0, 0),
    ) -> None:
        if not 0 < min(size) <= max(size) <= LARGEST:
            raise CropzoomError(
                f"{path}: frames of {size[0]}x{size[1]} pixels cannot be, a video holds {LARGEST} a "
                "side. Give another --size."
            )
        super().__init__(path, n_frames, size, rate)
        self._colour = colour

    def pictures(self, first: int, last: int) -> Iterator[Picture]:
        """The colour, as often as there are frames."""
        yield from repeat(_plain(self.width, self.height, self._colour), last + 1 - first)

    def close(self) -> None:
        """Nothing is open."""


class ImagesGround(Even):
    """Pictures in files: a folder of them, in the order of the numbers in their names, or a TIFF's pages.

    Of more than 8 bits, the darkest and the lightest of the first picture become black and white.

    Parameters
    ----------
    path : Path
    rate : Fraction
        Frames a second.

    Raises
    ------
    CropzoomError
        If there are no pictures, or the first cannot be read.
    """

    def __init__(self, path: Path, rate: Fraction = USUAL_RATE) -> None:
        self._file: Any = None
        self._levels: tuple[float, float] | None = None
        self.path = path
        self._paths: list[Path] = []
        if path.is_dir():
            found = [each for each in path.iterdir() if each.suffix.lower() in PICTURES]
            self._paths = sorted((each for each in found if each.is_file()), key=by_number)
            count = len(self._paths)
        else:
            self._file, count = opened_stack(path, f"{path}: is no TIFF, or damaged. Export it again.")
        if not count:
            raise CropzoomError(f"{path}: has no pictures ({', '.join(PICTURES)}). Give another folder.")
        try:
            height, width = self._picture(0).shape[:2]
        except BaseException:
            self.close()
            raise
        super().__init__(path, count, (width, height), rate)

    def pictures(self, first: int, last: int) -> Iterator[Picture]:
        """(H, W, 3) uint8 RGB of pictures ``first`` to ``last``.

        Raises
        ------
        CropzoomError
            If one cannot be read or is of another size than the first.
        """
        for number in range(first, last + 1):
            picture = self._picture(number)
            if picture.shape[:2] != (self.height, self.width):
                raise CropzoomError(
                    f"{self._name(number)}: is {picture.shape[1]}x{picture.shape[0]}, and the first is "
                    f"{self.width}x{self.height}. Give pictures of one size."
                )
            yield picture

    def _name(self, number: int) -> str:
        return str(self._paths[number]) if self._paths else f"{self.path}, page {number}"

    def _picture(self, number: int) -> Picture:
        """(H, W, 3)."""
        if self._paths and self._paths[number].suffix.lower() not in STACKS:
            data = np.fromfile(
                self._paths[number], np.uint8
            )  # imread knows no letters but ASCII on Windows
            read = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
            if read is not None:
                return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)
        else:
            file, page, opened = self._file, number, None
            unread = f"{self._name(number)}: cannot be read; it is damaged. Copy or export it again."
            if self._paths:
                file, _ = opened = opened_stack(self._paths[number], unread)
                page = 0
            try:
                with without_tiff_logs():
                    pixels = file.pages[page].asarray()
            except (*UNREADABLE_ARRAYS, LookupError) as error:
                raise CropzoomError(unread) from error
            finally:
                if opened is not None:
                    file.close()
            if pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
                return self._as_rgb(pixels)
        raise CropzoomError(f"{self._name(number)}: is no picture. Take it out, or export it again.")

    def _as_rgb(self, pixels: NDArray[Any]) -> Picture:
        if pixels.dtype != np.uint8:
            if self._levels is None:
                self._levels = float(pixels.min()), float(pixels.max())
            low, high = self._levels
            shares = (pixels.astype(np.float64) - low) / max(high - low, 1e-9)
            pixels = np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)
        if pixels.ndim == 2:
            return np.repeat(pixels[..., None], 3, axis=2)
        return np.ascontiguousarray(pixels[..., :3])

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def opened_stack(path: Path, unreadable: str) -> tuple[Any, int]:
    """A TIFF and how many pages it has.

    Raises
    ------
    CropzoomError
        ``unreadable``, if it is none.
    """
    import struct

    import tifffile

    file: Any = None
    try:
        with without_tiff_logs():
            file = tifffile.TiffFile(path)
            return file, len(file.pages)
    except (tifffile.TiffFileError, *UNREADABLE_ARRAYS, LookupError, struct.error) as error:
        if file is not None:
            file.close()
        raise CropzoomError(unreadable) from error


def by_number(path: Path) -> tuple[object, ...]:
    """Sorts ``2.png`` before ``10.png``."""
    pieces = re.split(r"([0-9]+)", path.name.lower())
    return tuple(
        piece[-MOST_DIGITS:].zfill(MOST_DIGITS) if piece.isdigit() else piece for piece in pieces
    )


def ground_of(path: Path, colour: Colour | None, rate: Fraction | None) -> Ground:
    """The frames of a video, a folder of pictures or a TIFF.

    Parameters
    ----------
    path : Path
    colour : (int, int, int) or None
        In place of the pixels of a video.
    rate : Fraction or None
        Frames a second of pictures, where it is known.

    Raises
    ------
    CropzoomError
        If it cannot be read.
    """
    if not (path.is_dir() or path.suffix.lower() in STACKS):
        return VideoGround(path, colour)
    images = ImagesGround(path, rate or USUAL_RATE)
    if colour is None:
        return images
    images.close()
    size = images.width, images.height
    return PlainGround(path, images.n_frames, size, images.rate, colour)


def check_fits(ground: Ground, n_others: int, what: str, name: Path, cure: str) -> None:
    """Refuse what is not as many as the frames.

    Raises
    ------
    CropzoomError
    """
    if n_others != ground.n_frames:
        raise CropzoomError(
            f"{name}: has {counted(n_others, what)}, and {ground.path.name} has "
            f"{counted(ground.n_frames, 'frame')}. {cure}"
        )


def _plain(width: int, height: int, colour: Colour | None) -> Picture:
    plain = np.empty((height, width, 3), np.uint8)
    plain[:] = colour or (0, 0, 0)
    return plain
