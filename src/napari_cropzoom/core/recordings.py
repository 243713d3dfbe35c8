"""Names of synchronised videos: which of them belong together, and which view each one is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

MOST_VIEWS = 12
_WORD = re.compile(r"[0-9a-zA-Z]+|[^0-9a-zA-Z_\-. ]+")
_CAMERA = re.compile(r"(cam|camera|view|c|v)\d+|(cam|camera|view)[a-z]?", re.IGNORECASE)
_VIEW = re.compile(
    rf"({_CAMERA.pattern})|top|bottom|side|left|right|front|back|rear|above|below|overhead|mirror",
    re.IGNORECASE,
)


def view_of(stem: str, views: Sequence[str]) -> str | None:
    """The first view whose name is part of a video's; None if there is none.

    As ``lightning_pose.utils.io.extract_view_name_from_video``.
    """
    return next((view for view in views if view in stem), None)


def session_of(stem: str, views: Sequence[str]) -> str:
    """A video's name without ``_<view>``.

    As ``lightning_pose.utils.io.extract_session_name_from_video``.
    """
    view = view_of(stem, views)
    return stem if view is None else stem.replace(f"_{view}", "")


def by_session(videos: Iterable[Path], views: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Videos by session, then by view; those without a view are left out.

    As ``lightning_pose.utils.io.split_video_files_by_view``, which leaves out sessions that lack a view
    too.
    """
    found: dict[str, dict[str, Path]] = {}
    for video in videos:
        view = view_of(video.stem, views)
        if view is not None:
            found.setdefault(session_of(video.stem, views), {})[view] = video
    return found


def is_named_for(stem: str, view: str) -> bool:
    """Whether Lightning Pose takes a video for one of this view when it puts them in order.

    As ``lightning_pose.utils.io.collect_video_files_by_view``: it asks for an end of the word, and not
    for its beginning.
    """
    return re.search(rf"{re.escape(view)}(?![0-9a-zA-Z])", stem) is not None


def alike(video: Path, others: Iterable[Path]) -> dict[str, Path]:
    """Videos whose names differ from a video's in one word only, which is the view's; it is one of them.

    The word is without digits in all of them (``left``, ``right``), or that of a camera (``cam0``):
    ``mouse_day1`` and ``mouse_day2`` are no views of each other. Names of one word have nothing in common
    that would say so, unless both are words of views, such as ``top`` and ``side``.

    Returns
    -------
    dict of str to Path
        By view, in their order; empty if there is no other one.
    """
    words = _WORD.findall(video.stem)
    best: dict[str, Path] = {}
    for place, word in enumerate(words):
        found = {word: video}
        for other in others:
            theirs = _WORD.findall(other.stem)
            is_alike = len(theirs) == len(words) and other.stem != video.stem
            if is_alike and [n for n, each in enumerate(words) if each != theirs[n]] == [place]:
                found[theirs[place]] = other
        if len(words) == 1:
            found = {each: path for each, path in found.items() if _VIEW.fullmatch(each)}
        is_more = len(best) < len(found) <= MOST_VIEWS and len(found) > 1
        if is_more and word in found and _are_views(found):
            best = found
    return {view: best[view] for view in sorted(best)}


def _are_views(words: Iterable[str]) -> bool:
    given = list(words)
    return all(not re.search(r"\d", word) for word in given) or all(map(_CAMERA.fullmatch, given))
