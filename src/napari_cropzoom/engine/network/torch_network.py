"""A Lightning Pose network in memory, from samples of frames to keypoints in the frame."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Notify
from napari_cropzoom.engine.model_folder import one_line
from napari_cropzoom.engine.network.batchnorm import folded
from napari_cropzoom.engine.network.devices import (
    CPU,
    MPS,
    InSingle,
    best_device,
    half_precision,
    no_tf32,
)
from napari_cropzoom.engine.network.head import Head
from napari_cropzoom.engine.network.heatmaps import speed_up_head, upsampling_of
from napari_cropzoom.engine.network.samples import CONTEXT, FloatArray, Samples, blank

if TYPE_CHECKING:
    import torch


class TorchNetwork:
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
        speed_up_head(getattr(self.module, "head", None))
        self.context = bool(module.do_context)
        self._half = half_precision(self.device.type, precision)
        if self._half and not isinstance(module.head.forward, InSingle):
            module.head.forward = InSingle(module.head.forward)
        self._folded = False
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
        """Compute the same in less time, see :func:`napari_cropzoom.engine.network.batchnorm.folded`."""
        if not self._folded:
            with no_tf32(self.device.type):  # which would hide that both are the same
                self.module.backbone = folded(self.module.backbone, size)
            self._folded = True

    def read_head(self, size: tuple[int, int]) -> Head:
        """Read off what happens around the network, for images of (height, width) pixels.

        Raises
        ------
        CropzoomError
            If this Lightning Pose finds keypoints in another way than is known here.
        """
        import torch

        values = [torch.zeros(0, 0)] * 4
        with torch.inference_mode():
            output = self.module.forward(torch.zeros(1, 3, *size, device=self.device))
            if output.ndim == 4:
                found = upsampling_of(getattr(self.module, "head", None), output)
                if found is None:
                    raise CropzoomError("Only torch finds this model's keypoints. Use --runtime eager.")
                values = [found.tall, found.wide, found.offset, found.temperature]
        values += [self._mean, self._std]
        return Head(*(value.detach().cpu().float().numpy() for value in values))

    def outputs(self, images: torch.Tensor) -> NDArray[np.float32]:
        """What the network makes of (B, 3, H, W) images, before keypoints are found in it."""
        import torch

        with torch.inference_mode(), no_tf32(self.device.type):
            return np.asarray(self.module.forward(images).float().cpu().numpy(), np.float32)

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Predict.

        Returns
        -------
        xy : ndarray, (N, K, 2)
            Pixels of the full frame; N is B, or B - 4 with temporal context.
        likelihood : ndarray, (N, K)
        """
        import torch

        half = torch.autocast(self.device.type, dtype=self._half) if self._half else nullcontext()
        with torch.inference_mode(), half:
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
        """Call Lightning Pose's prediction step, and correct what it does with regression models.

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


def usable_network(module: Any, precision: str, size: tuple[int, int], notify: Notify) -> TorchNetwork:
    """Return a network on the best device that can run it.

    torch lacks some operations on MPS. An image is tried there, so that a network that needs one runs
    on the CPU from the start.

    Parameters
    ----------
    module, precision
        See :class:`Network`.
    size : (int, int)
        Height and width of the network's image in pixels.
    notify : callable
        Called with one line for a person where the CPU has to do.
    """
    if best_device() != MPS:
        return TorchNetwork(module, precision)
    try:
        network = TorchNetwork(module, precision, MPS)
        network(blank(size, CONTEXT + 1 if network.context else 1))
    except (RuntimeError, TypeError, AssertionError) as error:  # TypeError: there is no float64
        notify(f"Apple's mps cannot run this network ({one_line(error)}); it runs on the CPU.")
        return TorchNetwork(module, precision, CPU)
    return network
