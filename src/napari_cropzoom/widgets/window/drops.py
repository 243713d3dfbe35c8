"""Files dropped anywhere on the window: the steps of the dock open them, not the readers of napari."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QMimeData, QObject, Qt
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.exchange.dropped import is_boxes, video_of
from napari_cropzoom.widgets.window.hides_on_close import holder_of

if TYPE_CHECKING:
    from napari_cropzoom.widgets.steps.base import Step

DRAGS = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop)
TEXTS = (QLineEdit, QTextEdit, QPlainTextEdit)  # they take a path as text
NO_VIDEO = "{}: is shown over its video. Open the video; the boxes follow."
GATHER_MS = 300
Shares = dict[str, list[Path]]
"""Files by the key of the step that opens them."""


class Drops(QObject):
    """Takes what is dropped on the dock, and videos and boxes that are dropped on the rest of its window.

    napari would ask which reader to take, and lay a second video over the first. With Alt held, files are
    left to napari, which then lets a person choose. Boxes that come with a video wait until it is open.

    Parameters
    ----------
    dock : QWidget
    steps : mapping of str to Step
        The steps of the dock by their keys.
    open_step : callable
        Opens a step of a key.
    controller : Controller
        Of the dock.
    """

    def __init__(
        self,
        dock: QWidget,
        steps: Mapping[str, Step],
        open_step: Callable[[str], object],
        controller: Controller,
    ) -> None:
        super().__init__(dock)
        self._dock = dock
        self._steps = steps
        self._open_step = open_step
        self._controller = controller
        self._dropped: Shares | None = None
        self._waiting: tuple[Path | None, list[Path]] | None = None  # boxes, for a video to be opened
        self._known: tuple[list[Path], bool, Shares | None] | None = None  # of the drag that goes on
        self._gathered: list[Path] = []
        self._later = delayed(self, self._open)
        self._gather_later = delayed(self, self._open_gathered, GATHER_MS)
        self._boxes_later = delayed(self, self._open_waiting)
        controller.session_changed.connect(self._on_session)
        dock.setAcceptDrops(True)

    def watch(self, window: QWidget) -> None:
        """Take videos and boxes that are dropped on a window too."""
        self._steps["video"].failed.connect(self._forget)
        for widget in (window, *window.findChildren(QWidget)):
            is_ours = widget is self._dock or self._dock.isAncestorOf(widget)
            if widget.acceptDrops() and not is_ours and not isinstance(widget, TEXTS):
                widget.removeEventFilter(self)
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take videos, and what are boxes for certain."""
        if event.type() not in DRAGS or not isinstance(event, QDropEvent):
            return False
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return not is_alt and self.take(event, is_certain=True)

    def take(self, event: QDropEvent, *, is_certain: bool = False) -> bool:
        """Accept a drag if a step can open it, and have a drop opened by it; returns whether one can."""
        if event.type() == QEvent.Type.DragEnter:
            self._known = None
        found = self._found(event.mimeData(), is_certain)
        if found is None:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._known = None
            self._dropped = found
            self._later.start()  # who drags is told first: a dialog would keep that program waiting
        return True

    def gather(self, paths: list[Path]) -> None:
        """Open boxes that come one by one, together, after a video that may come with them."""
        self._gathered += paths
        self._gather_later.start()

    def _open_gathered(self) -> None:
        if any(isinstance(layer.data, Video) for layer in self._controller.viewer.layers):
            self._gather_later.start()  # napari has opened a video, which the step Video takes over
            return
        paths, self._gathered = self._gathered, []
        self._dropped = {"boxes": paths}
        self._open()

    def _found(self, data: QMimeData | None, is_certain: bool) -> Shares | None:
        """Which step opens which of these files; None unless all of them are known."""
        urls = [] if data is None else data.urls()
        if not urls or not all(url.isLocalFile() for url in urls):
            return None
        paths = [Path(url.toLocalFile()) for url in urls]
        if self._known is None or self._known[:2] != (paths, is_certain):  # a drag asks at every move
            self._known = paths, is_certain, self._shares(paths, is_certain)
        return self._known[2]

    def _shares(self, paths: list[Path], is_certain: bool) -> Shares | None:
        shares: Shares = {}
        for path in paths:
            step = next((one for one in self._steps.values() if one.can_open(path)), None)
            if step is None or (is_certain and step.key == "boxes" and not is_boxes(path)):
                return None
            shares.setdefault(step.key, []).append(path)
        is_much = any(len(some) > self._steps[key].most_dropped for key, some in shares.items())
        return None if is_much else shares

    def _open(self) -> None:
        shares, self._dropped = self._dropped, None
        if not shares:
            return
        if "boxes" in shares or (self._waiting is not None and self._waiting[0] is not None):
            self._waiting = None
        holder = holder_of(self._dock)
        if holder is not None:
            holder.show()
        boxes = shares.get("boxes")
        if boxes and "video" not in shares and self._controller.session is None:
            video = video_of(boxes[0])
            if video is None:
                self._open_step("video")
                self._steps["video"].show_error(NO_VIDEO.format(boxes[0]))
                self._waiting = None, boxes
                return
            shares["video"] = [video]
        if boxes and "video" in shares:
            self._waiting = shares["video"][0], shares.pop("boxes")
        for key, paths in shares.items():
            step = self._steps[key]
            is_agreed = step.agrees_to_drop(paths)
            if is_agreed or step.message.kind == "error":
                self._open_step(key)
            if is_agreed:
                step.drop(paths, alone=self._waiting is None)
            else:
                self._waiting = None

    def _on_session(self) -> None:
        session = self._controller.session
        if self._waiting is not None and session is not None:
            if self._waiting[0] in (None, session.video.path):
                self._boxes_later.start()
            else:
                self._waiting = None

    def _forget(self) -> None:
        self._waiting = None

    def _open_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._open_step("boxes")
            self._steps["boxes"].drop(waiting[1])
