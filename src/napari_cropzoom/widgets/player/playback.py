"""Plays a video frame by frame, none left out."""

from __future__ import annotations

import atexit
import time
from collections import deque

import numpy as np
from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.jobs import Latest
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.gl_context import canvas_near
from napari_cropzoom.widgets.player.painter import FramePainter, choose_painter

_PATIENCE = 300  # milliseconds for a frame to be drawn; it never is while the window is hidden
_MEMORY = 31  # frames over which the rate is measured
_SHARE = 8.0  # times what it takes, for which the rest of the window then waits
_BEHIND = 0.25  # seconds of delay that are made up for by drawing the next frames sooner
_HANDS = (QEvent.Type.MouseButtonPress, QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


class Playback(QObject):
    """Asks for the next frame once the last one is on the screen, and not before its time.

    Where the machine cannot keep pace it plays slower. A frame that is not decoded yet is decoded in a
    thread, so that the window goes on. Frames are shown by napari's canvas, or by a
    :class:`FramePainter` in front of it where there is one of use; slider, layers, timeline, preview and
    ``controller.frame`` then follow a few times a second, and at once when a key or a mouse button is
    pressed. A press on the canvas pauses, and takes hold of what is there.

    Parameters
    ----------
    controller : Controller
    window : QWidget
        A widget of the window whose canvas shows the video.

    Attributes
    ----------
    speed : float
        Times the frame rate of the video; 0 is as fast as possible.
    loop : (int, int) or None
        First and last frame to play over and over.
    painter : FramePainter or None
        While it plays, and not on napari's canvas.
    changed
        Playing or not.
    shown
        Frame that was drawn.
    """

    changed = Signal(bool)
    shown = Signal(int)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self.speed = 1.0
        self.loop: tuple[int, int] | None = None
        self.is_playing = False
        self.painter: FramePainter | None = None
        self._controller = controller
        self._window = window
        self._layers: LayerSet | None = None
        self._canvas: QOpenGLWidget | None = None
        self._at = 0  # frame asked for last
        self._seen = 0  # frame drawn last
        self._is_waiting = False
        self._is_bringing = False
        self._due = 0.0
        self._rest_due = 0.0
        self._times: deque[float] = deque(maxlen=_MEMORY)
        self._decoding = Latest(self._show, self._on_failed)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setTimerType(Qt.TimerType.PreciseTimer)
        self._later.timeout.connect(self._advance)
        self._guard = QTimer(self)
        self._guard.setSingleShot(True)
        self._guard.setInterval(_PATIENCE)
        self._guard.timeout.connect(self._on_not_drawn)

    def toggle(self) -> None:
        """Play, or pause."""
        if self.is_playing:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Play from the current frame, from the start if it is the last."""
        session, layers = self._controller.session, self._controller.layers
        if self.is_playing or session is None or layers is None:
            return
        if self.loop is None and self._controller.frame >= session.n_frames - 1:
            self._controller.go_to(0)
        self.is_playing = True
        self._at = self._seen = self._controller.frame
        self._times.clear()
        self._due = self._rest_due = time.perf_counter()
        self._layers = layers
        self._canvas = canvas_near(self._window)
        layers.closing.connect(self.stop)
        layers.is_playing = True
        if self._canvas is not None:
            self._canvas.frameSwapped.connect(self._on_swapped)
            self.painter = choose_painter(self._canvas, layers, self._on_drawn, self.stop)
        self._controller.frame_changed.connect(self._on_frame)
        if (application := QCoreApplication.instance()) is not None:
            application.installEventFilter(self)
            atexit.register(self.stop)  # Qt asks the filter still when Python is gone, and crashes
        self.changed.emit(True)
        self._advance()

    def stop(self) -> None:
        """Stay on the current frame."""
        if not self.is_playing:
            return
        self.bring_along()
        self.is_playing = self._is_waiting = False
        self._later.stop()
        self._guard.stop()
        self._decoding.drop()
        atexit.unregister(self.stop)
        if (application := QCoreApplication.instance()) is not None:
            application.removeEventFilter(self)
        self._controller.frame_changed.disconnect(self._on_frame)
        if self._canvas is not None:
            self._canvas.frameSwapped.disconnect(self._on_swapped)
            self._canvas = None
        if self._layers is not None:
            self._layers.closing.disconnect(self.stop, missing_ok=True)
            self._layers.is_playing = False
            self._layers = None
        self._drop_painter()
        self.changed.emit(False)

    def bring_along(self) -> None:
        """Have the whole window and the controller be at the frame that is on the screen."""
        if self.is_playing and self.painter is not None and self._seen != self._controller.frame:
            self._is_bringing = True
            self._controller.go_to(self._seen)
            self._is_bringing = False

    def rate(self) -> float:
        """Frames drawn in a second lately, NaN before there are two."""
        times = self._times
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else np.nan

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's call before every event of the application, while it plays."""
        if event.type() in _HANDS:
            self.bring_along()
        return False

    # ---- one frame after the other -------------------------------------------------------------

    def _following(self) -> int | None:
        frame = self._at + 1
        if self.loop is not None:
            first, last = self.loop
            return frame if first <= frame <= last else first
        session = self._controller.session
        return frame if session is not None and frame < session.n_frames else None

    def _advance(self) -> None:
        session, frame = self._controller.session, self._following()
        if session is None or frame is None:
            self.stop()
        elif session.video.cached(frame) is not None:
            self._show(frame)
        else:
            self._decoding.request(decode, session.video, frame)

    def _show(self, frame: int) -> None:
        session = self._controller.session
        if not self.is_playing or session is None:
            return
        is_same = frame == self._at
        self._at = frame
        self._is_waiting = True
        self._guard.start()
        if self.painter is not None and not self.painter.can_paint():
            self._drop_painter()  # a layer was added, or the video is hidden
        if self.painter is not None:
            self._controller.passing.emit(frame)
            self.painter.paint(frame, session.video.frame(frame))
            return
        self._controller.go_to(frame)
        if is_same and self._canvas is not None:
            self._canvas.update()

    def _on_swapped(self) -> None:
        if self.painter is None:
            self._on_drawn()

    def _on_not_drawn(self) -> None:
        self._drop_painter()  # the canvas knows no way to fail
        self._on_drawn()

    def _on_drawn(self) -> None:
        session = self._controller.session
        if not self._is_waiting or session is None:
            return
        self._is_waiting = False
        self._guard.stop()
        now = time.perf_counter()
        self._times.append(now)
        self._seen = self._at
        self.shown.emit(self._at)
        if self.painter is not None and now >= self._rest_due:
            self._rest_due = np.inf
            self.bring_along()
            QTimer.singleShot(0, lambda: self._on_brought(now))
        pause = 1 / (self.speed * session.video.fps) if self.speed > 0 else 0.0
        self._due = max(self._due + pause, now - max(pause, _BEHIND))
        self._later.start(max(0, round((self._due - time.perf_counter()) * 1000)))

    def _on_brought(self, since: float) -> None:
        """The rest of the window has followed, and is drawn."""
        now = time.perf_counter()
        self._rest_due = now + _SHARE * (now - since)

    def _on_frame(self, frame: int) -> None:
        if self._is_bringing:
            return
        self._at = self._seen = frame
        if self.painter is not None:  # someone went elsewhere: what is being drawn is of no use
            self._is_waiting = False
            self._guard.stop()
            self._later.start(0)

    def _drop_painter(self) -> None:
        painter, self.painter = self.painter, None
        if painter is not None:
            painter.leave()

    def _on_failed(self, error: Exception) -> None:
        self.stop()
        raise error


def decode(video: Video, frame: int) -> int:
    """Decode a frame into the video's memory; runs in a thread."""
    video.frame(frame)
    return frame
