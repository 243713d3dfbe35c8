"""Colours of body parts and of animals: maps, and lists of colours that are told apart."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.looks import ANIMAL_COLORS

Colour = tuple[int, int, int]

MAPS: dict[str, int] = {
    "plasma": cv2.COLORMAP_PLASMA,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "inferno": cv2.COLORMAP_INFERNO,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "turbo": cv2.COLORMAP_TURBO,
    "rainbow": cv2.COLORMAP_HSV,
    "cool": cv2.COLORMAP_COOL,
    "warm": cv2.COLORMAP_AUTUMN,
}
LISTS: dict[str, tuple[str, ...]] = {
    "animals": ANIMAL_COLORS,
    "okabe_ito": ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"),
    "bright": ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb"),
    "tableau10": (
        *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
        *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac"),
    ),
    "pastel": ("#fbb4ae", "#b3cde3", "#ccebc5", "#decbe4", "#fed9a6", "#ffffcc", "#e5d8bd", "#fddaec"),
    "standard": ("#0072bd", "#d95319", "#edb120", "#7e2f8e", "#77ac30", "#4dbeee", "#a2142f"),
    "distinct": (
        *("#ff6464", "#6464ff", "#64ff64", "#ffff64", "#ff64ff"),
        *("#64ffff", "#ffb464", "#b464ff", "#ff9696", "#96ffc8"),
    ),
    "deep": (
        *("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3"),
        *("#937860", "#da8bc3", "#8c8c8c", "#ccb974", "#64b5cd"),
    ),
}
"""Those of Okabe and Ito (2008) and Tol's `bright` are told apart by the colour-blind too; `standard` are
MATLAB's, `deep` seaborn's, and `distinct` the ones of `sio render`."""
PALETTES = (*MAPS, *LISTS)
USUAL = {"part": "plasma", "likelihood": "viridis", "animal": "animals"}
"""As in the window."""
STEPS = 8  # of a map, for animals
INNER = 0.05, 0.95  # of a map, for body parts: its ends are near black or white


def colours_of(by: str, palette: str | None, likelihood: FloatArray, animal: int = 0) -> list[Colour]:
    """Colours of the body parts of one animal in one frame.

    Parameters
    ----------
    by : str
        ``part``, ``likelihood`` or ``animal``.
    palette : str or None
        One of `PALETTES`; None for the one of the window.
    likelihood : ndarray, (K,)
        0 to 1; NaN counts as 0.
    animal : int
        Its place, from 0.

    Returns
    -------
    list of (int, int, int)
        K colours, red, green and blue from 0 to 255.
    """
    name, count = palette or USUAL[by], len(likelihood)
    if name in LISTS:
        colours = [rgb(text) for text in LISTS[name]]
        places = [animal] * count if by == "animal" else range(count)
        return [colours[place % len(colours)] for place in places]
    if by == "likelihood":
        values = np.nan_to_num(likelihood, nan=0.0)
    elif by == "animal":
        values = np.full(count, INNER[0] + (INNER[1] - INNER[0]) * (animal % STEPS) / (STEPS - 1))
    else:
        values = np.linspace(*INNER, count)
    table = _table(MAPS[name])
    return [table[level] for level in np.clip(255 * values, 0, 255).astype(np.uint8).tolist()]


def check_palette(by: str, palette: str | None) -> None:
    """Raise CropzoomError if a list of colours is asked to show the likelihood."""
    if by == "likelihood" and palette in LISTS:
        raise CropzoomError(
            f"--palette {palette}: is a list of colours, which cannot show how high the likelihood is. "
            f"Choose one of {', '.join(MAPS)}."
        )


def colour_of(animal: int) -> Colour:
    """Red, green, blue of an animal, as in the window; 0 is the first."""
    return rgb(ANIMAL_COLORS[animal % len(ANIMAL_COLORS)])


def label_colour(label: int, palette: str | None) -> Colour:
    """Red, green, blue of a number in a label image, from 1; None for the colours of the animals."""
    if palette is None:
        return colour_of(label - 1)
    return colours_of("animal", palette, np.zeros(1), label - 1)[0]


def rgb(text: str) -> Colour:
    """Red, green, blue of ``#rrggbb``."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@cache
def _table(kind: int) -> list[Colour]:
    """The 256 colours of a map of OpenCV."""
    bgr = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], kind)[:, 0].tolist()
    return [(r, g, b) for b, g, r in bgr]
