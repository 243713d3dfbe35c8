"""A batch on a cluster of `dask.distributed`; nothing else knows Dask.

A task is one video, or a part of a long one. A worker has one task at a time, with the models of the task
before it still loaded, and takes as many cores as it has threads. No more tasks are handed out than there
are workers, so that one that is killed costs the task it had, which another one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.parts import LONGEST
from napari_cropzoom.batch.results import Result
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Notify, Progress, Stage


def run_on(
    address: str,
    videos: Sequence[BatchVideo],
    args: dict[str, Any],
    take: Callable[[Result], object],
    notify: Notify,
    *,
    workers: int | None = None,
    devices: Sequence[str] = (),
    longest: int = LONGEST,
) -> Stage[None]:
    """Work on videos on a cluster; who stops it leaves nothing half-written.

    Parameters
    ----------
    address : str
        Of a running scheduler, such as ``tcp://node1:8786``, or ``local``.
    videos : sequence of BatchVideo
    args : dict
        ``detector``, ``pose`` and ``settings`` of :class:`.stages.BatchStages`.
    take : callable
        Is given each result.
    notify : callable
        Takes lines for a person.
    workers : int or None
        Of ``local``; None for one a device, or else what cores and memory allow.
    devices : sequence of str
        What the workers of ``local`` run models on, in turn; none for the graphics cards where there are
        several, or else what each finds.
    longest : int
        Frames of a part of a long video.

    Raises
    ------
    CropzoomError
        If Dask is not installed, no scheduler answers, or it has gone.
    """
    try:
        from napari_cropzoom.batch.cluster.connection import connected
        from napari_cropzoom.batch.cluster.job import ClusterJob
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("distributed", "dask"):
            raise
        raise CropzoomError(
            "--scheduler, and several devices, need Dask, which is not installed. Run: "
            "pip install 'napari-cropzoom[cluster]'"
        ) from error
    yield Progress(0, 0, f"connecting to {address}")
    with connected(address, workers, devices) as client:
        yield from ClusterJob(client, address, args, videos, take, notify, longest).run()
