"""What a network is given and how much at a time; without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CONTEXT = 4
"""Frames more than results in what a network with temporal context is given: two on either side."""


PIXELS_ON_CPU = 2**18
SMALLEST_ON_CPU, LARGEST_ON_CPU = 4, 16
"""On a CPU a batch is quickest while its layers fit the caches: 16 images of 128x128, 4 of 256x256. Twice
as many were a twentieth faster in a whole video, since the weights of deep layers are read half as often;
but each takes memory, and a batch of frames that changed here and there has more empty places."""


@dataclass(frozen=True)
class Samples:
    """Some frames, each as the pixels a bilinear resize reads of it.

    Attributes
    ----------
    corners : ndarray, (B, 2 * H, 2 * W, 3) uint8
        RGB; rows and columns come in the pairs that are mixed.
    weights_y : ndarray, (B, H) float32
        Of the second row of a pair.
    weights_x : ndarray, (B, W) float32
        Of the second column of a pair.
    boxes : ndarray, (B, 4) float32
        ``x, y, h, w`` that the pixels show, in pixels of the frame, in Lightning Pose's order.
    """

    corners: NDArray[np.uint8]
    weights_y: NDArray[np.float32]
    weights_x: NDArray[np.float32]
    boxes: NDArray[np.float32]


Examples = Callable[[tuple[int, int]], Samples]
"""Returns some frames of a video, for a network's image of (height, width) pixels."""


class Network(Protocol):
    """What finds keypoints in samples of frames.

    Attributes
    ----------
    context : bool
        Whether it looks at frames before and after, see ``CONTEXT``.
    device_type : str
        ``cpu``, ``cuda`` or ``mps``.
    n_keypoints : int
        How many body parts it finds.
    """

    context: bool

    @property
    def device_type(self) -> str: ...

    @property
    def n_keypoints(self) -> int: ...

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]: ...


def image_size(config: Any) -> tuple[int, int]:
    """Height and width in pixels of the network's image in a model's configuration."""
    size = config.data.image_resize_dims
    return int(size.height), int(size.width)


def batch_on_cpu(size: tuple[int, int]) -> int:
    """Images of (height, width) pixels to give a network on a CPU at a time."""
    height, width = size
    return min(max(PIXELS_ON_CPU // (height * width), SMALLEST_ON_CPU), LARGEST_ON_CPU)


def usual_batch_size(network: Network, config: Any) -> int:
    """Frames to give a network at a time where nobody has said how many."""
    if network.device_type == "cpu":
        return batch_on_cpu(image_size(config))
    kind = "context" if network.context else "base"
    configured = int(config.dali[kind].predict.sequence_length)
    return max(configured - (CONTEXT if network.context else 0), 1)


def blank(size: tuple[int, int], count: int) -> Samples:
    """``count`` black frames of (height, width) pixels."""
    height, width = size
    return Samples(
        np.zeros((count, 2 * height, 2 * width, 3), np.uint8),
        np.zeros((count, height), np.float32),
        np.zeros((count, width), np.float32),
        np.tile(np.array([0, 0, height, width], np.float32), (count, 1)),
    )


def noise(size: tuple[int, int], count: int) -> Samples:
    """``count`` frames of noise, always the same, of (height, width) pixels."""
    samples = blank(size, count)
    pixels = np.random.default_rng(0).integers(0, 256, samples.corners.shape, np.uint8)
    return replace(samples, corners=pixels)
