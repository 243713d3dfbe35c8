"""Boxes, letters and a timeline, painted into pictures; keypoints: :mod:`.keypoints`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_cropzoom.core.boxes import FloatArray, Source
from napari_cropzoom.core.looks import BOX_LOOKS, RAW
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.export.palettes import Colour

Picture = NDArray[np.uint8]

BOX: Colour = (86, 180, 233)
BEFORE: Colour = (230, 159, 0)
INK: Colour = (235, 235, 235)
QUIET: Colour = (120, 120, 128)
GROUND: Colour = (24, 25, 29)


@dataclass(frozen=True)
class Theme:
    """Colours of what stands beside a picture: its ground, letters and lines, and what is less loud."""

    ground: Colour = GROUND
    ink: Colour = INK
    quiet: Colour = QUIET


THEMES = {"dark": Theme(), "light": Theme((250, 250, 251), (25, 27, 31), (96, 99, 107))}
EDGE = 0.7  # how dark the edge of letters is, 0 to 1
FINE = 4  # bits of a pixel that OpenCV paints with
DASH = 4.0  # widths of a line
TINT = 0.4  # of that in the window, since nothing can be hidden in a video to see what is below
LEAST_LETTERS = 12  # pixels of the finished picture


@dataclass
class FramePart:
    """Part of the frame that a picture shows: frame (x, y) lies at ((x, y) - origin) * scale.

    Pixel edges, not centres, are whole numbers: the first pixel reaches from 0 to 1.
    """

    picture: Picture
    origin: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    least_letters: int = LEAST_LETTERS
    radius: float = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.picture.shape[:2]
        self.radius = max(2.0, min(height, width) / 150)

    def at(self, xy: FloatArray) -> FloatArray:
        """(..., 2) places in the picture."""
        return (np.asarray(xy, np.float64) - self.origin) * self.scale

    @property
    def letters(self) -> int:
        """Size of a text in pixels."""
        return max(self.least_letters, int(min(self.picture.shape[:2])) // 38)

    @property
    def line(self) -> int:
        """Width of a line in pixels."""
        return max(1, round(self.radius / 2.5))


def paint_box(
    view: FramePart,
    box: FloatArray,
    colour: Colour = BOX,
    *,
    dashed: bool = False,
    source: int = Source.DETECTED,
) -> None:
    """Outline a box x, y, w, h in frame pixels, by its source as in the window; nothing if missing."""
    if np.isnan(box).any():
        return
    first, last = view.at(box[:2]), view.at(box[:2] + box[2:])
    corners = np.array([first, (last[0], first[1]), last, (first[0], last[1]), first])
    if not dashed:
        look = BOX_LOOKS.get(Source(source), RAW)
        if look.fill:
            (left, top), (right, bottom) = np.rint(np.maximum([first, last], 0)).astype(int).tolist()
            inside = view.picture[top:bottom, left:right]
            inside[:] = inside * (1 - TINT * look.fill) + np.array(colour) * (TINT * look.fill)
        width = max(1, round(view.line * look.width / RAW.width))
        cv2.polylines(view.picture, [fixed(corners)], False, colour, width, cv2.LINE_AA, FINE)
        return
    for begin, end in pairwise(corners):
        paint_dashes(view.picture, begin, end, colour, view.line)


def paint_box_edge(picture: Picture, colour: Colour) -> None:
    """Outline a whole picture."""
    height, width = picture.shape[:2]
    thick = max(2, min(height, width) // 128)
    for edge in (picture[:thick], picture[-thick:], picture[:, :thick], picture[:, -thick:]):
        edge[:] = colour


def paint_dashes(
    picture: Picture, begin: FloatArray, end: FloatArray, colour: Colour, width: int
) -> None:
    """A dashed line between two places of the picture."""
    length = float(np.hypot(*(end - begin)))
    count = max(1, round(length / (2 * DASH * width)))
    marks = np.linspace(0, 1, 2 * count + 1)
    for start, stop in zip(marks[:-1:2], marks[1::2], strict=True):
        piece = np.array([begin + (end - begin) * start, begin + (end - begin) * stop])
        cv2.polylines(picture, [fixed(piece)], False, colour, width, cv2.LINE_AA, FINE)


def unbroken(way: FloatArray) -> list[FloatArray]:
    """Pieces of a way (T, 2) between gaps, of two places at least."""
    is_gap = np.isnan(way).any(axis=1)
    if not is_gap.any():
        return [way] if len(way) > 1 else []
    pieces = np.split(way, np.flatnonzero(is_gap))
    whole = [piece[~np.isnan(piece).any(axis=1)] for piece in pieces]
    return [piece for piece in whole if len(piece) > 1]


def write(
    picture: Picture,
    text: str,
    place: FloatArray,
    colour: Colour = INK,
    *,
    size: int,
    edge: Colour = GROUND,
) -> None:
    """Write a text with an edge, ``size`` pixels high; its left end and its middle are at a place."""
    kept, added = _letters(text, size, colour, edge)
    height, width = kept.shape[:2]
    x, y = round(float(place[0])), round(float(place[1]) - height / 2)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, picture.shape[1]), min(y + height, picture.shape[0])
    if left >= right or top >= bottom:
        return
    seen = slice(top - y, bottom - y), slice(left - x, right - x)
    part = picture[top:bottom, left:right]
    np.right_shift(part * kept[seen] + added[seen], 8, out=part, casting="unsafe")


@cache
def _letters(
    text: str, size: int, colour: Colour, around: Colour
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """What a text does to a picture: (H, W, 1) 256ths that are kept, (H, W, 3) what is added."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text or " ")
    width = max(2, size // 7)
    shape = math.ceil(right - left) + 2 * width + 1, math.ceil(bottom - top) + 2 * width + 1
    image = Image.new("L", shape)
    ImageDraw.Draw(image).text((width - left, width - top), text, 255, font)
    letters = np.asarray(image, np.float32)[..., None] / np.float32(255)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width - 1, 2 * width - 1))
    edge = np.asarray(cv2.dilate(letters, kernel), np.float32)[..., None] * np.float32(EDGE)
    kept = np.rint(256 * (1 - edge) * (1 - letters))
    added = 256 * (np.array(around) * edge * (1 - letters) + np.array(colour) * letters) + 128
    return kept.astype(np.uint16), np.minimum(added, 65535 - 255 * kept).astype(np.uint16)


def fixed(places: FloatArray) -> NDArray[np.int32]:
    """Places in OpenCV's fixed-point numbers, which count from the middle of the first pixel."""
    far = 2.0**26
    return np.asarray(np.rint(np.clip((places - 0.5) * 2**FINE, -far, far)), np.int32)


def fine(length: float) -> int:
    return max(1, round(length * (1 << FINE)))


class Strip:
    """The timeline below a picture: speed of the box, likelihood, and where one is.

    Parameters
    ----------
    width, height : int
        In pixels.
    boxes : ndarray, (T, 4), or None
    poses : Poses or None
    first, last : int
        Frames shown, both inclusive.
    least_letters : int
        Least size of a text in pixels, where a row has room for it.
    theme : Theme
    """

    def __init__(
        self,
        width: int,
        height: int,
        boxes: FloatArray | None,
        poses: Poses | None,
        first: int,
        last: int,
        least_letters: int = 10,
        theme: Theme = THEMES["dark"],
    ) -> None:
        self._least_letters, self._theme = least_letters, theme
        self._first, self._n = first, last - first + 1
        self._margin = max(8, width // 80)
        self._still = np.empty((height, width, 3), np.uint8)
        self._still[:] = theme.ground
        rows: list[tuple[str, FloatArray, float]] = []
        if boxes is not None:
            before = max(first - 1, 0)
            centres = boxes[before : last + 1, :2] + boxes[before : last + 1, 2:] / 2
            speed = np.hypot(*np.diff(centres, axis=0).T)
            if first == 0:
                speed = np.concatenate([speed[:1], speed]) if len(speed) else np.zeros(1)
            known = speed[~np.isnan(speed)]
            most = float(np.percentile(known, 99.5)) if len(known) else 1.0
            rows.append((f"speed of the box, up to {most:.0f} px a frame", speed, most))
        if poses is not None:
            likelihood = np.nan_to_num(poses.likelihood[first : last + 1], nan=0.0)
            rows.append(("likelihood, 0 to 1", likelihood.mean(axis=1), 1.0))
        for number, (name, values, highest) in enumerate(rows):
            top = round(number * height / len(rows))
            self._plot(name, values, highest, top, round((number + 1) * height / len(rows)))

    def _plot(self, name: str, values: FloatArray, highest: float, top: int, bottom: int) -> None:
        letters = max(10, (bottom - top) // 4, min(self._least_letters, (bottom - top) // 3))
        place, theme = np.array([self._margin, top + letters * 0.7]), self._theme
        write(self._still, name, place, theme.ink, size=letters, edge=theme.ground)
        floor, ceiling = bottom - 4, top + 1.6 * letters
        y = floor - np.clip(values / max(highest, 1e-9), 0, 1) * (floor - ceiling)
        way = np.column_stack([self._x(np.arange(self._n)), y])
        for piece in unbroken(way):
            cv2.polylines(self._still, [fixed(piece)], False, BOX, 1, cv2.LINE_AA, FINE)

    def _x(self, place: FloatArray | NDArray[np.intp]) -> FloatArray:
        inner = self._still.shape[1] - 2 * self._margin
        return self._margin + np.asarray(place, np.float64) * inner / max(self._n - 1, 1)

    def at(self, frame: int) -> Picture:
        """(H, W, 3) the strip with the playhead at a frame."""
        picture = self._still.copy()
        x = float(self._x(np.array([frame - self._first]))[0])
        head = np.array([[x, 0.0], [x, float(len(picture))]])
        cv2.polylines(picture, [fixed(head)], False, self._theme.ink, 2, cv2.LINE_AA, FINE)
        return picture
