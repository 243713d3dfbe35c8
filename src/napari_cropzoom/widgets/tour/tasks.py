"""What a person does on the tour, in order: from a video to keypoints in the full frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtWidgets import QMainWindow, QProgressBar, QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.settings import SettingsEdit, SizingEdit
from napari_cropzoom.files.names import real_path
from napari_cropzoom.projects.sample_place import sample_video
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
    is_done : callable
        Takes the review; whether this was done in it, now or before.
    lacks : str
        Said in place of ``text`` where the control is not there, or nothing can be done with it.
    other : str
        In place of ``text`` where the open video is not the sample; empty for the same.
    is_watched : bool
        Whether a person watches the canvas meanwhile.
    """

    step: str
    title: str
    text: str
    told: str
    control: Callable[[Dock], QWidget | None]
    is_done: Callable[[Session], bool]
    lacks: str = ""
    other: str = ""
    is_watched: bool = False

    def why_not(self, dock: Dock) -> str:
        """What is to be said where its control is not there or has no use; empty if it can be done."""
        control = self.control(dock)
        if control is not None and (control.isEnabled() or isinstance(control, QProgressBar)):
            return ""
        reason = control.toolTip() if control is not None else ""
        return " ".join(filter(None, (reason, self.lacks)))


def is_sample(session: Session | None) -> bool:
    """Whether a review is of the sample's own video."""
    video = sample_video()
    if session is None or video is None:
        return False
    return real_path(video) == real_path(session.video.path)


def named(name: str) -> Callable[[Dock], QWidget | None]:
    """The control of a name in the dock, None while it is hidden; one in a folded step is not hidden."""

    def find(dock: Dock) -> QWidget | None:
        found = dock.findChild(QWidget, name)
        return found if found is not None and _is_offered(found) else None

    return find


def _is_offered(control: QWidget) -> bool:
    """Whether a control shows, or would if its step were open."""
    step = control.parentWidget()
    while step is not None and not step.objectName().endswith("_body"):
        step = step.parentWidget()
    return bool(control.isVisible() if step is None else control.isVisibleTo(step))


def _is_sized(session: Session) -> bool:
    """Whether a person has chosen another size of the boxes; those made at first are no edit."""
    return any(isinstance(edit, SizingEdit) for edit in session.history)


def _is_smoothed(session: Session) -> bool:
    """Whether a person has chosen another smoothing than that which a review begins with."""
    edits = (edit for edit in session.history if isinstance(edit, SettingsEdit))
    return any(edit.was.smoothing != edit.becomes.smoothing for edit in edits)


def _canvas_with_suspects(dock: Dock) -> QWidget | None:
    """The canvas, None where no frame looks wrong."""
    session = dock.controller.session
    if session is not None and session.suspects.is_inspected and not session.suspects.entries()[0]:
        return None
    return canvas_near(dock)


def _is_found(session: Session) -> bool:
    """Whether a detector has found the animal; a box drawn by hand is no detection."""
    is_detected = session.detector_poses is not None or bool(
        (session.track.source == Source.DETECTED).any()
    )
    return session.has_boxes and is_detected


def _menu_bar(dock: Dock) -> QWidget | None:
    window = top_of(dock)
    return window.menuBar() if isinstance(window, QMainWindow) else None


def _run_or_use(dock: Dock, key: str) -> QWidget | None:
    """The button that takes the predictions that are there, else the one that makes them, or its bar."""
    found = (named(f"{key}_{name}")(dock) for name in ("progress", "use", "run"))
    return next((each for each in found if each is not None), None)


RUNS = "It runs: wait until it has ended. You can look at the video meanwhile."
USES = "This was run before. Press the framed button to take what it has found."

TASKS: tuple[TourTask, ...] = (
    TourTask(
        "video",
        "Open the sample",
        "Choose File > Open Sample > Roaming mouse. It is a short video of a mouse in a large arena, "
        "with its two models.",
        "A short video of a mouse in a large arena, with two models: a detector for the full frame "
        "and a pose model for the crop.",
        _menu_bar,
        is_sample,
    ),
    TourTask(
        "detect",
        "Find the animal",
        "Press the framed button in the dock. The detector looks at every frame: one to five minutes "
        "without a graphics card; the line above says what is left. You can look at the video meanwhile.",
        "The detector looks at every frame and finds where the mouse is. It runs in a process of its "
        "own, so the window stays alive.",
        lambda dock: _run_or_use(dock, "detect"),
        _is_found,
        lacks="Or press Skip.",
        other="Press the framed button in the dock. The detector looks at every frame; the line above "
        "says how long that takes. You can look at the video meanwhile.",
        is_watched=True,
    ),
    TourTask(
        "boxes",
        "Choose the size of the boxes",
        "Every frame has a box round the keypoints now. Move the framed slider to about 1.75 and see the "
        "box fit the animal.",
        "Every frame has a box now, put round the keypoints. A box that fits the animal gives the "
        "pose model more pixels of it.",
        named("boxes_ratio"),
        _is_sized,
        lacks="Crop ratio cannot be set here: it needs the keypoints of a detector, and to be chosen. "
        "Press Skip.",
        other="Move the framed slider until the box just holds the animal.",
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
        _canvas_with_suspects,
        lambda session: bool((session.track.source == Source.MANUAL).any()),
        lacks="No frame looks wrong here: press Skip.",
    ),
    TourTask(
        "smooth",
        "Smooth the boxes",
        "Move the framed slider. Smoothed boxes still pass exactly through the one that you have set. Do "
        "they shake more? Then a button below offers what helps: press it.",
        "Smoothing takes away the jitter of the detector, and passes exactly through the box that was "
        "set by hand.",
        named("smooth_window"),
        _is_smoothed,
        lacks="There is no window to choose: press Skip, or choose a method above.",
        is_watched=True,
    ),
    TourTask(
        "pose",
        "Run the pose model on the crops",
        "Press the framed button in the dock. The inside of each box goes to the pose model, and its "
        "keypoints come back into the full frame.",
        "The inside of each box goes to the pose model, and its keypoints come back into the full frame.",
        lambda dock: _run_or_use(dock, "pose"),
        lambda session: session.pose_poses is not None,
        lacks="Or press Skip.",
        is_watched=True,
    ),
)
END = (
    "This is the whole way",
    "The round dots with a dark edge are the pose model's keypoints. Press K to play the video. "
    "Where they touch the edge of a box, step Review has new suspects and a button for larger boxes. "
    "Ctrl+S saves the boxes; the steps Export and Show say how to go on.",
)
