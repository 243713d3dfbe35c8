"""Keys in tooltips and hints, taken from the one table of shortcuts."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_cropzoom.canvas.label_points import KEY_HELP
from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.canvas.shortcuts import SHORTCUTS, Shortcut

LABELS_HEAD = "While labels made by review are looked at"
QT_NAMES = {"Control": "Ctrl", "PageUp": "PgUp", "PageDown": "PgDown", "-": "+"}
KEYS = {shortcut.name: shortcut.key for shortcut in SHORTCUTS}


def key_text(name: str) -> str:
    """Return a key as this system writes it, empty if there is none of that name."""
    return _native(KEYS.get(name, ""))


def _native(key: str) -> str:
    return str(_sequence(key).toString(QKeySequence.SequenceFormat.NativeText))


def act_on_key(event: QKeyEvent, layers: LayerSet) -> bool:
    """Do what a key does on the canvas, for a widget that has the focus; False if it has no meaning.

    For a key that comes up as well as for one that goes down.
    """
    is_down = event.type() == QEvent.Type.KeyPress
    found = shortcut_of(event) if is_down else None
    if found is not None and (found.repeats or not event.isAutoRepeat()):
        layers.keys.press(found)
    if is_down:
        return found is not None
    if not event.isAutoRepeat():
        for each in SHORTCUTS:  # other modifiers may be up by now
            if _sequence(each.key)[0].key() == event.key():
                layers.keys.release(each)
    return False


def shortcut_of(event: QKeyEvent) -> Shortcut | None:
    """Return what a key that goes down means; None for nothing, or if it is napari's own."""
    pressed = QKeySequence(event.keyCombination())
    acting = (each for each in SHORTCUTS if each.function is not None)
    return next((each for each in acting if _sequence(each.key) == pressed), None)


def _sequence(key: str) -> QKeySequence:
    for napari, qt in QT_NAMES.items():
        key = key.replace(napari, qt)
    return QKeySequence(key)


def with_keys(name: str, text: str) -> str:
    """Return a tooltip followed by its key."""
    key = key_text(name)
    return f"{text}  ({key})" if key else text


def review_hint() -> str:
    """Return how boxes are edited on the canvas."""
    return (
        f"Drag the box. {key_text('draw box')}: draw one. {key_text('delete box')}: no animal here. "
        f"{key_text('next suspect')}: next. {key_text('accept')}: accept, go on."
    )


def first_box_hint() -> str:
    """Return how an animal without boxes gets some."""
    return (
        f"No boxes yet. Draw one in the picture ({key_text('draw box')}), then follow the animal from it "
        f"({key_text('follow on')})"
    )


class ShortcutsDialog(QDialog):
    """The table of keys, as in the documentation."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts_dialog")
        self.setWindowTitle("Keys on the canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 560)
        rows = [(key_text(each.name), each.description) for each in SHORTCUTS]
        rows.append(("", LABELS_HEAD))
        rows += [(_native(key), text) for key, text in KEY_HELP.items()]
        table = QTableWidget(len(rows), 2)
        table.setObjectName("shortcuts_table")
        table.setHorizontalHeaderLabels(["Key", "What it does"])
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        for line, texts in enumerate(rows):
            for column, text in enumerate(texts):
                table.setItem(line, column, QTableWidgetItem(text))
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.addWidget(table)


def shortcuts_markdown() -> str:
    """Return the table of keys for the documentation."""
    on_video = _markdown({each.key: each.description for each in SHORTCUTS})
    return f"{on_video}\n{LABELS_HEAD}:\n\n{_markdown(KEY_HELP)}"


def _markdown(rows: Mapping[str, str]) -> str:
    lines = ["| key | what it does |", "|---|---|"]
    for key, text in rows.items():
        lines.append(f"| `{key.replace('Control', 'Ctrl').replace('-', '+')}` | {text} |")
    return "\n".join(lines) + "\n"
