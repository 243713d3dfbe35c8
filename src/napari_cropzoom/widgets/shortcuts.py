"""Keys in tooltips and hints, taken from the one table of shortcuts."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_cropzoom.layers.keys import SHORTCUTS, perform
from napari_cropzoom.layers.layer_set import LayerSet

KEYS = {shortcut.name: shortcut.key for shortcut in SHORTCUTS}


def key_text(name: str) -> str:
    """Return a key as this system writes it, empty if there is none of that name."""
    return _sequence(KEYS.get(name, "")).toString(QKeySequence.SequenceFormat.NativeText)


def act_on_key(event: QKeyEvent, layers: LayerSet) -> bool:
    """Do what a key does on the canvas, for a widget that has the focus; False if it does nothing."""
    pressed = QKeySequence(event.keyCombination())
    for shortcut in SHORTCUTS:
        if shortcut.function is not None and _sequence(shortcut.key) == pressed:
            perform(shortcut.function, layers.session, layers)
            return True
    return False


def _sequence(key: str) -> QKeySequence:
    return QKeySequence(key.replace("Control", "Ctrl").replace("-", "+"))


def with_keys(name: str, text: str) -> str:
    """Return a tooltip with its key behind it."""
    key = key_text(name)
    return f"{text}  ({key})" if key else text


def review_hint() -> str:
    """Return how boxes are edited on the canvas."""
    return (
        f"Drag the box or its corners. Where there is none, press {key_text('draw box')} and draw one. "
        f"{key_text('delete box')}: no animal here. {key_text('next suspicious')}: next to look at. "
        f"{key_text('accept')}: accept and go on."
    )


class ShortcutsDialog(QDialog):
    """The table of keys, as in the documentation."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts_dialog")
        self.setWindowTitle("Keys on the canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 560)
        table = QTableWidget(len(SHORTCUTS), 2)
        table.setObjectName("shortcuts_table")
        table.setHorizontalHeaderLabels(["Key", "What it does"])
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        for line, shortcut in enumerate(SHORTCUTS):
            table.setItem(line, 0, QTableWidgetItem(key_text(shortcut.name)))
            table.setItem(line, 1, QTableWidgetItem(shortcut.description))
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.addWidget(table)


def shortcuts_markdown() -> str:
    """Return the table of keys for the documentation."""
    lines = ["| key | what it does |", "|---|---|"]
    for shortcut in SHORTCUTS:
        keys = f"`{shortcut.key.replace('Control', 'Ctrl').replace('-', '+')}`"
        lines.append(f"| {keys} | {shortcut.description} |")
    return "\n".join(lines) + "\n"
