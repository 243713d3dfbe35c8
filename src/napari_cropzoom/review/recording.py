"""Synchronised videos of one recording: a session for each view, with the frame in common."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.recordings import alike, by_session, session_of, view_of
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.names import is_hidden
from napari_cropzoom.files.parsing import read_yaml
from napari_cropzoom.review.finding import find_models
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.names import VIDEO_SUFFIXES

PROJECT_FILE = "project.yaml"
LEVELS = 3  # folders above a video in which the file of its project may lie
MOST_MODELS = 8  # whose configuration is read for the names of views


@dataclass(frozen=True)
class Recording:
    """The videos of one moment, by view.

    Attributes
    ----------
    videos : dict of str to VideoIndex
        By view, in the order of the project's views; all have the same number of frames.
    notes : tuple of str
        Which videos of the same name are left out, and why.
    """

    videos: Mapping[str, VideoIndex] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, index: VideoIndex, views: Sequence[str] = ()) -> Recording:
        """Find the other views of a video; reads them once, so for a thread.

        Parameters
        ----------
        index : VideoIndex
            Of the video.
        views : sequence of str
            Names of views; empty for those that the project or its models know.

        Returns
        -------
        Recording
            Without a video where there is no other view.
        """
        video = index.path
        views = views or known_views(video)
        others = _videos_beside(video)
        if view_of(video.stem, views) is not None:
            found = by_session([*others, video], views).get(session_of(video.stem, views), {})
            found = {view: found[view] for view in views if view in found}
        else:
            views, found = (), alike(video, others)
        videos, notes = dict[str, VideoIndex](), list[str]()
        for view, path in found.items():
            try:
                other = index if path == video else VideoIndex.scan(path)
            except CropzoomError as error:
                notes.append(str(error))
                continue
            if other.n_frames == index.n_frames:
                videos[view] = other
            elif views:
                notes.append(
                    f"{path.name} has {counted(other.n_frames, 'frame')} and {video.name} "
                    f"{index.n_frames}, so they are not shown together."
                )
        return cls(videos if len(videos) > 1 else {}, tuple(notes))

    def view_of(self, video: Path) -> str | None:
        """The view of a video, None if it is not one of these."""
        return next((view for view, index in self.videos.items() if index.path == video), None)

    def next(self, video: Path, direction: int = 1) -> Path:
        """The video of the next view, or with ``direction`` -1 of the one before."""
        paths = [index.path for index in self.videos.values()]
        return paths[(paths.index(video) + direction) % len(paths)]


def known_views(video: Path) -> tuple[str, ...]:
    """Names of views in the project of a video, or in the configuration of a model there; a few files."""
    for folder in list(video.absolute().parents)[:LEVELS]:
        named = _views_in(folder / PROJECT_FILE)
        if len(named) > 1:
            return named
    for model in find_models(video)[:MOST_MODELS]:
        named = _views_in(model / "config.yaml")
        if len(named) > 1:
            return named
    return ()


def _views_in(file: Path) -> tuple[str, ...]:
    """Names of views in a file of settings; none where it is not there or cannot be read."""
    content: dict[str, object] = {}
    if file.is_file():
        with contextlib.suppress(CropzoomError):
            content = read_yaml(file)
    data = content.get("data")
    named = (data if isinstance(data, dict) else content).get("view_names")
    return tuple(map(str, named)) if isinstance(named, list) else ()


def _videos_beside(video: Path) -> list[Path]:
    """The other videos in the folder of one."""
    try:
        files = sorted(video.parent.iterdir())
    except OSError:
        return []
    return [
        file
        for file in files
        if file.suffix.lower() in VIDEO_SUFFIXES and not is_hidden(file) and file.name != video.name
    ]
