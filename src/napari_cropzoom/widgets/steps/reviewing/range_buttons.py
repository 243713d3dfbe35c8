"""The range tools as buttons; what one would do is shown on the timeline before it is done."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cropzoom.core.editing.edits import Edit, frames_text
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS, Number, RangeTool
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import CutLabel, button, row
from napari_cropzoom.widgets.shortcuts_dialog import with_keys

CLOSE = "padding: 2px 2px"  # no higher than their text needs
DIGITS = 34  # that fit side by side into the dock at its least width
_BY_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
_ENDS = (QEvent.Type.Leave, QEvent.Type.FocusOut, QEvent.Type.Hide)


class RangeButtons(QWidget):
    """Buttons for the range tools; those that need numbers come with them, below *Numbers*.

    Object names are ``range_<tool>`` and ``range_<number>``, with dashes for spaces, ``range_frames``,
    ``range_numbers``, ``range_follow_on`` and ``range_follow_back``.

    Attributes
    ----------
    controls : dict of str to QDoubleSpinBox
        By the name of their number.
    follow_buttons : dict of int to (QPushButton, str)
        The buttons that follow the animal, on (1) and back (-1), each with its usual text.
    """

    failed = Signal(object)
    follow_asked = Signal(int)  # 1 forwards, -1 backwards

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self.controller = controller
        self.controls: dict[str, QDoubleSpinBox] = {}
        self._tools: dict[QObject, RangeTool] = {}
        self._proposing: RangeTool | None = None
        self._missing = ""
        self._usual: dict[QPushButton, str] = {}  # tooltips
        self.range_label = CutLabel(1, "range_frames")
        buttons = [self._tool_button(tool) for tool in RANGE_TOOLS if tool.label and not tool.numbers]
        on = button("Follow ▶", "range_follow_on")
        on.setToolTip(with_keys("follow on", "Follow the animal by its pixels forwards from here"))
        back = button("◀ Follow", "range_follow_back")
        back.setToolTip(with_keys("follow back", "Follow the animal by its pixels backwards from here"))
        self.follow_buttons = {1: (on, on.text()), -1: (back, back.text())}
        on.clicked.connect(lambda: self.follow_asked.emit(1))
        back.clicked.connect(lambda: self.follow_asked.emit(-1))
        self.more = button("Numbers …", "range_numbers", "Size, shift and scale in numbers")
        self.more.setCheckable(True)
        self._usual |= {on: on.toolTip(), back: back.toolTip()}
        self.numbers = self._build_numbers()
        self.numbers.hide()
        self.more.toggled.connect(self.numbers.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.range_label)
        layout.addLayout(lines_of([*buttons, back, on, self.more], DIGITS))
        layout.addWidget(self.numbers)

    def show_here(self) -> None:
        """Say which frames the tools change, and update the preview of a button."""
        layers = self.controller.layers
        if layers is None:
            return
        first, last = layers.range_here()
        frames = frames_text(first, last)
        where = ""
        if first != last:
            where = f" ({last - first + 1} selected)" if layers.selection_here else " (suspect)"
        self.range_label.setText(f"Correct {frames}{where}")
        self._update_proposal()

    def show_missing(self, why: str) -> None:
        """Say in the tooltips why nothing can be changed, and offer nothing; empty for that it can."""
        if why == self._missing:
            return
        self._missing = why
        for made, usual in self._usual.items():
            made.setEnabled(not why)
            made.setToolTip(why or usual)

    def show_following(self, direction: int) -> None:
        """Offer to stop while an animal is followed, on (1) or back (-1); 0 once none is."""
        for own, (made, text) in self.follow_buttons.items():
            made.setText("Stop" if own == direction else text)
            made.setEnabled(direction in (0, own) and not self._missing)

    # ---- buttons -------------------------------------------------------------------------------

    def _tool_button(self, tool: RangeTool) -> QPushButton:
        made = button(tool.label, f"range_{tool.name.replace(' ', '-')}")
        made.setToolTip(with_keys(tool.name, tool.help) if tool.key else tool.help)
        self._tools[made] = tool
        self._usual[made] = made.toolTip()
        made.installEventFilter(self)
        made.clicked.connect(lambda: self._apply(tool))
        return made

    def _build_numbers(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for tool in RANGE_TOOLS:
            if tool.numbers:
                controls: list[QWidget] = []
                for number in tool.numbers:
                    if number.name not in self.controls:
                        controls += [QLabel(number.before)] if number.before else []
                        controls.append(self._control(number))
                column.addLayout(row(*controls, self._tool_button(tool), stretch=len(controls)))
        return holder

    def _control(self, number: Number) -> QDoubleSpinBox:
        made = QDoubleSpinBox()
        made.setObjectName(f"range_{number.name}")
        made.setDecimals(0 if float(number.step).is_integer() else 2)
        made.setRange(number.low, number.high)
        made.setSingleStep(number.step)
        made.setValue(number.usual)
        made.setSuffix(number.after)
        made.valueChanged.connect(self._update_proposal)
        self.controls[number.name] = made
        return made

    # ---- what would change, and changing it ----------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show what a button would do while the mouse is over it, or the focus that keys have moved."""
        tool, kind = self._tools.get(watched), event.type()
        if tool is not None:
            is_tabbed = isinstance(event, QFocusEvent) and event.reason() in _BY_KEYS
            if kind == QEvent.Type.Enter or (kind == QEvent.Type.FocusIn and is_tabbed):
                self._proposing = tool
                self._update_proposal()
            elif kind in _ENDS:
                self._end_proposal()
        return bool(super().eventFilter(watched, event))

    def _update_proposal(self) -> None:
        if self._proposing is None:
            return
        try:
            self.controller.proposal = self._edit(self._proposing)
        except CropzoomError:
            self.controller.proposal = None

    def _end_proposal(self) -> None:
        self._proposing = self.controller.proposal = None

    def _apply(self, tool: RangeTool) -> None:
        session = self.controller.session
        self._end_proposal()
        if session is None:
            return
        try:
            edit = self._edit(tool)
            if edit is not None:
                session.apply(edit)
        except CropzoomError as error:
            self.failed.emit(error)

    def _edit(self, tool: RangeTool) -> Edit | None:
        session, layers = self.controller.session, self.controller.layers
        if session is None or layers is None:
            return None
        numbers = (self.controls[number.name].value() for number in tool.numbers)
        return tool.edit(session.track, layers.frame, *layers.range_here(), *numbers)


def lines_of(buttons: Sequence[QPushButton], digits: int) -> QVBoxLayout:
    """Return buttons in this order in the fewest lines that hold them, each line as full as the others.

    Parameters
    ----------
    buttons : sequence of QPushButton
    digits : int
        Width of a line. Their own width is not known before they are in a window.
    """
    column = QVBoxLayout()
    column.setSpacing(2)
    digit = max(1, buttons[0].fontMetrics().horizontalAdvance("0"))
    widths = [each.fontMetrics().horizontalAdvance(each.text()) / digit + 1.5 for each in buttons]
    for first, last in even_lines(widths, digits):
        line = QHBoxLayout()
        line.setSpacing(2)
        for each, width in zip(buttons[first:last], widths[first:last], strict=True):
            each.setStyleSheet(CLOSE)
            line.addWidget(each, round(10 * width))
        column.addLayout(line)
    return column


def even_lines(widths: Sequence[float], room: float) -> list[tuple[int, int]]:
    """First and one past the last of each line: the fewest that fit into a room, as even as can be."""

    def lines_up_to(limit: float) -> list[tuple[int, int]]:
        lines, first, used = [], 0, 0.0
        for at, width in enumerate(widths):
            if at > first and used + width > limit:
                lines.append((first, at))
                first, used = at, 0.0
            used += width
        return [*lines, (first, len(widths))]

    fewest, count = len(lines_up_to(room)), len(widths)
    sums = {sum(widths[first:last]) for first in range(count) for last in range(first + 1, count + 1)}
    limits = sorted(each for each in sums if each >= max(widths))
    return next(lines for each in limits if len(lines := lines_up_to(each)) <= fewest)
