"""Keys in tooltips and hints, taken from the one table of shortcuts."""

from __future__ import annotations

from qtpy.QtGui import QKeySequence

from napari_cropzoom.layers.keys import SHORTCUTS

KEYS = {shortcut.name: shortcut.key for shortcut in SHORTCUTS}


def key_text(name: str) -> str:
    """Return a key as this system writes it, empty if there is none of that name."""
    key = KEYS.get(name, "").replace("Control", "Ctrl").replace("-", "+")
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


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
