"""How far a stage is: a bar on standard error, where somebody can see it, and a file for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage, run_stage

T = TypeVar("T")
Report = Callable[[Progress], None]

SECONDS_BETWEEN_WRITES = 0.25


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

        def report(progress: Progress) -> None:
            for notify in reports:
                notify(progress)

        return run_stage(stage, report)


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
