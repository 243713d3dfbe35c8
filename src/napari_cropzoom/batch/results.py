"""What became of every video of a batch, on the screen and as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted, shortened, verb
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.names import real_path

ANY_NAME = "surrogatepass"
"""How names that are not UTF-8 are written and read."""
LONGEST_WHY = 90  # letters, on the screen
DONE, UP_TO_DATE, FOR_REVIEW, FAILED, NOT_DONE = (
    "done", "up to date", "for review", "failed", "not done",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What became of one video.

    Attributes
    ----------
    video : Path
    state : str
        ``done``, ``up to date`` (nothing had to run), ``for review``, ``failed`` or ``not done``.
    why : str
        Why it is left for review or failed; what is worth knowing else.
    frames, suspects : int or None
        Frames of the video, and entries of the review queue; None where that was not found out.
    share : float or None
        Of the frames that lie in a suspect, 0 to 1.
    boxes : str
        ``detected`` or ``reviewed``.
    seconds : float
    predictions : Path or None
        Keypoints in the full frame.
    """

    video: Path
    state: str = NOT_DONE
    why: str = ""
    frames: int | None = None
    suspects: int | None = None
    share: float | None = None
    boxes: str = ""
    seconds: float = 0.0
    predictions: Path | None = None

    @property
    def row(self) -> list[str]:
        """The cells of the table, as text."""
        return [
            str(self.video),
            self.state,
            self.why,
            _text(self.frames),
            _text(self.suspects),
            "" if self.share is None else f"{self.share:.4f}",
            self.boxes,
            f"{self.seconds:.1f}",
            _text(self.predictions),
        ]


COLUMNS = (
    "video", "state", "why", "frames", "suspects", "share_of_frames", "boxes", "seconds", "predictions",
)  # fmt: skip
TABLE = ",".join(COLUMNS[:3]), "a table of `cropzoom batch`"
"""What such a table begins with, and what it is."""


def rows_of_others(path: Path, results: Iterable[Result]) -> list[list[str]]:
    """Rows of other videos in a table that is there already; none if it is no such table."""
    mine = {_place(str(result.video)) for result in results}
    try:
        with path.open(encoding="utf-8", errors=ANY_NAME, newline="") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error):
        return []
    if tuple(header) != COLUMNS:
        return []
    return [row for row in rows if row and _place(row[0]) not in mine]


@lru_cache(maxsize=100_000)
def _place(video: str) -> str:
    return str(real_path(video))


def write_results(path: Path, results: Collection[Result]) -> None:
    """Write the table as CSV, whole or not at all.

    Rows of other videos stay at its top, also those that another process has written meanwhile.

    Parameters
    ----------
    path : Path
    results : collection of Result

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    others = rows_of_others(path, results)
    with atomic_path(path) as part, part.open("w", encoding="utf-8", errors=ANY_NAME, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(others)
        writer.writerows(result.row for result in results)


def table(results: Sequence[Result]) -> str:
    """The table for a person: a line a video, and the counts at the end."""
    names = [str(result.video) for result in results]
    width = max(map(len, names), default=0)
    lines = [f"{'video':<{width}}  {'state':<10}  suspects  in frames  seconds  why"]
    for name, each in zip(names, results, strict=True):
        share = "" if each.share is None else f"{each.share:.1%}"
        lines.append(
            f"{name:<{width}}  {each.state:<10}  {_text(each.suspects):>8}  {share:>9}  "
            f"{each.seconds:7.1f}  {_short(each)}".rstrip()
        )
    states = [result.state for result in results]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return "\n".join([*lines, f"{counted(len(results), 'video')}: {counts}"])


def left_for_review(
    results: Iterable[Result], videos: Iterable[BatchVideo], detector: ModelFolder
) -> str:
    """What to do about videos that are left for review; empty if there is none."""
    left = {result.video for result in results if result.state == FOR_REVIEW}
    if not left:
        return ""
    commands = []
    for video in videos:
        if video.path in left:
            where = [] if video.results is None else ["--output_dir", video.results]
            words = ["cropzoom", "review", video.path, "--detector", detector.path, *where]
            commands.append(f"  {shell_line(words)}")
    them = f"{counted(len(left), 'video')} {verb(len(left), 'are')}"
    return "\n".join(
        [f"{them} left for review. Open, save in step Export, and run the batch again:", *commands]
    )


def _short(result: Result) -> str:
    """Why, without the video's name, which stands before it; the CSV has all of it."""
    return shortened(result.why.removeprefix(f"{result.video}: "), LONGEST_WHY)


def _text(value: object) -> str:
    return "" if value is None else str(value)
