"""What Lightning Pose does around its network, in numpy: pixels to images, heatmaps to keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.engine.network.samples import Samples

REACH = 2
"""Pixels around a keypoint whose probabilities make its likelihood: two standard deviations of 1.25."""

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """What becomes of pixels before a network, and of its output after it.

    Attributes
    ----------
    tall, wide : ndarray, (H, h) and (W, w) float32
        Upsampling of a heatmap's columns and rows to the image's size, see
        :mod:`napari_cropzoom.engine.network.heatmaps`; empty where the output is keypoints.
    offset, temperature : ndarray, () float32
        Pixels to add to keypoints, and factor of heatmaps before the softmax.
    mean, std : ndarray, (3,) float32
        Of red, green and blue between 0 and 1, for normalising.
    """

    tall: Single
    wide: Single
    offset: Single
    temperature: Single
    mean: Single
    std: Single

    def images(self, samples: Samples) -> Single:
        """Mix the corners and normalise as in training: (B, 3, H, W)."""
        count, height, width = *samples.weights_y.shape, samples.weights_x.shape[1]
        pairs = samples.corners.reshape(count, height, 2, 6 * width)
        first, second = (pairs[:, :, row].astype(np.float32) for row in (0, 1))
        rows = _lerp(first, second, samples.weights_y[:, :, None])
        planes = np.ascontiguousarray(rows.reshape(count, height, width, 6).transpose(0, 3, 1, 2))
        image = _lerp(planes[:, :3], planes[:, 3:], samples.weights_x[:, None, None, :])
        image /= np.float32(255)
        image -= self.mean[:, None, None]
        image /= self.std[:, None, None]
        return np.ascontiguousarray(image)

    def keypoints(self, output: Single) -> tuple[Single, Single]:
        """Find keypoints as Lightning Pose does (``run_subpixelmaxima``): by soft argmax of heatmaps.

        Parameters
        ----------
        output : ndarray, (B, K, h, w) heatmaps or (B, 2 * K) keypoints

        Returns
        -------
        xy : ndarray, (B, K, 2)
            Pixels of the network's image.
        likelihood : ndarray, (B, K)
            1 where the network says none.
        """
        if not self.tall.size:
            xy = output.reshape(len(output), -1, 2)
            return xy, np.ones(xy.shape[:2], np.float32)
        chances = np.matmul(self.tall, output @ self.wide.T)
        chances *= self.temperature
        chances -= chances.max(axis=(2, 3), keepdims=True)
        np.exp(chances, out=chances)
        chances /= chances.sum(axis=(2, 3), keepdims=True)
        height, width = chances.shape[2:]
        x = chances.sum(axis=2) @ np.arange(width, dtype=np.float32)
        y = chances.sum(axis=3) @ np.arange(height, dtype=np.float32)
        around = np.arange(-REACH, REACH + 1)
        rows, columns = (np.nan_to_num(v).astype(np.intp)[..., None] + around for v in (y, x))
        inside = _within(rows, height)[..., :, None] & _within(columns, width)[..., None, :]
        first, second = np.ogrid[: len(chances), : chances.shape[1]]
        near = chances[
            first[..., None, None],
            second[..., None, None],
            rows.clip(0, height - 1)[..., :, None],
            columns.clip(0, width - 1)[..., None, :],
        ]
        likelihood = np.where(inside, near, 0).sum(axis=(2, 3))
        return np.stack([x, y], axis=2) + self.offset, likelihood


def _lerp(first: Single, second: Single, weight: Single) -> Single:
    second -= first
    second *= weight
    second += first
    return second


def _within(places: NDArray[np.intp], length: int) -> NDArray[np.bool_]:
    return (places >= 0) & (places < length)
