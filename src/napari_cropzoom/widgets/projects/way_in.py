"""How the dock *Projects* comes into a window: from the menu *Plugins*, or by script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_cropzoom.widgets.docks import WayBeside
from napari_cropzoom.widgets.projects.dock import ProjectsDock
from napari_cropzoom.widgets.training.way_in import add_training

if TYPE_CHECKING:
    import napari.viewer


class OpenProjects(WayBeside):
    """*Plugins > Cropzoom > Projects*."""

    name = "Projects"
    kind = ProjectsDock

    @classmethod
    def _make(cls, viewer: napari.viewer.Viewer) -> Any:
        dock = super()._make(viewer)
        dock.training_asked.connect(lambda: _train(viewer, dock))
        return dock


def find_projects(viewer: napari.viewer.Viewer) -> ProjectsDock | None:
    """Return the viewer's Projects dock if it is there, hidden or not."""
    found: ProjectsDock | None = OpenProjects.find_in(viewer)
    return found


def add_projects(viewer: napari.viewer.Viewer) -> ProjectsDock:
    """Show the Projects dock, at the right, in one place with *Cropzoom* if that is there."""
    dock: ProjectsDock = OpenProjects.show_in(viewer)
    return dock


def _train(viewer: napari.viewer.Viewer, dock: ProjectsDock) -> None:
    """Show the dock *Training* with the project."""
    if dock.project is not None:
        add_training(viewer).open_project(dock.project.data_dir)
