"""How far a stage is: on standard error, as a bar or some lines, and in a file for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage, Tenths, run_stage

T = TypeVar("T")
Report = Callable[[Progress], None]

SECONDS_BETWEEN_WRITES = 0.25
SECONDS_BETWEEN_LINES = 10.0


def print_line(line: str) -> None:
    """Print a line at once, also where the output is a file."""
    print(line, flush=True)


def run_with_bar(stage: Stage[T], title: str, progress_file: Path | None = None, *, place: int = 0) -> T:
    """Run a stage to its end; a stage left early, by Ctrl-C too, is closed and cleans up.

    ``place`` is the line of the bar, where several stages run side by side.
    """
    with contextlib.closing(stage), contextlib.ExitStack() as stack:
        reports: list[Report] = []
        if progress_file is not None:
            reports.append(ProgressFile(progress_file))
        if sys.stderr.isatty():
            reports.append(stack.enter_context(_bar(title, place)))
        else:
            reports.append(Lines(title))

        def report(progress: Progress) -> None:
            for notify in reports:
                notify(progress)

        return run_stage(stage, report)


class Lines:
    """Says now and then how far a stage is, where standard error is a file and no bar can be drawn.

    Each part of a stage is named once it has taken a while, and told in tenths. What is quick says
    nothing, nor what is over when it is heard of.

    Parameters
    ----------
    title : str
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._part: str | None = None
        self._tenths = Tenths()
        self._is_named = False
        self._told = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Write a line if there is something new to say, and the last one was a while ago."""
        if progress.text != self._part:
            self._part, self._tenths, self._is_named = progress.text, Tenths(), False
        if time.monotonic() - self._told < SECONDS_BETWEEN_LINES:
            return
        is_new, is_over = self._tenths.is_new(progress), 0 < progress.total <= progress.done
        if is_new if self._is_named else not is_over:
            self._is_named, self._told = True, time.monotonic()
            sys.stderr.write(f"{self._title}: {_words(progress)}\n")
            sys.stderr.flush()


def _words(progress: Progress) -> str:
    if progress.total > 0 and (progress.done or " " not in progress.text):
        return f"{progress.done} of {progress.total} {progress.text or 'frames'}"
    return progress.text or "begins"


class ProgressFile:
    """Keeps a file up to date for another program, in the form of ``litpose predict --progress_file``.

    A JSON object with ``completed``, ``total`` and ``timestamp`` (seconds since 1970), always whole;
    see ``lightning_pose.callbacks.JSONInferenceProgressTracker``. Litpose counts batches, this frames.

    Parameters
    ----------
    path : Path

    Raises
    ------
    CropzoomError
        If the file cannot be written; where that happens later on, the work goes on without it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = 0.0
        self._write(0, 1)

    def __call__(self, progress: Progress) -> None:
        """Write how far the stage is, but not more often than anybody looks."""
        if progress.total <= 0:
            return
        over = progress.done >= progress.total
        if over or time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            with contextlib.suppress(CropzoomError):
                self._write(progress.done, progress.total)

    def _write(self, completed: int, total: int) -> None:
        from napari_cropzoom.files.atomic import atomic_path

        content = {"completed": completed, "total": total, "timestamp": time.time()}
        with atomic_path(self._path, durable=False) as part:
            part.write_text(json.dumps(content, indent=4), encoding="utf-8")
        self._written = time.monotonic()


@contextlib.contextmanager
def _bar(title: str, place: int) -> Iterator[Report]:
    from tqdm import tqdm

    with tqdm(desc=title, unit="frame", file=sys.stderr, dynamic_ncols=True, position=place) as bar:

        def report(progress: Progress) -> None:
            bar.total = progress.total or None
            if progress.text:
                bar.set_postfix_str(progress.text, refresh=False)
            bar.n = progress.done
            bar.refresh()

        yield report
