"""The video as a napari image layer, and which of its frames napari shows.

The layer's data are the :class:`Video` behind a :class:`FrameArray`. So ``layer.data[i]`` is frame ``i``
for every reader, on every thread, and waits for the decoder where the frame is not in memory. A step to
such a frame keeps the window waiting too: a few milliseconds where frames are read in order, since the
video reads ahead in a thread; up to half a second for a jump in a video of 1920x1080 with a keyframe
every 250 frames. The alternative, to show another frame until then, was given up: picture and boxes were
then of two frames. For a window that goes on meanwhile there is napari's asynchronous slicing
(Preferences, Experimental), which asks for frames in a thread. Playing does not wait: it asks for a frame
once it is decoded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import Dims
from napari.layers import Image
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.video.video import Video

NAME = "video"
AXES = ("frame", "y", "x")


_ALL = (slice(None),) * 3


class FrameArray:
    """Array-like (T, H, W, 3) uint8: the frames of a video, exact for every reader.

    Only where a viewer changes to 3-D, and asks for the whole video before anything can stop it, it gets
    a single pixel; :class:`LayerSet` has the viewer back in 2-D at once.

    Parameters
    ----------
    video : Video
    dims : napari.components.Dims
        Of the viewer that shows it.
    """

    def __init__(self, video: Video, dims: Dims) -> None:
        self.dtype = np.dtype(np.uint8)
        self.shape = video.shape
        self.ndim = len(self.shape)
        self.size = video.size
        self._video = video
        self._dims = dims

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Index as numpy does; waits for the decoder."""
        if self._dims.ndisplay != 2 and isinstance(key, tuple) and key == _ALL:
            return np.zeros((1, 1, 1, 3), np.uint8)
        return self._video[key]

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Decode the whole video into memory: only for short clips."""
        return np.asarray(self._video[:], dtype=dtype)


class VideoLayer:
    """The image layer ``video`` and the way from napari's world to its frames and pixels.

    Parameters
    ----------
    video : Video
    dims : napari.components.Dims
        Of the viewer that shows it.

    Attributes
    ----------
    layer : napari.layers.Image
    """

    def __init__(self, video: Video, dims: Dims) -> None:
        frames = FrameArray(video, dims)
        self.layer = Image(frames, name=NAME, rgb=True, contrast_limits=(0, 255), axis_labels=AXES)
        self._n_frames = video.n_frames
        self._dims = dims

    @property
    def frame(self) -> int | None:
        """Frame that napari shows; None where it shows none of the video.

        That is found as napari finds it when it slices the layer: the point of the dims, in world
        coordinates, through the transform of the layer's first axis, rounded to the nearest frame.
        """
        dims = self._dims
        axis = dims.ndim - self.layer.ndim
        if axis < 0 or axis in dims.displayed:
            return None
        rate, start = self._time_transform()
        frame = int(np.round(rate * dims.point[axis] + start))
        return frame if 0 <= frame < self._n_frames else None

    def show(self, frame: int) -> None:
        """Move the dims to where napari shows ``frame``; at the ends of the video it stops."""
        axis = self._dims.ndim - self.layer.ndim
        rate, start = self._time_transform()
        if axis < 0 or rate == 0:
            return
        number = min(max(frame, 0), self._n_frames - 1)
        for _ in range(2):  # napari's slider first moves the point to the nearest of its own steps
            self._dims.set_point(axis, (number - start) / rate)
            if self.frame == number:
                return

    def pixels_to_world(self) -> FloatArray:
        """Return where napari draws the pixels of a frame.

        Returns
        -------
        ndarray, (3, 3) float64
            Affine matrix from (y, x) in pixels of the video to (y, x) in the world.
        """
        origin, down, right = (
            np.array(self.layer.data_to_world(place)) for place in ((0, 0, 0), (0, 1, 0), (0, 0, 1))
        )
        matrix = np.eye(3)
        matrix[:2] = np.column_stack([down - origin, right - origin, origin])[1:]
        return matrix

    def pixel_size(self) -> float:
        """Side of a pixel of the video in the world; of one that is no square, the geometric mean."""
        return float(np.sqrt(abs(np.linalg.det(self.pixels_to_world()[:2, :2]))))

    def _time_transform(self) -> tuple[float, float]:
        """Frames for one of the world along the first axis, and the frame at its origin."""
        start, after = (float(self.layer.world_to_data(place)[0]) for place in ((0, 0, 0), (1, 0, 0)))
        rate = after - start
        axis = self._dims.ndim - self.layer.ndim
        if self._dims.units is not None and 0 <= axis < len(self._dims.units):
            rate *= float((1 * self._dims.units[axis]).to(self.layer.units[0]).magnitude)
        return rate, start
