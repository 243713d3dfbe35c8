"""Colours of the timeline on napari's dark and light themes.

Of the palette of Okabe and Ito (2008), darker where the background is light; the states of the review
strip also differ in lightness, so that they read in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.utils.theme import get_theme
from numpy.typing import NDArray
from qtpy.QtGui import QColor

from napari_cropzoom.core.timeline.series import State

STATE_WORDS = {
    State.UNSEEN: "not reviewed",
    State.FLAGGED: "suspect",
    State.ACCEPTED: "accepted",
    State.EDITED: "edited",
    State.ABSENT: "no animal",
    State.INTERPOLATED: "interpolated",
}


@dataclass(frozen=True)
class Colors:
    """Colours as ``#RRGGBB``.

    Attributes
    ----------
    background, band, text, faint : str
        Behind the rows, behind every second one, writing, lines between rows.
    raw, final, likelihood, manual, playhead, selection, proposal : str
    states : dict
        Colour of every :class:`State`.
    flags : tuple of str
        From the least to the most suspicious.
    """

    background: str
    band: str
    text: str
    faint: str
    raw: str
    final: str
    likelihood: str
    manual: str
    playhead: str
    selection: str
    proposal: str
    states: dict[State, str]
    flags: tuple[str, ...]

    def state_table(self) -> NDArray[np.uint8]:
        """(6, 4) uint8 red, green, blue, alpha of the states, for a strip."""
        return table(tuple(self.states[state] for state in State))

    def flag_table(self) -> NDArray[np.uint8]:
        """(5, 4) uint8: transparent for nothing, then the flags from the least to the most suspicious."""
        return np.concatenate([np.zeros((1, 4), np.uint8), table(self.flags)])


def table(colors: tuple[str, ...]) -> NDArray[np.uint8]:
    """(N, 4) uint8 red, green, blue, alpha of colours."""
    return np.array([QColor(color).getRgb() for color in colors], np.uint8)


DARK = Colors(
    background="#1b1c22",
    band="#22242c",
    text="#d6d9de",
    faint="#3a3e49",
    raw="#e69f00",
    final="#56b4e9",
    likelihood="#2fbf95",
    manual="#f0e442",
    playhead="#ffffff",
    selection="#56b4e9",
    proposal="#f0e442",
    states={
        State.UNSEEN: "#4b505c",
        State.FLAGGED: "#ff7a2f",
        State.ACCEPTED: "#00855f",
        State.EDITED: "#6cc3f5",
        State.ABSENT: "#a3659a",
        State.INTERPOLATED: "#6f6838",
    },
    flags=("#7a5a1e", "#b07c12", "#e69f00", "#ff7a2f"),
)
LIGHT = Colors(
    background="#fbfaf9",
    band="#f1efed",
    text="#2a2b2f",
    faint="#d0cdca",
    raw="#c77700",
    final="#0072b2",
    likelihood="#00805c",
    manual="#8a5a00",
    playhead="#000000",
    selection="#0072b2",
    proposal="#a0307c",
    states={
        State.UNSEEN: "#c9c7c4",
        State.FLAGGED: "#d55e00",
        State.ACCEPTED: "#4fb491",
        State.EDITED: "#0072b2",
        State.ABSENT: "#8a4f80",
        State.INTERPOLATED: "#bdb26b",
    },
    flags=("#e8d3a2", "#e6b64d", "#dd8a1b", "#c94f00"),
)


def colors_of(theme: str) -> Colors:
    """Colours for a napari theme, by how light its background is."""
    return LIGHT if QColor(get_theme(theme).background.as_hex()).lightness() > 127 else DARK
