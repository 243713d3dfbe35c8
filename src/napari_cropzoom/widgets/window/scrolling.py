"""A part of a dock that scrolls up and down, and is never cut at the sides."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QScrollArea, QWidget


class Scrolling(QScrollArea):
    """A widget that scrolls up and down; the dock is at least as wide as its controls need."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Have the dock ask again when the widget needs another width."""
        if event is not None and watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))

    def minimumSizeHint(self) -> QSize:
        """As wide as the widget and the bar beside it."""
        inner, bar = self.widget(), self.verticalScrollBar()
        height = super().minimumSizeHint().height()
        if inner is None or bar is None:
            return super().minimumSizeHint()
        return QSize(inner.minimumSizeHint().width() + bar.sizeHint().width(), height)
