"""How the dock *Training* comes into a window: from a menu, the dock *Projects*, or by script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_cropzoom.widgets.docks import WayBeside
from napari_cropzoom.widgets.training.dock import TrainingDock

if TYPE_CHECKING:
    import napari.viewer


class OpenTraining(WayBeside):
    """*Plugins > Cropzoom > Training*."""

    name = "Training"
    kind = TrainingDock


def find_training(viewer: napari.viewer.Viewer) -> TrainingDock | None:
    """Return the viewer's Training dock if it is there, hidden or not."""
    found: TrainingDock | None = OpenTraining.find_in(viewer)
    return found


def add_training(viewer: napari.viewer.Viewer) -> TrainingDock:
    """Show the Training dock, at the right, in one place with *Cropzoom* if that is there."""
    dock: TrainingDock = OpenTraining.show_in(viewer)
    return dock
