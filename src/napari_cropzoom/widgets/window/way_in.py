"""How napari's menu *Plugins* gets a dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from qtpy.QtWidgets import QWidget

from napari_cropzoom.core.garbage import collecting_later

if TYPE_CHECKING:
    import napari.viewer


class WayIn(QWidget):
    """Calling the class gives a dock, the one that is there or a new one, never a `WayIn`.

    napari gives its viewer to classes of widgets only, and adds the dock under its own name.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    name: ClassVar[str]

    def __new__(cls, napari_viewer: napari.viewer.Viewer) -> Any:
        """Return the dock."""
        viewer: napari.viewer.Viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        with collecting_later():
            from napari_cropzoom.widgets.controls import delayed
            from napari_cropzoom.widgets.window.hides_on_close import holder_of

            dock = cls._dock_of(viewer)
            left = holder_of(dock)  # napari takes the widget out of it, and leaves it empty
            if left is not None:
                delayed(left, lambda: viewer.window.remove_dock_widget(left)).start()
            return dock

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:  # napari reads what it takes
        raise NotImplementedError

    @classmethod
    def _dock_of(cls, viewer: napari.viewer.Viewer) -> QWidget:
        raise NotImplementedError
