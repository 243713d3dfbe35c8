"""What figures show: a frame, the way of the box over the arena, and its course in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.timeline.series import quantities
from napari_cropzoom.crop.planes import cut
from napari_cropzoom.export.drawing import BEFORE, BOX, INK, Picture, unbroken
from napari_cropzoom.export.keypoints import KeypointLook
from napari_cropzoom.export.palettes import Colour, colours_of
from napari_cropzoom.export.plate import POINT, Dot, Image, Plate, Way, Words, name_places, text_width

BLACK: Colour = (25, 27, 31)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (110, 115, 124)
PALE: Colour = (200, 204, 210)
LINE = 0.35  # millimetres
LETTERS = 7.0  # points
MOST_PLACES = 6000  # of a line on paper
SHADES = 64
ARENA_SIDE = 800  # pixels
CELLS = 40  # of occupancy, along the longer side of the frame
ROOM = 10.0  # millimetres for numbers beside a plot
ROW = 22.0  # millimetres, of one plot of the timeline
BARS = (1, 2, 5)
Place = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Scale:
    """What a pixel is.

    Attributes
    ----------
    px_per_mm : float
        0 where nobody knows.
    """

    px_per_mm: float = 0.0

    @property
    def unit(self) -> str:
        """Of lengths: ``mm`` or ``px``."""
        return "mm" if self.px_per_mm else "px"

    def length(self, pixels: FloatArray) -> FloatArray:
        """Lengths in that unit."""
        return pixels / self.px_per_mm if self.px_per_mm else pixels

    def bar(self, width: float) -> tuple[float, str]:
        """A round length near a fifth of ``width`` pixels: in pixels, and in words."""
        wanted = width / 5 / self.px_per_mm
        power = 10.0 ** math.floor(math.log10(wanted))
        length = max(step * power for step in BARS if step * power <= wanted * (1 + 1e-9))
        said = f"{length / 10:g} cm" if length >= 10 else f"{length:g} mm"
        return length * self.px_per_mm, said


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn on a frame; boxes (T, 4) and keypoints in pixels of the frame."""

    boxes: FloatArray | None = None
    before: FloatArray | None = None
    poses: Poses | None = None
    look: KeypointLook = field(default_factory=KeypointLook)


def frame_plate(
    image: Picture, number: int, drawn: Drawn, width: float, scale: Scale, *, crop: bool = False
) -> Plate:
    """One frame with its box and keypoints as lines and letters.

    Parameters
    ----------
    image : ndarray, (H, W, 3)
    number : int
        Of the frame.
    drawn : Drawn
    width : float
        Of the figure, in millimetres.
    scale : Scale
    crop : bool
        Show the inside of the box only.
    """
    x, y, w, h = 0, 0, image.shape[1], image.shape[0]
    if crop and drawn.boxes is not None:
        x, y, w, h = (round(float(value)) for value in drawn.boxes[number])
        image = np.asarray(cut(image, (x, y, max(w, 1), max(h, 1)), 0))
        w, h = image.shape[1], image.shape[0]
    factor = width / w
    plate = Plate(width, h * factor, f"frame {number}")
    plate.add(Image(image, 0, 0, width, h * factor))

    def at(places: FloatArray) -> FloatArray:
        moved: FloatArray = (np.asarray(places, np.float64) - (x, y)) * factor
        return moved

    if not crop:
        if drawn.before is not None:
            _add_box(plate, at, drawn.before[number], BEFORE, dashed=True)
        if drawn.boxes is not None:
            _add_box(plate, at, drawn.boxes[number], BOX)
    if drawn.poses is not None:
        radius = drawn.look.size * factor or max(0.4, min(width, h * factor) / 130)
        _add_pose(plate, at(drawn.poses.xy), drawn.poses, number, drawn.look, radius)
    if scale.px_per_mm:
        _add_bar(plate, scale, factor, w)
    return plate


def trajectory_plate(
    arena: Picture, boxes: FloatArray, times: FloatArray, width: float, scale: Scale
) -> Plate:
    """The way of the box's centre over the arena, coloured by time, and beside it where it was how long.

    Parameters
    ----------
    arena : ndarray, (H, W, 3)
        A picture of it, best without the animal.
    boxes : ndarray, (T, 4)
    times : ndarray, (T,)
        Seconds of the frames.
    width : float
        Of the figure, in millimetres.
    scale : Scale
    """
    high, wide = arena.shape[:2]
    panel = (width - 4) / 2
    factor = panel / wide
    foot = 9.0
    plate = Plate(width, high * factor + foot, "way of the box and how long it was where")
    pale = np.asarray(255 - (255 - arena.astype(np.float32)) * 0.55, np.uint8)
    shrink = min(1.0, ARENA_SIDE / max(high, wide))
    size = max(1, round(wide * shrink)), max(1, round(high * shrink))
    small = np.asarray(cv2.resize(pale, size, interpolation=cv2.INTER_AREA), np.uint8)
    plate.add(Image(small, 0, 0, panel, high * factor, is_exact=False))
    places = centres_of(boxes)
    for shade, part in enumerate(_parts(places)):
        colour = _shade(shade, cv2.COLORMAP_VIRIDIS)
        for piece in unbroken(part):
            plate.add(Way(piece * factor, colour, LINE))
    seconds, cell = occupancy(places, times, (wide, high))
    most = float(seconds.max())
    levels = np.rint(255 * np.sqrt(seconds / most if most else seconds)).astype(np.uint8)
    heat = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8)
    left = panel + 4
    whole = np.repeat(np.repeat(heat, cell, axis=0), cell, axis=1)[:high, :wide]
    plate.add(Image(np.ascontiguousarray(whole), left, 0, panel, high * factor))
    last = float(times[-1] - times[0]) if len(times) > 1 else 0.0
    top = high * factor + 2
    _add_colours(plate, 0, top, panel, cv2.COLORMAP_VIRIDIS, "0 s", f"{last:.4g} s", "time")
    side = f"{cell / scale.px_per_mm:.3g} mm" if scale.px_per_mm else f"{cell} px"
    words = f"seconds in a square of {side}, on a square root scale"
    _add_colours(plate, left, top, panel, cv2.COLORMAP_INFERNO, "0", f"{most:.3g} s", words)
    if scale.px_per_mm:
        _add_bar(plate, scale, factor, wide, bottom=high * factor)
    return plate


def timeline_plate(
    boxes: FloatArray,
    before: FloatArray | None,
    poses: Poses | None,
    times: FloatArray,
    width: float,
    scale: Scale,
) -> Plate:
    """Speed and size of the box and the likelihood of the keypoints over time."""
    rows = [(f"speed, {scale.unit}/s", 0), (f"size, {scale.unit}", 1)]
    n_rows = len(rows) + (poses is not None)
    plate = Plate(width, n_rows * ROW + 8, "speed and size of the box over time")
    seconds = times - times[0]
    for number, (words, which) in enumerate(rows):
        lines = []
        for each, colour in ((before, BEFORE), (boxes, (0, 90, 160))):
            if each is not None:
                values = quantities(each)[which].astype(np.float64)
                if which == 0:
                    values = values / np.diff(seconds, prepend=np.nan)
                lines.append((scale.length(values), colour))
        _add_row(plate, number, words, seconds, lines, None)
    if poses is not None:
        known = (
            np.ma.masked_array(poses.likelihood, np.isnan(poses.xy[..., 0])).mean(axis=1).filled(np.nan)
        )
        _add_row(plate, len(rows), "likelihood", seconds, [(known, (0, 90, 160))], 1.0)
    _add_axis(plate, n_rows * ROW, float(seconds[-1]))
    return plate


def centres_of(boxes: FloatArray) -> FloatArray:
    """(T, 2) centres of boxes (T, 4)."""
    middle: FloatArray = boxes[:, :2] + boxes[:, 2:] / 2
    return middle


def occupancy(places: FloatArray, times: FloatArray, size: tuple[int, int]) -> tuple[FloatArray, int]:
    """Seconds that a place was in each square cell of a frame, and the side of a cell in pixels.

    A frame lasts until the next one, the last as long as the one before it.

    Parameters
    ----------
    places : ndarray, (T, 2)
        Pixels; outside the frame, and NaN, count nowhere.
    times : ndarray, (T,)
        Seconds.
    size : (int, int)
        Width and height of the frame.
    """
    cell = max(1, math.ceil(max(size) / CELLS))
    columns, rows = (math.ceil(side / cell) for side in size)
    lasts = np.diff(times)
    lasts = np.append(lasts, lasts[-1] if len(lasts) else 0.0)
    inside = ((places >= 0) & (places < size)).all(axis=1)
    at = (places[inside] // cell).astype(np.int64)
    seconds = np.zeros((rows, columns))
    np.add.at(seconds, (at[:, 1], at[:, 0]), lasts[inside])
    return seconds, cell


def _add_box(plate: Plate, at: Place, box: FloatArray, colour: Colour, *, dashed: bool = False) -> None:
    if np.isnan(box).any():
        return
    x, y, w, h = box
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]])
    plate.add(Way(at(corners), colour, LINE * 1.4, dashed))


def _add_pose(
    plate: Plate, xy: FloatArray, poses: Poses, number: int, look: KeypointLook, radius: float
) -> None:
    likelihood = poses.likelihood[number]
    seen = ~np.isnan(xy[number]).any(axis=1)
    likely = np.nan_to_num(likelihood, nan=1.0) >= look.least_likelihood
    colours = colours_of(look.colour_by, look.palette, likelihood)
    for first, second in look.skeleton:
        if first in poses.names and second in poses.names:
            ends = [poses.names.index(first), poses.names.index(second)]
            if all(seen[end] and likely[end] for end in ends):
                plate.add(Way(xy[number][ends], INK, LINE))
    for part in range(len(poses.names)):
        if look.trail:
            way = xy[max(0, number - look.trail) : number + 1, part]
            plate.add(*(Way(piece, colours[part], LINE) for piece in unbroken(way)))
        if not seen[part]:
            continue
        x, y = (float(value) for value in xy[number, part])
        plate.add(Dot(x, y, radius, colours[part], 0.0 if likely[part] else LINE))
    if look.names:
        _add_names(
            plate,
            xy[number],
            [name if seen[part] else "" for part, name in enumerate(poses.names)],
            radius,
        )


def _add_names(plate: Plate, xy: FloatArray, names: list[str], radius: float) -> None:
    """Names beside their points, (K, 2), none over another; an empty one is left out."""
    shown = [part for part, name in enumerate(names) if name]
    widths = [text_width(names[part], LETTERS) + 0.4 for part in shown]
    room = plate.width, plate.height
    places = name_places(xy[shown], widths, LETTERS * POINT * 1.2, radius, room)
    for part, place in zip(shown, places, strict=True):
        if place.is_far:
            x = float(np.clip(xy[part, 0], place.x, place.x + text_width(names[part], LETTERS)))
            plate.add(Way(np.array([xy[part], [x, place.y]]), WHITE, LINE / 2))
    for part, place in zip(shown, places, strict=True):
        plate.add(Words(names[part], place.x, place.y, LETTERS, WHITE, halo=BLACK))


def _add_bar(plate: Plate, scale: Scale, factor: float, wide: int, bottom: float | None = None) -> None:
    length, words = scale.bar(wide)
    right, low = wide * factor - 2, (plate.height if bottom is None else bottom) - 2
    left = right - length * factor
    for colour, edge in ((BLACK, 0.3), (WHITE, 0.0)):
        x0, x1, y0, y1 = left - edge, right + edge, low - 0.9 - edge, low + edge
        plate.add(Way(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), colour, fill=True))
    middle = (left + right) / 2
    plate.add(Words(words, middle, low - 3.2, LETTERS, WHITE, "middle", BLACK))


def _add_colours(
    plate: Plate, left: float, top: float, width: float, table: int, low: str, high: str, words: str
) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    bar = np.asarray(cv2.applyColorMap(ramp, table)[..., ::-1], np.uint8)
    plate.add(Image(np.ascontiguousarray(bar), left, top, width, 2))
    line = top + 2 + LETTERS * POINT
    plate.add(Words(low, left, line, LETTERS, BLACK))
    plate.add(Words(words, left + width / 2, line, LETTERS, GREY, "middle"))
    plate.add(Words(high, left + width, line, LETTERS, BLACK, "end"))


def _add_row(
    plate: Plate,
    number: int,
    words: str,
    seconds: FloatArray,
    lines: list[tuple[FloatArray, Colour]],
    top: float | None,
) -> None:
    highest = top or top_of(lines[0][0], lines[-1][0])
    ceiling, floor = number * ROW + 6, number * ROW + ROW - 1
    left, right = ROOM, plate.width - 1
    plate.add(Words(words, left, number * ROW + 3.2, LETTERS, BLACK))
    for value, height in ((0.0, floor), (highest, ceiling)):
        plate.add(Way(np.array([[left, height], [right, height]]), PALE, 0.15))
        plate.add(Words(_number(value), left - 1, height, LETTERS, GREY, "end"))
    length = max(float(seconds[-1]), 1e-9)
    for values, colour in lines:
        x = left + seconds / length * (right - left)
        y = floor - np.clip(values / highest, 0, 1) * (floor - ceiling)
        for piece in unbroken(_thinned(np.column_stack([x, y]))):
            plate.add(Way(piece, colour, LINE * 0.8))


def _add_axis(plate: Plate, top: float, last: float) -> None:
    left, right = ROOM, plate.width - 1
    unit, size = ("min", 60.0) if last >= 300 else ("s", 1.0)
    step = _round_step(max(last / size, 1e-9) / 6)
    value = 0.0
    while value <= last / size * (1 + 1e-9):
        x = left + (right - left) * value * size / max(last, 1e-9)
        plate.add(Way(np.array([[x, top], [x, top + 1]]), GREY, 0.2))
        plate.add(Words(f"{value:g}", x, top + 3, LETTERS, GREY, "middle"))
        value += step
    plate.add(Words(f"time, {unit}", (left + right) / 2, top + 6.2, LETTERS, BLACK, "middle"))


def top_of(before: FloatArray, after: FloatArray) -> float:
    """Upper edge of a plot: nothing of what counts is cut off, and no fault of before flattens it."""
    low = before[~np.isnan(before)]
    high = after[~np.isnan(after)]
    usual = float(np.percentile(low, 95)) if low.size else 0.0
    return max(1.25 * float(high.max()) if high.size else 0.0, usual) or 1.0


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _round_step(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= wanted * (1 - 1e-9))


def _thinned(way: FloatArray) -> FloatArray:
    """A way (T, 2) over time with some thousand places: of each stretch the lowest and the highest."""
    step = 2 * math.ceil(len(way) / MOST_PLACES)
    if step <= 2:
        return way
    kept = []
    for start in range(0, len(way), step):
        y = way[start : start + step, 1]
        if np.isnan(y).all():
            kept.append(start)
        else:
            kept += sorted({start + int(np.nanargmin(y)), start + int(np.nanargmax(y))})
    return way[kept]


def _parts(places: FloatArray) -> list[FloatArray]:
    """A way (T, 2) in parts of a colour each, of which every one begins where the one before ends."""
    step = max(1, math.ceil(len(places) / MOST_PLACES))
    thin = places[::step]
    edges = np.linspace(0, len(thin) - 1, SHADES + 1).astype(np.int64)
    return [thin[first : last + 1] for first, last in pairwise(edges.tolist())]


def _shade(number: int, table: int) -> Colour:
    level = np.array([[round(255 * number / (SHADES - 1))]], np.uint8)
    blue, green, red = cv2.applyColorMap(level, table)[0, 0].tolist()
    return red, green, blue
