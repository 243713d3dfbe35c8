"""The video as a napari layer whose frames are decoded away from the window's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_warning
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QCoreApplication, QThread

from napari_cropzoom.io.video import Video
from napari_cropzoom.jobs import Latest

NAME = "video"
PATIENCE = 0.04  # seconds that the window's thread waits for a frame


class FrameSource:
    """Array-like (T, H, W, 3) uint8 over a video that never keeps the window waiting.

    napari's own question for one frame, ``source[i, :, :]`` or, while it measures a new layer,
    ``source[i:i + 1, :, :]``, asked on the window's thread, is answered within about 40 ms: with the
    frame, or with the last one shown at half brightness, and then ``frame_ready`` tells when to ask
    again. Everything else (``source[i]``, ``source[0:3]``,
    ``np.asarray``, other threads) is exact and waits for the decoder.

    Parameters
    ----------
    video : Video

    Attributes
    ----------
    wanted, shown : int
        Frame that napari asked for last, and frame that it got; -1 before the first.
    is_for_volume : callable
        Whether a question for many frames is napari's for a view in 3-D, which there will not be; it is
        answered with a single pixel instead of the whole video.
    """

    frame_ready = Signal(int)

    def __init__(self, video: Video) -> None:
        self.dtype = np.dtype(np.uint8)
        self.shape = tuple(video.shape)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.wanted = -1
        self.shown = -1
        self._video = video
        self._latest = Latest(self._arrived, self._failed)
        self._decoded: tuple[int, NDArray[np.uint8]] = (-1, np.zeros(self.shape[1:], np.uint8))
        self._picture = self._decoded[1]
        self.is_for_volume: Callable[[], bool] = lambda: False

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        if not _is_window_thread():
            return self._video[key]
        frame = _frame_of_slice(key)
        if frame is not None:
            picture = self._soon(frame)
            return picture[np.newaxis] if isinstance(key[0], slice) else picture
        if self.is_for_volume():
            return np.zeros((1, 1, 1, 3), np.uint8)
        return self._video[key]

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._video[:], dtype=dtype)

    def now(self) -> NDArray[np.uint8]:
        """The picture that is shown, (H, W, 3): the frame asked for, or the last one dimmed."""
        return self._picture if self.shown == self.wanted else self._picture >> 1

    def close(self) -> None:
        """Drop the frame still to come."""
        self._latest.drop()

    def _soon(self, frame: int) -> NDArray[np.uint8]:
        self.wanted = frame
        picture = self._ready(frame)
        if picture is None:
            picture = self._ask(frame)
        if picture is None:
            self.shown = -1
            return self.now()
        self.shown = frame
        self._picture = picture
        return picture

    def _ready(self, frame: int) -> NDArray[np.uint8] | None:
        if self._video.cached(frame) is not None:
            return self._video.frame(frame)  # tells the video where we are, so that it reads ahead
        number, picture = self._decoded
        return picture if number == frame else None

    def _ask(self, frame: int) -> NDArray[np.uint8] | None:
        done = threading.Event()
        busy = self._latest.is_running
        self._latest.request(self._decode, frame, done)
        if not busy:
            done.wait(PATIENCE)
        return self._ready(frame)

    def _decode(self, frame: int, done: threading.Event) -> int:
        self._decoded = (frame, self._video.frame(frame))
        done.set()
        return frame

    def _arrived(self, frame: int) -> None:
        if self.shown != self.wanted == frame:
            self.frame_ready.emit(frame)

    def _failed(self, error: Exception) -> None:
        show_warning(str(error))


class VideoLayer:
    """The image layer ``video``; redraws itself when a frame arrives.

    Parameters
    ----------
    video : Video

    Attributes
    ----------
    layer : napari.layers.Image
    frame_shown : psygnal.Signal
        Frame that took the place of a dimmed one.
    """

    frame_shown = Signal(int)

    def __init__(self, video: Video) -> None:
        self.source = FrameSource(video)
        self.layer = Image(self.source, name=NAME, rgb=True, contrast_limits=(0, 255))
        self.source.frame_ready.connect(self._refresh)

    @property
    def is_exact(self) -> bool:
        """Whether the picture shown is that of the frame asked for."""
        return self.source.shown == self.source.wanted

    def wait_until_shown(self, timeout: float = 5.0) -> bool:
        """Keep the window going until the frame asked for is shown; False after ``timeout`` s."""
        deadline = time.monotonic() + timeout
        while not self.is_exact and time.monotonic() < deadline:
            QCoreApplication.processEvents()
            time.sleep(0.002)
        return self.is_exact

    def close(self) -> None:
        """Let go of the decoder."""
        self.source.frame_ready.disconnect()
        self.source.close()

    def _refresh(self, frame: int) -> None:
        self.layer.refresh(thumbnail=False, highlight=False, extent=False)
        self.frame_shown.emit(frame)


def _frame_of_slice(key: Any) -> int | None:
    """Frame of ``source[i, :, :]`` or ``source[i:i + 1, :, :]``, as napari asks; None for other keys."""
    if not isinstance(key, tuple) or len(key) < 3 or any(part != slice(None) for part in key[1:]):
        return None
    frames = key[0]
    if isinstance(frames, slice) and isinstance(frames.start, int) and frames.step in (None, 1):
        return frames.start if frames.stop == frames.start + 1 else None
    return frames if isinstance(frames, int) else None


def _is_window_thread() -> bool:
    application = QCoreApplication.instance()
    return application is not None and application.thread() == QThread.currentThread()
