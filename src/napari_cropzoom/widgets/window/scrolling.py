"""Parts of docks that scroll up and down, and are never cut at the sides."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QScrollArea, QScrollBar, QWidget

OVER = 7  # pixels across of a bar that lies over what scrolls


class ScrollingUnderBar(QScrollArea):
    """A widget that scrolls up and down and keeps its width: the bar lies over its right edge.

    So nothing in it moves when the bar comes, as with a message that makes it too high.
    """

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.bar.setObjectName("cropzoom_scroll_bar")
        self.bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.bar.hide()
        own = self.verticalScrollBar()
        own.rangeChanged.connect(self._follow)
        own.valueChanged.connect(self.bar.setValue)
        self.bar.valueChanged.connect(own.setValue)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a click beside a control leaves it
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bar at the right edge."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        self.bar.setGeometry(self.width() - OVER, 0, OVER, self.height())

    def _follow(self, least: int, most: int) -> None:
        own = self.verticalScrollBar()
        self.bar.setRange(least, most)
        self.bar.setPageStep(own.pageStep())
        self.bar.setSingleStep(own.singleStep())
        self.bar.setValue(own.value())
        self.bar.setVisible(most > least)
        self.bar.raise_()
        self._place()


class Scrolling(ScrollingUnderBar):
    """A widget that scrolls up and down; the dock is as wide as its controls and the bar need."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__(inner)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setViewportMargins(0, 0, OVER, 0)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Have the dock ask again when the widget needs another width."""
        if event is not None and watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))

    def minimumSizeHint(self) -> QSize:
        """As wide as the widget and the bar beside it."""
        inner, height = self.widget(), super().minimumSizeHint().height()
        if inner is None:
            return super().minimumSizeHint()
        return QSize(inner.minimumSizeHint().width() + OVER, height)
