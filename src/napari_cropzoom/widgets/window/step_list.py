"""The steps below each other; where that is too high, the folded ones stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget

from napari_cropzoom.widgets.steps.base import Step

MOST_ABREAST = 3
GROWS = 100  # stretch of an open step that has a use for the room below it


class StepList(QWidget):
    """Steps in the order in which they were added; `arrange` says how they stand.

    How many folded ones share a line changes with the height there is and with the step that is open,
    never by itself: what a step says while it is open moves no line.
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Step] = []
        self._lines: list[QHBoxLayout] = []
        self._abreast = 1
        self._column = QVBoxLayout(self)
        self._column.addStretch(1)
        self.set_low(False)

    @property
    def abreast(self) -> int:
        """How many folded steps share a line."""
        return self._abreast

    def add(self, step: Step) -> None:
        """Put a step below the others."""
        self._steps.append(step)
        self._lay_out()

    def set_low(self, is_low: bool) -> None:
        """Have the lines close together, or with some air between them."""
        air = 1 if is_low else 4
        self._column.setSpacing(1 if is_low else 3)
        self._column.setContentsMargins(4, air, 4, air)

    def arrange(self, room: QSize) -> None:
        """Have as few steps share a line as fit into a room without scrolling, or as many as can."""
        width = room.width() - 2 * self._air
        for abreast in range(1, MOST_ABREAST + 1):
            before, self._abreast = self._abreast, abreast
            if any(self._needed_across(row) > width for row in self._rows() if len(row) > 1):
                self._abreast = before
                break
            if self._needed(width) <= room.height():
                break
        self._lay_out()
        self._column.invalidate()
        self.updateGeometry()

    # ---- inside --------------------------------------------------------------------------------

    @property
    def _spacing(self) -> int:
        return int(self._column.spacing())

    @property
    def _air(self) -> int:
        return int(self._column.contentsMargins().left())

    def _rows(self) -> Iterator[Sequence[Step]]:
        """The steps line by line: an open one has a line of its own."""
        row: list[Step] = []
        for step in self._steps:
            if row and (step.is_open or len(row) == self._abreast):
                yield row
                row = []
            row.append(step)
            if step.is_open:
                yield row
                row = []
        if row:
            yield row

    def _needed_across(self, row: Sequence[Step]) -> int:
        return sum(step.header.compact_width() for step in row) + self._spacing * (len(row) - 1)

    def _needed(self, width: int) -> int:
        """Pixels down."""
        margins = self._column.contentsMargins()
        heights = [max(_least(step, width) for step in row) for row in self._rows()]
        between = self._spacing * (len(heights) - 1)
        return int(sum(heights) + between + margins.top() + margins.bottom())

    def _lay_out(self) -> None:
        rows = list(self._rows())
        if rows != [_steps_of(self._column.itemAt(at)) for at in range(self._column.count() - 1)]:
            while self._column.count() > 1:
                self._column.takeAt(0)
            for line in self._lines:
                while line.count():  # Qt keeps sizes up to date in one layout of a widget only
                    line.takeAt(0)
                line.deleteLater()
            self._lines = []
            for at, row in enumerate(rows):
                if len(row) == 1:
                    self._column.insertWidget(at, row[0])
                    continue
                line = QHBoxLayout()
                line.setSpacing(self._spacing)
                for step in row:
                    line.addWidget(step, step.header.compact_width())
                self._column.insertLayout(at, line)
                self._lines.append(line)
        for row in rows:
            for step in row:
                step.header.set_compact(self._abreast > 1 and not step.is_open)
                self._column.setStretchFactor(step, GROWS if step.grows and step.is_open else 0)


def _steps_of(item: object) -> list[QWidget]:
    layout = item.layout() if item is not None else None  # type: ignore[attr-defined]
    if isinstance(layout, QLayout):
        return [layout.itemAt(at).widget() for at in range(layout.count())]
    return [item.widget()]  # type: ignore[attr-defined]


def _least(step: Step, width: int) -> int:
    """Pixels that a step needs down."""
    frame = step.contentsMargins()
    header = int(step.header.sizeHint().height() + frame.top() + frame.bottom())
    if not step.is_open:
        return header
    step.form.invalidate()  # what it holds may have been shown or hidden just now
    inner = width - frame.left() - frame.right()
    body = max(step.form.totalMinimumSize().height(), step.form.totalHeightForWidth(inner))
    return int(header + step.layout().spacing() + body)
