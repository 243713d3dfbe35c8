"""What the colours and lines of the timeline and of the picture mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_cropzoom.canvas.keypoints.marks import EDGES, SYMBOLS
from napari_cropzoom.core.looks import LIKELY, LOOK_WORDS, PROPOSED, LineStyle, readable
from napari_cropzoom.core.words import shortened
from napari_cropzoom.widgets.timeline.colors import STATE_WORDS, Colors

SWATCH = QSize(18, 11)
NAME_LENGTH = 16  # letters of an animal's name
_GAP, _BETWEEN = 4, 12  # pixels from swatch to words, and from one entry to the next
KEYPOINT_WORDS = {"detector": "detector's keypoint", "pose": "pose keypoint"}
_THINNER = 0.5  # so that a thick outline leaves something inside so small a box


@dataclass(frozen=True)
class Entry:
    """Words with their swatch: the outline of a box, a keypoint, or a colour.

    Attributes
    ----------
    words : str
    look : LineStyle or None
    color : str
        ``#rrggbb`` where there is no look.
    keypoint : {"", "detector", "pose"}
        What has found the keypoint that is drawn.
    """

    words: str
    look: LineStyle | None = None
    color: str = ""
    keypoint: str = ""


def entries_of(colors: Colors, animals: Mapping[str, str]) -> list[Entry]:
    """Looks of boxes in the animal's colour, states of the review strip, and several animals by name.

    ``animals`` is colour by name. Both kinds of keypoints are always there, so that nothing moves when
    some come.
    """
    named = [
        Entry(shortened(name, NAME_LENGTH), color=readable(color, colors.background))
        for name, color in animals.items()
    ]
    return [
        *(named if len(named) > 1 else []),
        *(Entry(words, look.in_color(colors.animal)) for words, look in LOOK_WORDS.items()),
        Entry("proposed", PROPOSED.in_color(colors.proposal)),
        *(Entry(STATE_WORDS[state], color=color) for state, color in colors.states.items()),
        *(Entry(words, keypoint=kind) for kind, words in KEYPOINT_WORDS.items()),
    ]


class Legend(QWidget):
    """Entries in as many lines as they need; no words part from their swatch.

    Attributes
    ----------
    entries : list of Entry
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._text = self._edge = QColor()
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_entries(self, entries: list[Entry], colors: Colors) -> None:
        """Show other entries."""
        self.entries = entries
        self._text, self._edge = QColor(colors.text), QColor(colors.faint)
        self.setAccessibleName(f"Legend: {', '.join(each.words for each in entries)}")
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        """Narrow legends are high."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Pixels."""
        return round(max((area.bottom() for area in self._areas(width)), default=0))

    def sizeHint(self) -> QSize:
        """All in one line."""
        return QSize(0, self._line)

    def swatches(self) -> dict[str, QRectF]:
        """Where the swatches are, by their words."""
        return {
            each.words: self._swatch(area)
            for each, area in zip(self.entries, self._areas(self.width()), strict=True)
        }

    def paintEvent(self, event: QPaintEvent) -> None:
        """Swatches and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for entry, area in zip(self.entries, self._areas(self.width()), strict=True):
            _paint_swatch(painter, self._swatch(area), entry, self._edge)
            painter.setPen(self._text)
            words = area.adjusted(SWATCH.width() + _GAP, 0, _BETWEEN, 0)
            painter.drawText(
                words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, entry.words
            )

    @property
    def _line(self) -> int:
        return int(self.fontMetrics().height()) + 1

    @staticmethod
    def _swatch(area: QRectF) -> QRectF:
        top = area.center().y() - SWATCH.height() / 2
        return QRectF(area.left(), top, SWATCH.width(), SWATCH.height())

    def _areas(self, width: int) -> list[QRectF]:
        """Where each entry is in a legend of this width."""
        left, top, areas = 0, 0, []
        for entry in self.entries:
            size = SWATCH.width() + _GAP + self.fontMetrics().horizontalAdvance(entry.words)
            if left and left + size > width:
                left, top = 0, top + self._line
            areas.append(QRectF(left, top, size, self._line))
            left += size + _BETWEEN
        return areas


def _paint_swatch(painter: QPainter, place: QRectF, entry: Entry, edge: QColor) -> None:
    look = entry.look
    if entry.keypoint:
        _paint_keypoint(painter, place, entry.keypoint)
        return
    if look is None:
        painter.setPen(QPen(edge, 1))
        painter.setBrush(QColor(entry.color))
        painter.drawRect(place.adjusted(3, 0.5, -3, -0.5))
        return
    width = max(1.0, _THINNER * look.width)
    inside = place.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    if look.fill:
        painter.fillRect(inside, QColor.fromRgbF(*look.face_rgba))
    pen = QPen(QColor.fromRgbF(*look.rgba), width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if look.is_dashed:
        pen.setDashPattern([3 / width, 2 / width])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    corners = (inside.topLeft(), inside.topRight(), inside.bottomRight(), inside.bottomLeft())
    painter.drawPolygon([QPointF(each) for each in corners])


def _paint_keypoint(painter: QPainter, place: QRectF, kind: str) -> None:
    """A keypoint as on the picture, on a grey against which both edges are to be seen."""
    painter.fillRect(place, QColor("#808080"))
    painter.setPen(QPen(QColor.fromRgbF(*EDGES[kind]), 2))
    painter.setBrush(QColor(LIKELY))
    middle, radius = place.center(), place.height() / 2 - 1
    if SYMBOLS[kind] == "diamond":
        corners = ((0, -radius), (radius, 0), (0, radius), (-radius, 0))
        painter.drawPolygon(QPolygonF([middle + QPointF(*corner) for corner in corners]))
    else:
        painter.drawEllipse(middle, radius, radius)
