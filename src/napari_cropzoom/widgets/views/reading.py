"""What threads read of the other views: which they are, their boxes, and pictures of a frame."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.looks import LineStyle, box_style
from napari_cropzoom.review.recording import Recording
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.stored import read_review
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.steps.video import known_reviews

CACHE = 48 * 2**20  # bytes of decoded frames that are kept of each other view
WIDEST = 480  # pixels of a picture


@dataclass(frozen=True)
class ViewPicture:
    """One frame of a view.

    Attributes
    ----------
    frame : int
    image : ndarray, (h, w, 3) uint8, or None
        Smaller than the frame; None where it cannot be decoded.
    size : (int, int)
        Width and height of the frame.
    boxes : tuple of (Box, LineStyle)
        Final boxes of the animals, in pixels of the frame.
    """

    frame: int
    image: NDArray[np.uint8] | None
    size: tuple[int, int]
    boxes: tuple[tuple[Box, LineStyle], ...]


class OpenView:
    """A view that is shown beside another: its video, and its boxes as they lie on disk.

    To be closed after use.

    Parameters
    ----------
    index : VideoIndex
    raw_csv : Path or None
        Its raw boxes, None if there are none.
    """

    def __init__(self, index: VideoIndex, raw_csv: Path | None) -> None:
        self._video = Video(index.path, cache_bytes=CACHE, index=index)
        self._tracks = [] if raw_csv is None else _read_tracks(index, raw_csv)
        self.raw_csv = raw_csv

    def picture(self, frame: int) -> ViewPicture:
        """Decode a frame and make it small."""
        image = None
        with contextlib.suppress(CropzoomError):
            image = _small(self._video.frame(frame))
        found = [
            (box, box_style(Source(int(track.track.source[frame])), track.color))
            for track in self._tracks
            if not (box := track.final_box(frame)).is_missing()
        ]
        return ViewPicture(frame, image, (self._video.width, self._video.height), tuple(found))

    def close(self) -> None:
        """Let go of the file."""
        self._video.close()


def open_views(
    recording: Recording, shown: Path, beside: Callable[[Path], Path | None]
) -> dict[str, OpenView]:
    """Open all views but the one that is shown.

    Boxes are those that ``beside`` gives for a video, else those that were reviewed last.
    """
    opened: dict[str, OpenView] = {}
    for view, index in recording.videos.items():
        if index.path != shown:
            places = [beside(index.path), *known_reviews(index.path)]
            raw = next((each for each in places if each is not None and each.is_file()), None)
            opened[view] = OpenView(index, raw)
    return opened


def close_all(views: Iterable[OpenView]) -> None:
    """Close views."""
    for view in views:
        view.close()


def pictures(views: Mapping[str, OpenView], frame: int) -> dict[str, ViewPicture]:
    """Pictures of one frame, by view."""
    return {name: view.picture(frame) for name, view in views.items()}


def _read_tracks(index: VideoIndex, raw_csv: Path) -> list[ReviewedTrack]:
    """Boxes with the edits of their review; none where they cannot be read, which opening them tells."""
    try:
        stored = read_review(
            raw_csv,
            index.n_frames,
            Source.IMPORTED,
            allow_missing=True,
            frame_size=(index.width, index.height),
            video=index.path,
        )
    except (CropzoomError, OSError):
        return []
    return list(stored.tracks.entries.values())


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th pixel, so that the picture is not wider than it can be shown."""
    step = -(-max(image.shape[:2]) // WIDEST)
    return np.ascontiguousarray(image[::step, ::step])
