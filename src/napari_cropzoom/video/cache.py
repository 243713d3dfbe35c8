"""Decoded frames in a bounded memory, least recently used out first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from napari_cropzoom.video.planes import RgbConverter


@dataclass
class FrameCache:
    """Frames by number, kept native (half the bytes of RGB) until someone looks at them.

    Safe from several threads. The lock is held for a conversion at most, never for decoding.

    Parameters
    ----------
    limit
        Most bytes to keep.
    to_rgb
        Converts a native frame on its first use.
    """

    limit: int
    to_rgb: RgbConverter
    nbytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._frames: OrderedDict[int, VideoFrame | NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def put(self, number: int, frame: VideoFrame | NDArray[np.uint8]) -> None:
        """Keep a native frame, or a picture, dropping the longest unused ones beyond the limit."""
        with self._lock:
            self._keep(number, frame)

    def get(self, number: int) -> NDArray[np.uint8] | None:
        """Return the RGB picture (H, W, 3) uint8, read-only; None if it is not kept."""
        with self._lock:
            frame = self._frames.get(number)
            if frame is None:
                return None
            if isinstance(frame, np.ndarray):
                self._frames.move_to_end(number)
                return frame
            image = self.to_rgb(frame)
            image.flags.writeable = False
            self._keep(number, image)
            return image

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._frames.clear()
            self.nbytes = 0

    def _keep(self, number: int, frame: VideoFrame | NDArray[np.uint8]) -> None:
        if number in self._frames:
            self.nbytes -= _size(self._frames.pop(number))
        size = _size(frame)
        while self._frames and self.nbytes + size > self.limit:
            self.nbytes -= _size(self._frames.popitem(last=False)[1])
        self._frames[number] = frame
        self.nbytes += size


def _size(frame: VideoFrame | NDArray[np.uint8]) -> int:
    if isinstance(frame, np.ndarray):
        return frame.nbytes
    return sum(plane.buffer_size for plane in frame.planes)
