"""An ONNX export run without torch: what Lightning Pose does around its network, in numpy.

Importing torch and Lightning Pose takes seconds and most of a gigabyte, and once an export of a heatmap
model is trusted nothing of them is needed but two small matrices and a few numbers, a :class:`Head`.
Those are read off Lightning Pose when it is there (:mod:`napari_cropzoom.pipeline.exported`), compared
with it, and kept beside the export in ``<export>.npz``: ``version`` (1), ``checkpoint`` (SHA-256) and the
attributes of :class:`Head`.
"""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.pipeline.exports import Export, cannot_open
from napari_cropzoom.pipeline.fingerprint import hash_of
from napari_cropzoom.pipeline.models import ModelFolder

if TYPE_CHECKING:
    from napari_cropzoom.pipeline.network import FloatArray, Samples

VERSION = 1
REACH = 2
"""Pixels around a keypoint whose probabilities make its likelihood: two standard deviations of 1.25."""

Single = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Head:
    """What becomes of pixels before, and of heatmaps after a network.

    Attributes
    ----------
    tall, wide : ndarray, (H, h) and (W, w) float32
        Upsampling of a heatmap's columns and rows to the image's size, see
        :mod:`napari_cropzoom.pipeline.subpixel`.
    offset : ndarray, () float32
        Pixels to add to keypoints.
    temperature : ndarray, () float32
        Factor of heatmaps before the softmax.
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

    def keypoints(self, heatmaps: Single) -> tuple[Single, Single]:
        """Find keypoints as Lightning Pose does (``run_subpixelmaxima``): by soft argmax.

        Parameters
        ----------
        heatmaps : ndarray, (B, K, h, w)

        Returns
        -------
        xy : ndarray, (B, K, 2)
            Pixels of the network's image.
        likelihood : ndarray, (B, K)
        """
        chances = np.matmul(self.tall, heatmaps @ self.wide.T)
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

    def write(self, export: Export) -> None:
        """Put it beside an export of the checkpoint that is there now.

        Raises
        ------
        CropzoomError
            If the folder cannot be written to.
        """
        assert export.folder.checkpoint is not None
        content = {"version": VERSION, "checkpoint": hash_of(export.folder.checkpoint)}
        with atomic_path(head_path(export)) as part, part.open("wb") as file:
            np.savez(file, **content, **dataclasses.asdict(self))

    @classmethod
    def read(cls, export: Export) -> Head | None:
        """Return what lies beside an export; None if there is nothing for this checkpoint."""
        assert export.folder.checkpoint is not None
        names = [field.name for field in dataclasses.fields(cls)]
        try:
            with np.load(head_path(export), allow_pickle=False) as content:
                made_for = (int(content["version"]), str(content["checkpoint"]))
                if made_for != (VERSION, hash_of(export.folder.checkpoint)):
                    return None
                head = cls(*(content[name].astype(np.float32) for name in names))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        sizes = (len(head.tall), len(head.wide))
        return head if sizes == export.folder.image_size else None


def _lerp(first: Single, second: Single, weight: Single) -> Single:
    second -= first
    second *= weight
    second += first
    return second


def _within(places: NDArray[np.intp], length: int) -> NDArray[np.bool_]:
    return (places >= 0) & (places < length)


def head_path(export: Export) -> Path:
    """Where an export's :class:`Head` is."""
    return export.path.with_suffix(".npz")


class LeanNetwork:
    """An export with its head: from samples of frames to keypoints in the frame, on the processor.

    As :class:`napari_cropzoom.pipeline.network.Network`, without torch.

    Parameters
    ----------
    path : Path
        The export.
    head : Head
    threads : int
        Cores for one call; several calls may run side by side.

    Raises
    ------
    CropzoomError
        If onnxruntime cannot open the export.
    """

    context = False
    device_type = "cpu"

    def __init__(self, path: Path, head: Head, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # fatal ones: what it says is in the error too
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's have no common class
            raise cannot_open(path, error) from error
        self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self.head = head

    @property
    def n_keypoints(self) -> int:
        """How many body parts it finds."""
        return int(self._output.shape[1])

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Predict.

        Returns
        -------
        xy : ndarray, (B, K, 2)
            Pixels of the full frame.
        likelihood : ndarray, (B, K)
        """
        images = self.head.images(samples)
        (heatmaps,) = self._session.run([self._output.name], {self._input.name: images})
        xy, likelihood = self.head.keypoints(heatmaps)
        x, y, height, width = samples.boxes.T[:, :, None]
        xy[..., 0] = xy[..., 0] / np.float32(images.shape[3]) * width + x
        xy[..., 1] = xy[..., 1] / np.float32(images.shape[2]) * height + y
        return xy.astype(np.float64), likelihood.astype(np.float64)


def find_lean(
    folder: ModelFolder, overrides: Sequence[str], onnx_precision: str | None, threads: int
) -> LeanNetwork | None:
    """Open a model's export without torch, if it is known that this gives what Lightning Pose does.

    Parameters
    ----------
    folder : ModelFolder
    overrides : sequence of str
        Of the configuration; with any, Lightning Pose has to read it.
    onnx_precision : {"fp32", "fp16"} or None
    threads : int
        See :class:`LeanNetwork`.

    Returns
    -------
    LeanNetwork or None
        None also where onnxruntime could use a graphics card.
    """
    if overrides or onnx_precision == "fp16" or folder.checkpoint is None:
        return None
    export = Export(folder, "fp32")
    if not export.is_there or (head := Head.read(export)) is None:
        return None
    record = export.known("cpu")
    if record is None or not record.trusted or export.is_of_another_model():
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return None
    return LeanNetwork(export.path, head, threads)
