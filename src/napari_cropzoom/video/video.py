"""A video as an array of frames: exact in any order, bounded in memory, safe for threads."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, SupportsIndex

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video.cache import FrameCache
from napari_cropzoom.video.damage import crossed_out
from napari_cropzoom.video.decoder import FrameDecoder
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.names import VIDEO_SUFFIXES
from napari_cropzoom.video.planes import RgbConverter

__all__ = ["VIDEO_SUFFIXES", "Video", "VideoIndex"]

_READ_AHEAD = 16  # frames


class Video:
    """Frame-exact, lazy and array-like, as a napari Image layer wants its data.

    Reading a frame seeks only where that is shorter than decoding on; the frames passed on the way
    are kept too. Reading one frame after the other starts a thread that decodes a few frames ahead
    and ends by itself.

    Parameters
    ----------
    path
        The video.
    cache_bytes
        Most memory for decoded frames.
    index
        Of this file, if there is one already.

    Raises
    ------
    CropzoomError
        If the file is missing, empty, not a video, cut short or cannot be decoded.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4
    images: tuple[str, ...] | None = None
    """Names of the frames where they are images that do not follow each other in time."""
    sizes: NDArray[np.int64] | None = None
    """(T, 2) width and height of each of those images in pixels; a frame is as large as the largest."""

    def __init__(
        self,
        path: Path | str,
        *,
        cache_bytes: int = 512 * 2**20,
        index: VideoIndex | None = None,
    ) -> None:
        self.path = Path(path)
        self.index = VideoIndex.scan(self.path) if index is None else index
        self._cache = FrameCache(cache_bytes, RgbConverter(self.index))
        room = cache_bytes // (2 * self.width * self.height * 3)
        self._read_ahead = min(_READ_AHEAD, room)
        self._decoder = self._open()
        self._decoding = threading.Lock()
        self._state = threading.Lock()
        self._waiting = 0  # threads that want a frame now; reading ahead stops for them
        self._ahead: threading.Thread | None = None
        self._reading_ahead = False
        self._ahead_until = -1
        self._last_asked = -2
        self._closed = False
        self._local = threading.local()
        self._cross: NDArray[np.uint8] | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, height, width, 3."""
        return self.n_frames, self.height, self.width, 3

    @property
    def size(self) -> int:
        """Number of values, as numpy counts."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.index.n_frames

    @property
    def width(self) -> int:
        """Displayed width in pixels."""
        return self.index.width

    @property
    def height(self) -> int:
        """Displayed height in pixels."""
        return self.index.height

    @property
    def fps(self) -> float:
        """Average frames per second."""
        return float(self.index.rate)

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds after the first frame, (T,) float64."""
        return self.index.times

    def time(self, frame: int) -> float:
        """Seconds of one frame after the first, at a cost that does not grow with the video."""
        return self.index.time(frame)

    def __len__(self) -> int:
        return self.n_frames

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Index as numpy does with integers, slices, ``...`` and, for frames, integer arrays."""
        frames, rest = _split(key)
        if isinstance(frames, slice):
            numbers = np.arange(self.n_frames)[frames]
        else:
            numbers = np.asarray(frames)
            if numbers.dtype == bool:
                numbers = np.flatnonzero(numbers)
        if numbers.ndim == 0:
            return np.asarray(self.frame(self._counted(numbers.item()))[rest], np.uint8)
        if numbers.size == 0:
            return np.empty((0, *self.shape[1:]), np.uint8)[(slice(None), *rest)]
        return np.stack([self.frame(self._counted(n))[rest] for n in numbers.tolist()])

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Decode the whole video into memory: only for short clips."""
        return np.asarray(self[:], dtype=dtype)

    def frame(self, i: SupportsIndex) -> NDArray[np.uint8]:
        """Return frame ``i`` as displayed: (H, W, 3) uint8 RGB, read-only.

        One that cannot be decoded is black with a cross, and its number is in ``index.damage``.

        Raises
        ------
        IndexError
            If ``i`` is not in 0 to T - 1.
        CropzoomError
            If the file can no longer be read.
        """
        number = operator.index(i)
        if not 0 <= number < self.n_frames:
            raise IndexError(f"frame {number} of {self.n_frames} (0 to {self.n_frames - 1})")
        in_order = number == self._last_asked + 1
        self._last_asked = number
        image = self._crossed_out() if number in self.index.damage else self._cache.get(number)
        if image is None:
            image = self._decode(number)
        if in_order:
            self._look_ahead(number)
        return image

    def cached(self, i: SupportsIndex) -> NDArray[np.uint8] | None:
        """Return frame ``i`` if it is in memory, else None; never decodes or waits for decoding."""
        return self._cache.get(operator.index(i))

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[VideoFrame]:
        """Yield native frames ``start`` to ``stop`` - 1 in presentation order, one for every frame.

        The stream has the file open on its own, so several may run beside each other and beside
        ``frame``; it seeks once if ``start`` > 0 and never after. Limits count as in a slice. Frames that
        cannot be decoded are black; once they are out, their numbers are in ``index.damage``.

        Raises
        ------
        CropzoomError
            If the file can no longer be read.
        """
        first, last, _ = slice(start, stop).indices(self.n_frames)
        yield from self.pick(range(first, last))

    def pick(self, numbers: Iterable[int]) -> Iterator[VideoFrame]:
        """Yield the native frames of these numbers, in their order; has the file open on its own.

        Between frames that lie apart it seeks where that is shorter than decoding on.

        Raises
        ------
        CropzoomError
            If the file can no longer be read, or if there is no such frame.
        """
        decoder = FrameDecoder(self.index)
        try:
            for number in numbers:
                yield decoder.next_frame(number)
        finally:
            decoder.close()

    def to_rgb(self, av_frame: VideoFrame) -> NDArray[np.uint8]:
        """Convert a native frame of this video to what is displayed: (H, W, 3) uint8 RGB."""
        if not hasattr(self._local, "convert"):
            self._local.convert = RgbConverter(self.index)
        convert: RgbConverter = self._local.convert
        return convert(av_frame)

    def close(self) -> None:
        """Stop reading ahead, close the file and free the memory; closing twice is harmless."""
        with self._state:
            self._closed = True
        if self._ahead is not None:
            self._ahead.join()
        with self._decoding:
            self._decoder.close()
        self._cache.clear()

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Video({str(self.path)!r}, shape={self.shape})"

    def _open(self) -> FrameDecoder:
        return FrameDecoder(self.index)

    def _counted(self, number: int) -> int:
        return number + self.n_frames if number < 0 else number

    def _decode(self, number: int) -> NDArray[np.uint8]:
        with self._state:
            self._waiting += 1
        try:
            with self._decoding:
                if self._closed:
                    raise ValueError(f"{self.path}: the video has been closed")
                image = self._cache.get(number)
                return self._fetch(number) if image is None else image
        finally:
            with self._state:
                self._waiting -= 1

    def _fetch(self, number: int) -> NDArray[np.uint8]:
        for passed, frame in self._decoder.frames_to(number):
            self._keep(passed, frame)
        image = self._cache.get(number)
        if image is None:
            image = self._crossed_out() if number in self.index.damage else self.to_rgb(frame)
        return image

    def _keep(self, number: int, frame: VideoFrame) -> None:
        damaged = number in self.index.damage
        self._cache.put(number, self._crossed_out() if damaged else frame)

    def _crossed_out(self) -> NDArray[np.uint8]:
        if self._cross is None:
            self._cross = crossed_out(self.width, self.height)
        return self._cross

    def _look_ahead(self, number: int) -> None:
        """Have a thread decode the frames after ``number``, unless enough of them are there."""
        with self._state:
            self._ahead_until = min(number + self._read_ahead, self.n_frames - 1)
            running = self._reading_ahead and self._ahead is not None and self._ahead.is_alive()
            enough = self._decoder.position > min(number + self._read_ahead // 2, self._ahead_until)
            if running or enough or self._closed:
                return
            self._reading_ahead = True
            self._ahead = threading.Thread(
                target=self._decode_ahead, name=f"read ahead {self.path.name}", daemon=True
            )
            self._ahead.start()

    def _decode_ahead(self) -> None:
        found = self._read_ahead_frame()
        while found is not None:
            self._cache.get(found)
            found = self._read_ahead_frame()

    def _read_ahead_frame(self) -> int | None:
        """Decode the next frame and return its number; None where reading ahead is over."""
        with self._decoding:
            with self._state:  # so that `_look_ahead` never counts on a thread that is about to end
                wanted = 0 <= self._ahead_until - self._decoder.position < self._read_ahead
                self._reading_ahead = wanted and not (self._closed or self._waiting)
                if not self._reading_ahead:
                    return None
            try:
                found = self._decoder.read()
            except CropzoomError:  # said to who asks for the frame
                found = None
            if found is None:
                with self._state:
                    self._reading_ahead = False
                return None
            self._keep(*found)
            return found[0]


def _split(key: Any) -> tuple[Any, tuple[Any, ...]]:
    """Split an index into that of the frames and the tuple that applies within each frame."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(part is None for part in parts):
        raise IndexError("a video takes no new axes in an index; take the frames first")
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have only a single ellipsis ('...')")
    if len(parts) - len(dots) > Video.ndim:
        raise IndexError(f"too many indices: a video has {Video.ndim} dimensions")
    if dots:
        fill = (slice(None),) * (Video.ndim - len(parts) + 1)
        parts = (*parts[: dots[0]], *fill, *parts[dots[0] + 1 :])
    return (parts[0], parts[1:]) if parts else (slice(None), ())
