"""Where a user's own data lie that belong to no video and no model, and the places that the user chose.

``places.json`` says of videos, and of folders of projects, by their paths: ``results``, the folder that
was chosen for what is made of them, and ``reviews``, raw boxes that were reviewed, the last first. The
window and the commands read it, so that both find the same.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError

VARIABLE = "CROPZOOM_DATA_DIR"
PLACES = "places.json"
VERSION = 1
PLACES_KEPT = 1000  # videos
REVIEWS_KEPT = 4  # of a video


def user_data_folder() -> Path:
    """Return the folder, which may not be there yet.

    It is the one that the operating system has for programs' data; ``CROPZOOM_DATA_DIR`` names another
    one, as on a cluster where the home directory cannot be written to.
    """
    import platformdirs  # no command's help needs it

    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("napari-cropzoom", appauthor=False)


@dataclass(frozen=True)
class Places:
    """Where a person keeps what is made of a video, or of the videos of a project.

    Attributes
    ----------
    results : Path or None
        Chosen folder; None for the usual places.
    reviews : tuple of Path
        Raw boxes that were reviewed, the last first; files may be gone since.
    """

    results: Path | None = None
    reviews: tuple[Path, ...] = ()


def places_of(video: Path) -> Places:
    """What is known of a video, or of the folder of a project."""
    known = _all_places().get(str(video.absolute()))
    if not isinstance(known, dict):
        return Places()
    folder, reviews = known.get("results"), known.get("reviews")
    return Places(
        Path(folder) if isinstance(folder, str) and folder else None,
        tuple(Path(raw) for raw in reviews if isinstance(raw, str)) if isinstance(reviews, list) else (),
    )


def results_of(video: Path) -> Path | None:
    """Folder that a person chose for what is made of a video; None for the usual places."""
    return places_of(video).results


def remember_results(video: Path, folder: Path | None) -> None:
    """Keep the folder for the next time; None for the usual places."""
    _keep(video, Places(None if folder is None else folder.absolute(), places_of(video).reviews))


def remember_reviewed(video: Path, raw_csv: Path) -> None:
    """Keep which boxes of a video were reviewed, for the next time."""
    known, raw = places_of(video), raw_csv.absolute()
    others = [each for each in known.reviews if each != raw]
    _keep(video, Places(known.results, tuple([raw, *others][:REVIEWS_KEPT])))


def _keep(video: Path, places: Places) -> None:
    """Write them down; where that cannot be written, nothing is kept."""
    everything, key = dict(_all_places()), str(video.absolute())
    everything.pop(key, None)
    if places != Places():
        results = "" if places.results is None else str(places.results)
        everything[key] = {"results": results, "reviews": [str(raw) for raw in places.reviews]}
    kept = dict(list(everything.items())[-PLACES_KEPT:])
    with contextlib.suppress(CropzoomError, OSError):
        write_places(user_data_folder() / PLACES, kept)


def write_places(path: Path, places: dict[str, Any]) -> None:
    """Write the places of some videos, whole or not at all.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    from napari_cropzoom.files.atomic import atomic_path  # which keeps its own list here

    with atomic_path(path, durable=False) as part:
        part.write_text(json.dumps({"version": VERSION, "places": places}), encoding="utf-8")


def _all_places() -> dict[str, Any]:
    path = user_data_folder() / PLACES
    try:
        found = path.stat()
    except OSError:
        return {}
    return _read_places(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read_places(path: Path, _changed_at: int, _size: int) -> dict[str, Any]:
    """The file as it was then; one that is damaged counts as none."""
    from napari_cropzoom.files.parsing import MISSHAPEN, read_json

    try:
        content = read_json(path)
        return dict(content["places"]) if content["version"] == VERSION else {}
    except (OSError, *MISSHAPEN):
        return {}
