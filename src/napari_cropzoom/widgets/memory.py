"""What is remembered of each video between sessions: where its reviews lie, and with which pose model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject

from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import RESULTS_KEPT, settings

KEY = "reviews"
REVIEWS_KEPT = 4  # of a video


def reviews_of(video: Path) -> list[Path]:
    """Raw boxes of a video that were reviewed before, the last first; files may be gone since."""
    return [Path(raw) for raw in _of(video).get("raw", []) if isinstance(raw, str)]


def pose_of(video: Path) -> Path | None:
    """Return the pose model that was chosen for a video before."""
    pose = _of(video).get("pose")
    return Path(pose) if isinstance(pose, str) else None


def remember_review(video: Path, raw_csv: Path, pose: Path | None) -> None:
    """Keep where the review of a video lies, for the next time it is opened."""
    everything, known = _everything(), _of(video)
    everything.pop(str(video.absolute()), None)
    raw = str(raw_csv.absolute())
    others = [one for one in known.get("raw", []) if one != raw]
    entry = {"raw": [raw, *others][:REVIEWS_KEPT], "pose": str(pose) if pose else known.get("pose")}
    everything[str(video.absolute())] = entry
    settings().setValue(KEY, json.dumps(dict(list(everything.items())[-RESULTS_KEPT:])))


class ReviewMemory(QObject):
    """Remembers the review of a controller's session with its first edit, and what it is when it ends.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._controller = controller
        self._noted: tuple[Path, Path | None, Path | None] | None = None
        controller.edited.connect(self.note)
        controller.changed.connect(self.note)

    def note(self) -> None:
        """Write it down if there is an edit, and anything is new."""
        session, pose = self._controller.session, self._controller.pose
        if session is None or session.raw_csv is None or not len(session.history):
            return
        first = session.tracks.first.raw_csv or session.raw_csv
        noted = (session.video.path, first, pose.path if pose else None)
        if noted != self._noted:
            self._noted = noted
            remember_review(session.video.path, first, noted[2])


def _of(video: Path) -> dict[str, Any]:
    found = _everything().get(str(video.absolute()))
    return found if isinstance(found, dict) else {}


def _everything() -> dict[str, Any]:
    try:
        known = json.loads(str(settings().value(KEY, "{}")))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
