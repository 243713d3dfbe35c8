"""The range tools as buttons; what one would do is shown on the timeline before it is done."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.core import tools
from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.layers.mend import TOOLS, Make, Tool
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import button, note, row
from napari_cropzoom.widgets.shortcuts import with_keys

COLUMNS = 3


class MendTools(QWidget):
    """Buttons for the tools of `layers.mend`, and size, shift and scale in numbers.

    Object names are ``mend_<tool>``, with dashes for spaces, ``mend_range``, ``mend_more``,
    ``mend_width``, ``mend_height``, ``mend_dx``, ``mend_dy``, ``mend_factor``, ``mend_follow_on``,
    ``mend_follow_back``.
    """

    failed = Signal(object)
    follow = Signal(int)  # 1 on, -1 back

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self._makers: dict[QObject, Make] = {}
        self._shown: Make | None = None
        self.range_label = note("", "mend_range")
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = [self._tool_button(tool) for tool in TOOLS if tool.text]
        on = button("Follow ▶", "mend_follow_on")
        on.setToolTip(with_keys("follow on", "Follow the animal by the pixels from here on"))
        back = button("◀ Follow", "mend_follow_back")
        back.setToolTip(with_keys("follow back", "Follow the animal by the pixels back from here"))
        self._follow_buttons = {on: on.text(), back: back.text()}
        on.clicked.connect(lambda: self.follow.emit(1))
        back.clicked.connect(lambda: self.follow.emit(-1))
        self.more = button("Numbers …", "mend_more", "Size, shift and scale in numbers")
        self.more.setCheckable(True)
        ordered = (*buttons[:2], on, buttons[2], buttons[3], back, *buttons[4:], self.more)
        for place, each in enumerate(ordered):
            grid.addWidget(each, place // COLUMNS, place % COLUMNS)
        self.numbers = self._build_numbers()
        self.numbers.hide()
        self.more.toggled.connect(self.numbers.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.range_label)
        layout.addLayout(grid)
        layout.addWidget(self.numbers)

    def show_here(self) -> None:
        """Say which frames the tools act on, and renew what is shown of a button."""
        layers = self.bench.layers
        if layers is None:
            return
        first, last = layers.range_here()
        frames = f"frame {first}" if first == last else f"frames {first} to {last}"
        where = ""
        if first != last:
            where = f", {last - first + 1} selected" if self.bench.selection else ", this stretch"
        self.range_label.setText(f"Mend <b>{frames}</b>{where}")
        self._renew()

    def show_following(self, running: bool) -> None:
        """Offer to stop while an animal is followed."""
        for made, text in self._follow_buttons.items():
            made.setText("Stop" if running else text)

    # ---- buttons -------------------------------------------------------------------------------

    def _tool_button(self, tool: Tool) -> QPushButton:
        made = button(tool.text, f"mend_{tool.name.replace(' ', '-')}")
        made.setToolTip(with_keys(tool.name, tool.description))
        self._wire(made, tool.make)
        return made

    def _wire(self, made: QPushButton, make: Make) -> None:
        self._makers[made] = make
        made.installEventFilter(self)
        made.clicked.connect(lambda: self._apply(make))

    def _build_numbers(self) -> QWidget:
        self.width_box, self.height_box = (self._sides(name) for name in ("mend_width", "mend_height"))
        self.dx, self.dy = (self._shifts(name) for name in ("mend_dx", "mend_dy"))
        self.factor = QDoubleSpinBox()
        self.factor.setObjectName("mend_factor")
        self.factor.setRange(0.1, 10)
        self.factor.setSingleStep(0.05)
        self.factor.setValue(1.1)
        lines: tuple[tuple[tuple[QWidget, ...], str, str, Make], ...] = (
            ((self.width_box, QLabel("×"), self.height_box), "Set size", "size", self._size),
            ((), "Set size in the whole track", "size-all", self._size_all),
            ((self.dx, QLabel(","), self.dy), "Shift", "shift", self._shift),
            ((QLabel("×"), self.factor), "Scale", "scale", self._scale),
        )
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for each in (self.width_box, self.height_box, self.dx, self.dy, self.factor):
            each.valueChanged.connect(self._renew)
        for controls, text, name, make in lines:
            made = button(text, f"mend_{name}")
            self._wire(made, make)
            column.addLayout(row(*controls, made, stretch=len(controls)))
        return holder

    @staticmethod
    def _sides(name: str) -> QSpinBox:
        made = QSpinBox()
        made.setObjectName(name)
        made.setRange(2, 10_000)
        made.setSingleStep(2)
        made.setValue(200)
        return made

    @staticmethod
    def _shifts(name: str) -> QSpinBox:
        made = QSpinBox()
        made.setObjectName(name)
        made.setRange(-10_000, 10_000)
        made.setSuffix(" px")
        return made

    def _size(self, track: BoxTrack, _frame: int, first: int, last: int) -> Edit:
        return tools.set_size(track, first, last, self.width_box.value(), self.height_box.value())

    def _size_all(self, track: BoxTrack, frame: int, _first: int, _last: int) -> Edit:
        return self._size(track, frame, 0, len(track) - 1)

    def _shift(self, track: BoxTrack, _frame: int, first: int, last: int) -> Edit:
        return tools.shift(track, first, last, self.dx.value(), self.dy.value())

    def _scale(self, track: BoxTrack, _frame: int, first: int, last: int) -> Edit:
        return tools.scale(track, first, last, self.factor.value())

    # ---- what would change, and changing it ----------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show what a button would do while the mouse is over it or it has the focus."""
        make = self._makers.get(watched)
        if make is not None:
            if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
                self._shown = make
                self._renew()
            elif event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut):
                self._withdraw()
        return super().eventFilter(watched, event)

    def _renew(self) -> None:
        if self._shown is None:
            return
        try:
            self.bench.proposal = self._edit(self._shown)
        except CropzoomError:
            self.bench.proposal = None

    def _withdraw(self) -> None:
        self._shown = self.bench.proposal = None

    def _apply(self, make: Make) -> None:
        session = self.bench.session
        self._withdraw()
        if session is None:
            return
        try:
            edit = self._edit(make)
            if edit is not None:
                session.apply(edit)
        except CropzoomError as error:
            self.failed.emit(error)

    def _edit(self, make: Make) -> Edit | None:
        session, layers = self.bench.session, self.bench.layers
        if session is None or layers is None:
            return None
        return make(session.track, layers.frame, *layers.range_here())
