"""The queue as a list: which frames, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_cropzoom.core.review import Burst

OPEN, DONE = "○", "✓"
HEADERS = ("", "Frames", "Why")
ROWS_SHOWN = 5


class BurstModel(QAbstractTableModel):
    """Open bursts, the worst first, then those looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, Burst]] = []
        self._ends = np.empty((2, 0), np.int64)

    def show(self, left: list[Burst], done: list[Burst]) -> None:
        """Show other bursts."""
        rows = [(OPEN, each) for each in left] + [(DONE, each) for each in done]
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self._ends = (
                np.array([(each.first, each.last) for _, each in rows], np.int64).reshape(-1, 2).T
            )
            self.endResetModel()

    def row_at(self, frame: int) -> int | None:
        """First row whose burst a frame lies in."""
        first, last = self._ends
        rows = np.flatnonzero((first <= frame) & (frame <= last))
        return int(rows[0]) if len(rows) else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many bursts there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """State, frames, reason."""
        return len(HEADERS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text of a cell; the whole reason in its tooltip."""
        state, burst = self.rows[index.row()]
        frames = str(burst.first) if burst.n_frames == 1 else f"{burst.first}-{burst.last}"
        if role == Qt.ItemDataRole.DisplayRole:
            return (state, frames, burst.reason)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            told = "looked at" if state == DONE else "to look at"
            return f"Frames {frames}, {told}: {burst.reason} (score {burst.score:.2f})"
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What the columns are."""
        is_title = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return HEADERS[section] if is_title else None


class BurstList(QTableView):
    """A click goes there.

    Attributes
    ----------
    chosen : Signal
        The :class:`Burst` that was clicked or reached with the arrow keys and Enter.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("review_list")
        self.setAccessibleName("Queue of frames to look at")
        self.bursts = BurstModel()
        self.setModel(self.bursts)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        line = self.fontMetrics().height() + 6
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(line)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(line)
        self.setColumnWidth(0, line + 4)
        self.setColumnWidth(1, self.fontMetrics().horizontalAdvance("00000-000000") + 10)
        self.setFixedHeight(header.sizeHint().height() + ROWS_SHOWN * line + 4)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)

    def show_bursts(self, left: list[Burst], done: list[Burst]) -> None:
        """Show other bursts; the place in the list stays."""
        at = self.verticalScrollBar().value()
        self.bursts.show(left, done)
        self.verticalScrollBar().setValue(at)

    def mark(self, frame: int) -> None:
        """Select the burst that a frame lies in, if there is one."""
        row = self.bursts.row_at(frame)
        if row is None:
            self.clearSelection()
        else:
            self.selectRow(row)

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.bursts.rows[index.row()][1])
