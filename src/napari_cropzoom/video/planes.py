"""The samples of a decoded frame: its planes without copying them, and the picture that is displayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from napari_cropzoom.video.index import VideoIndex


def plane_array(plane: VideoPlane) -> NDArray[np.uint8]:
    """Return an 8-bit plane of a frame, (H, W) as stored; writing to it writes to the frame."""
    buffer: Any = plane  # it is one, which its types do not say
    flat = np.frombuffer(buffer, np.uint8)
    return flat[: plane.height * plane.line_size].reshape(plane.height, -1)[:, : plane.width]


class RgbConverter:
    """Native frames to displayed RGB, with the same pixels as OpenCV's decoder.

    OpenCV converts to BGR by swscale's bicubic path and turns the picture as the file says. More
    than 8 bits a sample are dithered differently towards RGB than towards BGR, hence the detour
    there. (OpenCV, ``modules/videoio/src/cap_ffmpeg_impl.hpp``; compared in the tests.)

    Not safe from several threads: it keeps swscale's state between frames.
    """

    def __init__(self, index: VideoIndex) -> None:
        self._quarter_turns = index.rotation // 90
        turned = self._quarter_turns % 2 == 1
        self._width = index.height if turned else index.width
        self._height = index.width if turned else index.height
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return the displayed picture, (H, W, 3) uint8 RGB, contiguous."""
        deep = frame.format.components[0].bits > 8
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="bgr24" if deep else "rgb24",
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        image = converted.to_ndarray()
        if deep:
            image = image[..., ::-1]
        image = np.rot90(image, -self._quarter_turns)
        return np.ascontiguousarray(image, dtype=np.uint8)
