"""Small controls that several steps share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from qtpy.QtCore import QObject, QSettings, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QFont, QFontMetrics, QPaintEvent, QResizeEvent, QTextLayout
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from napari_cropzoom.core.looks import MESSAGE, rgb

RECENT_LENGTH = 8
_BAR = {kind: ", ".join(f"{255 * part:.0f}" for part in rgb(color)) for kind, color in MESSAGE.items()}
_ENDS = tuple(re.compile(each) for each in (r"[.!?](?= )", r"[;:,](?= )|(?= · )"))
_SHORT = 8  # letters: a part of a text that is not worth to be shown alone
_SIGN = {"error": "⚠  ", "warning": "⚠  ", "info": ""}


class Message(QLabel):
    """One message in a coloured frame that reads on dark and on light; hidden while empty.

    Attributes
    ----------
    kind : {"error", "warning", "info", ""}
    plain : str
        What it says, in full.
    is_cut : bool
        Whether it takes the height it is given: what has no room is cut off with an ellipsis, and is in
        the tooltip.
    padding : int
    changed : Signal
        It says something else.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = ""
        self.plain = ""
        self.is_cut = False
        self.padding = 5
        self.setIndent(0)  # or else Qt has less room for a line than is counted on
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.hide()

    def show_error(self, text: str) -> None:
        """Show what went wrong and what to do."""
        self._show("error", text)

    def show_warning(self, text: str) -> None:
        """Show what a person should know."""
        self._show("warning", text)

    def show_info(self, text: str) -> None:
        """Show what happened."""
        self._show("info", text)

    def clear(self) -> None:
        """Show nothing."""
        self.kind = self.plain = ""
        self.setText("")
        self.setToolTip("")
        self.hide()
        self.changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text where it is to be cut."""
        super().resizeEvent(event)
        self._write()

    def minimumSizeHint(self) -> QSize:
        """No height of its own where the text is cut."""
        return QSize(0, 0) if self.is_cut else super().minimumSizeHint()

    def hasHeightForWidth(self) -> bool:
        """Not where the text is cut."""
        return not self.is_cut and super().hasHeightForWidth()

    def height_for(self, width: int) -> int:
        """Pixels down that the whole text needs at a width, frame included."""
        across = width - 2 * self.padding - 5  # its lines at the left, of 4 px, and at the right
        lines = len(lines_of(f"{_SIGN.get(self.kind, '')}{breakable(self.plain)}", across, self.font()))
        return lines * line_height(self.font()) + 2 * (self.padding + 1)

    def _show(self, kind: str, text: str) -> None:
        if not text:
            self.clear()
            return
        self.kind, self.plain = kind, text
        color = _BAR[kind]
        self.setStyleSheet(
            f"Message {{ border: 1px solid rgb({color}); border-left: 4px solid rgb({color});"
            f" background: rgba({color}, 40); padding: {self.padding}px; }}"
        )
        self._write()
        self.setAccessibleName(f"{kind}: {text}")
        self.setVisible(True)
        self.changed.emit()

    def _write(self) -> None:
        if not self.kind:
            return
        text = f"{_SIGN[self.kind]}{breakable(self.plain)}"
        shown = cut(text, self.contentsRect().size(), self.font()) if self.is_cut else text
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self.plain if shown != text else "")


class _Cut(QLabel):
    """Plain text of which what fits is shown; it is whole in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._full = ""
        self.setTextFormat(Qt.TextFormat.PlainText)

    def text(self) -> str:
        """The whole text."""
        return self._full

    def setText(self, text: str | None) -> None:
        """Show another text."""
        self._full = text or ""
        self._write()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._write()

    def _fitting(self) -> str:
        return cut(self._full, self.contentsRect().size(), self.font())

    def _write(self) -> None:
        shown = self._fitting()
        if shown != super().text():
            super().setText(shown)
        self.setToolTip(self._full if shown != self._full else "")


class CutLabel(_Cut):
    """Plain text in a fixed number of lines, with an object name; what has no room is cut off."""

    def __init__(self, lines: int, name: str = "") -> None:
        super().__init__()
        self._lines = lines
        self.setObjectName(name)
        self.setStyleSheet("padding: 0px 3px; margin: 0px")  # napari's would take height from the lines
        self.setIndent(0)
        self.setWordWrap(lines > 1)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as its lines, whatever the text."""
        return QSize(0, self._lines * line_height(self.font()) + 2)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def hasHeightForWidth(self) -> bool:
        """Never, though Qt says so of labels that wrap."""
        return False


def line_height(font: QFont) -> int:
    """Pixels from one line of a label to the next; Qt lays its lines out a little wider than it says."""
    return int(QFontMetrics(font).lineSpacing()) + 1


def lines_of(text: str, width: int, font: QFont) -> list[int]:
    """Where each line of a text begins that is wrapped at a width in pixels."""
    layout = QTextLayout(text, font)
    layout.beginLayout()
    starts: list[int] = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(width, 1))
        starts.append(line.textStart())
    layout.endLayout()
    return starts


def cut(text: str, room: QSize, font: QFont) -> str:
    """Text that fits into a room in pixels, of one line parts as in `fitting`.

    What has no room is left out after a whole sentence or part of one, if any fits.
    """
    metrics = QFontMetrics(font)
    lines = max(1, room.height() // line_height(font))
    if lines == 1 and " · " in text:
        return fitting(text, room.width(), metrics)
    if len(starts := lines_of(text, room.width(), font)) <= lines:
        return text
    for end in _ENDS:
        whole = [found.end() for found in end.finditer(text) if found.start() >= _SHORT]
        for at in reversed(whole):
            shown = f"{text[:at].rstrip()} …"
            if len(lines_of(shown, room.width(), font)) <= lines:
                return shown
    last = starts[lines - 1]
    rest = metrics.elidedText(text[last:], Qt.TextElideMode.ElideRight, room.width() - 2)
    return f"{text[:last]}{rest}"


def breakable(text: str) -> str:
    """Let long paths wrap: a zero-width space after each separator."""
    for separator in ("/", "\\", "_"):
        text = text.replace(separator, f"{separator}\u200b")
    return text


class LineLabel(_Cut):
    """One line that never makes the dock wider, see `fitting`; whole in the tooltip where it is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def _fitting(self) -> str:
        metrics = QFontMetrics(self.font())
        beside = super().sizeHint().width() - metrics.horizontalAdvance(QLabel.text(self))
        return fitting(self._full, self.width() - max(beside, 0), metrics)


def fitting(text: str, width: int, metrics: QFontMetrics) -> str:
    """What fits into a width in pixels: parts after " · " are left out, the first is cut inside."""
    parts = text.split(" · ")
    for count in range(len(parts), 0, -1):
        shown = " · ".join(parts[:count])
        if metrics.horizontalAdvance(shown) <= width:
            return shown
    return str(metrics.elidedText(parts[0], Qt.TextElideMode.ElideMiddle, width))


class PathLabel(LineLabel):
    """A path, whole in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None

    def set_path(self, path: Path | None, none: str = "") -> None:
        """Show a path, or else ``none``."""
        self.path = path
        self.setText(str(path) if path else none)

    def _write(self) -> None:
        super()._write()
        self.setToolTip(str(self.path) if self.path else "")


class ChoiceBox(QComboBox):
    """A list to choose from whose chosen text is cut in the middle where it has no room."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame and the arrow, and the text that fits."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = self.placeholderText()
        box, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(box, option, field, self).width() - 2
        option.currentText = fitting(option.currentText, room, self.fontMetrics())
        painter.drawComplexControl(box, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def delayed(parent: QObject, slot: Callable[[], object], milliseconds: int = 0) -> QTimer:
    """Return a timer whose ``start`` has ``slot`` called once, however often it was started meanwhile."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer


@contextmanager
def silent(controls: Iterable[QObject]) -> Iterator[None]:
    """Let code set controls without their signals, as if no person had changed them."""
    held = [(control, control.blockSignals(True)) for control in controls]
    try:
        yield
    finally:
        for control, was_blocked in held:
            control.blockSignals(was_blocked)


def choice(name: str, tooltip: str = "", items: Mapping[str, str] | None = None) -> QComboBox:
    """Return a list to choose from, with an object name; ``items`` is label by value."""
    made = ChoiceBox()
    made.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    made.setObjectName(name)
    made.setToolTip(tooltip)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    for value, label in (items or {}).items():
        made.addItem(label, value)
    return made


def slider(name: str, low: float, high: float, value: float) -> QLabeledDoubleSlider:
    """Return a slider in steps of 0.05, with an object name."""
    made = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    made.setObjectName(name)
    made.setRange(low, high)
    made.setDecimals(2)
    made.setSingleStep(0.05)
    made.setValue(value)
    return made


def thin_bar(name: str) -> QProgressBar:
    """Return a progress bar without text, with an object name."""
    bar = QProgressBar()
    bar.setObjectName(name)
    bar.setTextVisible(False)
    bar.setFixedHeight(8)
    return bar


def button(text: str, name: str, tooltip: str = "") -> QPushButton:
    """Return a push button with an object name."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tooltip)
    return made


def row(*widgets: QWidget, stretch: int = -1) -> QHBoxLayout:
    """Return widgets side by side; ``stretch`` is the place of the one that grows."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if place == stretch else 0)
    return layout


def grid_of(buttons: Sequence[QPushButton], columns: int) -> QGridLayout:
    """Return buttons in lines, no higher than their text needs."""
    grid = QGridLayout()
    grid.setSpacing(2)
    for place, each in enumerate(buttons):
        each.setStyleSheet("padding: 2px 2px")
        grid.addWidget(each, place // columns, place % columns)
    return grid


def note(text: str = "", name: str = "") -> QLabel:
    """Return a wrapped line of text that never makes the dock wider."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setObjectName(name)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def recent(kind: str) -> list[Path]:
    """Paths chosen before that still exist, newest first; ``kind`` is ``video`` or ``model``."""
    stored = settings().value(f"recent/{kind}", [])
    paths = [stored] if isinstance(stored, str) else list(stored or [])
    return [Path(path) for path in paths if Path(path).exists()]


def remember(kind: str, path: Path) -> None:
    """Put a path first among the recent ones."""
    others = [known for known in recent(kind) if known.resolve() != path.resolve()]
    paths = [path.absolute(), *others]  # a link's own name: it may lead into a store of contents
    settings().setValue(f"recent/{kind}", [str(each) for each in paths[:RECENT_LENGTH]])


def settings() -> QSettings:
    """Return where small conveniences are kept between sessions."""
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-cropzoom", "napari-cropzoom"
    )
