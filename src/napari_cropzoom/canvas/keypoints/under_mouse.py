"""Name the keypoint under the mouse, whichever layer is selected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from napari.components import ViewerModel

from napari_cropzoom.canvas.keypoints.layer import PointsLayer


class NamesUnderMouse:
    """Follows the mouse over the canvas.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layers : callable
        Returns the layers of keypoints, from below.
    """

    def __init__(self, viewer: ViewerModel, layers: Callable[[], Iterable[PointsLayer]]) -> None:
        self._viewer = viewer
        self._layers = layers
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.events.mouse_over_canvas.connect(self._on_leave)

    def close(self) -> None:
        """Follow the mouse no more."""
        if self._on_move in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_move)
        self._viewer.events.mouse_over_canvas.disconnect(self._on_leave)

    def _on_leave(self) -> None:
        if not self._viewer.mouse_over_canvas:
            for layer in self._layers():
                layer.name_under(None)

    def _on_move(self, viewer: ViewerModel, event: Any) -> None:
        is_named = False
        for layer in reversed(list(self._layers())):  # the uppermost first, and only one
            found = None if is_named else layer.keypoint_at(event.position)
            layer.name_under(found)
            is_named = is_named or found is not None
