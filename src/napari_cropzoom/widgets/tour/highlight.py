"""A ring round a control anywhere in the window, and a small panel beside it."""

from __future__ import annotations

from qtpy.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QPainter, QPaintEvent, QPen, QRegion
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.widgets.controls import button
from napari_cropzoom.widgets.window.second_press import ACTS_ON, SecondPress

THICK, GAP = 3, 3  # pixels
WIDTH = 330  # of the panel, in pixels
BESIDE = 14  # pixels between panel and control
LARGE = 0.2  # of the window: beside a control beyond that the panel is at the window's left edge


class Highlight(QWidget):
    """Drawn round a control, over whatever is there; takes no event."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("tour_highlight")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet("background: transparent")
        self.hide()

    def put_round(self, control: QWidget | None) -> None:
        """Show it round what is to be seen of a control; hide it where there is nothing."""
        place = seen_of(control)
        if control is None or place.isEmpty():
            self.hide()
            return
        window = control.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        room = GAP + THICK
        around = place.adjusted(-room, -room, room, room).intersected(window.rect())
        if around != self.geometry():
            self.setGeometry(around)
            inside = self.rect().adjusted(THICK + 1, THICK + 1, -THICK - 1, -THICK - 1)
            self.setMask(QRegion(self.rect()).subtracted(QRegion(inside)))
        if not self.isVisible():
            self.show()
            self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ring, in the colour of text, which is read on all that the theme has."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().windowText().color(), THICK))
        half = THICK / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(half, half, -half, -half), 4, 4)


class Panel(QFrame):
    """What to do, in a few words, with the ways on and out.

    Object names: ``tour_panel``, ``tour_title``, ``tour_text``, ``tour_said``, ``tour_keys``,
    ``tour_open``, ``tour_skip``, ``tour_leave``.
    """

    left = Signal()
    skipped = Signal()
    open_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("tour_panel")
        names = ("title", "text", "said", "keys")
        self.title, self.text, self.said, self.keys = (self._label(name) for name in names)
        self.keys.hide()
        self.open = button("Open the sample", "tour_open")
        self.skip = button("Skip", "tour_skip", "Go on without doing this")
        self.leave = button("Leave (Esc)", "tour_leave", "End the tour; what you have done stays")
        for each, signal in (
            (self.open, self.open_asked),
            (self.skip, self.skipped),
            (self.leave, self.left),
        ):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the canvas its keys
            each.clicked.connect(signal)
        line = QHBoxLayout()
        line.addWidget(self.leave)
        line.addStretch(1)
        line.addWidget(self.open)
        line.addWidget(self.skip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(6)
        for each in (self.title, self.text, self.said, self.keys):
            layout.addWidget(each)
        layout.addLayout(line)
        self._color = ""
        SecondPress(self).watch(self)
        self.hide()

    def say(self, title: str, text: str, skip: str = "Skip") -> None:
        """Show a task; ``skip`` is on the button that goes on, none if it is empty."""
        self.title.setText(f"<b>{title}</b>")
        self.skip.setProperty(ACTS_ON, title)
        self.update_task(text, "", skip, opens=False)

    def update_task(self, text: str, said: str, skip: str, *, opens: bool) -> None:
        """Say something else of the task that is shown; ``opens`` offers the sample."""
        if text != self.text.text():
            self.text.setText(text)
        self.tell(said)
        self.open.setVisible(opens)
        if skip != self.skip.text():
            self.skip.setText(skip)
        self.skip.setVisible(bool(skip))

    def show_keys(self, text: str) -> None:
        """Show which keys do what."""
        self.keys.setText(text)
        self.keys.show()

    def tell(self, said: str) -> None:
        """Show a line below the text, or none."""
        if said != self.said.text() or self.said.isVisible() != bool(said):
            self.said.setText(said)
            self.said.setVisible(bool(said))

    def show_beside(
        self, window: QWidget, control: QWidget | None, dock: QWidget, *, is_aside: bool = False
    ) -> None:
        """Stand beside a control, clear of the dock that it is in, and wholly in the window.

        ``is_aside``: at the window's left edge instead, off the middle of the canvas.
        """
        if self.parentWidget() is not window:
            self.setParent(window)
        self._match_theme()
        for label in (self.title, self.text, self.said, self.keys):
            label.setFixedHeight(max(label.heightForWidth(WIDTH - 24), 0))  # -1 without a text
        size = QSize(WIDTH, self.layout().totalSizeHint().height())
        place = place_of(size, window, control, dock, is_aside=is_aside)
        if self.geometry() != QRect(place, size):
            self.setGeometry(QRect(place, size))
        if not self.isVisible():
            self.show()
            self.raise_()

    def _match_theme(self) -> None:
        color = self.palette().windowText().color().name()
        if color != self._color:
            self._color = color
            self.setStyleSheet(f"#tour_panel {{ border: 2px solid {color}; border-radius: 6px; }}")

    def _label(self, name: str) -> QLabel:
        label = QLabel()
        label.setObjectName(f"tour_{name}")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.RichText if name == "title" else Qt.TextFormat.PlainText)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return label


def seen_of(control: QWidget | None) -> QRect:
    """Where a control is seen in its window, empty if it is not: it may be scrolled away or folded."""
    if control is None or not control.isVisible():
        return QRect()
    seen = control.visibleRegion().boundingRect()
    return QRect(control.mapTo(control.window(), seen.topLeft()), seen.size())


def place_of(
    size: QSize, window: QWidget, control: QWidget | None, dock: QWidget, *, is_aside: bool = False
) -> QPoint:
    """Corner of a panel of that size: left of the control or its dock, or where that has room for it."""
    target = seen_of(control) if control is not None and control.window() is window else QRect()
    middle = QPoint((window.width() - size.width()) // 2, (window.height() - size.height()) // 2)
    if is_aside:
        return QPoint(BESIDE // 2, middle.y())
    if target.isEmpty():
        return middle
    if target.width() * target.height() > LARGE * window.width() * window.height():
        return QPoint(BESIDE // 2, target.bottom() - size.height())
    beside = target.center().y() - size.height() // 2
    if control is not None and dock.isAncestorOf(control):
        target = seen_of(dock)
    choices = (
        QPoint(target.left() - size.width() - BESIDE, beside),
        QPoint(target.right() + BESIDE, beside),
        QPoint(target.left() + BESIDE, target.bottom() + BESIDE),
        QPoint(target.left(), target.top() - size.height() - BESIDE),
    )
    room = window.rect().adjusted(4, 4, -4, -4)
    for choice in choices:
        within = QRect(choice, size)
        within.moveTop(min(max(within.top(), room.top()), room.bottom() - size.height()))
        if room.contains(within) and not within.intersects(target):
            return within.topLeft()
    return middle
