"""Plays a video in napari's canvas, frame by frame, none left out."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from napari_cropzoom.io.video import Video
from napari_cropzoom.jobs import Latest
from napari_cropzoom.widgets.bench import Bench

_PATIENCE = 300  # milliseconds for the canvas to be drawn; it never is while the window is hidden
_MEMORY = 31  # frames over which the rate is measured


class Playback(QObject):
    """Asks for the next frame once the last one is on the screen, and not before its time.

    Where the machine cannot keep pace it plays slower. A frame that is not decoded yet is decoded in a
    thread, so that the window goes on and no dimmed picture is shown in its place.

    Parameters
    ----------
    bench : Bench
    window : QWidget
        A widget of the window whose canvas shows the video.

    Attributes
    ----------
    speed : float
        Times the frame rate of the video; 0 is as fast as possible.
    loop : (int, int) or None
        First and last frame to play over and over.
    changed
        Playing or not.
    shown
        Frame that was drawn.
    """

    changed = Signal(bool)
    shown = Signal(int)

    def __init__(self, bench: Bench, window: QWidget) -> None:
        super().__init__(window)
        self.speed = 1.0
        self.loop: tuple[int, int] | None = None
        self.is_playing = False
        self._bench = bench
        self._window = window
        self._canvas: QOpenGLWidget | None = None
        self._is_waiting = False
        self._due = 0.0
        self._times: deque[float] = deque(maxlen=_MEMORY)
        self._decoding = Latest(self._show, self._on_failed)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setTimerType(Qt.TimerType.PreciseTimer)
        self._later.timeout.connect(self._advance)
        self._guard = QTimer(self)
        self._guard.setSingleShot(True)
        self._guard.setInterval(_PATIENCE)
        self._guard.timeout.connect(self._on_drawn)

    def toggle(self) -> None:
        """Play, or pause."""
        if self.is_playing:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Play from the current frame, from the start if it is the last."""
        session = self._bench.session
        if self.is_playing or session is None:
            return
        if self.loop is None and self._bench.frame >= session.n_frames - 1:
            self._bench.go_to(0)
        self.is_playing = True
        self._times.clear()
        self._due = time.perf_counter()
        canvases = [c for c in self._window.window().findChildren(QOpenGLWidget) if c.isVisible()]
        self._canvas = canvases[0] if canvases else None
        if self._canvas is not None:
            self._canvas.frameSwapped.connect(self._on_drawn)
        self._rest(True)
        self.changed.emit(True)
        self._advance()

    def stop(self) -> None:
        """Stay on the current frame."""
        if not self.is_playing:
            return
        self.is_playing = self._is_waiting = False
        self._later.stop()
        self._guard.stop()
        self._decoding.drop()
        if self._canvas is not None:
            self._canvas.frameSwapped.disconnect(self._on_drawn)
            self._canvas = None
        self._rest(False)
        self.changed.emit(False)

    def _rest(self, is_playing: bool) -> None:
        if self._bench.layers is not None:
            self._bench.layers.is_playing = is_playing

    def rate(self) -> float:
        """Frames drawn in a second lately, NaN before there are two."""
        times = self._times
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else np.nan

    # ---- one frame after the other -------------------------------------------------------------

    def _following(self) -> int | None:
        frame = self._bench.frame + 1
        if self.loop is not None:
            first, last = self.loop
            return frame if first <= frame <= last else first
        session = self._bench.session
        return frame if session is not None and frame < session.n_frames else None

    def _advance(self) -> None:
        session, frame = self._bench.session, self._following()
        if session is None or frame is None:
            self.stop()
        elif session.video.cached(frame) is not None:
            self._show(frame)
        else:
            self._decoding.request(decode, session.video, frame)

    def _show(self, frame: int) -> None:
        if not self.is_playing:
            return
        is_same = frame == self._bench.frame
        self._is_waiting = True
        self._guard.start()
        self._bench.go_to(frame)
        if is_same and self._canvas is not None:
            self._canvas.update()

    def _on_drawn(self) -> None:
        layers = self._bench.layers
        if not self._is_waiting or layers is None or layers.video is None or not layers.video.is_exact:
            return
        self._is_waiting = False
        self._guard.stop()
        now = time.perf_counter()
        self._times.append(now)
        self.shown.emit(self._bench.frame)
        session = self._bench.session
        pause = 1 / (self.speed * session.video.fps) if session is not None and self.speed > 0 else 0.0
        self._due = max(self._due + pause, now - pause)
        self._later.start(max(0, round((self._due - now) * 1000)))

    def _on_failed(self, error: Exception) -> None:
        self.stop()
        raise error


def decode(video: Video, frame: int) -> int:
    """Decode a frame into the video's memory; runs in a thread."""
    video.frame(frame)
    return frame
