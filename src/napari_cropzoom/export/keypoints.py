"""Keypoints of a frame painted into a picture: skeleton, trails, marks and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.export.drawing import FINE, INK, FramePart, Picture, fine, fixed, unbroken, write
from napari_cropzoom.export.palettes import Colour, colours_of

MARKS: dict[str, tuple[tuple[float, float], ...]] = {
    "circle": (),
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    "triangle": ((0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    "cross": (),
}
"""Corners in radii; a circle and a cross have none."""


@dataclass(frozen=True)
class KeypointLook:
    """How keypoints are painted.

    Attributes
    ----------
    colour_by : str
        ``part``, ``likelihood`` or ``animal``.
    least_likelihood : float
        Keypoints below it are hollow, and have neither skeleton nor trail.
    names : bool
        Write the body parts' names.
    skeleton : tuple of (str, str)
        Body parts that lines join.
    trail : int
        Frames before this one in which keypoints leave a trail.
    size : float
        Radius of a keypoint in pixels of the frame; 0 for one that fits the picture.
    palette : str or None
        Of :data:`.palettes.PALETTES`; None for the one of the window.
    mark : str
        Of `MARKS`.
    line : float
        Width of the skeleton's lines in pixels of the frame; 0 for one that fits the picture.
    opacity : float
        Of all keypoints, 0 to 1.
    marks_shown : bool
        False leaves skeleton, trails and names only.
    trail_of : tuple of str
        Body parts that leave a trail; empty for all.
    trails_shown : bool
        False where only the box leaves one.
    trail_width : float
        In pixels of the picture.
    trail_fades : bool
        From faint, the oldest, to full.
    trail_opacity : float
        Of trails, 0 to 1.
    trail_colour : (int, int, int) or None
        Of all trails; None for the colours of what leaves them.
    """

    colour_by: str = "part"
    least_likelihood: float = 0.5
    names: bool = False
    skeleton: tuple[tuple[str, str], ...] = ()
    trail: int = 0
    size: float = 0.0
    palette: str | None = None
    mark: str = "circle"
    line: float = 0.0
    opacity: float = 1.0
    marks_shown: bool = True
    trail_of: tuple[str, ...] = ()
    trails_shown: bool = True
    trail_width: float = 1.0
    trail_fades: bool = True
    trail_opacity: float = 1.0
    trail_colour: Colour | None = None


def paint_pose(view: FramePart, poses: Poses, frame: int, look: KeypointLook, animal: int = 0) -> None:
    """Paint skeleton, trails, keypoints and names of one frame; ``animal`` is its place, from 0."""
    bare = view.picture.copy() if look.opacity < 1 else None
    radius = look.size * view.scale if look.size else view.radius
    xy, likelihood = view.at(poses.xy[frame]), poses.likelihood[frame]
    seen = np.asarray(~np.isnan(xy).any(axis=1))
    likely = np.asarray(np.nan_to_num(likelihood, nan=1.0) >= look.least_likelihood)
    colours = colours_of(look.colour_by, look.palette, likelihood, animal)
    width = max(1, round(look.line * view.scale)) if look.line else view.line
    for first, second in look.skeleton:
        if first in poses.names and second in poses.names:
            ends = poses.names.index(first), poses.names.index(second)
            if all(seen[end] and likely[end] for end in ends):
                line = fixed(xy[list(ends)])
                cv2.polylines(view.picture, [line], False, INK, width, cv2.LINE_AA, FINE)
    _paint_trails(view, poses, frame, look, colours)
    for part in np.flatnonzero(seen).tolist():
        if look.marks_shown:
            filled = bool(likely[part])
            _paint_mark(view, look.mark, xy[part], radius, colours[part], filled=filled)
        if look.names:
            place = xy[part] + (radius * 1.6, -radius * 1.6)
            write(view.picture, poses.names[part], place, size=view.letters)
    if bare is not None:
        cv2.addWeighted(view.picture, look.opacity, bare, 1 - look.opacity, 0, dst=view.picture)


def _paint_mark(
    view: FramePart, mark: str, place: FloatArray, radius: float, colour: Colour, *, filled: bool
) -> None:
    how = (cv2.LINE_AA, FINE)
    if mark == "circle":
        x, y = fixed(place[None])[0].tolist()
        width = cv2.FILLED if filled else view.line
        cv2.circle(view.picture, (x, y), fine(radius), colour, width, *how)
        return
    if mark == "cross":
        arms = radius * np.array([[[-1.0, -1.0], [1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
        width = max(1, round(radius / 2)) if filled else 1
        cv2.polylines(view.picture, [fixed(place + arm) for arm in arms], False, colour, width, *how)
        return
    corners = fixed(place + radius * np.array(MARKS[mark]))
    if filled:
        cv2.fillPoly(view.picture, [corners], colour, *how)
    else:
        cv2.polylines(view.picture, [corners], True, colour, view.line, *how)


def _paint_trails(
    view: FramePart, poses: Poses, frame: int, look: KeypointLook, colours: Sequence[Colour]
) -> None:
    first = max(0, frame - look.trail)
    if first == frame or not look.trails_shown:
        return
    way = view.at(poses.xy[first : frame + 1])
    likely = np.nan_to_num(poses.likelihood[first : frame + 1], nan=1.0) >= look.least_likelihood
    way[~likely] = np.nan
    for part, name in enumerate(poses.names):
        if not look.trail_of or name in look.trail_of:
            paint_trail(view.picture, way[:, part], colours[part], look)


def paint_trail(picture: Picture, way: FloatArray, colour: Colour, look: KeypointLook) -> None:
    """Paint a way, (T, 2) places of the picture, NaN where there is none; the last is now."""
    width, colour = max(1, round(look.trail_width)), look.trail_colour or colour
    if not look.trail_fades and look.trail_opacity == 1:
        for piece in unbroken(way):
            cv2.polylines(picture, [fixed(piece)], False, colour, width, cv2.LINE_AA, FINE)
        return
    known = way[~np.isnan(way).any(axis=1)]
    height, across = picture.shape[:2]
    if len(known) < 2:
        return
    room = (across, height)
    low = np.clip(np.floor(known.min(axis=0)) - width - 1, 0, room).astype(int)
    high = np.clip(np.ceil(known.max(axis=0)) + width + 1, 0, room).astype(int)
    if (low >= high).any():
        return
    levels = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for place in range(1, len(way)):
        piece = way[place - 1 : place + 1]
        if not np.isnan(piece).any():
            age = place / (len(way) - 1) if look.trail_fades else 1.0
            level = round(255 * age * look.trail_opacity)
            cv2.polylines(levels, [fixed(piece - low)], False, level, width, cv2.LINE_AA, FINE)
    rows, columns = np.nonzero(levels)
    part = picture[low[1] : high[1], low[0] : high[0]]
    share = levels[rows, columns, None].astype(np.int32)
    below = part[rows, columns].astype(np.int32)
    part[rows, columns] = below + (np.array(colour) - below) * share // 255
