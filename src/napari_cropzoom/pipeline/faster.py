"""Runtime ``auto``: the network itself or its ONNX export, whichever is faster on this machine."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.exported import Look, run_export
from napari_cropzoom.pipeline.exports import Speed, machine
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.pipeline.network import Network, blank
from napari_cropzoom.pipeline.progress import Tell

if TYPE_CHECKING:
    from napari_cropzoom.pipeline.exported import Forward

ROUNDS = 5


def choose_runtime(
    model: Any,
    network: Network,
    folder: ModelFolder,
    precision: str,
    onnx_precision: str | None,
    batch_size: int,
    look: Look | None,
    tell: Tell,
) -> str:
    """Time the network and its export, or recall it, and have the network run the faster way.

    Parameters
    ----------
    model, network, folder, onnx_precision, look, tell
        See :func:`napari_cropzoom.pipeline.exported.run_export`.
    precision : {"fp32", "fp16", "bf16"}
        Of the network itself.
    batch_size : int
        Images given to the network at a time.

    Returns
    -------
    {"eager", "onnx"}
        ``eager`` also where there is no export that can be trusted; ``tell`` says why.
    """
    try:
        export, forward = run_export(model, network, folder, onnx_precision, look, tell)
    except CropzoomError as error:
        tell(f"runtime auto: eager, since ONNX cannot be used: {error}")
        return "eager"
    record = export.known(network.device.type)
    assert record is not None
    speed = record.speed
    if speed is None or (speed.machine, speed.precision) != (machine(), precision):
        size = folder.image_size
        eager, onnx = _seconds_an_image(network, forward, size, batch_size)
        speed = Speed(machine(), precision, eager, onnx)
        export.remember(record, speed)
    tell(f"runtime auto: {speed.runtime}; {speed.say()}")
    network.run_with(forward if speed.runtime == "onnx" else None)
    return speed.runtime


def _seconds_an_image(
    network: Network, forward: Forward, size: tuple[int, int], batch_size: int
) -> tuple[float, float]:
    """Time both in turn, each warm, from pixels to keypoints; the medians."""
    samples = blank(size, batch_size)
    ways: tuple[Forward | None, ...] = (None, forward)
    times: dict[Forward | None, list[float]] = {way: [] for way in ways}
    network.run_with(None)
    network.fold(size)
    for _ in range(ROUNDS + 1):
        for way in ways:
            network.run_with(way)
            started = time.perf_counter()
            network(samples)
            times[way].append(time.perf_counter() - started)
    eager, onnx = (statistics.median(times[way][1:]) / batch_size for way in ways)
    return eager, onnx
