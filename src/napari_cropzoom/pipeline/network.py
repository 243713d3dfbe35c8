"""A Lightning Pose network in memory, from samples of frames to keypoints in the frame."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.pipeline.devices import CPU, MPS, InSingle, best_device, half_precision, no_tf32
from napari_cropzoom.pipeline.fusion import folded
from napari_cropzoom.pipeline.models import one_line
from napari_cropzoom.pipeline.progress import Tell
from napari_cropzoom.pipeline.subpixel import quicken

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

FloatArray = NDArray[np.float64]
CONTEXT = 4
"""Frames more than results in what a network with temporal context is given: two on either side."""


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


class AnyNetwork(Protocol):
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


class Network:
    """A Lightning Pose model on a device, from samples of frames to keypoints in the frame.

    Parameters
    ----------
    module : LightningModule
        With the ``predict_step`` of Lightning Pose's models of one view.
    precision : str
        ``fp32``, ``fp16`` or ``bf16``; on a CPU ``fp16`` runs as ``bf16``, as with ``litpose``. The head
        computes in single precision all the same: its soft argmax makes pixels of what rounding leaves
        of a heatmap, and next to the backbone it costs little. On the sample, half precision throughout
        moves a keypoint by 0.18 (fp16) or 1.5 pixels (bf16) in the median, this by 0.01 and 0.06.
    device : str or None
        ``cpu``, ``cuda`` or ``mps``; None for the best there is.
    """

    def __init__(self, module: Any, precision: str, device: str | None = None) -> None:
        import torch
        from lightning_pose.data import _IMAGENET_MEAN, _IMAGENET_STD

        self.device = torch.device(device or best_device())
        self.module = module.float().eval().to(self.device)
        quicken(getattr(self.module, "head", None))
        self.context = bool(module.do_context)
        self._half = half_precision(self.device.type, precision)
        if self._half and not isinstance(module.head.forward, InSingle):
            module.head.forward = InSingle(module.head.forward)
        self._folded = self._exported = False
        self._mean = torch.tensor(_IMAGENET_MEAN, device=self.device)
        self._std = torch.tensor(_IMAGENET_STD, device=self.device)

    @property
    def device_type(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return str(self.device.type)

    @property
    def n_keypoints(self) -> int:
        """How many body parts it finds."""
        return int(self.module.num_keypoints)

    def fold(self, size: tuple[int, int]) -> None:
        """Compute the same in less time, see :func:`napari_cropzoom.pipeline.fusion.folded`."""
        if not self._folded:
            with no_tf32(self.device.type):  # which would hide that both are the same
                self.module.backbone = folded(self.module.backbone, size)
            self._folded = True

    @property
    def normalizing(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of red, green and blue between 0 and 1, (3,) each."""
        return self._mean, self._std

    def run_with(self, forward: Callable[[torch.Tensor], torch.Tensor] | None) -> None:
        """Have an exported forward pass, in its own precision, take the place of the network's.

        Parameters
        ----------
        forward : callable or None
            From (B, 3, H, W) images to what the network returns; None for the network itself.
        """
        vars(self.module).pop("forward", None)
        self._exported = forward is not None
        if forward is not None:
            self.module.forward = forward

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Predict.

        Returns
        -------
        xy : ndarray, (N, K, 2)
            Pixels of the full frame; N is B, or B - 4 with temporal context.
        likelihood : ndarray, (N, K)
        """
        import torch

        half = None if self._exported else self._half
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=half) if half else nullcontext(),
        ):
            return self.keypoints(self.images(samples), samples.boxes)

    def keypoints(
        self, images: torch.Tensor, boxes: NDArray[np.float32]
    ) -> tuple[FloatArray, FloatArray]:
        """Predict images as the network takes them, in single precision unless within autocast.

        Parameters
        ----------
        images : torch.Tensor, (B, 3, H, W) float32
        boxes : ndarray, (B, 4) float32
            See :class:`Samples`.

        Returns
        -------
        xy, likelihood : ndarray
            As when called.
        """
        import torch

        batch = {
            "frames": images,
            "bbox": torch.from_numpy(boxes).to(self.device),
            "transforms": torch.tensor([-1.0], device=self.device),
            "is_multiview": False,
        }
        with torch.inference_mode(), no_tf32(self.device.type):
            xy, likelihood = self._predict(batch)
        xy = xy.reshape(len(xy), -1, 2)
        # on the CPU: MPS has no float64
        return xy.cpu().double().numpy(), likelihood.cpu().double().numpy()

    def _predict(self, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """Call Lightning Pose's prediction step, mending what it does with regression models.

        There it leaves keypoints in pixels of the network's image and says that it trusts none, while
        ``Model.predict_frame`` puts them into the frame with likelihood 1.
        """
        import torch
        from lightning_pose.data.bboxes import model_to_frame_batch
        from lightning_pose.models import RegressionTracker

        xy, likelihood = self.module.predict_step(batch, 0)
        if isinstance(self.module, RegressionTracker):
            xy, likelihood = model_to_frame_batch(batch, xy), torch.ones_like(likelihood)
        return xy, likelihood

    def images(self, samples: Samples) -> torch.Tensor:
        """Mix the corners and normalise as in training: (B, 3, H, W) float32."""
        import torch

        count, height, width = *samples.weights_y.shape, samples.weights_x.shape[1]
        pixels = torch.from_numpy(samples.corners).to(self.device)
        pixels = pixels.view(count, height, 2, width, 2, 3).float()
        weights_y = torch.from_numpy(samples.weights_y).to(self.device)[:, :, None, None, None]
        weights_x = torch.from_numpy(samples.weights_x).to(self.device)[:, None, :, None]
        rows = torch.lerp(pixels[:, :, 0], pixels[:, :, 1], weights_y)
        image = torch.lerp(rows[..., 0, :], rows[..., 1, :], weights_x) / 255
        return ((image - self._mean) / self._std).permute(0, 3, 1, 2)


def usable_network(module: Any, precision: str, size: tuple[int, int], tell: Tell) -> Network:
    """Return a network on the best device that can run it.

    torch lacks some operations on MPS. An image is tried there, so that a network that needs one runs
    on the CPU from the start.

    Parameters
    ----------
    module, precision
        See :class:`Network`.
    size : (int, int)
        Height and width of the network's image in pixels.
    tell : callable
        Called with one line for a person where the CPU has to do.
    """
    if best_device() != MPS:
        return Network(module, precision)
    try:
        network = Network(module, precision, MPS)
        network(blank(size, CONTEXT + 1 if network.context else 1))
    except (RuntimeError, TypeError, AssertionError) as error:  # TypeError: there is no float64
        tell(f"Apple's mps cannot run this network ({one_line(error)}); it runs on the CPU.")
        return Network(module, precision, CPU)
    return network


def blank(size: tuple[int, int], count: int) -> Samples:
    """``count`` black frames of (height, width) pixels."""
    height, width = size
    return Samples(
        np.zeros((count, 2 * height, 2 * width, 3), np.uint8),
        np.zeros((count, height), np.float32),
        np.zeros((count, width), np.float32),
        np.tile(np.array([0, 0, height, width], np.float32), (count, 1)),
    )
