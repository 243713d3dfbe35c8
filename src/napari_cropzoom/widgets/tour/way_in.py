"""The command of napari's palette that begins the tour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari import current_viewer

from napari_cropzoom.widgets.docks import add_docks

if TYPE_CHECKING:
    import napari.viewer


def begin_tour(viewer: napari.viewer.Viewer | None = None) -> None:
    """Have the docks come, and begin the tour."""
    viewer = viewer or current_viewer()
    if viewer is not None:
        add_docks(viewer).begin_tour()
