"""The steps of the dock. To add one, write its module and name its class here."""

from __future__ import annotations

from napari_cropzoom.widgets.steps.base import Step
from napari_cropzoom.widgets.steps.boxes import BoxesStep
from napari_cropzoom.widgets.steps.crop import CropStep
from napari_cropzoom.widgets.steps.detect import DetectStep
from napari_cropzoom.widgets.steps.export import ExportStep
from napari_cropzoom.widgets.steps.pose import PoseStep
from napari_cropzoom.widgets.steps.review import ReviewStep
from napari_cropzoom.widgets.steps.show import ShowStep
from napari_cropzoom.widgets.steps.smooth import SmoothStep
from napari_cropzoom.widgets.steps.video import VideoStep

_CLASSES: tuple[type[Step], ...] = (
    VideoStep,
    DetectStep,
    BoxesStep,
    ReviewStep,
    SmoothStep,
    CropStep,
    PoseStep,
    ExportStep,
    ShowStep,
)
STEPS: tuple[type[Step], ...] = tuple(sorted(_CLASSES, key=lambda step: step.place))
"""In the order of the dock."""
