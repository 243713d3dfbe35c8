"""What becomes of our layers when napari deletes them, and of Ctrl+S while one of them is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import Message, button, delayed

if TYPE_CHECKING:
    import napari.viewer

CAME_BACK = (
    "A layer of the review was deleted, and has come back. To hide it, click its eye in the layer list."
)
GONE = "The layer “video” was deleted: there is nothing to review on. The review itself is kept."


class LostLayers(QWidget):
    """Brings layers of the review back that a person deletes; says so where the video is gone.

    Shows nothing else. Object names: ``cropzoom_gone``, ``cropzoom_bring_back``.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    returned : Signal
        The video was gone and is there again.
    """

    returned = Signal()

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self._is_gone = False
        self._viewer: napari.viewer.Viewer = controller.viewer
        self.message = Message()
        self.message.setObjectName("cropzoom_gone")
        self.back = button("Show it again", "cropzoom_bring_back", "Add the layers of the review again")
        self.back.clicked.connect(self.bring_back)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 0)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.back)
        self._look_later = delayed(self, self.look)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self._viewer.layers.events.inserted.connect(self._on_inserted)
        controller.session_changed.connect(self.look)
        controller.closed.connect(self.let_go)
        self.hide()

    def let_go(self) -> None:
        """End the connections."""
        self._look_later.stop()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self.hide()

    def look(self) -> None:
        """Bring back what is missing over the video; offer the video itself."""
        layers = self._controller.layers
        is_gone = layers is not None and layers.video is None
        self.setVisible(is_gone)
        self.message.show_warning(GONE if is_gone else "")
        if is_gone != self._is_gone:
            self._is_gone = is_gone
            self._controller.changed.emit()  # no step can be done without it
            if layers is not None and not is_gone:
                self.returned.emit()
        if layers is None:
            return
        if is_gone:  # what lay over it may have come back before the video went
            with self._viewer.layers.batched_update():  # else napari collects garbage after each
                for layer in [part.layer for part in layers.parts]:
                    self._viewer.layers.remove(layer)
            layers.tell("")  # what came back has gone again
            return
        if self._add_missing(layers):
            layers.tell(CAME_BACK)
        if layers.boxes is not None and not self._viewer.layers.selection:
            self._viewer.layers.selection.active = layers.boxes.layer  # a layer that went was chosen

    def bring_back(self) -> None:
        """Add the layers that are missing."""
        layers = self._controller.layers
        if layers is not None:
            self._add_missing(layers)
        self.look()

    @staticmethod
    def _add_missing(layers: LayerSet) -> bool:
        before = len(layers.parts)
        layers.frame = layers.frame
        return len(layers.parts) > before

    def _on_removed(self, event: Any) -> None:
        if self._controller.layers is not None:
            self._look_later.start()

    def _on_inserted(self, event: Any) -> None:
        if self._is_gone:
            self._look_later.start()


class SaveKey(QObject):
    """Has Ctrl+S save the review while only layers of it are chosen: napari would write one rectangle.

    Parameters
    ----------
    controller : Controller
    saved : callable
        Called with the file.
    failed : callable
        Called with an error.
    """

    def __init__(self, controller: Controller, saved: Any, failed: Any) -> None:
        super().__init__(controller)
        self._controller = controller
        self._saved, self._failed = saved, failed
        self._later = delayed(self, self.save)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the key before napari's menu does."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if not event.matches(QKeySequence.StandardKey.Save) or not self._is_ours():
            return False
        event.accept()
        if not event.isAutoRepeat():
            self._later.start()
        return True

    def save(self) -> None:
        """Write the review, in a thread."""
        self._controller.save(self._saved, self._failed)

    def _is_ours(self) -> bool:
        layers = self._controller.layers
        if layers is None:
            return False
        ours = [part.layer for part in layers.parts]
        chosen = list(layers.viewer.layers.selection)
        return bool(chosen) and all(any(one is each for each in ours) for one in chosen)
