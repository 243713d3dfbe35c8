"""The outline of a box, by where it comes from: colour, width and opacity all differ.

Colours are of the palette of Okabe and Ito (2008), which the colour-blind can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_cropzoom.core.boxes import Source

VERMILION = "#D55E00"
ORANGE = "#E69F00"
YELLOW = "#F0E442"
SKY_BLUE = "#56B4E9"
BLUISH_GREEN = "#009E73"
REDDISH_PURPLE = "#CC79A7"


@dataclass(frozen=True)
class LineStyle:
    """Outline of a box.

    Attributes
    ----------
    color : str
        ``#RRGGBB``.
    width : float
        Screen pixels, at every zoom.
    opacity : float
        0 to 1.
    """

    color: str
    width: float
    opacity: float = 1.0

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        """Red, green, blue and opacity, 0 to 1."""
        red, green, blue = (int(self.color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return red, green, blue, self.opacity


# napari draws the outline of a selected shape on top, about 2 pixels wide and blue.
BOX_STYLES: dict[Source, LineStyle] = {
    Source.DETECTED: LineStyle(SKY_BLUE, 3.5),
    Source.IMPORTED: LineStyle(BLUISH_GREEN, 5.0),
    Source.MANUAL: LineStyle(ORANGE, 7.0),
    Source.INTERPOLATED: LineStyle(REDDISH_PURPLE, 5.0, 0.65),
    Source.FILLED: LineStyle(REDDISH_PURPLE, 5.0, 0.65),
}
FINAL_STYLE = LineStyle(YELLOW, 1.5)
PREVIEW_STYLE = LineStyle(VERMILION, 2.5)

SOURCE_WORDS: dict[Source, str] = {
    Source.MISSING: "no box",
    Source.DETECTED: "detected",
    Source.IMPORTED: "imported",
    Source.MANUAL: "set by hand",
    Source.INTERPOLATED: "interpolated",
    Source.FILLED: "filled",
    Source.ABSENT: "no animal",
}
