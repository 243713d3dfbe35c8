"""Colours of the timeline on napari's dark and light themes, made of the one table of looks.

All that is drawn of an animal's boxes has the animal's hue, suspects and proposals have theirs, and the
rest is grey. The states of the review strip differ in lightness too, so that they read in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.utils.theme import get_theme
from numpy.typing import NDArray
from qtpy.QtGui import QColor

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, BOX_LOOKS, PROPOSAL, SUSPECT, mixed, readable
from napari_cropzoom.core.timeline.series import State

BOX_ROWS = 11  # of pixels, in which the look of a box is drawn
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
    raw, final : str
        The animal's colour, pale and full.
    likelihood, playhead, selection, proposal : str
    animal : str
        The animal's colour as it reads on the background.
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
    animal: str
    playhead: str
    selection: str
    proposal: str
    states: dict[State, str]
    flags: tuple[str, ...]

    def state_table(self) -> NDArray[np.uint8]:
        """(6, 4) uint8 red, green, blue, alpha of the states, for a strip."""
        return table(tuple(self.states[state] for state in State))

    def source_table(self) -> NDArray[np.uint8]:
        """(7, rows, 4) uint8: how a frame's box is drawn, from above, for every :class:`Source`."""
        made = np.zeros((len(Source), BOX_ROWS, 4), np.uint8)
        middle = (BOX_ROWS - 1) / 2
        for source, look in BOX_LOOKS.items():
            away = np.abs(np.arange(BOX_ROWS) - middle)
            opacity = np.where(away < look.width / 2, look.opacity, look.fill)
            made[source, :, :3] = table((self.animal,))[0, :3]
            made[source, :, 3] = (255 * opacity).round()
        return made

    def flag_table(self) -> NDArray[np.uint8]:
        """(5, 4) uint8: transparent for nothing, then the flags from the least to the most suspicious."""
        return np.concatenate([np.zeros((1, 4), np.uint8), table(self.flags)])


def table(colors: tuple[str, ...]) -> NDArray[np.uint8]:
    """(N, 4) uint8 red, green, blue, alpha of colours."""
    return np.array([QColor(color).getRgb() for color in colors], np.uint8)


@dataclass(frozen=True)
class _Greys:
    """What a theme has of its own, ``#rrggbb``."""

    background: str
    band: str
    text: str
    faint: str
    curve: str
    playhead: str
    unseen: str
    accepted: str


_DARK = _Greys("#1b1c22", "#22242c", "#d6d9de", "#3a3e49", "#a9adb6", "#ffffff", "#4b505c", "#c9ced6")
_LIGHT = _Greys("#fbfaf9", "#f1efed", "#2a2b2f", "#d0cdca", "#6b6e75", "#000000", "#c9c7c4", "#45484f")
_PALE = 0.45
_FLAG_SHARES = (0.4, 0.6, 0.8, 1.0)
_LEAST_OF_SUSPECTS = 3.0  # contrast; as strong as that they are lighter, in grey, than an animal's colour


def _made(greys: _Greys, animal: str) -> Colors:
    here, background = readable(animal, greys.background), greys.background
    suspect = readable(SUSPECT, background, _LEAST_OF_SUSPECTS)
    return Colors(
        background=background,
        band=greys.band,
        text=greys.text,
        faint=greys.faint,
        raw=mixed(here, background, 0.6),
        final=here,
        likelihood=greys.curve,
        animal=here,
        playhead=greys.playhead,
        selection=greys.text,
        proposal=readable(PROPOSAL, background),
        states={
            State.UNSEEN: greys.unseen,
            State.FLAGGED: suspect,
            State.ACCEPTED: greys.accepted,
            State.EDITED: here,
            State.ABSENT: background,
            State.INTERPOLATED: mixed(here, background, _PALE),
        },
        flags=tuple(mixed(suspect, background, share) for share in _FLAG_SHARES),
    )


DARK, LIGHT = _made(_DARK, ANIMAL_COLORS[0]), _made(_LIGHT, ANIMAL_COLORS[0])


def colors_of(theme: str, animal: str = ANIMAL_COLORS[0]) -> Colors:
    """Colours for a napari theme, by how light its background is, and for an animal's own colour."""
    is_light = QColor(get_theme(theme).background.as_hex()).lightness() > 127
    return _made(_LIGHT if is_light else _DARK, animal)
