"""Reaching a scheduler, or starting workers on this machine."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
from distributed import Client, LocalCluster, WorkerPlugin

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.engine.network.devices import cards, use_device
from napari_cropzoom.engine.network.executor import processors
from napari_cropzoom.engine.training.checks import has_cuda
from napari_cropzoom.files.leftovers import remove_leftovers

LOCAL = "local"
SECONDS_TO_CONNECT = 20
ANY_PORT = {"dashboard_address": "127.0.0.1:0"}
"""Dask listens for web pages even without a dashboard, and warns where its usual port is taken."""
CORES_OF_A_WORKER, BYTES_OF_A_WORKER = 4, 3 * 2**30


class OnDevice(WorkerPlugin):
    """Has each worker run models on a device of its own, also where it was started again."""

    name = f"{__name__}.device"

    def __init__(self, devices: Sequence[str]) -> None:
        self._devices = tuple(devices)

    def setup(self, worker: Any) -> None:
        """Choose by the worker's number, before it has loaded a model."""
        use_device(self._devices[int(worker.name) % len(self._devices)])


@contextlib.contextmanager
def connected(address: str, workers: int | None = None, devices: Sequence[str] = ()) -> Iterator[Client]:
    """A client of a running scheduler, or of workers on this machine that end with it.

    Parameters
    ----------
    address : str
        Such as ``tcp://node1:8786``, or ``local``.
    workers, devices
        See :func:`napari_cropzoom.batch.cluster.run_on`.

    Raises
    ------
    CropzoomError
        If no scheduler answers.
    """
    with contextlib.ExitStack() as stack:
        if address == LOCAL:
            stack.callback(remove_leftovers)
            devices = devices or several_cards()
            count = workers or len(devices) or workers_here()
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=max(processors() // count, 1),
                memory_limit=0,
                dashboard_address=None,
                scheduler_kwargs=ANY_PORT,
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster))
            if devices:
                client.register_plugin(OnDevice(devices))
            yield client
            return
        try:
            client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise CropzoomError(
                f"{address}: no scheduler of Dask answers there ({brief(error)}). Start one with "
                "`dask scheduler`, and workers with `dask worker ADDRESS`, or give --scheduler local."
            ) from error
        yield stack.enter_context(client)


def several_cards() -> Sequence[str]:
    """The graphics cards, where there is more than one to choose from."""
    found = cards() if has_cuda() else []
    return found if len(found) > 1 else ()


def workers_here() -> int:
    """How many workers this machine bears, by its cores and its memory."""
    by_cores = max(processors() // CORES_OF_A_WORKER, min(processors(), 2))
    return max(min(by_cores, int(psutil.virtual_memory().total // BYTES_OF_A_WORKER)), 1)
