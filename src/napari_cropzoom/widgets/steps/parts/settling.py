"""From what a person tries out with the controls of a step to one edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import delayed

SETTLE_MS = 400  # without another change


class Slider(Protocol):
    """What is known of a slider: whether the mouse holds it."""

    def isSliderDown(self) -> bool:
        """Whether the mouse holds it."""


class Settling(QObject):
    """Settles what is tried out in a session once the controls rest and no slider is held.

    Parameters
    ----------
    controller : Controller
    parent : QObject
    sliders : Slider
        Those of the step.
    is_busy : callable, optional
        Whether something is on its way that goes on with what is tried out.

    Attributes
    ----------
    failed : Signal
        Why it could not be kept; it is taken back then.
    """

    failed = Signal(object)

    def __init__(
        self,
        controller: Controller,
        parent: QObject,
        *sliders: Slider,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(parent)
        self._controller, self._sliders, self._is_busy = controller, sliders, is_busy
        self._later = delayed(self, self._settle, SETTLE_MS)

    def start(self) -> None:
        """Something was tried out just now."""
        self._later.start()

    def stop(self) -> None:
        """Leave it to the session."""
        self._later.stop()

    def _settle(self) -> None:
        session = self._controller.session
        if session is None:
            return
        if self._is_busy() or any(each.isSliderDown() for each in self._sliders):
            self._later.start()
            return
        try:
            session.editing.settle()
        except CropzoomError as error:
            self.failed.emit(error)
