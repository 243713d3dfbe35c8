"""A batch on a cluster for the window's worker, which reports how far it is and what became of all."""

from __future__ import annotations

from typing import Any

from napari_cropzoom.batch.cluster import run_on
from napari_cropzoom.batch.results import Result as Outcome
from napari_cropzoom.batch.stages import outcome_as_json, video_of
from napari_cropzoom.core.progress import Stage
from napari_cropzoom.worker.stages import Args, Result, StageFunction

NAME = __name__
"""What the worker is told with ``--stages``."""
CLUSTER = "batch_cluster"


def work(args: Args) -> Stage[Result]:
    """Do ``videos`` on the cluster of ``scheduler``; returns ``results``, as of `outcome_as_json`."""
    results: list[dict[str, Any]] = []

    def take(found: Outcome) -> None:
        results.append(outcome_as_json(found))

    asked = {name: args[name] for name in ("detector", "pose", "settings")}
    videos = [video_of(one) for one in args["videos"]]
    yield from run_on(args["scheduler"], videos, asked, take, lambda line: None)
    return {"results": results}


STAGES: dict[str, StageFunction] = {CLUSTER: work}
