"""A progress bar on standard error, where somebody can see it."""

from __future__ import annotations

import sys
from typing import TypeVar

from napari_cropzoom.pipeline.progress import Progress, Stage, run_stage

T = TypeVar("T")


def run_with_bar(stage: Stage[T], title: str) -> T:
    """Run a stage to its end; a stage left early, by Ctrl-C too, is closed and cleans up."""
    try:
        if not sys.stderr.isatty():
            return run_stage(stage)
        return _run(stage, title)
    finally:
        stage.close()


def _run(stage: Stage[T], title: str) -> T:
    from tqdm import tqdm

    with tqdm(desc=title, unit="frame", file=sys.stderr, dynamic_ncols=True) as bar:

        def report(progress: Progress) -> None:
            bar.total = progress.total or None
            if progress.text:
                bar.set_postfix_str(progress.text, refresh=False)
            bar.n = progress.done
            bar.refresh()

        return run_stage(stage, report)
