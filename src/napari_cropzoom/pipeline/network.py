"""A Lightning Pose network in memory, from samples of frames to keypoints in the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.pipeline.fusion import folded

if TYPE_CHECKING:
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


class Network:
    """A Lightning Pose model on a device, from samples of frames to keypoints in the frame.

    Parameters
    ----------
    module : LightningModule
        With the ``predict_step`` of Lightning Pose's models of one view.
    precision : str
        ``fp32``, ``fp16`` or ``bf16``; on a CPU ``fp16`` runs as ``bf16``, as with ``litpose``.
    """

    def __init__(self, module: Any, precision: str) -> None:
        import torch
        from lightning_pose.data import _IMAGENET_MEAN, _IMAGENET_STD

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.module = module.float().eval().to(self.device)
        self.context = bool(module.do_context)
        half = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        self._dtype = {"fp16": half, "bf16": torch.bfloat16}.get(precision)
        self._mean = torch.tensor(_IMAGENET_MEAN, device=self.device)
        self._std = torch.tensor(_IMAGENET_STD, device=self.device)

    def fold(self, size: tuple[int, int]) -> None:
        """Compute the same in less time, see :func:`napari_cropzoom.pipeline.fusion.folded`."""
        self.module.backbone = folded(self.module.backbone, size)

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Predict.

        Returns
        -------
        xy : ndarray, (N, K, 2)
            Pixels of the full frame; N is B, or B - 4 with temporal context.
        likelihood : ndarray, (N, K)
        """
        import torch

        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=self._dtype, enabled=self._dtype is not None),
        ):
            batch = {
                "frames": self.images(samples),
                "bbox": torch.from_numpy(samples.boxes).to(self.device),
                "transforms": torch.tensor([-1.0], device=self.device),
                "is_multiview": False,
            }
            xy, likelihood = self._predict(batch)
        xy = xy.reshape(len(xy), -1, 2)
        return xy.double().cpu().numpy(), likelihood.double().cpu().numpy()

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
