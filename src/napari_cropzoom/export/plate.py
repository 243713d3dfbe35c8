"""A figure for print: lines, circles, letters and pictures in millimetres, as SVG or as pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import NamedTuple

import cv2
import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.export.drawing import FINE, Picture, paint_dashes
from napari_cropzoom.export.markup import Markup, data_uri, tag
from napari_cropzoom.export.palettes import Colour

MM = 25.4  # an inch
POINT = MM / 72
QUALITY = 85  # of JPEG
DASHES = 4.0  # widths of a line, of a dash and of a gap


NAME_ROWS = (
    -1,
    1,
    0,
    -2,
    2,
    -3,
    3,
    -4,
    4,
)  # lines of letters above or below the point, the nearest first
NAME_FAR = 1.5  # lines of letters from which on a line leads from the point to its name
ON_NAME, ON_POINT, OUTSIDE = 100.0, 4.0, 400.0  # what it costs; a line farther away costs 1


@dataclass(frozen=True, eq=False)
class Way:
    """A line through places, (N, 2), or an area where ``fill`` says so; millimetres."""

    places: FloatArray
    colour: Colour
    width: float = 0.25
    dashed: bool = False
    fill: bool = False


@dataclass(frozen=True)
class Dot:
    """A disk, or a ring where ``width`` is not 0; millimetres."""

    x: float
    y: float
    radius: float
    colour: Colour
    width: float = 0.0


@dataclass(frozen=True)
class Words:
    """Letters on one line, ``size`` in points; y is the middle of the line.

    Attributes
    ----------
    anchor : str
        Which end of the line is at x: ``start``, ``middle`` or ``end``.
    halo : Colour or None
        Colour of the edge round letters that stand on a picture.
    """

    text: str
    x: float
    y: float
    size: float
    colour: Colour
    anchor: str = "start"
    halo: Colour | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """A picture (H, W, 3) in a rectangle; millimetres. One that is not exact may be compressed."""

    picture: Picture
    x: float
    y: float
    width: float
    height: float
    is_exact: bool = True


Mark = Way | Dot | Words | Image


@dataclass
class Plate:
    """One figure.

    Attributes
    ----------
    width, height : float
        In millimetres.
    marks : list
        What is painted, the first lowest.
    title : str
        What it shows, for who cannot see it.
    """

    width: float
    height: float
    title: str = ""
    marks: list[Mark] = field(default_factory=list)

    def add(self, *marks: Mark) -> None:
        """Paint more over what is there."""
        self.marks.extend(marks)

    def svg(self, *, standalone: bool = True) -> Markup:
        """As an SVG element, with pictures inside; lines stay lines and letters letters."""
        size = {"width": f"{self.width:g}mm", "height": f"{self.height:g}mm"} if standalone else {}
        space = {"xmlns": "http://www.w3.org/2000/svg"} if standalone else {}
        box = f"0 0 {self.width:g} {self.height:g}"
        drawn = [_svg(mark) for mark in self.marks]
        title = [tag("title", self.title)] if self.title else []
        return tag("svg", *title, *drawn, **space, **size, viewBox=box, role="img")

    def pixels(self, dpi: float) -> Picture:
        """(H, W, 3) as it is printed with so many dots an inch, on white."""
        scale = dpi / MM
        shape = max(1, round(self.height * scale)), max(1, round(self.width * scale)), 3
        picture = np.full(shape, 255, np.uint8)
        for mark in self.marks:
            _paint(picture, mark, scale)
        return picture


def text_width(text: str, size: float) -> float:
    """Millimetres across that letters of ``size`` points need."""
    return float(ImageFont.load_default(100).getlength(text)) / 100 * size * POINT


class NamePlace(NamedTuple):
    """Where a name stands: its left end and its middle, and whether a line is to lead to it."""

    x: float
    y: float
    is_far: bool


def name_places(
    points: FloatArray, widths: Sequence[float], height: float, radius: float, room: tuple[float, float]
) -> list[NamePlace]:
    """Places for names beside their points, none on another name while there is room for all.

    Parameters
    ----------
    points : ndarray, (N, 2)
    widths : sequence of float, length N
        Of the names.
    height : float
        Of a line of letters.
    radius : float
        Of the points.
    room : (float, float)
        Width and height of the picture; all of these in one unit.
    """
    taken: list[tuple[float, float, float, float]] = []
    order = np.argsort(points[:, 1], kind="stable").tolist()  # from the top, so that lines do not cross
    places: dict[int, NamePlace] = {}
    for part in order:
        best = (np.inf, NamePlace(0.0, 0.0, False), (0.0, 0.0, 0.0, 0.0))
        (x, y), width = points[part].tolist(), widths[part]
        for number, (row, is_left) in enumerate(product(NAME_ROWS, (False, True))):
            aside = radius * 1.6 + (abs(row) > 1) * height * (abs(row) - 1) / 2
            left = x - aside - width if is_left else x + aside
            middle = y + (radius * 1.6 if abs(row) == 1 else abs(row) * height) * np.sign(row)
            box = (left, middle - height / 2, left + width, middle + height / 2)
            cost = float(number)
            cost += sum(ON_NAME * _meet(box, other) for other in taken)
            cost += ON_POINT * sum(
                box[0] - radius < px < box[2] + radius and box[1] - radius < py < box[3] + radius
                for place, (px, py) in enumerate(points.tolist())
                if place != part
            )
            cost += OUTSIDE * (min(box[:2]) < 0 or box[2] > room[0] or box[3] > room[1])
            if cost < best[0]:
                best = cost, NamePlace(left, middle, abs(middle - y) > NAME_FAR * height), box
        taken.append(best[2])
        places[part] = best[1]
    return [places[part] for part in range(len(points))]


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def encoded(picture: Picture, kind: str = "PNG", **how: object) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    PIL.Image.fromarray(picture).save(file, kind, **how)
    return file.getvalue()


def _svg(mark: Mark) -> Markup:
    if isinstance(mark, Way):
        d = "M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in mark.places.tolist())
        if mark.fill:
            return tag("path", d=f"{d}Z", fill=_hex(mark.colour))
        dash = f"{DASHES * mark.width:.3g}" if mark.dashed else None
        line = {"stroke_linejoin": "round", "stroke_linecap": "round", "stroke_dasharray": dash}
        return tag("path", d=d, fill="none", stroke=_hex(mark.colour), stroke_width=mark.width, **line)
    if isinstance(mark, Dot):
        place = {"cx": mark.x, "cy": mark.y, "r": mark.radius}
        if mark.width:
            return tag("circle", fill="none", stroke=_hex(mark.colour), stroke_width=mark.width, **place)
        return tag("circle", fill=_hex(mark.colour), **place)
    if isinstance(mark, Words):
        return _svg_words(mark)
    place = {"x": mark.x, "y": mark.y, "width": mark.width, "height": mark.height}
    if mark.is_exact:
        file = data_uri(encoded(mark.picture), "image/png")
    else:
        file = data_uri(encoded(mark.picture, "JPEG", quality=QUALITY), "image/jpeg")
    return tag("image", href=file, preserveAspectRatio="none", **place)


def _svg_words(mark: Words) -> Markup:
    size = mark.size * POINT
    halo = {}
    if mark.halo is not None:
        halo = {"stroke": _hex(mark.halo), "stroke_width": f"{size / 6:.3g}", "paint_order": "stroke"}
    place = {"dominant_baseline": "central", "text_anchor": mark.anchor, "font_family": "sans-serif"}
    look = {**place, **halo}
    return tag("text", mark.text, x=mark.x, y=mark.y, font_size=size, fill=_hex(mark.colour), **look)


def _paint(picture: Picture, mark: Mark, scale: float) -> None:
    if isinstance(mark, Way):
        places = mark.places * scale
        width = max(1, round(mark.width * scale))
        if mark.fill:
            cv2.fillPoly(picture, [_fixed(places)], mark.colour, cv2.LINE_AA, FINE)
        elif mark.dashed:
            _paint_dashed(picture, places, mark.colour, width)
        else:
            cv2.polylines(picture, [_fixed(places)], False, mark.colour, width, cv2.LINE_AA, FINE)
    elif isinstance(mark, Dot):
        x, y = _fixed(np.array([[mark.x, mark.y]]) * scale)[0].tolist()
        width = max(1, round(mark.width * scale)) if mark.width else cv2.FILLED
        radius = max(1, round(mark.radius * scale * 2**FINE))
        cv2.circle(picture, (x, y), radius, mark.colour, width, cv2.LINE_AA, FINE)
    elif isinstance(mark, Words):
        _paint_words(picture, mark, scale)
    else:
        left, top = round(mark.x * scale), round(mark.y * scale)
        right, bottom = round((mark.x + mark.width) * scale), round((mark.y + mark.height) * scale)
        room = min(right, picture.shape[1]) - left, min(bottom, picture.shape[0]) - top
        size = max(1, right - left), max(1, bottom - top)
        is_larger = size[0] > mark.picture.shape[1]
        how = cv2.INTER_LINEAR if is_larger else cv2.INTER_AREA
        made = cv2.resize(mark.picture, size, interpolation=how)
        picture[top : top + room[1], left : left + room[0]] = made[: room[1], : room[0]]


def _paint_dashed(picture: Picture, places: FloatArray, colour: Colour, width: int) -> None:
    for begin, end in pairwise(places):
        paint_dashes(picture, begin, end, colour, width)


def _paint_words(picture: Picture, mark: Words, scale: float) -> None:
    image = PIL.Image.fromarray(picture)
    size = mark.size * POINT * scale
    place = mark.x * scale, mark.y * scale
    anchor = {"start": "lm", "middle": "mm", "end": "rm"}[mark.anchor]
    edge = 0 if mark.halo is None else max(1, round(size / 8))
    ImageDraw.Draw(image).text(
        place,
        mark.text,
        mark.colour,
        ImageFont.load_default(size),
        anchor,
        stroke_width=edge,
        stroke_fill=mark.halo,
    )
    picture[:] = np.asarray(image)


def _fixed(places: FloatArray) -> np.ndarray:
    return np.asarray(np.rint((places - 0.5) * 2**FINE), np.int32)


def _hex(colour: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
