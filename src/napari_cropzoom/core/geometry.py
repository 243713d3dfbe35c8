"""Between the pixels of a crop and the pixels of the full frame, box by box.

A crop shows the box ``x, y, w, h`` resized to ``W, H`` pixels, so for every frame
``x_frame = x_box + x_crop * w / W``, the mapping of ``lightning_pose.data.bboxes.norm_to_frame``.
"""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import FloatArray


def crop_to_frame(xy_crop: FloatArray, boxes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Keypoints of the crop in pixels of the full frame.

    Parameters
    ----------
    xy_crop : ndarray, (T, K, 2)
        Pixels of the crop.
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels of the full frame.
    size : (int, int)
        Width and height of the crop in pixels.

    Returns
    -------
    ndarray, (T, K, 2)
    """
    scale = boxes[:, None, 2:] / np.asarray(size, float)
    result: FloatArray = xy_crop * scale + boxes[:, None, :2]
    return result


def frame_to_crop(xy_frame: FloatArray, boxes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Keypoints of the full frame in pixels of the crop; the inverse of :func:`crop_to_frame`."""
    scale = boxes[:, None, 2:] / np.asarray(size, float)
    result: FloatArray = (xy_frame - boxes[:, None, :2]) / scale
    return result
