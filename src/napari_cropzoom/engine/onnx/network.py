"""An ONNX export run without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.network.devices import may_use_cards
from napari_cropzoom.engine.network.head import Head, Single
from napari_cropzoom.engine.network.samples import FloatArray, Samples

GPU = ("CUDAExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})


class OnnxNetwork:
    """An export with its head, each call on so many ``threads``; see `engine.network.samples.Network`.

    Raises a `CropzoomError` if onnxruntime cannot open the export.
    """

    context = False

    def __init__(self, path: Path, head: Head, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # fatal ones: what it says is in the error too
        usable = onnxruntime.get_available_providers()
        providers = [*([GPU] if GPU[0] in usable and may_use_cards() else []), "CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's have no common class
            raise _cannot_open(path, error) from error
        self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self._type = np.float16 if "16" in self._input.type else np.float32
        self.device_type = "cuda" if GPU[0] in self._session.get_providers() else "cpu"
        self.head = head

    @property
    def n_keypoints(self) -> int:
        """How many body parts it finds."""
        return int(self._output.shape[1]) // (1 if self.head.tall.size else 2)

    def outputs(self, images: Single) -> Single:
        """Heatmaps (B, K, h, w), or keypoints (B, 2 * K), of images (B, 3, H, W)."""
        given = {self._input.name: images.astype(self._type, copy=False)}
        (found,) = self._session.run([self._output.name], given)
        return np.asarray(found, np.float32)

    def __call__(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Predict: (B, K, 2) pixels of the full frame, and likelihoods (B, K)."""
        images = self.head.images(samples)
        xy, likelihood = self.head.keypoints(self.outputs(images))
        x, y, height, width = samples.boxes.T[:, :, None]
        xy[..., 0] = xy[..., 0] / np.float32(images.shape[3]) * width + x
        xy[..., 1] = xy[..., 1] / np.float32(images.shape[2]) * height + y
        return xy.astype(np.float64), likelihood.astype(np.float64)


def _cannot_open(path: Path, error: Exception) -> CropzoomError:
    """Say what onnxruntime has against an export, whose weights may lie in a file beside it."""
    said = " ".join(str(error).split())
    weights = path.with_name(f"{path.name}.data")
    if "external" in said.lower():
        said = f"its weights in {weights.name} are {'cut short' if weights.exists() else 'missing'}"
    return CropzoomError(
        f"{path}: cannot be opened ({said}). Delete it to have it built again, or use --runtime eager."
    )
