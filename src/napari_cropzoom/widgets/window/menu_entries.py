"""The three docks in napari's menu *Plugins*: light to import, since napari does so before it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_cropzoom.widgets.window.way_in import WayIn

if TYPE_CHECKING:
    import napari.viewer


class _OneOfThree(WayIn):
    @classmethod
    def _dock_of(cls, viewer: napari.viewer.Viewer) -> QWidget:
        """The others are added too, under their names."""
        from napari_cropzoom.widgets.docks import with_others

        return with_others(viewer, cls.name)


class OpenCropzoom(_OneOfThree):
    """*Plugins > Cropzoom > Cropzoom*."""

    name = "Cropzoom"


class OpenTimeline(_OneOfThree):
    """*Plugins > Cropzoom > Timeline*."""

    name = "Timeline"


class OpenPreview(_OneOfThree):
    """*Plugins > Cropzoom > Crop preview*."""

    name = "Crop preview"
