"""A button shows all of its text at any width, in more lines where it has to."""

import pytest
from qtpy.QtWidgets import QPushButton, QWidget

from napari_cropzoom.widgets.steps.parts.wrapped_button import BESIDE, WrappedButton

TEXT = "10 suspects like this: give the usual size to\nall, 58 frames from 35 to 986?"


@pytest.mark.parametrize("width", [230, 272, 300, 600])
def test_no_letter_of_it_is_cut_off(qtbot, width):
    holder = QWidget()
    qtbot.addWidget(holder)
    made = WrappedButton()
    made.setParent(holder)
    made.setText(TEXT)
    made.resize(width, 60)
    holder.show()
    shown = QPushButton.text(made)
    assert shown.split() == TEXT.split()
    assert made.text() == TEXT
    assert max(map(made.fontMetrics().horizontalAdvance, shown.split("\n"))) <= width - BESIDE
    assert shown == TEXT or width < 600
    assert made.sizeHint().height() >= shown.count("\n") * made.fontMetrics().height()
