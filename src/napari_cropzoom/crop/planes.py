"""One frame, one box: the crop as the planes of a yuv420p picture, without RGB of the whole frame."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
Picture = bytes | memoryview

SUBSAMPLING = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
}
NEUTRAL = 128


@dataclass(frozen=True)
class CropSpec:
    """Which part of a frame, and how large it is to be.

    Attributes
    ----------
    box : (int, int, int, int)
        ``x, y, w, h`` in pixels of the full frame; may reach beyond it.
    size : (int, int)
        Even width and height of the result in pixels.
    """

    box: tuple[int, int, int, int]
    size: tuple[int, int]


def crop_yuv(
    planes: tuple[UInt8Array, UInt8Array, UInt8Array], pix_fmt: str, crop: CropSpec, black: int
) -> Picture:
    """Planes of the crop, one after the other, as raw yuv420p.

    Brightness is copied pixel by pixel and only resized where the box differs from the result. Colour is
    sampled where the resulting colour pixels lie, half-way between two of the frame's where the box
    begins at an odd pixel, so that it does not move against the brightness.

    Parameters
    ----------
    planes : three ndarray
        Y (H, W), U and V subsampled as ``pix_fmt`` says.
    pix_fmt : str
        A key of ``SUBSAMPLING``.
    crop : CropSpec
    black : int
        Brightness of black, shown outside the frame.

    Returns
    -------
    memoryview
        Of ``W * H * 3 / 2`` bytes, W and H the crop's size.
    """
    width, height = crop.size
    picture = np.empty(width * height * 3 // 2, np.uint8)
    luma, chroma = np.split(picture, [width * height])
    luma.reshape(height, width)[:] = resize(cut(planes[0], crop.box, black), crop.size)
    sampled = _whole_steps if crop.box[2:] == crop.size else _resampled
    for plane, part in zip(planes[1:], chroma.reshape(2, height // 2, width // 2), strict=True):
        part[:] = sampled(plane, crop, *SUBSAMPLING[pix_fmt])
    return picture.data


def crop_rgb(rgb: UInt8Array, crop: CropSpec) -> Picture:
    """The same from an RGB frame (H, W, 3), for formats without 8-bit planes."""
    small = resize(cut(rgb, crop.box, 0), crop.size)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(small), format="rgb24")
    return bytes(frame.reformat(format="yuv420p").to_ndarray().tobytes())


def black_picture(size: tuple[int, int], black: int) -> Picture:
    """A raw yuv420p picture without anything in it; ``black`` is the brightness of black."""
    width, height = size
    picture = np.full(width * height * 3 // 2, NEUTRAL, np.uint8)
    picture[: width * height] = black
    return picture.data


def cut(image: UInt8Array, box: tuple[int, int, int, int], fill: int) -> UInt8Array:
    """Part of an image, every row and column of the box, ``fill`` where it reaches beyond the image."""
    x, y, w, h = box
    height, width = image.shape[:2]
    if x >= 0 and y >= 0 and x + w <= width and y + h <= height:
        return image[y : y + h, x : x + w]
    part = np.full((h, w, *image.shape[2:]), fill, np.uint8)
    x0, x1, y0, y1 = max(0, x), min(width, x + w), max(0, y), min(height, y + h)
    if x0 < x1 and y0 < y1:
        part[y0 - y : y1 - y, x0 - x : x1 - x] = image[y0:y1, x0:x1]
    return part


def resize(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Bilinear resize as ``litpose crop`` does it; the image itself where the size is right."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    import cv2  # slow to import, and the dock starts without it

    return np.asarray(cv2.resize(image, size), np.uint8)


def _whole_steps(plane: UInt8Array, crop: CropSpec, sub_x: int, sub_y: int) -> UInt8Array:
    """Colour of a box that is not resized: every sample, or the mean of the two it lies between."""
    x, y, w, h = crop.box
    across, down = sub_x == 1 or x % 2 == 1, sub_y == 1 or y % 2 == 1
    columns, rows = w // sub_x, h // sub_y
    part = cut(plane, (x // sub_x, y // sub_y, columns + across, rows + down), NEUTRAL)
    step_x, step_y = 2 // sub_x, 2 // sub_y
    mean = part[:rows:step_y]
    if down:  # halves go up here and down below, so that the picture's colour is not shifted
        other = part[1 : rows + 1 : step_y]
        mean = (mean | other) - ((mean ^ other) >> 1)
    left = mean[:, :columns:step_x]
    if across:
        right = mean[:, 1 : columns + 1 : step_x]
        left = (left & right) + ((left ^ right) >> 1)
    return left


def _resampled(plane: UInt8Array, crop: CropSpec, sub_x: int, sub_y: int) -> UInt8Array:
    """Colour of a box that is resized, bilinearly."""
    import cv2

    return np.asarray(
        cv2.warpAffine(
            plane,
            _chroma_matrix(crop, sub_x, sub_y),
            (crop.size[0] // 2, crop.size[1] // 2),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=NEUTRAL,
        ),
        np.uint8,
    )


def _chroma_matrix(crop: CropSpec, sub_x: int, sub_y: int) -> NDArray[np.float64]:
    """From a colour pixel of the result to the frame's colour plane, centre to centre."""
    x, y, w, h = crop.box
    scale_x, scale_y = w / crop.size[0], h / crop.size[1]
    return np.array(
        [
            [2 * scale_x / sub_x, 0, (scale_x + x) / sub_x - 0.5],
            [0, 2 * scale_y / sub_y, (scale_y + y) / sub_y - 0.5],
        ]
    )
