"""The pixels a network looks at, taken out of decoded frames as late and as few as possible.

A bilinear resize without antialiasing reads four pixels for each one it makes. So a frame is cropped
while it is still YUV, only the crop becomes RGB, and only the pixels that are read are copied.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.planes import RgbConverter, plane_array

Edge = Literal["pad", "clamp"]
UintArray = NDArray[np.uint8]

WINDOW_STEP = 64
KEPT_REFORMATTERS = 64
PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray"})
"""8-bit formats in which any even rectangle converts to the same RGB on its own as in the frame."""


class PixelReader:
    """Boxes of decoded frames as RGB; keeps the converter's tables, so one for each thread.

    Parameters
    ----------
    index : VideoIndex
        Of the video the frames are of.
    """

    def __init__(self, index: VideoIndex) -> None:
        self._index = index
        self._convert = RgbConverter(index)
        self._reformatters: dict[tuple[int, int], VideoReformatter] = {}

    def whole(self, frame: VideoFrame) -> UintArray:
        """Return the displayed frame, (H, W, 3) uint8 RGB."""
        return self._convert(frame)

    def box(self, frame: VideoFrame, x: int, y: int, w: int, h: int) -> UintArray:
        """Return the pixels of a box, (h, w, 3) uint8 RGB, black where it leaves the frame.

        Parameters
        ----------
        frame : VideoFrame
        x, y, w, h : int
            Box in pixels of the displayed frame; any part of it may lie outside.
        """
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + w, self._index.width), min(y + h, self._index.height)
        if (left, top, right, bottom) == (x, y, x + w, y + h):
            return self._inside(frame, x, y, w, h)
        image = np.zeros((h, w, 3), np.uint8)
        if left < right and top < bottom:
            inside = self._inside(frame, left, top, right - left, bottom - top)
            image[top - y : bottom - y, left - x : right - x] = inside
        return image

    def _inside(self, frame: VideoFrame, x: int, y: int, w: int, h: int) -> UintArray:
        window_w, window_h = window(w, frame.width), window(h, frame.height)
        wasteful = 2 * window_w * window_h > frame.width * frame.height
        if wasteful or not self._can_crop_planes(frame):
            return self.whole(frame)[y : y + h, x : x + w]
        x0 = min(x - x % 2, frame.width - window_w)
        y0 = min(y - y % 2, frame.height - window_h)
        part = self._reformatter(window_w, window_h).reformat(
            crop_planes(frame, x0, y0, window_w, window_h),
            format="rgb24",
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        image = np.asarray(part.to_ndarray(), np.uint8)
        return image[y - y0 : y - y0 + h, x - x0 : x - x0 + w]

    def _can_crop_planes(self, frame: VideoFrame) -> bool:
        even = frame.width % 2 == 0 and frame.height % 2 == 0
        as_is = (frame.width, frame.height) == (self._index.width, self._index.height)
        return even and as_is and not self._index.rotation and frame.format.name in PLANAR

    def _reformatter(self, width: int, height: int) -> VideoReformatter:
        if len(self._reformatters) >= KEPT_REFORMATTERS:
            self._reformatters.clear()
        return self._reformatters.setdefault((width, height), VideoReformatter())


def window(length: int, limit: int) -> int:
    """Return a length in pixels to convert, rounded up so that few different ones occur.

    One pixel more than ``length`` leaves room to start at an even pixel.
    """
    return min(-(-(length + 1) // WINDOW_STEP) * WINDOW_STEP, limit)


def crop_planes(frame: VideoFrame, x: int, y: int, w: int, h: int) -> VideoFrame:
    """Copy an even rectangle of a planar 8-bit frame, without converting it."""
    part = VideoFrame(w, h, frame.format.name)
    for source, target in zip(frame.planes, part.planes, strict=True):
        dx, dy = frame.width // source.width, frame.height // source.height
        rows = slice(y // dy, (y + h) // dy)
        plane_array(target)[:, : w // dx] = plane_array(source)[rows, x // dx : (x + w) // dx]
    part.colorspace, part.color_range = frame.colorspace, frame.color_range
    return part


@lru_cache(maxsize=256)
def bilinear_sources(length: int, size: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return what a bilinear resize from ``length`` to ``size`` pixels reads.

    Pixel centres at half pixels, no antialiasing, as ``torch.nn.functional.interpolate`` with
    ``mode="bilinear", align_corners=False`` does, in single precision like it.

    Returns
    -------
    indices : ndarray, (2 * size,)
        Of the two pixels read for each one made, alternating.
    weights : ndarray, (size,) float32
        Of the second of the two.
    """
    scale = np.float32(length) / np.float32(size)
    place = np.maximum(scale * (np.arange(size, dtype=np.float32) + 0.5) - 0.5, 0, dtype=np.float32)
    first = np.minimum(place.astype(np.intp), length - 1)
    second = np.minimum(first + 1, length - 1)
    return np.stack([first, second], axis=1).ravel(), (place - first).astype(np.float32)


def corners(image: UintArray, size: tuple[int, int]) -> UintArray:
    """Return the pixels read for a resize to ``size`` (height, width), (2 * height, 2 * width, 3)."""
    rows, _ = bilinear_sources(image.shape[0], size[0])
    columns, _ = bilinear_sources(image.shape[1], size[1])
    return image[rows].take(columns, axis=1)


def crop_boxes(boxes: NDArray[np.float64], width: int, height: int, edge: Edge) -> NDArray[np.float64]:
    """Return the boxes to crop, whole pixels, NaN where there is nothing to see.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels of the frame; fractions are cut off as Lightning Pose does.
    width, height : int
        Of the frame.
    edge : {"pad", "clamp"}
        ``pad`` leaves boxes as they are: what lies outside the frame will be black, as in crops on
        disk and in the crops that pose models are trained on. ``clamp`` cuts them to the frame, as
        ``litpose predict --bbox_dir`` does (``lightning_pose.data.bboxes.crop_and_resize_frames``).

    Returns
    -------
    ndarray, (T, 4)
        Integral float64.

    Raises
    ------
    CropzoomError
        If ``edge`` is neither.
    """
    if edge not in ("pad", "clamp"):
        raise CropzoomError(f"edge is {edge!r}, and can be 'pad' or 'clamp'.")
    whole = np.trunc(np.asarray(boxes, float))
    whole[~np.isfinite(whole).all(axis=1)] = np.nan
    x, y, w, h = whole.T
    if edge == "pad":
        return np.stack([x, y, np.maximum(w, 1), np.maximum(h, 1)], axis=1)
    left, top = np.maximum(x, 0), np.maximum(y, 0)
    right = np.maximum(left + 1, np.minimum(x + w, width))
    bottom = np.maximum(top + 1, np.minimum(y + h, height))
    cut = np.stack([left, top, right - left, bottom - top], axis=1)
    cut[(left >= width) | (top >= height)] = np.nan
    return cut
