"""The player: play every frame, step, jump, loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QToolButton, QWidget
from superqt import QFlowLayout

import napari_cropzoom.widgets.raster  # noqa: F401  paints the frames where OpenGL is software
from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.canvas.shortcuts import go_to_manual_box, go_to_unseen
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.player.icons import icon
from napari_cropzoom.widgets.player.playback import Playback
from napari_cropzoom.widgets.shortcuts_dialog import with_keys
from napari_cropzoom.widgets.timeline.colors import Colors
from napari_cropzoom.widgets.timeline.model import TimelineModel

SPEEDS: tuple[tuple[str, float], ...] = (
    *((f"{speed:g}×", speed) for speed in (0.1, 0.25, 0.5, 1, 2, 4, 8, 16)),
    ("max", 0.0),
)
AROUND = 10  # frames shown before and after a suspect that is looped over
_ICON_EVERY = 10  # frames between two checks of the rate


class Player(QWidget):
    """Buttons for one controller.

    Object names: ``player_play``, ``player_speed``, ``player_loop``, ``player_rate``, ``player_frame``,
    and ``player_back_1``, ``player_on_1``, ``player_back_10``, ``player_on_10``, ``player_back_suspect``,
    ``player_on_suspect``, ``player_back_anchor``, ``player_on_anchor``, ``player_back_unseen``,
    ``player_on_unseen``.

    Parameters
    ----------
    controller : Controller
    model : TimelineModel
        Knows the suspects.
    """

    def __init__(self, controller: Controller, model: TimelineModel) -> None:
        super().__init__()
        self.setObjectName("player")
        self._controller = controller
        self._model = model
        self._icons: list[tuple[QToolButton, str]] = []
        self._color = "#000000"
        self._shown = 0
        self._layers: LayerSet | None = None
        self.playback = Playback(controller, self)
        self._build()
        self.playback.changed.connect(self._on_playing)
        self.playback.shown.connect(self._on_shown)
        controller.selection_changed.connect(self._aim_loop)
        controller.frame_changed.connect(self._on_frame)

    # ---- building ------------------------------------------------------------------------------

    def _build(self) -> None:
        steps = [
            self._tool("back_10", "back10", "back 10", "Ten frames back", lambda: self._step(-10)),
            self._tool("back_1", "back", "previous frame", "One frame back", lambda: self._step(-1)),
            self._tool("play", "play", "play", "Play every frame, or pause", self.playback.toggle),
            self._tool("on_1", "on", "next frame", "One frame on", lambda: self._step(1)),
            self._tool("on_10", "on10", "on 10", "Ten frames on", lambda: self._step(10)),
        ]
        self.play = steps[2]
        self.loop = self._tool(
            "loop", "loop", "loop", "Loop over the selection, the suspect here, or all", self._aim_loop
        )
        self.loop.setCheckable(True)
        self.frame = QSpinBox()
        self.frame.setObjectName("player_frame")
        self.frame.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.frame.setKeyboardTracking(False)
        self.frame.setFixedWidth(78)
        self.frame.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.frame.setToolTip("Frame; type a number to go there")
        self.frame.valueChanged.connect(self._controller.go_to)
        self.speed = QComboBox()
        self.speed.setObjectName("player_speed")
        self.speed.setToolTip("Speed; no frame is left out, so a slow machine plays slower")
        for text, speed in SPEEDS:
            self.speed.addItem(text, speed)
        self.speed.setMaximumWidth(76)  # napari's style makes it far wider than its words
        self.speed.setCurrentText("1×")
        self.speed.currentIndexChanged.connect(self._on_speed)
        self.rate = RateLabel()
        self.rate.setObjectName("player_rate")
        groups = [
            group(*steps),
            group(self.frame),
            group(self.speed, self.loop, self.rate),
            self._jump("suspect", "suspect", "suspect", self._go_suspect),
            self._jump("manual", "manual box", "set by hand", partial(self._go, go_to_manual_box)),
            self._jump("unseen", "unseen", "not reviewed", partial(self._go, go_to_unseen)),
        ]
        layout = QFlowLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(6)
        layout.setVerticalSpacing(1)
        for each in groups:
            layout.addWidget(each)
        # not Minimum: that is all rows of the narrowest width, and the window could not be low
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def _tool(
        self, name: str, picture: str, key: str, tip: str, act: Callable[[], object]
    ) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"player_{name}")
        button.setAutoRaise(True)
        button.setToolTip(with_keys(key, tip))
        button.setAccessibleName(tip)
        button.clicked.connect(lambda: act())
        self._icons.append((button, picture))
        return button

    def _jump(self, name: str, key: str, text: str, go: Callable[[int], object]) -> QWidget:
        back = self._tool(f"back_{name}", "back", f"previous {key}", f"Previous {text}", lambda: go(-1))
        on = self._tool(f"on_{name}", "on", f"next {key}", f"Next {text}", lambda: go(1))
        return group(back, QLabel(text), on)

    # ---- state ---------------------------------------------------------------------------------

    def set_colors(self, colors: Colors) -> None:
        """Draw the icons in the colour of the text."""
        self._color = colors.text
        for button, name in self._icons:
            button.setIcon(icon(name, colors.text))
        self._on_playing(self.playback.is_playing)

    def let_go(self) -> None:
        """Stop, and end every connection."""
        self.playback.stop()
        self.follow_layers(None)
        self._controller.selection_changed.disconnect(self._aim_loop)
        self._controller.frame_changed.disconnect(self._on_frame)

    def follow_layers(self, layers: LayerSet | None) -> None:
        """Listen to the keys of the canvas."""
        if self._layers is not None:
            self._layers.play_toggled.disconnect(self.playback.toggle, missing_ok=True)
            self._layers.loop_toggled.disconnect(self.toggle_loop, missing_ok=True)
        self._layers = layers
        if layers is not None:
            layers.play_toggled.connect(self.playback.toggle)
            layers.loop_toggled.connect(self.toggle_loop)

    def follow_session(self) -> None:
        """Another video: stop, and count to its last frame."""
        self.playback.stop()
        self.playback.loop = None
        self.loop.setChecked(False)
        session = self._controller.session
        self.setEnabled(session is not None)
        blocked = self.frame.blockSignals(True)
        self.frame.setRange(0, session.n_frames - 1 if session else 0)
        self.frame.setValue(self._controller.frame)
        self.frame.blockSignals(blocked)

    def toggle_loop(self) -> None:
        """Loop, or stop doing so; for the key."""
        self.loop.setChecked(not self.loop.isChecked())
        self._aim_loop()

    def _aim_loop(self) -> None:
        self.playback.loop = self._loop_range() if self.loop.isChecked() else None

    def _loop_range(self) -> tuple[int, int] | None:
        session = self._controller.session
        if session is None:
            return None
        if self._controller.selection is not None:
            return self._controller.selection
        last = session.n_frames - 1
        suspect = self._model.flags.near(self._controller.frame, AROUND) if self._model.flags else None
        if suspect is not None:
            return max(suspect.first - AROUND, 0), min(suspect.last + AROUND, last)
        return 0, last

    def _on_playing(self, is_playing: bool) -> None:
        self.play.setIcon(icon("pause" if is_playing else "play", self._color))
        self.rate.setText("")

    def _on_speed(self) -> None:
        self.playback.speed = float(self.speed.currentData())

    def _on_shown(self, _frame: int) -> None:
        self._shown += 1
        rate = self.playback.rate()
        if self._shown % _ICON_EVERY == 0 and np.isfinite(rate):
            self.rate.setText(f"{rate:.0f} fps")

    def _on_frame(self, frame: int) -> None:
        blocked = self.frame.blockSignals(True)
        self.frame.setValue(frame)
        self.frame.blockSignals(blocked)

    # ---- going ---------------------------------------------------------------------------------

    def _step(self, by: int) -> None:
        self._controller.go_to(self._controller.frame + by)

    def _go_suspect(self, direction: int) -> None:
        frame = (
            self._model.flags.next_after(self._controller.frame, direction) if self._model.flags else None
        )
        layers = self._controller.layers
        if layers is None:
            return
        if frame is not None:
            self._controller.go_to(frame)
            layers.reason_asked.emit()
        else:
            layers.tell("No suspect lies that way.")

    def _go(self, where: Callable[..., None], direction: int) -> None:
        session, layers = self._controller.session, self._controller.layers
        if session is not None and layers is not None:
            where(session, layers, direction=direction)


class RateLabel(QLabel):
    """Frames a second; its room is kept while it says nothing, so that no button moves when it does."""

    WIDEST = "888 fps"

    def sizeHint(self) -> QSize:
        """As wide as it ever is."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.WIDEST) + 8, metrics.height())

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()


def group(*widgets: QWidget) -> QWidget:
    """Widgets that stay together when the line is broken."""
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(1)
    for widget in widgets:
        layout.addWidget(widget)
    return holder
