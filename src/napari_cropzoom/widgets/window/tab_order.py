"""Has Tab reach a dock's controls in their order, wherever napari has put the dock since."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget


def put_after(canvas: QWidget, dock: QWidget) -> None:
    """Have Tab go from the canvas into a dock of its window, and Shift+Tab from there to the canvas.

    A dock that is taken out of a window and put into it again, as napari does with one that is opened
    from its menu, is out of reach by keys.
    """
    if dock.window() is not canvas.window():
        return  # one that floats has an order of its own
    before = canvas
    for control in _controls(dock):
        QWidget.setTabOrder(before, control)
        before = control


def _controls(widget: QWidget) -> Iterator[QWidget]:
    """What Tab may stop at, in the order in which it was put together; hidden ones too."""
    for child in widget.children():
        if not isinstance(child, QWidget) or child.isWindow():
            continue
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield child
        yield from _controls(child)
