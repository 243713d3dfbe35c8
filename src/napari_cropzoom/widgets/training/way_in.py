"""How the dock *Training* comes into a window: from a menu, the dock *Projects*, or by script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.docks import SETTLED, share_place
from napari_cropzoom.widgets.training.dock import TrainingDock
from napari_cropzoom.widgets.window.hides_on_close import HidesOnClose, holder_of

if TYPE_CHECKING:
    import napari.viewer

NAME = "Training"


class OpenTraining(QWidget):
    """*Plugins > Cropzoom > Training*: calling the class gives the dock of the viewer, old or new.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __new__(cls, napari_viewer: napari.viewer.Viewer) -> Any:
        """Return the dock."""
        viewer: napari.viewer.Viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        found = find_training(viewer)
        if found is None:
            return _make(viewer)
        left = holder_of(found)  # napari takes the widget out of it, and leaves it empty
        if left is not None:
            delayed(left, lambda: viewer.window.remove_dock_widget(left)).start()
        return found

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:  # napari reads what it takes
        raise NotImplementedError


def find_training(viewer: napari.viewer.Viewer) -> TrainingDock | None:
    """Return the viewer's Training dock if it is there, hidden or not."""
    widgets = viewer.window.dock_widgets.values()
    return next((widget for widget in widgets if isinstance(widget, TrainingDock)), None)


def add_training(viewer: napari.viewer.Viewer) -> TrainingDock:
    """Show the Training dock, at the right, in one place with *Cropzoom* if that is there."""
    found = find_training(viewer)
    if found is None:
        found = _make(viewer)
        viewer.window.add_dock_widget(found, name=NAME, area="right")
    elif (holder := holder_of(found)) is not None:
        holder.show()
        holder.raise_()
    return found


def _make(viewer: napari.viewer.Viewer) -> TrainingDock:
    dock = TrainingDock(viewer)
    dock.setWindowTitle(NAME)
    HidesOnClose(dock)
    placed = QTimer(dock, singleShot=True, interval=SETTLED)
    placed.timeout.connect(lambda: share_place(viewer, dock))
    placed.start()
    return dock
