"""Names and scales of the timeline's rows, at their left; a click on a name folds the row."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QPushButton, QWidget

from napari_cropzoom.widgets.timeline.colors import DARK, STATE_WORDS, Colors
from napari_cropzoom.widgets.timeline.rows import CurveRow, Row

WIDTH = 104
_NAME_WIDTH = 70
_TIPS = {
    "likelihood": "Mean likelihood of the anchor keypoints of the detector",
    "speed": "How far the box's centre moves between frames, in pixels: raw thin, final dashed",
    "size": "Side of a square with the area of the box, in pixels: raw thin, final dashed",
    "centre x": "Centre of the box from the left edge, in pixels: raw thin, final dashed",
    "centre y": "Centre of the box from the top edge, in pixels: raw thin, final dashed",
    "suspects": "Suspects, brighter where a fault is more likely; double-click to go to the worst frame",
    "box": "Where the box of each frame comes from, drawn as on the picture; a diamond: set by hand",
    "review": "What is known of each frame",
}
_HOW = "Click to show or hide."


class Gutter(QWidget):
    """One toggle for each row, ``timeline_row_<key>``, beside it its highest and lowest value.

    Attributes
    ----------
    toggled
        Key of a row, and whether it is wanted.
    """

    toggled = Signal(str, bool)

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__()
        self.setObjectName("timeline_gutter")
        self.setFixedWidth(WIDTH)
        self._rows = list(rows)
        self._colors = DARK
        self._buttons: dict[str, QPushButton] = {}
        self._placed: list[tuple[object, ...]] = []
        for row in self._rows:
            self._buttons[row.key] = self._button(row)

    def _button(self, row: Row) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(f"timeline_row_{row.key.replace(' ', '_')}")
        button.setText(row.label)
        button.setCheckable(True)
        button.setChecked(row.is_shown)
        button.setFlat(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"{_TIPS[row.key]}. {_HOW}")
        button.clicked.connect(lambda wanted, key=row.key: self.toggled.emit(key, wanted))
        return button

    def set_colors(self, colors: Colors) -> None:
        """Take the colours of a theme."""
        self._colors = colors
        faded = QColor(colors.text)
        faded.setAlpha(110)
        off = f"rgba({faded.red()}, {faded.green()}, {faded.blue()}, {faded.alpha()})"
        self.setStyleSheet(
            "QPushButton { border: none; background: transparent; padding: 0px 3px; margin: 0px;"
            f" min-width: 0px; min-height: 0px; text-align: left;"
            f" color: {off}; }}"
            f"QPushButton:checked {{ color: {colors.text}; background: transparent; }}"
            f"QPushButton:hover {{ background: {colors.faint}; }}"
        )
        self._buttons["review"].setToolTip(f"{_TIPS['review']}:<br>{_told(colors)}<br>{_HOW}")
        self.update()

    def place_names(self) -> None:
        """Put the names where the rows are, if they or the scales have changed."""
        places: list[tuple[object, ...]] = [
            (row.top, row.bottom, row.is_shown, row.scale) for row in self._rows
        ]
        if places == self._placed:
            return
        self._placed = places
        for row in self._rows:
            size = min(row.bottom - row.top, 20.0)
            top = row.top if row.stretch else (row.top + row.bottom - size) / 2
            button = self._buttons[row.key]
            width = _NAME_WIDTH if isinstance(row, CurveRow) else WIDTH - 4
            button.setGeometry(QRectF(2, top, width, size).toRect())
            button.setChecked(row.is_shown)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Scales and the lines between rows."""
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(max(6.5, font.pointSizeF() * 0.8))
        painter.setFont(font)
        for place, row in enumerate(self._rows):
            area = QRectF(0, row.top, WIDTH, row.bottom - row.top)
            painter.fillRect(
                area, QColor(self._colors.band if place % 2 == 0 else self._colors.background)
            )
            if row.is_shown and isinstance(row, CurveRow) and area.height() >= 24:
                self._paint_scale(painter, row, area.adjusted(0, 1, -4, -1))

    def _paint_scale(self, painter: QPainter, row: CurveRow, area: QRectF) -> None:
        color = QColor(self._colors.text)
        color.setAlpha(170)
        painter.setPen(color)
        high, low = row.scale
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, high)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, low)
        if row.unit and area.height() >= 34:
            left = area.adjusted(5, 0, 0, 0)
            painter.drawText(left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, row.unit)


def _told(colors: Colors) -> str:
    """The colours of the review strip in words, for windows that are too low for the legend."""
    return ", ".join(
        f'<span style="background:{color}">\u2003</span>\u00a0{STATE_WORDS[state]}'
        for state, color in colors.states.items()
    )
