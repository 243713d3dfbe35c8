"""What colours and lines mean in canvas, timeline, legend and preview: the one table that they all read.

The hue says which animal. The look of a line says where a box comes from. Suspects and proposals have a
hue each that no animal has, and all else is grey. The colours are of the palette of Okabe and Ito (2008),
which the colour-blind can tell apart, but for a violet in place of its second blue.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from functools import lru_cache

from napari_cropzoom.core.boxes import BoxTrack, Review, Source

ANIMAL_COLORS = ("#56b4e9", "#e69f00", "#009e73", "#9a80ff", "#f0e442")
"""Of animals, in the order in which they are added; a person may choose others."""
SUSPECT = "#e8660a"
PROPOSAL = "#cc79a7"
LIKELY = "#5ec962"
"""Of a keypoint in the legend: what napari's colour map *viridis* has where the likelihood is high."""
MESSAGE = {"error": "#d1344b", "warning": "#8b8f98", "info": "#8b8f98"}
"""Of the frame of a message: what a sign and its words say already, in no colour that means an animal,
a suspect or a proposal."""
CONTRAST = 4.5
"""Least contrast of a line on a background, as WCAG 2 computes it."""


@dataclass(frozen=True)
class LineStyle:
    """Outline of a box.

    Attributes
    ----------
    width : float
        Screen pixels, at every zoom.
    opacity : float
        0 to 1.
    fill : float
        Opacity of the colour inside, 0 for none.
    is_dashed : bool
    color : str
        ``#rrggbb``, empty in a table of looks.
    """

    width: float
    opacity: float = 1.0
    fill: float = 0.0
    is_dashed: bool = False
    color: str = ""

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        """Red, green, blue and opacity of the line, 0 to 1."""
        return *rgb(self.color), self.opacity

    @property
    def face_rgba(self) -> tuple[float, float, float, float]:
        """Red, green, blue and opacity of what is inside, 0 to 1."""
        return (*rgb(self.color), self.fill) if self.fill else (0.0, 0.0, 0.0, 0.0)

    def in_color(self, color: str) -> LineStyle:
        """The same look in a colour."""
        return replace(self, color=color)


RAW, MANUAL, FILLED = LineStyle(3.5), LineStyle(7.0), LineStyle(3.5, 0.8, fill=0.3)
FINAL = LineStyle(1.5, is_dashed=True)
OTHER_ANIMAL = LineStyle(1.5)
PROPOSED = LineStyle(2.5, is_dashed=True, color=PROPOSAL)
# A track is either detected or imported, so these two are never seen together.
BOX_LOOKS: dict[Source, LineStyle] = {
    Source.DETECTED: RAW,
    Source.IMPORTED: RAW,
    Source.MANUAL: MANUAL,
    Source.INTERPOLATED: FILLED,
    Source.FILLED: FILLED,
}
LOOK_WORDS: dict[str, LineStyle] = {
    "as detected": RAW,
    "set by hand": MANUAL,
    "filled": FILLED,
    "final": FINAL,
}
"""The looks as a legend tells of them."""
SOURCE_WORDS: dict[Source, str] = {
    Source.MISSING: "no box",
    Source.DETECTED: "detected",
    Source.IMPORTED: "imported",
    Source.MANUAL: "set by hand",
    Source.INTERPOLATED: "interpolated",
    Source.FILLED: "filled",
    Source.ABSENT: "no animal",
}


CORRECTED = "corrected"


def source_word(track: BoxTrack, frame: int) -> str:
    """Where the box of a frame comes from, for a person: what a tool made of it is no interpolation."""
    source = Source(int(track.source[frame]))
    is_of_tool = not track.interpolated[frame] or track.review[frame] == Review.EDITED
    return CORRECTED if source is Source.INTERPOLATED and is_of_tool else SOURCE_WORDS[source]


@lru_cache
def box_style(source: Source, color: str) -> LineStyle:
    """How the box of an animal of this colour is drawn; where there is none, as if it were detected."""
    return BOX_LOOKS.get(source, RAW).in_color(color)


# ---- colours ---------------------------------------------------------------------------------------


def rgb(color: str) -> tuple[float, float, float]:
    """Red, green and blue of ``#rrggbb``, 0 to 1."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def hexadecimal(parts: tuple[float, float, float]) -> str:
    """The inverse of :func:`rgb`."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def mixed(color: str, background: str, share: float) -> str:
    """``color`` over ``background`` with an opacity of ``share``."""
    pairs = zip(rgb(color), rgb(background), strict=True)
    red, green, blue = (share * over + (1 - share) * under for over, under in pairs)
    return hexadecimal((red, green, blue))


def luminance(color: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2 defines it."""
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(color: str, background: str) -> float:
    """Contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(color), luminance(background)))
    return (high + 0.05) / (low + 0.05)


@lru_cache
def readable(color: str, background: str, least: float = CONTRAST) -> str:
    """The same hue, as much darker or lighter as a background needs for the least contrast."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*rgb(color))
    step = -0.01 if luminance(background) > 0.2 else 0.01
    while contrast(color, background) < least and 0 < lightness < 1:
        lightness = min(max(lightness + step, 0.0), 1.0)
        color = hexadecimal(colorsys.hls_to_rgb(hue, lightness, saturation))
    return color
