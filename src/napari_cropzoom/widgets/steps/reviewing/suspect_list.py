"""The queue as a list of suspects: which frames, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

from napari_cropzoom.core.boxes import BoxTrack, Review
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.core.inspection.suspect import in_usual_order
from napari_cropzoom.core.words import counted
from napari_cropzoom.review.session import Session

OPEN, DONE = "○", "✓"
HEADERS = ("", "Frames", "Why")
_LASTING = re.compile(r" for [\d,]+ frames?")  # the frames stand beside it
_DIGIT = re.compile(r"\d")
LEAST_ROWS = 3
IN_PART = "but for what you changed"
MOST_WRAPPED = 30  # rows; more than a screen has room for


class SuspectModel(QAbstractTableModel):
    """Open and reviewed suspects in time, the order in which *Next* goes through them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, Suspect]] = []

    def show(self, left: list[Suspect], done: list[Suspect]) -> None:
        """Show other suspects."""
        rows = [(OPEN, each) for each in left] + [(DONE, each) for each in done]
        rows.sort(key=lambda row: (row[1].first, row[1].last, row[0] == DONE))
        self._take(rows)

    def keep(self, is_settled: Callable[[Suspect], bool]) -> None:
        """Show the same suspects, as far as they are settled now."""
        self._take([(DONE if is_settled(each) else OPEN, each) for _, each in self.rows])

    def _take(self, rows: list[tuple[str, Suspect]]) -> None:
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def row_of(self, suspect: Suspect | None) -> int | None:
        """Row of a suspect, or that its worst frame is in; None if there is none."""
        if suspect is None:
            return None
        rows = [(row, each) for row, (_, each) in enumerate(self.rows)]
        same = (row for row, each in rows if each == suspect)
        here = (row for row, each in rows if each.first <= suspect.frame <= each.last)
        return next(same, next(here, None))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many suspects there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """State, frames, reason."""
        return len(HEADERS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text of a cell; the whole reason in its tooltip."""
        state, suspect = self.rows[index.row()]
        frames = frames_of(suspect)
        if role == Qt.ItemDataRole.DisplayRole:
            return (state, frames, shown_reason(suspect))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            status = "reviewed" if state == DONE else "not reviewed"
            noun = "Frame" if suspect.n_frames == 1 else "Frames"
            return f"{noun} {frames}, {status}: {suspect.told} (score {suspect.score:.2f})"
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What the columns are."""
        is_title = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return HEADERS[section] if is_title else None


def frames_of(suspect: Suspect) -> str:
    """``40`` or ``40 to 42``."""
    return str(suspect.first) if suspect.n_frames == 1 else f"{suspect.first} to {suspect.last}"


def short_reason(suspect: Suspect) -> str:
    """What is told in fewer letters: ``1.8× smaller`` for *1.8 times smaller for 3 frames* of three."""
    whole = f" for {counted(suspect.n_frames, 'frame')}"  # which stand beside it
    reasons = [
        each.removesuffix(whole).replace(" times ", "× ") for each in in_usual_order(suspect.reasons)
    ]
    return "; ".join(filter(None, (*reasons, suspect.note)))


def shown_reason(suspect: Suspect) -> str:
    """The reason as the list has it."""
    return _LASTING.sub("", short_reason(suspect))


def reason_text(suspect: Suspect, since: str) -> str:
    """``Frames 40 to 42: jumps 151 px``; what it was, where the boxes may be others ``since``.

    With :data:`IN_PART` as ``since`` it is what still is in the other frames.
    """
    noun = "Frame" if suspect.n_frames == 1 else "Frames"
    was = "" if since in ("", IN_PART) else "; was"
    return f"{noun} {frames_of(suspect)}{f', {since}{was}' if since else ''}: {short_reason(suspect)}"


def along(left: Sequence[Suspect], frame: int, track: BoxTrack, way: int) -> Suspect:
    """The open suspect that comes after a frame, or before it if ``way`` is -1; from the end the first.

    One that the frame lies in counts as gone through if the frame is reviewed already.
    """
    if track.review[frame] >= Review.ACCEPTED:
        left = [each for each in left if not each.first <= frame <= each.last] or left
    in_order = sorted(left, key=lambda each: way * each.frame)
    return next((each for each in in_order if way * each.frame > way * frame), in_order[0])


class SuspectList(QTableView):
    """A click goes there.

    Attributes
    ----------
    chosen : Signal
        The :class:`Suspect` that was clicked or reached with the arrow keys and Enter.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("review_list")
        self.setAccessibleName("Queue of suspects")
        self.suspects = SuspectModel()
        self.setModel(self.suspects)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(True)
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
        header.hide()  # frames and reasons speak for themselves, and there are more of them
        self.setColumnWidth(0, line + 4)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._line, self._least = line, LEAST_ROWS
        self._heights: list[int] = []  # of the rows with their reasons in full, unless they are many
        self._fit()
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)

    def show_suspects(self, left: list[Suspect], done: list[Suspect]) -> None:
        """Show other suspects; the place in the list stays."""
        at = self.verticalScrollBar().value()
        self.suspects.show(left, done)
        self.verticalScrollBar().setValue(at)
        self._fit()

    def keep_rows(self, least: int) -> None:
        """Take the room of so many rows at least."""
        if least != self._least:
            self._least = least
            self._fit()

    def keep_suspects(self, is_settled: Callable[[Suspect], bool]) -> None:
        """Leave all rows where they are, and show which suspects are settled now."""
        self.suspects.keep(is_settled)

    def mark(self, suspect: Suspect | None) -> None:
        """Select a suspect, or none."""
        row = self.suspects.row_of(suspect)
        if row is None:
            self.clearSelection()
        else:
            self.selectRow(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size has room for other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()
        self._wrap()

    def _fit(self) -> None:
        """Take a few rows at least, and all of them where there is room; frames no wider than needed."""
        widest = max((frames_of(each) for _, each in self.suspects.rows), key=len, default="0 to 0")
        self.setColumnWidth(1, self.fontMetrics().horizontalAdvance(_DIGIT.sub("0", widest)) + 12)
        frame, rows = 2 * self.frameWidth() + 2, self.suspects.rows
        across = self.maximumViewportSize().width() - self.columnWidth(0) - self.columnWidth(1) - 12
        self._heights = (
            [self._height(each, across) for _, each in rows] if len(rows) <= MOST_WRAPPED else []
        )
        needed = sum(self._heights) or len(rows) * self._line
        self.setMinimumHeight(frame + self._least * self._line)
        self.setMaximumHeight(frame + max(self._least * self._line, needed))
        self._wrap()

    def _height(self, suspect: Suspect, across: int) -> int:
        """Pixels that a row needs whose reason is wrapped."""
        room = QRect(0, 0, max(across, 1), 0)
        needed = self.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, shown_reason(suspect))
        lines = max(1, round(needed.height() / self.fontMetrics().lineSpacing()))
        return int(self._line + (lines - 1) * self.fontMetrics().lineSpacing())

    def _wrap(self) -> None:
        """Show reasons in full from the top on, as far as there is room, and the others in one line.

        Which those are changes with the list and its size only, so no row moves under the mouse.
        """
        more = self.maximumViewportSize().height() - len(self._heights) * self._line
        for row, height in enumerate(self._heights):
            is_whole = height - self._line <= more
            more -= height - self._line if is_whole else 0
            self.verticalHeader().resizeSection(row, height if is_whole else self._line)

    def sizeHint(self) -> QSize:
        """A few rows; the step gives it what is left."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.suspects.rows[index.row()][1])


def named(session: Session, frame: int) -> str:
    """``Frame 12``, or the name of a labeled image."""
    images = session.video.images
    return f"Frame {frame}" if images is None else f"Image {frame}, {images[frame].rpartition('/')[2]}"
