"""Keypoints of heatmaps as Lightning Pose finds them, upsampled by two matrices.

Before its soft argmax Lightning Pose doubles a heatmap's size by bicubic interpolation and blurs it, once
for each factor of two by which the network has made it smaller. On a CPU that took 2.4 ms a frame where
all of resnet18 took 8.8. It is linear and does the same to rows and columns, so that two matrices do it
in 0.1 ms, differing by rounding only. They are read off Lightning Pose's own function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_cropzoom.engine.network.devices import InSingle

if TYPE_CHECKING:
    import torch

    Maxima = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    Upsample = Callable[[torch.Tensor], torch.Tensor]

TOLERANCE = 1e-5
"""Largest difference of an upsampled heatmap, relative to its largest value, that is trusted."""

SAME = 1e-3
"""Pixels of the network's image, and of likelihood, within which two ways find the same."""

SHORT = 16
"""Pixels in a row that no upsampling reaches across from its middle."""


@dataclass(frozen=True)
class Upsampling:
    """A heatmap's upsampling as matrices (H, h) and (W, w), and what its soft argmax needs."""

    tall: torch.Tensor
    wide: torch.Tensor
    temperature: torch.Tensor
    offset: torch.Tensor

    def maxima(self, heatmaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, K, h, w) to (B, 2 * K) pixels of the network's image and likelihoods (B, K)."""
        from lightning_pose.models.heads.heatmap import run_subpixelmaxima

        upsampled = self.tall @ heatmaps @ self.wide.T
        keypoints, likelihood = run_subpixelmaxima(upsampled, 0, self.temperature)
        return keypoints + self.offset, likelihood


def speed_up_head(head: Any) -> None:
    """Have a head of Lightning Pose find its keypoints in less time.

    A head whose way is another than is known here goes on as before.
    """
    if hasattr(head, "run_subpixelmaxima") and not isinstance(head.run_subpixelmaxima, InSingle):
        head.run_subpixelmaxima = InSingle(_Maxima(head))


def upsampling_of(head: Any, heatmaps: torch.Tensor) -> Upsampling | None:
    """Return what a quickened head upsamples such heatmaps by, None where it goes on as before.

    Parameters
    ----------
    head : object
        Any; heads of other kinds of models have no heatmaps.
    heatmaps : torch.Tensor, (B, K, h, w)
    """
    way = getattr(head, "run_subpixelmaxima", None)
    if not isinstance(way, InSingle) or not isinstance(way.work, _Maxima):
        return None
    return upsampling(head, way.work.own, heatmaps)


class _Maxima:
    """In place of ``head.run_subpixelmaxima``: (B, K, H, W) to (B, 2 * K) and likelihoods (B, K)."""

    def __init__(self, head: Any) -> None:
        self._head = head
        self.own: Maxima = head.run_subpixelmaxima
        self._ways: dict[Any, Maxima] = {}

    def __call__(self, heatmaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        key = (heatmaps.shape[2:], heatmaps.device)
        if key not in self._ways:
            matrices = upsampling(self._head, self.own, heatmaps)
            self._ways[key] = self.own if matrices is None else matrices.maxima
        return self._ways[key](heatmaps)


def upsampling(head: Any, own: Maxima, heatmaps: torch.Tensor) -> Upsampling | None:
    """Return the quick way for heatmaps of such a size, None where it finds something else.

    Parameters
    ----------
    head : lightning_pose.models.heads.HeatmapHead
    own : callable
        Its own way, from heatmaps to keypoints and likelihoods.
    heatmaps : torch.Tensor, (B, K, h, w)
    """
    import torch

    try:
        from lightning_pose.models.heads.heatmap import run_subpixelmaxima, upsample

        times, temperature = int(head.downsample_factor), head.temperature
    except (ImportError, AttributeError):  # another Lightning Pose than this was written for
        return None

    def doubled(images: torch.Tensor) -> torch.Tensor:
        for _ in range(times):
            images = upsample(images)
        return images

    height, width = heatmaps.shape[2:]
    tall, wide = (_matrix(doubled, length, heatmaps) for length in (height, width))
    example = peaks(heatmaps)
    wanted, found = doubled(example), tall @ example @ wide.T
    if not bool((wanted - found).abs().max() <= TOLERANCE * wanted.abs().max()):
        return None
    points, trust = run_subpixelmaxima(found, 0, temperature)
    wanted_points, wanted_trust = own(example)
    offset = (wanted_points - points).median()
    same = torch.allclose(points + offset, wanted_points, rtol=0, atol=SAME)
    if not same or not torch.allclose(trust, wanted_trust, rtol=0, atol=SAME):
        return None
    return Upsampling(tall, wide, temperature, offset)


def _matrix(doubled: Upsample, length: int, like: torch.Tensor) -> torch.Tensor:
    """What upsampling does to a column of ``length`` pixels, as a matrix: (F * length, length) float32.

    What becomes of an image with a single bright pixel is the product of what becomes of its column and
    of its row. All columns are read where the row of a pixel in the middle is brightest, and that row is
    short: as many whole images would take a gigabyte.
    """
    import torch

    middle = SHORT // 2
    dot = torch.zeros(1, 1, SHORT, SHORT)
    dot[0, 0, middle, middle] = 1
    square = doubled(dot)[0, 0]
    brightest = int(square.amax(0).argmax())
    dots = torch.zeros(length, 1, length, SHORT)
    dots[range(length), 0, range(length), middle] = 1
    columns = doubled(dots)[:, 0, :, brightest] / square[brightest, brightest].sqrt()
    return columns.T.contiguous().to(like.device)


def peaks(like: torch.Tensor) -> torch.Tensor:
    """(1, K, H, W) heatmaps with a peak each, all somewhere else, that sum to one."""
    import torch

    parts, height, width = like.shape[1:]
    rows, columns = torch.arange(height).float(), torch.arange(width).float()
    places = (torch.arange(parts) + 0.5) / parts
    down = torch.exp(-((rows - places[:, None] * (height - 1)) ** 2) / 3)
    along = torch.exp(-((columns - places.flip(0)[:, None] * (width - 1)) ** 2) / 3)
    peaks = down[:, :, None] * along[:, None, :]
    return (peaks / peaks.sum((1, 2), keepdim=True))[None].to(like.device)
