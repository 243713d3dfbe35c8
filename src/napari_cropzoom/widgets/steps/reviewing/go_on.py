"""What comes once nothing of an animal is left to review: another animal, or the next step."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal

from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.inspecting.inspector import Inspected, Inspector
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.steps.parts.wrapped_button import WrappedButton

NAME_LENGTH = 16  # letters of an animal's name


class GoOn(WrappedButton):
    """Leads on to an animal that has suspects left, or to the next step; says what is still looked for.

    Object name: ``review_go_on``.

    Parameters
    ----------
    controller : Controller
    to_come : callable
        What may still find more suspects, in words; empty where nothing is left to come.

    Attributes
    ----------
    animal : str
        The one that it leads to; empty for the next step.
    next_key : str
        That step: *Smooth*, or *Pose* where boxes have changed since the pose model ran.
    known : Signal
        More is known of the other animals.
    """

    known = Signal()

    def __init__(self, controller: Controller, to_come: Callable[[], str]) -> None:
        super().__init__()
        self.setObjectName("review_go_on")
        self._controller, self._to_come = controller, to_come
        self._inspecting = Latest(self._on_inspected, pause=DRAWN_FIRST)
        self._asked_for: Inspector | None = None
        self.animal, self.next_key = "", "smooth"
        self.hide()

    def told(self, session: Session, left: int, done: int, at_once: int) -> tuple[str, bool]:
        """How far the review is in a few words, and whether it is done.

        Parameters
        ----------
        session : Session
        left, done : int
            Suspects of the current animal that are open, and that are reviewed.
        at_once : int
            Most frames that are inspected without a thread.
        """
        whole = f"{done} of {left + done} reviewed" if left + done else "no suspects"
        if left:
            return whole, False
        others = self._left_of_others(session, at_once)
        if others is None:
            return "searching in other animals …", False
        if others:
            first = next(iter(others))
            where = shortened(first, NAME_LENGTH) if len(others) == 1 else counted(len(others), "animal")
            return f"{sum(others.values())} left of {where}", False
        if to_come := self._to_come():
            return f"{f'{done} of {done}' if done else whole} so far · {to_come}", False
        return whole, True

    def offer(self, session: Session, is_wanted: bool, at_once: int) -> None:
        """Show what comes next, if nothing of the current animal is left, as ``is_wanted`` says."""
        others = self._left_of_others(session, at_once) if is_wanted else None
        if others:
            self.animal, count = next(iter(others.items()))
            self.setText(f"{counted(count, 'suspect')} of {shortened(self.animal, NAME_LENGTH)} left ▶")
            self.setToolTip(f"Go on with the animal {self.animal}")
        elif others is not None:
            so_far, more = (" so far", "; the pixels may show more") if self._to_come() else ("", "")
            self.animal, is_behind = "", session.keypoints.pose_behind > 0
            self.next_key = "pose" if is_behind else "smooth"
            then = "run the pose again" if is_behind else "go on to Smooth"
            self.setText(f"All reviewed{so_far}: {then} ▶")
            self.setToolTip(f"No suspect is left{more}")
        self.setVisible(others is not None)

    def release(self) -> None:
        """Drop what is asked for."""
        self._inspecting.drop()
        self._asked_for = None

    def _left_of_others(self, session: Session, at_once: int) -> dict[str, int] | None:
        """How many suspects are left of which other animals, the next one first; None while unknown."""
        names, suspects = list(session.tracks), session.suspects
        here = names.index(session.current)
        left = {}
        for name in (*names[here + 1 :], *names[:here]):
            if not suspects.knows(name):
                inspector = suspects.inspector(name)
                if session.n_frames * (len(names) - 1) > at_once:
                    self._ask(inspector)
                    return None
                suspects.take(inspector())
            if found := suspects.left_of(name):
                left[name] = len(found)
        return left

    def _ask(self, inspector: Inspector) -> None:
        if inspector != self._asked_for:
            self._asked_for = inspector
            self._inspecting.request(inspector)

    def _on_inspected(self, inspected: Inspected) -> None:
        self._asked_for = None
        if self._controller.session is not None:
            self._controller.session.suspects.take(inspected)
            self.known.emit()
