"""States of videos that were worked out before, kept until a file behind one of them changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.names import place_key
from napari_cropzoom.files.parsing import MISSHAPEN, read_json
from napari_cropzoom.files.review_paths import places_of, results_of
from napari_cropzoom.files.user_data import user_data_folder
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.results import Results
from napari_cropzoom.projects.states import VideoState, read_state
from napari_cropzoom.review.saved_files import stamp_of

VERSION = 2
"""To be raised when a state is worked out in another way."""
FOLDER = "projects"
MOST_BYTES = 100_000_000


class KnownStates:
    """States of the videos of one project, with sizes and times of the files that they come of.

    They lie in the user's own folder, so that projects that cannot be written to are read as fast. A file
    that is damaged, or cannot be written, counts as none.

    Parameters
    ----------
    data_dir : Path
        Folder of the project.
    """

    def __init__(self, data_dir: Path) -> None:
        name = hashlib.sha256(place_key(data_dir).encode("utf-8", "replace")).hexdigest()[:24]
        self._path = user_data_folder() / FOLDER / f"{name}.json"
        self._entries: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        with contextlib.suppress(OSError, *MISSHAPEN):
            content = read_json(self._path, MOST_BYTES)
            if content["version"] == VERSION:
                self._entries = dict(content["videos"])

    def look(self, project: Project, video: Path, results: Path | None = None) -> VideoState:
        """The state of a video of a project; that a folder cannot be read is told, never raised.

        Parameters
        ----------
        project : Project
        video : Path
        results : Path or None
            Folder for its results; None for the one that the person chose for this video, or for all.
        """
        places = places_of(video)
        try:
            return self.state(Results.of(project, video, results or places.results, places.reviews))
        except OSError as error:  # such as a folder of another person
            told = f"{error.filename or video} cannot be read ({error.strerror or error})"
            return VideoState(video, problems=(told,))

    def state(self, found: Results) -> VideoState:
        """The state of a video: that from before if none of its files has changed."""
        stamps = [[str(path), *(stamp_of(path) or (-1, -1))] for path in found.inputs]
        key = str(found.video)
        with contextlib.suppress(*MISSHAPEN):
            if self._entries[key]["stamps"] == stamps:
                self._used[key] = self._entries[key]
                return VideoState.from_json(self._entries[key]["state"])
        state = read_state(found)
        self._used[key] = {"stamps": stamps, "state": state.as_json()}
        return state

    def save(self) -> None:
        """Keep the states that were asked for; those of videos that are gone are dropped."""
        if self._used == self._entries:
            return
        with contextlib.suppress(CropzoomError, OSError):
            write_known(self._path, self._used)
        self._entries = dict(self._used)


def open_project(folder: Path, output_dir: Path | None = None) -> Project:
    """Open a project with a folder for results: this one, or else the one that the person chose for it.

    Raises
    ------
    CropzoomError
        As :meth:`Project.open`.
    """
    project = Project.open(folder, output_dir)
    chosen = results_of(project.data_dir) if output_dir is None else None
    return project if chosen is None else Project.open(folder, chosen)


def write_known(path: Path, videos: dict[str, Any]) -> None:
    """Write the states of some videos, whole or not at all.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    with atomic_path(path, durable=False) as part:
        part.write_text(json.dumps({"version": VERSION, "videos": videos}), encoding="utf-8")
