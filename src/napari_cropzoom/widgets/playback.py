"""Plays a video in napari's canvas, frame by frame, none left out."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from napari_cropzoom.io.video import Video
from napari_cropzoom.jobs import Latest
from napari_cropzoom.layers.layer_set import LayerSet
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.screen import Screen, can_stand_for_canvas, canvas_near

_PATIENCE = 300  # milliseconds for a frame to be drawn; it never is while the window is hidden
_MEMORY = 31  # frames over which the rate is measured
_SHARE = 8.0  # times what it takes, for which the rest of the window then waits
_BEHIND = 0.25  # seconds of delay that are made up for by drawing the next frames sooner
_HANDS = (QEvent.Type.MouseButtonPress, QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


class Playback(QObject):
    """Asks for the next frame once the last one is on the screen, and not before its time.

    Where the machine cannot keep pace it plays slower. A frame that is not decoded yet is decoded in a
    thread, so that the window goes on and no dimmed picture is shown in its place. Frames are drawn on a
    :class:`Screen` in front of the canvas where that shows the same; slider, timeline, preview and
    ``bench.frame`` then follow a few times a second, and at once when a key or a mouse button is
    pressed. A press on the canvas pauses, and takes hold of what is there.

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
    screen : Screen or None
        While it plays.
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
        self.screen: Screen | None = None
        self._bench = bench
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
        session, layers = self._bench.session, self._bench.layers
        if self.is_playing or session is None or layers is None:
            return
        if self.loop is None and self._bench.frame >= session.n_frames - 1:
            self._bench.go_to(0)
        self.is_playing = True
        self._at = self._seen = self._bench.frame
        self._times.clear()
        self._due = self._rest_due = time.perf_counter()
        self._layers = layers
        self._canvas = canvas_near(self._window)
        layers.closing.connect(self.stop)
        layers.is_playing = True
        if self._canvas is not None:
            self._canvas.frameSwapped.connect(self._on_swapped)
            if can_stand_for_canvas(layers):
                self.screen = Screen(self._canvas, layers)
                self.screen.rest_canvas()
                self.screen.painted.connect(self._on_drawn)
                self.screen.pressed.connect(self.stop)
        self._bench.frame_changed.connect(self._on_frame)
        if (application := QCoreApplication.instance()) is not None:
            application.installEventFilter(self)
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
        if (application := QCoreApplication.instance()) is not None:
            application.removeEventFilter(self)
        self._bench.frame_changed.disconnect(self._on_frame)
        self._drop_screen()
        if self._layers is not None:
            self._layers.closing.disconnect(self.stop, missing_ok=True)
            self._layers.is_playing = False
            self._layers = None
        if self._canvas is not None:
            self._canvas.frameSwapped.disconnect(self._on_swapped)
            self._canvas = None
        self.changed.emit(False)

    def bring_along(self) -> None:
        """Have the whole window, and whoever asks the bench, be at the frame that is on the screen."""
        if self.is_playing and self.screen is not None and self._seen != self._bench.frame:
            self._is_bringing = True
            self._bench.go_to(self._seen)
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
        session = self._bench.session
        if not self.is_playing or session is None:
            return
        is_same = frame == self._at
        self._at = frame
        self._is_waiting = True
        self._guard.start()
        layers = self._bench.layers
        if self.screen is not None and layers is not None and not can_stand_for_canvas(layers):
            self._drop_screen()  # someone added a layer, or hid the video
        if self.screen is not None:
            self._bench.passing.emit(frame)
            self.screen.show_frame(frame, session.video.frame(frame))
            return
        self._bench.go_to(frame)
        if is_same and self._canvas is not None:
            self._canvas.update()

    def _on_swapped(self) -> None:
        layers = self._bench.layers
        if (
            self.screen is None
            and layers is not None
            and layers.video is not None
            and layers.video.is_exact
        ):
            self._on_drawn()

    def _on_not_drawn(self) -> None:
        self._drop_screen()  # the canvas knows no way to fail
        self._on_drawn()

    def _on_drawn(self) -> None:
        session = self._bench.session
        if not self._is_waiting or session is None:
            return
        self._is_waiting = False
        self._guard.stop()
        now = time.perf_counter()
        self._times.append(now)
        self._seen = self._at
        self.shown.emit(self._at)
        if self.screen is not None and now >= self._rest_due:
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
        if self.screen is not None:  # someone went elsewhere: what is being drawn is of no use
            self._is_waiting = False
            self._guard.stop()
            self._later.start(0)

    def _drop_screen(self) -> None:
        screen, self.screen = self.screen, None
        if screen is not None and isalive(screen):  # it goes with the window, should that be closed
            screen.painted.disconnect(self._on_drawn)
            screen.leave()

    def _on_failed(self, error: Exception) -> None:
        self.stop()
        raise error


def decode(video: Video, frame: int) -> int:
    """Decode a frame into the video's memory; runs in a thread."""
    video.frame(frame)
    return frame
