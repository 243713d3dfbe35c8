"""What a person does on the tour, in order: from a video to keypoints in the full frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.widgets.gl_context import canvas_near, top_of

if TYPE_CHECKING:
    from napari_cropzoom.review.session import Session
    from napari_cropzoom.widgets.controller import Controller
    from napari_cropzoom.widgets.steps.base import Step


class Dock(Protocol):
    """The dock *Cropzoom*, a widget, as the tour sees it."""

    controller: Controller

    def __getitem__(self, key: str) -> Step:
        """A step."""

    def open_step(self, key: str) -> None:
        """Open a step."""

    def findChild(self, kind: Any, name: str) -> Any:
        """A control, as Qt does."""


@dataclass(frozen=True)
class TourTask:
    """One thing to do.

    Attributes
    ----------
    step : str
        Step of the dock that it belongs to.
    title, text : str
        For the person: one or two sentences, the first says what to do.
    told : str
        In place of them where it is done by itself.
    control : callable
        Takes the dock; the control to point at, None where it is on no screen.
    state : callable
        Takes the dock; what is there once the task is done.
    is_change : bool
        Whether it is done when the state is another one than at its beginning, not when there is any.
    is_watched : bool
        Whether a person watches the canvas meanwhile.
    """

    step: str
    title: str
    text: str
    told: str
    control: Callable[[Dock], QWidget | None]
    state: Callable[[Dock], object]
    is_change: bool = False
    is_watched: bool = False

    def is_done(self, dock: Dock, before: object) -> bool:
        """Whether it is done, given the state at its beginning."""
        state = self.state(dock)
        return state != before if self.is_change else bool(state)


def named(name: str) -> Callable[[Dock], QWidget | None]:
    """The control of a name in the dock."""
    return lambda dock: dock.findChild(QWidget, name)


def of_session(state: Callable[[Session], object]) -> Callable[[Dock], object]:
    """A state of the review; None while there is none."""

    def of_dock(dock: Dock) -> object:
        session = dock.controller.session
        return None if session is None else state(session)

    return of_dock


def _menu_bar(dock: Dock) -> QWidget | None:
    window = top_of(dock)
    return window.menuBar() if isinstance(window, QMainWindow) else None


def _run_or_use(dock: Dock, key: str) -> QWidget | None:
    """The button that takes the predictions that are there, else the one that makes them, or its bar."""
    found = (dock.findChild(QWidget, f"{key}_{name}") for name in ("use", "run", "progress"))
    return next((each for each in found if each is not None and each.isVisible()), None)


TASKS: tuple[TourTask, ...] = (
    TourTask(
        "video",
        "Open the sample",
        "Choose File > Open Sample > Roaming mouse. It is a short video of a mouse in a large arena, "
        "with its two models.",
        "A short video of a mouse in a large arena, with two models: a detector for the full frame "
        "and a pose model for the crop.",
        _menu_bar,
        of_session(lambda session: True),
    ),
    TourTask(
        "detect",
        "Find the animal",
        "Press this button. The detector looks at every frame, which takes one to five minutes without "
        "a graphics card; the line above says what is left. You can look at the video meanwhile.",
        "The detector looks at every frame and finds where the mouse is. It runs in a process of its "
        "own, so the window stays alive.",
        lambda dock: _run_or_use(dock, "detect"),
        of_session(lambda session: session.detector_poses is not None and session.has_boxes),
        is_watched=True,
    ),
    TourTask(
        "boxes",
        "Choose the size of the boxes",
        "Every frame has a box round the keypoints now. Move this slider to about 1.5 and see the box "
        "fit the animal.",
        "Every frame has a box now, put round the keypoints. A box that fits the animal gives the "
        "pose model more pixels of it.",
        named("boxes_ratio"),
        of_session(lambda session: session.sizing),
        is_change=True,
        is_watched=True,
    ),
    TourTask(
        "review",
        "Correct a wrong box",
        "Press N to go to a frame that looks wrong, then drag the box to where the animal is. Is it "
        "hidden there? Press Shift+X (no animal), or just N again. Ctrl+Z takes a change back; J joins "
        "the box smoothly with the frames beside.",
        "Nobody can look at all boxes, so those that look wrong are listed. One is dragged right, and "
        "one button joins it with the frames beside.",
        canvas_near,
        of_session(lambda session: int(np.count_nonzero(session.track.source == Source.MANUAL))),
        is_change=True,
    ),
    TourTask(
        "smooth",
        "Smooth the boxes",
        "Move this slider. Smoothed boxes still pass exactly through the one that you have set. Do they "
        "shake more? Then a button below offers what helps: press it.",
        "Smoothing takes away the jitter of the detector, and passes exactly through the box that was "
        "set by hand.",
        named("smooth_window"),
        of_session(lambda session: session.smoothing),
        is_change=True,
        is_watched=True,
    ),
    TourTask(
        "pose",
        "Run the pose model on the crops",
        "Press this button. The inside of each box goes to the pose model, and its keypoints come "
        "back into the full frame.",
        "The inside of each box goes to the pose model, and its keypoints come back into the full frame.",
        lambda dock: _run_or_use(dock, "pose"),
        of_session(lambda session: session.pose_poses is not None),
        is_watched=True,
    ),
)
END = (
    "This is the whole way",
    "The round dots with a dark edge are the pose model's keypoints. Press K to play the video. "
    "Ctrl+S saves the boxes; the steps Export and Show say how to go on.",
)
