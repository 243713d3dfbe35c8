"""A detector in an ONNX file that a person gives, such as an exported YOLO."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cropzoom_detectors.yolo import decoded, final_of, letterbox, names_of, nms, sides_of, wanted_classes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.path import Candidates, best_path
from napari_cropzoom.detection.registry import setting

USUAL_SIDE = 640
TASKS_WITH_MORE = ("segment", "pose")
"""Of networks whose columns go on behind the classes, with masks or keypoints."""
REACH, LEAST_STRENGTH = 0.1, 0.2


@dataclass(frozen=True)
class OnnxSettings:
    """What can be chosen; see the metadata of each field for what it means."""

    model: str = field(
        default="", metadata={"label": "ONNX file", "tooltip": "Path of an exported detector"}
    )
    classes: str = field(
        default="", metadata={"label": "Classes", "tooltip": "Names, with commas between; empty for all"}
    )
    confidence: float = setting(
        0.25, "Least confidence", "Boxes less sure than this do not count", 0.0, 1.0
    )
    overlap: float = setting(
        0.5, "Overlap (NMS)", "Of two boxes that overlap more, the surer is kept", 0.0, 1.0
    )


class OnnxDetector:
    """Boxes of a network; see `napari_cropzoom.detection.registry.Detector`."""

    name = "onnx"
    label = "ONNX file (YOLO)"
    help = "Runs an object detector that was exported as ONNX, such as a YOLO of Ultralytics."
    settings = OnnxSettings

    def detect(self, video: Path, settings: OnnxSettings) -> Stage[np.ndarray]:
        """Run the network on every frame, and follow the animal through what it finds."""
        from napari_cropzoom.video.video import Video

        network = Network(settings)
        with Video(video) as source:
            candidates = Candidates(source.n_frames)
            for number, frame in enumerate(source.stream()):
                if number not in source.index.damage:
                    candidates.put(number, network.boxes(source.to_rgb(frame)))
                yield Progress(number + 1, source.n_frames, "frames")
            reach = REACH * float(np.hypot(source.width, source.height))
            return best_path(candidates, reach, LEAST_STRENGTH)


class Network:
    """An ONNX file that is open.

    Raises
    ------
    CropzoomError
        If it is none, or lacks a class that is asked for.
    """

    def __init__(self, settings: OnnxSettings) -> None:
        import onnxruntime

        self._settings, self._path = settings, Path(settings.model).expanduser()
        if not settings.model or not self._path.is_file():
            raise CropzoomError(f"{settings.model or 'ONNX file'}: is not there. Choose the ONNX file.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._path), options, providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # onnxruntime's have no common class
            raise CropzoomError(
                f"{self._path}: cannot be opened as ONNX ({error}). Export it again."
            ) from error
        self._input = self._session.get_inputs()[0]
        about = dict(self._session.get_modelmeta().custom_metadata_map)
        usual = sides_of(about) or (USUAL_SIDE, USUAL_SIDE)
        given = self._input.shape[2:]
        if len(given) != 2:
            raise CropzoomError(f"{self._path}: does not take pictures. Choose an object detector.")
        self._height, self._width = (
            side if isinstance(side, int) else asked for side, asked in zip(given, usual, strict=True)
        )
        if "rtdetr" in about.get("description", "").lower().replace("-", ""):
            raise CropzoomError(f"{self._path}: is an RT-DETR, which is not known. Export a YOLO.")
        if about.get("task") == "obb":
            raise CropzoomError(
                f"{self._path}: finds turned boxes (OBB), which are not known. Export a YOLO."
            )
        self._is_final = final_of(about)
        self._has_more = about.get("task") in TASKS_WITH_MORE
        self._names = names_of(about)
        wanted = [name.strip() for name in settings.classes.split(",") if name.strip()]
        try:
            self._wanted = wanted_classes(self._names, wanted)
        except ValueError as error:
            raise CropzoomError(f"{self._path}: {error}.") from error

    def boxes(self, image: np.ndarray) -> list[tuple[float, float, float, float, float]]:
        """``x, y, w, h, confidence`` in pixels of a picture (H, W, 3), the surest first."""
        given, scale, left, top = letterbox(image, self._width, self._height)
        if "16" in self._input.type:
            given = given.astype(np.float16)
        output: Any = self._session.run(None, {self._input.name: given})[0]
        try:
            corners, scores, classes = decoded(
                np.asarray(output, np.float32), len(self._names), self._has_more, self._is_final
            )
        except ValueError as error:
            raise CropzoomError(f"{self._path}: is no detector that is known: {error}.") from error
        counts = scores >= max(self._settings.confidence, 1e-6)
        if self._wanted is not None:
            counts &= np.isin(classes, list(self._wanted))
        corners, scores = corners[counts], scores[counts]
        corners = (corners - [left, top, left, top]) / scale
        height, width = image.shape[:2]
        found = []
        for place in nms(corners, scores, self._settings.overlap):
            x1, y1, x2, y2 = corners[place].clip(0, [width, height, width, height]).tolist()
            if x2 > x1 and y2 > y1:
                found.append((x1, y1, x2 - x1, y2 - y1, float(scores[place])))
        return found
