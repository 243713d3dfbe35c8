"""What the window remembers of each video between sessions: how its review was left.

Where its reviews lie is kept for the commands too, see :mod:`napari_cropzoom.files.review_paths`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject

from napari_cropzoom.files.review_paths import PLACES_KEPT, Places, adopt_places, remember_reviewed
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import settings

KEY = "reviews"


def pose_of(video: Path) -> Path | None:
    """Return the pose model that was chosen for a video before."""
    pose = _of(video).get("pose")
    return Path(pose) if isinstance(pose, str) else None


def left_at(video: Path) -> tuple[str, int] | None:
    """Key of the step that was open last in the review of a video, and the frame; None if not known."""
    step, frame = _of(video).get("step"), _of(video).get("frame")
    return (step, frame) if isinstance(step, str) and isinstance(frame, int) else None


def animal_of(video: Path) -> str:
    """Name of the animal that was current last in the review of a video; empty if not known."""
    animal = _of(video).get("animal")
    return animal if isinstance(animal, str) else ""


def hidden_in(video: Path) -> frozenset[str]:
    """Kinds of keypoints that a person has hidden in a video."""
    return frozenset(kind for kind in _of(video).get("hidden", []) if isinstance(kind, str))


def remember_hidden(video: Path, kinds: Iterable[str]) -> None:
    """Keep which kinds of keypoints are hidden in a video."""
    _keep(video, {**_of(video), "hidden": sorted(kinds)})


def remember_review(video: Path, raw_csv: Path, pose: Path | None) -> None:
    """Keep where the review of a video lies, for the next time it is opened."""
    remember_reviewed(video, raw_csv)
    known = _of(video)
    _keep(video, {**known, "pose": str(pose) if pose else known.get("pose")})


def remember_place(video: Path, step: str, frame: int, animal: str) -> None:
    """Keep which step of a video's review is open, which frame is shown and which animal is current."""
    _keep(video, {**_of(video), "step": step, "frame": frame, "animal": animal})


def _keep(video: Path, entry: dict[str, Any]) -> None:
    everything = _everything()
    everything.pop(str(video.absolute()), None)
    everything[str(video.absolute())] = entry
    settings().setValue(KEY, json.dumps(dict(list(everything.items())[-PLACES_KEPT:])))


def carry_over() -> None:
    """Put the places that a version before kept in the window's settings where commands find them too."""
    chosen, left = _known("results"), _everything()
    reviews = {video: entry.pop("raw", []) for video, entry in left.items() if isinstance(entry, dict)}
    if not chosen and not any(reviews.values()):
        return
    adopt_places(
        {video: _places(chosen.get(video), reviews.get(video)) for video in {**reviews, **chosen}}
    )
    settings().remove("results")
    settings().setValue(KEY, json.dumps(left))


def _places(folder: object, raw: object) -> Places:
    paths = [Path(each) for each in raw if isinstance(each, str)] if isinstance(raw, list) else []
    return Places(Path(folder) if isinstance(folder, str) and folder else None, tuple(paths))


class ReviewMemory(QObject):
    """Remembers the review of a controller's session with its first edit, and what it is when it ends.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        carry_over()
        self._controller = controller
        self._noted: tuple[Path, Path | None, Path | None] | None = None
        self._left: tuple[Path, str] | None = None
        self._frame, self._animal = 0, ""
        controller.edited.connect(self.note)
        controller.changed.connect(self.note)
        controller.frame_rested.connect(self._on_frame)
        controller.session_changed.connect(self._on_session)

    def note(self) -> None:
        """Write it down if there is an edit, and anything is new."""
        session, pose = self._controller.session, self._controller.pose
        self._animal = session.current if session is not None else self._animal
        if session is None or session.raw_csv is None or not len(session.history):
            return
        first = session.tracks.first.raw_csv or session.raw_csv
        noted = (session.video.path, first, pose.path if pose else None)
        if noted != self._noted:
            self._noted = noted
            remember_review(session.video.path, first, noted[2])

    def note_step(self, key: str) -> None:
        """Write down which step is open, if there is an edit."""
        session = self._controller.session
        if session is None or session.raw_csv is None or not len(session.history):
            return
        left = (session.video.path, key)
        if left != self._left:
            self._left, self._frame, self._animal = left, self._controller.frame, session.current
            remember_place(*left, self._frame, self._animal)

    def _on_frame(self, frame: int) -> None:
        self._frame = frame

    def _on_session(self) -> None:
        """Write down the frame that was shown last, once for all that were."""
        left, self._left = self._left, None
        if left is not None:
            remember_place(*left, self._frame, self._animal)


def _of(video: Path) -> dict[str, Any]:
    found = _everything().get(str(video.absolute()))
    return found if isinstance(found, dict) else {}


def _everything() -> dict[str, Any]:
    return _known(KEY)


def _known(key: str) -> dict[str, Any]:
    try:
        known = json.loads(str(settings().value(key, "{}")))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
