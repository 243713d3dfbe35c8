"""Convolutions of one pixel on a processor, by the quicker of torch's two ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


@dataclass(frozen=True)
class OnePixel:
    """In place of a convolution's ``forward``: oneDNN itself is called.

    A thread that torch may give one core only, as each of ours, else copies every image before it
    convolves pixel by pixel (``use_mkldnn`` in torch's ``Convolution.cpp``). Sums are in another order.
    """

    convolution: torch.nn.Conv2d
    own: Callable[[torch.Tensor], torch.Tensor]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        import torch

        if torch.is_autocast_enabled(images.device.type):
            return self.own(images)
        how = self.convolution
        padding, stride, dilation = how.padding, how.stride, how.dilation
        return torch.mkldnn_convolution(
            images, how.weight, how.bias, padding, stride, dilation, how.groups
        )


def quicken(backbone: torch.nn.Module) -> None:
    """Have a backbone on a processor take the quicker way for its convolutions of one pixel.

    Elsewhere, and where torch was built without oneDNN, it stays as it is.
    """
    import torch

    if next(backbone.parameters()).device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return
    for part in backbone.modules():
        plain = isinstance(part, torch.nn.Conv2d) and part.padding_mode == "zeros"
        if plain and part.kernel_size == (1, 1) and not isinstance(part.padding, str):
            part.forward = OnePixel(part, part.forward)
