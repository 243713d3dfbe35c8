"""A figure for print: lines, circles, letters and pictures in millimetres, as SVG or as pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
