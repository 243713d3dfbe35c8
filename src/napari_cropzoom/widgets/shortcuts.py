"""Keys in tooltips and hints, taken from the one table of shortcuts."""

from __future__ import annotations

from qtpy.QtGui import QKeyEvent, QKeySequence

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
