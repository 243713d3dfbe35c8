"""A box for a number that says what it counts."""

from __future__ import annotations

from qtpy.QtWidgets import QSpinBox


def count_frames(box: QSpinBox) -> None:
    """Have a box show ``1 frame``, and ``2 frames``."""

    def show(count: int) -> None:
        box.setSuffix(" frame" if count == 1 else " frames")

    box.valueChanged.connect(show)
    show(box.value())
