"""Convolutions of three by three pixels with less than half of the multiplications.

On a CPU torch computes each output pixel of such a convolution from its nine inputs. Winograd's minimal
filtering computes tiles of ``m * m`` outputs from ``(m + 2) ** 2`` inputs with one multiplication for
each of these and each pair of channels: 2.25 (m = 2) or 4 (m = 4) times fewer. All of it is products of
matrices, which is what processors do best:

    output = A (sum over channels of (G kernel G') * (B input B')) A'

with matrices A, G and B that depend on m only (A. Lavin, S. Gray, *Fast Algorithms for Convolutional
Neural Networks*, 2015). They follow from m + 1 points, as in Toom and Cook's products of polynomials.
With 0, plus and minus 1/sqrt(2) and sqrt(2) the result for m = 4 is off by twice the rounding of torch's
own; with the usual 0, 1 and 2 it would be five times.
"""

from __future__ import annotations

import copy
import math
import threading
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from napari_cropzoom.core.boxes import FloatArray

TAPS = 3
POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))}
"""Where polynomials are evaluated, by the width of a tile of outputs; infinity is one more."""

FULL = 48
"""Rows a matrix needs for its product to be at full speed: fewer wait for the kernel to be read."""
MOVING = 3
"""How much longer a multiplication takes in the products before and after, which move more memory."""
WORTH = 0.85
"""Of the multiplications of torch's own way; with more it is left to torch."""

_MAKING = threading.Lock()


@dataclass(frozen=True)
class Filtering:
    """The matrices of :func:`filtering`, float64, for tiles of ``m`` outputs."""

    m: int
    outputs: FloatArray
    kernels: FloatArray
    inputs: FloatArray


def filtering(m: int) -> Filtering:
    """Return A (m, n), G (n, 3) and B (n, n) of minimal filtering, n = m + 2, for ``m`` in ``POINTS``.

    For a kernel g of 3 and an input d of n numbers ``A @ ((G @ g) * (B @ d))`` are the m numbers
    ``d[i] g[0] + d[i + 1] g[1] + d[i + 2] g[2]``.
    """
    points, n = POINTS[m], m + TAPS - 1
    values = np.vander([*points, 0.0], m, increasing=True)
    kernels = np.vander([*points, 0.0], TAPS, increasing=True)
    inputs = np.zeros((n, n))
    for row, point in enumerate(points):
        others = [other for other in points if other != point]
        kernels[row] /= math.prod(point - other for other in others)
        inputs[row, : n - 1] = np.poly(others)[::-1]
    values[-1], kernels[-1] = np.eye(m)[-1], np.eye(TAPS)[-1]  # at infinity: the highest power alone
    inputs[-1] = np.poly(points)[::-1]
    return Filtering(m, values.T, kernels, inputs)


def in_tiles(network: nn.Module, batch: int) -> nn.Module:
    """Return a copy of a network with the convolutions replaced that can be computed in tiles.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode. It shares its weights with the copy.
    batch : int
        Images usually computed at a time.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    found = copy.deepcopy(network, shared)
    for parent in list(found.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d) and _fits(child):
                setattr(parent, name, QuickConvolution(child, batch))
    return found


def best_tile(batch: int, height: int, width: int, channels: int, kernels: int) -> int | None:
    """Which tile takes least for ``batch`` images of (height, width) outputs; None for torch's own way.

    What counts are multiplications, where a product of few rows counts as one of ``FULL``. The weights
    of this estimate are measured on x86-64, beside a decoding video on 2 cores: of the 22.2 ms that
    resnet18 takes for an image of 128x128, tiles save 3.8 in the layers of 512 channels, 1.2 in those of
    256, 0.4 in those of 128, and nothing in those of 64.
    """
    best, least = None, WORTH * batch * height * width * TAPS**2 * channels * kernels
    for m in POINTS:
        inputs, outputs = (m + 2) ** 2, m**2
        tiles = batch * -(-height // m) * -(-width // m)
        product = inputs * max(tiles, FULL) * channels * kernels
        around = tiles * inputs * (inputs * channels + outputs * kernels)
        if product + MOVING * around < least:
            best, least = m, product + MOVING * around
    return best


class QuickConvolution(nn.Module):
    """A convolution of 3 by 3 pixels, stride 1, padded by 1, in tiles.

    Parameters
    ----------
    own : torch.nn.Conv2d
        Does the work where tiles are not worth it, the input is not in single precision, or gradients are
        asked for.
    batch : int
        Images that the tile is chosen for. A smaller batch has the same tile, so that an image's numbers
        differ by no more than the last digits, as with torch's own way.
    """

    def __init__(self, own: nn.Conv2d, batch: int) -> None:
        super().__init__()
        self.own, self._batch = own, batch
        self._ways: dict[int, _Tiled] = {}

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to (B, K, H, W), channels last in memory."""
        single = images.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if not single or not torch.is_inference_mode_enabled():
            return self.own(images)
        m = best_tile(self._batch, *images.shape[2:], self.own.in_channels, self.own.out_channels)
        if m is None:
            return self.own(images)
        if m not in self._ways:
            with _MAKING:
                if m not in self._ways:
                    self._ways[m] = _Tiled(self.own, filtering(m))
        rows = self._ways[m](images.permute(0, 2, 3, 1))
        return rows.permute(0, 3, 1, 2)


class _Tiled:
    """The work for one size of tiles, with the kernels transformed."""

    def __init__(self, own: nn.Conv2d, by: Filtering) -> None:
        self._m, self._n = by.m, by.m + TAPS - 1
        self._channels, self._kernels = own.in_channels, own.out_channels
        self._inputs = torch.from_numpy(np.kron(by.inputs, by.inputs)).float()
        self._outputs = torch.from_numpy(np.kron(by.outputs, by.outputs)).float()
        matrix = torch.from_numpy(by.kernels)
        weights = torch.einsum("ij,kcjl,ml->imck", matrix, own.weight.detach().double(), matrix)
        self._weights = weights.float().reshape(self._n**2, self._channels, self._kernels).contiguous()
        self._bias = None if own.bias is None else own.bias.detach()

    def __call__(self, images: Tensor) -> Tensor:
        """(B, H, W, C) to (B, H, W, K), some images at a time, so that they stay in the cache."""
        count, height, width, _ = images.shape
        down, along = -(-height // self._m), -(-width // self._m)
        result = torch.empty(count, down * self._m, along * self._m, self._kernels)
        at_once = -(-self._kernels // (down * along))
        for some, of in zip(images.split(at_once), result.split(at_once), strict=True):
            self._convolve(some, of, down, along)
        return result[:, :height, :width]

    def _convolve(self, images: Tensor, result: Tensor, down: int, along: int) -> None:
        m, n, channels, kernels = self._m, self._n, self._channels, self._kernels
        count, height, width, _ = images.shape
        tiles = count * down * along
        padded = _SPACE.padded((count, down * m + 2, along * m + 2, channels), height, width)
        padded[:, 1 : height + 1, 1 : width + 1] = images
        image, row, pixel, channel = padded.stride()
        windows = padded.as_strided(
            (n, n, count, down, along, channels), (row, pixel, image, m * row, m * pixel, channel)
        )
        one, other = _SPACE.pair(n * n * tiles * max(channels, kernels))

        gathered = _taken(one, n, n, count, down, along, channels).copy_(windows)
        inputs = _taken(other, n * n, tiles * channels)
        torch.mm(self._inputs, gathered.view(n * n, -1), out=inputs)
        products = _taken(one, n * n, tiles, kernels)
        torch.bmm(inputs.view(n * n, tiles, channels), self._weights, out=products)
        outputs = _taken(other, m * m, tiles * kernels)
        torch.mm(self._outputs, products.view(n * n, -1), out=outputs)
        if self._bias is not None:
            outputs.view(-1, kernels).add_(self._bias)
        placed = outputs.view(m, m, count, down, along, kernels).permute(2, 3, 0, 4, 1, 5)
        result.view(count, down, m, along, m, kernels).copy_(placed)


class _Space(threading.local):
    """Memory of one thread, used by convolutions in turn: asking for it each time takes longer."""

    def __init__(self) -> None:
        self._pair = (torch.empty(0), torch.empty(0))
        self._padded: dict[tuple[int, ...], Tensor] = {}

    def pair(self, length: int) -> tuple[Tensor, Tensor]:
        """Two tensors of at least so many numbers, whatever they hold."""
        if len(self._pair[0]) < length:
            self._pair = (torch.empty(length), torch.empty(length))
        return self._pair

    def padded(self, shape: tuple[int, int, int, int], height: int, width: int) -> Tensor:
        """A tensor that is zero but for the (height, width) pixels in the middle of its images."""
        key = (*shape, height, width)
        if key not in self._padded:
            self._padded[key] = torch.zeros(shape)
        return self._padded[key]


_SPACE = _Space()


def _taken(space: Tensor, *shape: int) -> Tensor:
    return space[: math.prod(shape)].view(shape)


def _fits(convolution: nn.Conv2d) -> bool:
    return (
        convolution.kernel_size == (TAPS, TAPS)
        and convolution.stride == convolution.dilation == (1, 1)
        and convolution.padding in ((1, 1), "same")
        and convolution.padding_mode == "zeros"
        and convolution.groups == 1
        and convolution.weight.device.type == "cpu"
    )
