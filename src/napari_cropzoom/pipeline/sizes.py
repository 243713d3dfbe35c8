"""How large a network's image is, and how many of them it is given at a time."""

from __future__ import annotations

from typing import Any

from napari_cropzoom.pipeline.network import CONTEXT, AnyNetwork

PIXELS_ON_CPU = 2**18
SMALLEST_ON_CPU, LARGEST_ON_CPU = 4, 16
"""On a CPU a batch is quickest while its layers fit the caches: 16 images of 128x128, 4 of 256x256. Twice
as many were a twentieth faster in a whole video, since the weights of deep layers are read half as often;
but each takes memory, and a batch of frames that changed here and there has more empty places."""


def image_size(config: Any) -> tuple[int, int]:
    """Height and width in pixels of the network's image in a model's configuration."""
    size = config.data.image_resize_dims
    return int(size.height), int(size.width)


def batch_on_cpu(size: tuple[int, int]) -> int:
    """Images of (height, width) pixels to give a network on a CPU at a time."""
    height, width = size
    return min(max(PIXELS_ON_CPU // (height * width), SMALLEST_ON_CPU), LARGEST_ON_CPU)


def usual_batch_size(network: AnyNetwork, config: Any) -> int:
    """Frames to give a network at a time where nobody has said how many."""
    if network.device_type == "cpu":
        return batch_on_cpu(image_size(config))
    kind = "context" if network.context else "base"
    configured = int(config.dali[kind].predict.sequence_length)
    return max(configured - (CONTEXT if network.context else 0), 1)
