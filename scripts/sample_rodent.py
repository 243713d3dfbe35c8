"""A small rodent seen from above, drawn round a bending spine."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from sample_motion import BODY_NODES

KEYPOINTS = (
    "nose",
    "ear_left",
    "ear_right",
    "neck",
    "body_center",
    "hips",
    "tail_base",
    "tail_mid",
    "tail_tip",
)
SUPERSAMPLE = 2
SPINE_SAMPLES = 44
MARGIN = 34

_S = np.array([0.0, 0.03, 0.08, 0.14, 0.20, 0.27, 0.36, 0.50, 0.66, 0.80, 0.90, 0.96, 1.0])
_R = np.array([2.6, 4.6, 8.2, 12.0, 14.2, 14.6, 16.6, 20.6, 23.0, 20.6, 15.0, 9.0, 4.2])
_RADIUS = CubicSpline(_S, _R)
_EAR_S, _EAR_U = 0.205, 0.92
_LIGHT = np.array([-0.46, -0.52, 0.72], np.float32)

Image = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sprite:
    """Premultiplied RGB (h, w, 3) and cover (h, w), with its top-left pixel in the frame."""

    colour: Image
    cover: Image
    x: int
    y: int


@dataclass(frozen=True)
class Fur:
    """Noise in body coordinates, so that the coat moves with the animal."""

    strands: Image
    patches: Image

    @classmethod
    def from_seed(cls, seed: int) -> Fur:
        """Draw a coat."""
        rng = np.random.default_rng(seed)
        return cls(_oriented(rng, 5.0, 0.75), _oriented(rng, 16.0, 6.0))


def _oriented(rng: np.random.Generator, along: float, across: float) -> Image:
    noise = rng.standard_normal((192, 512)).astype(np.float32)
    noise = gaussian_filter(noise, (across, along), mode="wrap")
    return np.asarray(noise / noise.std(), np.float32)


def keypoints(nodes: Array) -> Array:
    """The (9, 2) keypoints of ``KEYPOINTS`` for (N, 2) spine nodes, in pixels."""
    body, side = _body_curve(nodes)
    tail = CubicSpline(np.linspace(0, 1, len(nodes) - BODY_NODES + 1), nodes[BODY_NODES - 1 :])
    ear = _EAR_U * float(_RADIUS(_EAR_S))
    at = body(_EAR_S)
    # y runs down, so the animal's left is the negative side of the turned tangent
    return np.array(
        [
            body(0.0),
            at - ear * side(_EAR_S),
            at + ear * side(_EAR_S),
            body(0.29),
            body(0.58),
            body(0.84),
            body(1.0),
            tail(0.5),
            tail(1.0),
        ]
    )


def body_box(nodes: Array) -> Array:
    """``x, y, w, h`` of the body without the tail, in pixels."""
    body, side = _body_curve(nodes)
    s = np.linspace(0, 1, 60)
    edge = np.asarray(_RADIUS(s))[:, None] * np.array([side(v) for v in s])
    outline = np.concatenate([body(s) - edge, body(s) + edge])
    low, high = outline.min(axis=0), outline.max(axis=0)
    return np.array([*low, *(high - low)])


def draw(nodes: Array, fur: Fur, phase: float) -> Sprite:
    """Draw the animal.

    Parameters
    ----------
    nodes : ndarray, (N, 2)
        Spine nodes, nose first, in pixels of the frame.
    fur : Fur
    phase : float
        Of the gait, in strides.
    """
    low = np.floor(nodes.min(axis=0)).astype(int) - MARGIN
    size = np.ceil(nodes.max(axis=0)).astype(int) + MARGIN - low
    local = (nodes - low) * SUPERSAMPLE
    canvas = _Canvas(int(size[0]) * SUPERSAMPLE, int(size[1]) * SUPERSAMPLE)
    body, side = _body_curve(local)
    _draw_paws(canvas, body, side, phase)
    _draw_tail(canvas, local[BODY_NODES - 1 :])
    _draw_body(canvas, body, fur)
    _draw_head(canvas, body, side)
    shape = (int(size[0]), int(size[1]))
    colour = cv2.resize(canvas.colour, shape, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(canvas.cover, shape, interpolation=cv2.INTER_AREA)
    return Sprite(colour, cover, int(low[0]), int(low[1]))


class _Canvas:
    """Premultiplied layers, painted one over the other."""

    def __init__(self, width: int, height: int) -> None:
        self.colour = np.zeros((height, width, 3), np.float32)
        self.cover = np.zeros((height, width), np.float32)

    def paint(self, colour: Image, alpha: Image, x: int = 0, y: int = 0) -> None:
        """Paint ``colour`` (h, w, 3) or (3,) through ``alpha`` (h, w) at ``x, y``."""
        window = (slice(y, y + alpha.shape[0]), slice(x, x + alpha.shape[1]))
        self.colour[window] += (colour - self.colour[window]) * alpha[..., None]
        self.cover[window] += (1 - self.cover[window]) * alpha

    def paint_layer(self, colour: Image, layer: Image) -> None:
        """Paint ``colour`` (3,) through a layer as large as the canvas, mostly empty."""
        rows, columns = (np.flatnonzero(layer.any(axis=axis)) for axis in (1, 0))
        y, x = int(rows[0]), int(columns[0])
        self.paint(colour, layer[y : rows[-1] + 1, x : columns[-1] + 1], x, y)

    def blob(
        self,
        at: Array,
        axes: tuple[float, float],
        along: Array,
        colour: tuple[float, ...],
        rim: float = 0.0,
    ) -> None:
        """Paint a shaded ellipse, darker towards its edge by ``rim``; sizes in supersampled pixels."""
        reach = int(max(axes)) + 3
        x0, y0 = (max(0, int(v) - reach) for v in at)
        x1 = min(self.cover.shape[1], int(at[0]) + reach)
        y1 = min(self.cover.shape[0], int(at[1]) + reach)
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        dx, dy = x + 0.5 - at[0], y + 0.5 - at[1]
        a = (dx * along[0] + dy * along[1]) / axes[0]
        b = (dy * along[0] - dx * along[1]) / axes[1]
        rho = np.hypot(a, b)
        shade = (1 - rim * np.clip(rho, 0, 1) ** 2)[..., None]
        alpha = np.clip((1 - rho) * min(axes) + 0.5, 0, 1)
        tone = np.asarray(shade * np.array(colour, np.float32), np.float32)
        self.paint(tone, np.asarray(alpha, np.float32), x0, y0)


def _body_curve(nodes: Array) -> tuple[CubicSpline, _Side]:
    knots = nodes[:BODY_NODES].copy()
    for _ in range(2):
        knots[1:-1] = 0.25 * knots[:-2] + 0.5 * knots[1:-1] + 0.25 * knots[2:]
    body = CubicSpline(np.linspace(0, 1, BODY_NODES), knots)
    return body, _Side(body)


class _Side:
    """Unit vector to the animal's right (y runs down) at a place along the spine."""

    def __init__(self, body: CubicSpline) -> None:
        self._along = body.derivative()

    def forward(self, s: float) -> Array:
        """Unit vector towards the nose."""
        along = -self._along(s)
        return np.asarray(along / np.hypot(*along))

    def __call__(self, s: float) -> Array:
        along = self.forward(s)
        return np.array([-along[1], along[0]])


def _draw_paws(canvas: _Canvas, body: CubicSpline, side: _Side, phase: float) -> None:
    for s, reach, offset, length in ((0.36, 0.96, 0.0, 5.5), (0.76, 1.0, 0.5, 8.5)):
        for hand, shift in ((-1, 0.0), (1, 0.5)):
            swing = np.sin(2 * np.pi * (phase + offset + shift))
            out = hand * reach * float(_RADIUS(s)) * SUPERSAMPLE
            at = body(s) + out * side(s) + 9.0 * SUPERSAMPLE * swing * side.forward(s)
            axes = (length * SUPERSAMPLE, 3.2 * SUPERSAMPLE)
            canvas.blob(at, axes, side.forward(s), (0.72, 0.52, 0.47), 0.35)


def _draw_tail(canvas: _Canvas, nodes: Array) -> None:
    s = np.linspace(0, 1, 70)
    at = CubicSpline(np.linspace(0, 1, len(nodes)), nodes)(s)
    for tone, grow, shift in ((0.40, 1.0, 0.0), (0.54, 0.66, -0.5), (0.68, 0.28, -0.9)):
        layer = np.zeros_like(canvas.cover)
        for i in range(len(s) - 1):
            width = (4.6 * (1 - s[i]) ** 0.8 + 1.5) * 2 * SUPERSAMPLE * grow / 2
            ends = [tuple(round(16 * (v + shift * SUPERSAMPLE * 0.5)) for v in at[j]) for j in (i, i + 1)]
            cv2.line(layer, ends[0], ends[1], 1.0, max(1, round(width)), cv2.LINE_AA, 4)
        ringed = np.array([tone * 1.04, tone * 0.80, tone * 0.74], np.float32)
        canvas.paint_layer(ringed, cv2.GaussianBlur(layer, (0, 0), 0.6))


def _draw_body(canvas: _Canvas, body: CubicSpline, fur: Fur) -> None:
    rows, columns = _near(canvas.cover.shape, body)
    s, across, rho = _body_coordinates(rows, columns, body)
    radius = np.asarray(_RADIUS(np.clip(s, 0, 1)), np.float32) * SUPERSAMPLE
    strands = _lookup(fur.strands, s, across)
    patches = _lookup(fur.patches, s, across)
    ragged = rho + (0.032 * strands + 0.01) * np.clip(s * 5, 0.15, 1)
    alpha = np.clip((1 - ragged) * radius / 1.6 + 0.5, 0, 1)[:, None]
    shade = _shading(s, across / radius, rho, body, strands)
    tone = shade * (1 + 0.105 * strands + 0.05 * patches)
    colour = _coat(s, across / radius) * tone[:, None]
    canvas.colour[rows, columns] += (colour - canvas.colour[rows, columns]) * alpha
    canvas.cover[rows, columns] += (1 - canvas.cover[rows, columns]) * alpha[:, 0]


def _near(shape: tuple[int, ...], body: CubicSpline) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels that the body may cover."""
    mask = np.zeros(shape, np.uint8)
    s = np.linspace(0, 1, SPINE_SAMPLES)
    reach = np.asarray(_RADIUS(s)) * SUPERSAMPLE * 1.15 + 5
    for at, radius in zip(body(s), reach, strict=True):
        cv2.circle(mask, (int(at[0]), int(at[1])), int(radius), 1, -1)
    rows, columns = np.nonzero(mask)
    return rows, columns


def _body_coordinates(
    rows: NDArray[np.intp], columns: NDArray[np.intp], body: CubicSpline
) -> tuple[Image, Image, Image]:
    """Per pixel: place along the spine 0 to 1, signed distance across it, distance in radii."""
    pixels = np.stack([columns, rows], axis=1).astype(np.float32) + 0.5
    at = np.linspace(0, 1, SPINE_SAMPLES, dtype=np.float32)
    spine = body(at).astype(np.float32)
    along = body.derivative()(at).astype(np.float32)
    length = np.hypot(*along.T)
    along /= length[:, None]
    gap = (spine**2).sum(axis=1) - 2 * pixels @ spine.T
    nearest = gap.argmin(axis=1)
    offset = pixels - spine[nearest]
    forth = (offset * along[nearest]).sum(axis=1)
    across = offset[:, 1] * along[nearest, 0] - offset[:, 0] * along[nearest, 1]
    s = at[nearest] + forth / length[nearest]
    beyond = (np.clip(-s, 0, None) + np.clip(s - 1, 0, None)) * length[nearest]
    radius = np.asarray(_RADIUS(np.clip(s, 0, 1)), np.float32) * SUPERSAMPLE
    return s, across, np.hypot(across, beyond) / radius


def _lookup(texture: Image, s: Image, across: Image) -> Image:
    """The texture wraps round; one of its pixels is about one pixel of the canvas."""
    height, width = texture.shape
    row = np.rint(across + height / 2).astype(np.intp) % height
    column = np.rint(s * 250 + 40).astype(np.intp) % width
    return np.asarray(texture[row, column], np.float32)


def _shading(s: Image, u: Image, rho: Image, body: CubicSpline, strands: Image) -> Image:
    """Light on a rounded body, from its normals; the spine's own direction turns them."""
    table = np.linspace(0, 1, 64)
    along = body.derivative()(table)
    along /= np.hypot(*along.T)[:, None]
    place = np.clip(s * 63, 0, 63).astype(int)
    ax, ay = along[place, 0], along[place, 1]
    slope = np.asarray(_RADIUS.derivative()(table))[place] / 124.0
    up = np.sqrt(np.clip(1 - rho**2, 0, 1))
    lateral = np.clip(u, -1, 1)
    nx = -ay * lateral - ax * slope * up
    ny = ax * lateral - ay * slope * up
    norm = np.sqrt(nx**2 + ny**2 + (up + 0.35) ** 2) + 1e-6
    facing = (nx * _LIGHT[0] + ny * _LIGHT[1] + (up + 0.35) * _LIGHT[2]) / norm
    sheen = np.clip(facing - 0.82, 0, 1) * (0.8 + 0.5 * strands)
    return np.asarray(
        0.46 + 0.66 * np.clip(facing, 0, 1) + 0.9 * sheen - 0.18 * np.clip(rho, 0, 1) ** 6, np.float32
    )


def _coat(s: Image, u: Image) -> Image:
    """Agouti: dark along the back, buff on the flanks, paler at the muzzle."""
    back = np.exp(-((u / 0.55) ** 2))[..., None]
    muzzle = np.clip(1 - s / 0.11, 0, 1)[..., None]
    dark, buff, pale = (
        np.array(v, np.float32) for v in ((0.27, 0.215, 0.165), (0.43, 0.345, 0.255), (0.56, 0.45, 0.38))
    )
    coat = buff + (dark - buff) * back
    return np.asarray(coat + (pale - coat) * muzzle, np.float32)


def _draw_head(canvas: _Canvas, body: CubicSpline, side: _Side) -> None:
    scale = SUPERSAMPLE
    ear = _EAR_U * float(_RADIUS(_EAR_S)) * scale
    for hand in (-1, 1):
        out = hand * side(_EAR_S)
        tilt = side.forward(_EAR_S) * 0.75 + out * 0.65
        tilt /= np.hypot(*tilt)
        at = body(_EAR_S) + ear * out
        canvas.blob(at + 1.5 * scale, (8.6 * scale, 8.0 * scale), tilt, (0.13, 0.10, 0.08))
        canvas.blob(at, (8.6 * scale, 7.6 * scale), tilt, (0.36, 0.275, 0.225), 0.25)
        canvas.blob(at + 0.8 * scale * tilt, (6.2 * scale, 4.9 * scale), tilt, (0.72, 0.51, 0.45), 0.35)
        eye = body(0.115) + hand * 0.80 * float(_RADIUS(0.115)) * scale * side(0.115)
        canvas.blob(eye, (2.7 * scale, 2.2 * scale), side.forward(0.115), (0.03, 0.025, 0.03))
        canvas.blob(eye - 0.8 * scale, (0.8 * scale, 0.8 * scale), out, (0.6, 0.6, 0.6))
    canvas.blob(body(0.0), (2.9 * scale, 2.5 * scale), side.forward(0.0), (0.80, 0.50, 0.48), 0.2)
    _draw_whiskers(canvas, body, side)


def _draw_whiskers(canvas: _Canvas, body: CubicSpline, side: _Side) -> None:
    layer = np.zeros_like(canvas.cover)
    forward = side.forward(0.03)
    for hand in (-1, 1):
        root = body(0.035) + hand * 4 * SUPERSAMPLE * side(0.03)
        for spread in (-0.35, 0.0, 0.35, 0.7):
            tip = root + SUPERSAMPLE * 15 * (hand * side(0.03) - spread * forward)
            ends = [tuple(round(16 * v) for v in p) for p in (root, tip)]
            cv2.line(layer, ends[0], ends[1], 0.55, 1, cv2.LINE_AA, 4)
    canvas.paint_layer(np.array([0.80, 0.76, 0.70], np.float32), layer)
