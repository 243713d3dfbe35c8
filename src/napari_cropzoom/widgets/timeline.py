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

from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.pyramid import Pyramid
from napari_cropzoom.core.series import QUANTITIES, quantities
from napari_cropzoom.layers.caption import time_text
from napari_cropzoom.widgets.bench import Bench, find_bench
from napari_cropzoom.widgets.player import Player
from napari_cropzoom.widgets.shortcuts import act_on_key
from napari_cropzoom.widgets.timeline_gutter import Gutter
from napari_cropzoom.widgets.timeline_looks import STATE_WORDS, looks_of
from napari_cropzoom.widgets.timeline_model import TimelineModel
from napari_cropzoom.widgets.timeline_plot import TimelinePlot
from napari_cropzoom.widgets.timeline_rows import CurveRow

if TYPE_CHECKING:
    import napari

FIRST_LOOK_MS = 200
AFTER_EDIT = 30  # milliseconds in which the canvas comes first
WAITING = "Open the Cropzoom dock and a video."
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Home: -(10**9),
    Qt.Key.Key_End: 10**9,
}


class Timeline(QWidget):
    """Likelihood, speed, size and place of the box, what to look at, anchors and review of every frame.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Its *Cropzoom* dock is followed; the timeline waits until there is one.
    bench : Bench, optional

    Attributes
    ----------
    selection_changed
        Another range is selected, or none; see :attr:`selection`.
    """

    selection_changed = Signal()

    def __init__(self, napari_viewer: napari.viewer.Viewer, bench: Bench | None = None) -> None:
        super().__init__()
        self.setObjectName("timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._viewer = napari_viewer
        self.bench: Bench | None = None
        self.player: Player | None = None
        self.model = TimelineModel(self)
        self.plot = TimelinePlot()
        self.gutter = Gutter(self.plot.rows.values())
        self.status = QLabel(WAITING)
        self.status.setObjectName("timeline_status")
        self.legend = QLabel()
        self.legend.setObjectName("timeline_legend")
        self._before_click = 0
        self._is_closed = False
        self._lay_out()
        self._search = QTimer(self)
        self._search.setInterval(FIRST_LOOK_MS)
        self._search.timeout.connect(self._look_for_bench)
        self.model.changed.connect(self._on_model)
        self.plot.drawn.connect(self.gutter.follow_rows)
        self.plot.selection_moved.connect(self._say_selection)
        self.plot.selection_set.connect(self._on_selected)
        self.plot.told.connect(self._tell)
        self.plot.view.went_to.connect(self._on_click)
        self.plot.view.double_clicked.connect(self._on_double_click)
        self.gutter.toggled.connect(self._on_row_toggled)
        napari_viewer.events.theme.connect(self._on_theme)
        self._set_theme(napari_viewer.theme)
        if bench is not None:
            self.follow(bench)

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.gutter)
        middle.addWidget(self.plot, 1)
        foot = QHBoxLayout()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight)
        for label in (self.status, self.legend):  # as high as their width wants, or less in a low window
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.legend.setWordWrap(True)
        foot.addWidget(self.status, 1)
        foot.addWidget(self.legend, 2)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(4, 2, 4, 2)
        self._column.setSpacing(2)
        self.setMinimumHeight(200)  # also with a player in two lines, which Qt does not ask for
        self._column.addLayout(middle, 1)
        self._column.addLayout(foot)

    # ---- following -----------------------------------------------------------------------------

    def follow(self, bench: Bench) -> None:
        """Show the session of a bench."""
        self.bench = bench
        self._search.stop()
        self.player = Player(bench, self.model)
        self.player.set_looks(looks_of(self._viewer.theme))
        self._column.insertWidget(0, self.player)
        for signal, slot in self._connections(bench):
            signal.connect(slot)
        self._on_session()

    def _connections(self, bench: Bench) -> list[tuple[Any, Any]]:
        return [
            (bench.session_changed, self._on_session),
            (bench.frame_changed, self.plot.set_frame),
            (bench.selection_changed, self._on_selection),
            (bench.proposal_changed, self._on_proposal),
            (bench.closed, self._on_bench_gone),
        ]

    def let_go(self) -> None:
        """End every connection; the timeline is then dead."""
        if self._is_closed:
            return
        self._is_closed = True
        self._search.stop()
        self._viewer.events.theme.disconnect(self._on_theme)
        self._leave()

    def _leave(self) -> None:
        bench, player = self.bench, self.player
        self.bench = self.player = None
        if bench is not None:
            for signal, slot in self._connections(bench):
                signal.disconnect(slot)
        if player is not None:
            player.let_go()
            player.setParent(None)
            player.deleteLater()
        self.model.follow(None)

    def _look_for_bench(self) -> None:
        found = find_bench(self._viewer)
        if found is not None:
            self.follow(found)

    def _on_bench_gone(self) -> None:
        self._leave()
        self.status.setText(WAITING)
        if self.isVisible():
            self._search.start()

    def _on_session(self) -> None:
        bench, player = self.bench, self.player
        if bench is None or player is None:
            return
        player.follow_layers(bench.layers)
        player.follow_session()
        self.model.follow(bench.session)
        self.plot.set_n_frames(bench.session.n_frames if bench.session else 1)
        self.plot.set_frame(bench.frame)
        self._on_selection()
        self._on_proposal()

    # ---- drawing -------------------------------------------------------------------------------

    def _on_model(self) -> None:
        model, rows = self.model, self.plot.rows
        rows["likelihood"].final = model.likelihood
        for name in QUANTITIES:
            rows[name].raw = model.series.raw.pyramids[name] if model.series else None
            rows[name].final = model.series.final.pyramids[name] if model.series else None
        rows["bursts"].strip = model.flags.levels if model.flags else None
        rows["anchors"].anchors = model.series.anchors if model.series else np.empty(0, np.int64)
        rows["review"].strip = model.series.states if model.series else None
        self.plot.draw_later(AFTER_EDIT)

    def _on_row_toggled(self, key: str, wanted: bool) -> None:
        self.plot.rows[key].is_shown = wanted
        self.plot.draw_later()

    def _on_theme(self, event: Any) -> None:
        self._set_theme(event.value)

    def _set_theme(self, theme: str) -> None:
        looks = looks_of(theme)
        self.plot.set_looks(looks)
        self.gutter.set_looks(looks)
        if self.player is not None:
            self.player.set_looks(looks)
        lines = [f'<span style="color:{looks.raw}">▬</span> raw']
        lines.append(f'<span style="color:{looks.final}">▬</span> final')
        lines += [
            f'<span style="color:{color}">■</span> {STATE_WORDS[state]}'
            for state, color in looks.states.items()
        ]
        self.legend.setText(" &nbsp; ".join(lines))

    # ---- selection and proposal ----------------------------------------------------------------

    @property
    def selection(self) -> tuple[int, int] | None:
        """Selected frames, first and last, both inclusive."""
        return self.bench.selection if self.bench else None

    def show_proposal(self, edit: Edit | None) -> None:
        """Show what an edit would change: its frames hatched, its boxes dashed; None ends it."""
        self.plot.hatch((edit.first, edit.last) if edit else None)
        values = quantities(edit.after.boxes) if edit else None
        for place, name in enumerate(QUANTITIES):
            row = self.plot.rows[name]
            row.proposed = (edit.first, Pyramid(values[place])) if edit and values is not None else None
        self.plot.draw_later()

    def _on_proposal(self) -> None:
        self.show_proposal(self.bench.proposal if self.bench else None)

    def _on_selected(self, first: int, last: int) -> None:
        if self.bench is not None and self.bench.session is not None:
            self.bench.selection = (first, last)

    def _on_selection(self) -> None:
        self.plot.select(self.selection)
        if self.selection is None:
            self.status.setText("" if self.bench and self.bench.session else WAITING)
        else:
            self._say_selection(*self.selection)
        self.selection_changed.emit()

    def _say_selection(self, first: int, last: int) -> None:
        count = last - first + 1
        text = f"frame {first}" if count == 1 else f"frames {first}\u2013{last}, {count} frames"
        self.status.setText(f"{text} selected (Esc clears)")

    # ---- mouse and keys ------------------------------------------------------------------------

    def _on_click(self, frame: int) -> None:
        if self.bench is not None:
            self._before_click = self.bench.frame
            self.bench.go_to(frame)

    def _on_double_click(self, frame: float, pixel: float) -> None:
        if self.bench is None:
            return
        flags = self.model.flags
        burst = flags.near(frame, self.plot.reach()) if flags else None
        if burst is not None:
            self.bench.go_to(burst.frame)
        else:
            self.plot.show_all()
            self.bench.go_to(self._before_click)  # its first half was a click

    def _tell(self, frame: float, row: str, place: QPoint) -> None:
        session = self.bench.session if self.bench else None
        if session is None:
            return
        burst = self.model.flags.near(frame, self.plot.reach()) if self.model.flags else None
        if burst is not None and row in ("bursts", "review", ""):
            span = f"frames {burst.first}\u2013{burst.last}, worst {burst.frame}"
            QToolTip.showText(place, f"{burst.reason}\n{span}", self.plot)
            return
        number = min(max(round(frame), 0), session.n_frames - 1)
        said = [f"frame {number}   {time_text(session.video.time(number))}"]
        shown = self.plot.rows.get(row)
        if isinstance(shown, CurveRow):
            for word, pyramid in (("raw", shown.raw), ("final", shown.final)):
                if pyramid is not None and number < len(pyramid):
                    word = shown.label if row == "likelihood" else f"{word} {shown.label}"
                    said.append(f"{word} {float(pyramid.values[number]):.3g} {shown.unit}".rstrip())
        QToolTip.showText(place, "\n".join(said), self.plot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with the arrows, Shift makes it ten; Esc ends the selection."""
        key = Qt.Key(event.key())
        if self.bench is None or self.bench.layers is None:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Escape and self.bench.selection is not None:
            self.bench.selection = None
        elif key in _STEPS:
            tenfold = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.bench.go_to(self.bench.frame + _STEPS[key] * tenfold)
        elif not act_on_key(event, self.bench.layers):
            super().keyPressEvent(event)

    # ---- Qt ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Look for the dock, which may be opened later."""
        super().showEvent(event)
        if self.bench is None and not self._is_closed:
            self._search.start()
            self._look_for_bench()

    def event(self, event: QEvent) -> bool:
        """End with the dock widget that napari put this into."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.let_go()
            self.deleteLater()
        return bool(super().event(event))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave the legend out where it would lie over the rows."""
        super().resizeEvent(event)
        margins = self._column.contentsMargins()
        room = self.height() - margins.top() - margins.bottom() - 2 * self._column.spacing()
        if self.player is not None:
            room -= self.player.heightForWidth(self.width())
        wanted = self.legend.heightForWidth(2 * self.width() // 3)
        self.legend.setVisible(self.plot.minimumHeight() + wanted <= room)

    def sizeHint(self) -> QSize:
        """Room for every row."""
        return QSize(900, 300)
