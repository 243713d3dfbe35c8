"""A button whose text takes as many lines as it needs."""

from __future__ import annotations

from qtpy.QtGui import QFontMetrics, QResizeEvent
from qtpy.QtWidgets import QPushButton, QSizePolicy

BESIDE = 14  # pixels of a button beside its text


class WrappedButton(QPushButton):
    """A button that is as wide as its place, and wraps its text between words; Qt would cut it off."""

    def __init__(self) -> None:
        super().__init__()
        self._full = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """The text as it was given."""
        return self._full

    def setText(self, text: str | None) -> None:
        """Show another text; it may have lines of its own."""
        self._full = text or ""
        self._write()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the text to another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._write()

    def _write(self) -> None:
        shown = wrapped(self._full, self.width() - BESIDE, self.fontMetrics())
        if shown != super().text():
            super().setText(shown)
            self.updateGeometry()


def wrapped(text: str, width: int, metrics: QFontMetrics) -> str:
    """The text as it is if all its lines fit into a width in pixels, else in lines that do."""
    if all(metrics.horizontalAdvance(line) <= width for line in text.split("\n")):
        return text
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and metrics.horizontalAdvance(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
