"""*Timeline*: the whole video at a glance; click to go, drag to select, wheel to zoom.

Object names: ``timeline``, ``timeline_plot``, ``timeline_gutter``, ``timeline_row_<key>``,
``timeline_status``, ``timeline_legend``; those of the player are in :mod:`player`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from napari_cropzoom.canvas.caption import when_of
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.core.timeline.pyramid import Pyramid
from napari_cropzoom.core.timeline.series import quantities
from napari_cropzoom.widgets.control_guard import ControlGuard
from napari_cropzoom.widgets.controller import Controller, find_controller
from napari_cropzoom.widgets.player.player import Player
from napari_cropzoom.widgets.shortcuts_dialog import act_on_key
from napari_cropzoom.widgets.timeline.colors import colors_of
from napari_cropzoom.widgets.timeline.gutter import Gutter
from napari_cropzoom.widgets.timeline.legend import Legend, entries_of
from napari_cropzoom.widgets.timeline.model import TimelineModel
from napari_cropzoom.widgets.timeline.plot import TimelinePlot
from napari_cropzoom.widgets.timeline.rows import CurveRow

if TYPE_CHECKING:
    import napari

SEARCH_MS = 200
AFTER_EDIT = 30  # milliseconds in which the canvas comes first
WAITING = "Open the Cropzoom dock and a video."
NO_VIDEO = "No video is open."
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Home: -(10**9),
    Qt.Key.Key_End: 10**9,
}


class Timeline(QWidget):
    """Likelihood, speed, size, place and origin of the box, suspects and review of every frame.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Its *Cropzoom* dock is followed; the timeline waits until there is one.
    controller : Controller, optional

    Attributes
    ----------
    selection_changed
        Another range is selected, or none; see :attr:`selection`.
    """

    selection_changed = Signal()

    def __init__(self, napari_viewer: napari.viewer.Viewer, controller: Controller | None = None) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._viewer = napari_viewer
        self.controller: Controller | None = None
        self.player: Player | None = None
        self.model = TimelineModel(self)
        self.plot = TimelinePlot()
        self.gutter = Gutter(self.plot.rows.values())
        self.status = QLabel(WAITING)
        self.status.setObjectName("timeline_status")
        self.legend = Legend()
        self.legend.setObjectName("timeline_legend")
        self._guard = ControlGuard(lambda: self.controller.layers if self.controller else None, self)
        self._before_click = 0
        self._coloured: tuple[object, ...] = ()
        self._is_closed = False
        self._lay_out()
        self._search = QTimer(self)
        self._search.setInterval(SEARCH_MS)
        self._search.timeout.connect(self._find_controller)
        self.model.changed.connect(self._on_model)
        self.plot.drawn.connect(self.gutter.place_names)
        self.plot.selection_moved.connect(self._show_selection)
        self.plot.selection_set.connect(self._on_selected)
        self.plot.tooltip_asked.connect(self._show_tooltip)
        self.plot.view.went_to.connect(self._on_click)
        self.plot.view.double_clicked.connect(self._on_double_click)
        self.gutter.toggled.connect(self._on_row_toggled)
        napari_viewer.events.theme.connect(self._set_colors)
        self._set_colors()
        if controller is not None:
            self.set_controller(controller)

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.gutter)
        middle.addWidget(self.plot, 1)
        self._foot = QHBoxLayout()
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._foot.addWidget(self.status, 1)
        self._foot.addWidget(self.legend, 3)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(4, 2, 4, 2)
        self._column.setSpacing(2)
        self.setMinimumHeight(200)  # also with a player in two lines, which Qt does not ask for
        self._column.addLayout(middle, 1)
        self._column.addLayout(self._foot)

    # ---- connections -----------------------------------------------------------------------------

    def set_controller(self, controller: Controller) -> None:
        """Show the session of a controller."""
        self.controller = controller
        self._search.stop()
        self.player = Player(controller, self.model)
        self._column.insertWidget(0, self.player)
        self._guard.watch(self.player)
        self._guard.watch(self.gutter)
        self._guard.watch_keys(self)
        for signal, slot in self._connections(controller):
            signal.connect(slot)
        self._on_session()

    def _connections(self, controller: Controller) -> list[tuple[Any, Any]]:
        return [
            (controller.session_changed, self._on_session),
            (controller.changed, self._set_colors),
            (controller.frame_changed, self.plot.set_frame),
            (controller.selection_changed, self._on_selection),
            (controller.proposal_changed, self._on_proposal),
            (controller.closed, self._on_controller_gone),
        ]

    def release(self) -> None:
        """End every connection; the timeline is then dead."""
        if self._is_closed:
            return
        self._is_closed = True
        self._search.stop()
        self._viewer.events.theme.disconnect(self._set_colors)
        self._leave()

    def _leave(self) -> None:
        controller, player = self.controller, self.player
        self.controller = self.player = None
        if controller is not None:
            for signal, slot in self._connections(controller):
                signal.disconnect(slot)
        if player is not None:
            player.let_go()
            player.setParent(None)
            player.deleteLater()
        self.model.set_session(None)

    def _find_controller(self) -> None:
        found = find_controller(self._viewer)
        if found is not None:
            self.set_controller(found)

    def _on_controller_gone(self) -> None:
        self._leave()
        self.status.setText(WAITING)
        if self.isVisible():
            self._search.start()

    def _on_session(self) -> None:
        controller, player = self.controller, self.player
        if controller is None or player is None:
            return
        player.follow_layers(controller.layers)
        player.follow_session()
        self._set_colors()
        self.model.set_session(controller.session)
        self.plot.set_n_frames(controller.session.n_frames if controller.session else 1)
        self.plot.set_frame(controller.frame)
        self._on_selection()
        self._on_proposal()

    # ---- drawing -------------------------------------------------------------------------------

    def _on_model(self) -> None:
        model, plot = self.model, self.plot
        plot.likelihood.final = model.likelihood
        for name, row in plot.quantities.items():
            row.raw = model.series.raw.pyramids[name] if model.series else None
            row.final = model.series.final.pyramids[name] if model.series else None
        plot.suspects.strip = model.flags.levels if model.flags else None
        plot.box.frames = model.series.manual if model.series else np.empty(0, np.int64)
        plot.box.strip = model.series.sources if model.series else None
        plot.review.strip = model.series.states if model.series else None
        self.plot.draw_later(AFTER_EDIT)

    def _on_row_toggled(self, key: str, wanted: bool) -> None:
        self.plot.rows[key].is_shown = wanted
        self.plot.draw_later()

    def _set_colors(self) -> None:
        """Take the colours of the theme and of the animals, if they are others."""
        session = self.controller.session if self.controller else None
        entries = session.tracks.entries if session else {}
        animals = {name: entry.color for name, entry in entries.items()}
        animal = session.tracks.entry.color if session else ANIMAL_COLORS[0]
        wanted = (self._viewer.theme, animal, tuple(animals.items()), self.player)
        if wanted == self._coloured:
            return
        self._coloured = wanted
        colors = colors_of(self._viewer.theme, animal)
        self.plot.set_colors(colors)
        self.gutter.set_colors(colors)
        if self.player is not None:
            self.player.set_colors(colors)
        self.legend.show_entries(entries_of(colors, animals), colors)
        self._fit_legend()

    # ---- selection and proposal ----------------------------------------------------------------

    @property
    def selection(self) -> tuple[int, int] | None:
        """Selected frames, first and last, both inclusive."""
        return self.controller.selection if self.controller else None

    def show_proposal(self, edit: Edit | None) -> None:
        """Show what an edit would change: its frames hatched, its boxes dashed; None ends it."""
        self.plot.hatch((edit.first, edit.last) if edit else None)
        values = quantities(edit.after.boxes) if edit else None
        for place, row in enumerate(self.plot.quantities.values()):
            row.proposed = (edit.first, Pyramid(values[place])) if edit and values is not None else None
        self.plot.draw_later()

    def _on_proposal(self) -> None:
        self.show_proposal(self.controller.proposal if self.controller else None)

    def _on_selected(self, first: int, last: int) -> None:
        if self.controller is not None and self.controller.session is not None:
            self.controller.selection = (first, last)
            if not first <= self.controller.frame <= last:
                self.controller.go_to(first)  # tools act on a selection only where it is shown

    def _on_selection(self) -> None:
        self.plot.select(self.selection)
        if self.selection is None:
            has_video = self.controller is not None and self.controller.session is not None
            self.status.setText("" if has_video else NO_VIDEO if self.controller else WAITING)
        else:
            self._show_selection(*self.selection)
        self.selection_changed.emit()

    def _show_selection(self, first: int, last: int) -> None:
        count = last - first + 1
        text = f"frame {first}" if count == 1 else f"frames {first} to {last} ({count})"
        self.status.setText(f"{text} selected (Esc clears)")

    # ---- mouse and keys ------------------------------------------------------------------------

    def _on_click(self, frame: int) -> None:
        if self.controller is not None:
            self._before_click = self.controller.frame
            self.controller.go_to(frame)

    def _on_double_click(self, frame: float, pixel: float) -> None:
        if self.controller is None:
            return
        flags = self.model.flags
        suspect = flags.near(frame, self.plot.reach()) if flags else None
        if suspect is not None:
            self.controller.go_to(suspect.frame)
        else:
            self.plot.show_all()
            self.controller.go_to(self._before_click)  # its first half was a click

    def _show_tooltip(self, frame: float, row: str, place: QPoint) -> None:
        session = self.controller.session if self.controller else None
        if session is None:
            return
        suspect = self.model.flags.near(frame, self.plot.reach()) if self.model.flags else None
        if suspect is not None and row in ("suspects", "review", ""):
            span = f"frames {suspect.first}\u2013{suspect.last}, worst {suspect.frame}"
            QToolTip.showText(place, f"{suspect.reason}\n{span}", self.plot)
            return
        number = min(max(round(frame), 0), session.n_frames - 1)
        texts = [f"frame {number}   {when_of(session.video, number)}"]
        shown = self.plot.rows.get(row)
        if isinstance(shown, CurveRow):
            for word, pyramid in (("raw", shown.raw), ("final", shown.final)):
                if pyramid is not None and number < len(pyramid):
                    word = shown.label if row == "likelihood" else f"{word} {shown.label}"
                    texts.append(f"{word} {float(pyramid.values[number]):.3g} {shown.unit}".rstrip())
        QToolTip.showText(place, "\n".join(texts), self.plot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with the arrows, Shift makes it ten; Esc ends the selection."""
        key = Qt.Key(event.key())
        if self.controller is None or self.controller.layers is None:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Escape and self.controller.selection is not None:
            self.controller.selection = None
        elif key in _STEPS:
            tenfold = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.controller.go_to(self.controller.frame + _STEPS[key] * tenfold)
        elif not act_on_key(event, self.controller.layers):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Do what the key of a tool has shown while it was down."""
        if self.controller is not None and self.controller.layers is not None:
            act_on_key(event, self.controller.layers)
        super().keyReleaseEvent(event)

    # ---- Qt ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Search for the dock, which may be opened later."""
        super().showEvent(event)
        if self.controller is None and not self._is_closed:
            self._search.start()
            self._find_controller()

    def event(self, event: QEvent) -> bool:
        """End with the dock widget that napari put this into."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.release()
            self.deleteLater()
        return bool(super().event(event))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave the legend out where it would lie over the rows."""
        super().resizeEvent(event)
        self._fit_legend()

    def _fit_legend(self) -> None:
        margins = self._column.contentsMargins()
        room = self.height() - margins.top() - margins.bottom() - 2 * self._column.spacing()
        if self.player is not None:
            room -= self.player.heightForWidth(self.width())
        width = self.width() - margins.left() - margins.right() - self._foot.spacing()
        wanted = self.legend.heightForWidth(3 * width // 4)
        self.legend.setVisible(self.plot.minimumHeight() + wanted <= room)

    def sizeHint(self) -> QSize:
        """Room for every row."""
        return QSize(900, 300)
