"""Lightning Pose's labeled video, drawn in a process of its own, which can be stopped half way.

``python -m napari_cropzoom.engine.drawing`` takes what to draw on standard input, and says on standard
output why it could not. It is no process of :mod:`multiprocessing`: workers of a cluster are daemonic,
and those may not have such children.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from napari_cropzoom.core.children import no_console
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.video.names import whole_name

if TYPE_CHECKING:
    import pandas as pd

DRAWN_ABOVE = 0.9
"""Likelihood below which a labeled video leaves keypoints out, where the configuration is silent."""

SIZE = 8
"""Bytes that say how many follow."""


def draw(part: Path, video: Path, frame: pd.DataFrame, config: Any) -> Iterator[Progress]:
    """Draw keypoints into a copy of a video.

    Parameters
    ----------
    part : Path
        File to write.
    video : Path
    frame : DataFrame
        See :func:`napari_cropzoom.engine.outputs.predictions_frame`.
    config : DictConfig
        The model's configuration.

    Raises
    ------
    CropzoomError
        If Lightning Pose cannot draw it.
    """
    settings = config.get("eval") or {}
    threshold = float(settings.get("confidence_thresh_for_vid", DRAWN_ABOVE))
    colormap = str(settings.get("colormap", "cool"))
    work = pickle.dumps((whole_name(video), frame, whole_name(part), threshold, colormap))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **no_console(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout as said, ThreadPoolExecutor(1, thread_name_prefix="drawing") as writer:
        try:
            writer.submit(_send, process.stdin, work)
            while process.poll() is None:
                yield Progress(0, 0, "drawing the labeled video")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(SECONDS_BETWEEN_REPORTS)
        finally:
            process.kill()
            process.wait()
        why = said.read().decode(errors="replace").strip()
        with contextlib.suppress(OSError):
            process.stdin.close()
    if process.returncode != 0 or not part.is_file():
        raise CropzoomError(
            f"{video}: Lightning Pose could not draw the labeled video{why and f' ({why})'}. Predict "
            "without it (--skip_viz)."
        )


def _send(stdin: IO[bytes], work: bytes) -> None:
    """Hand over the work; standard input stays open, and closes when this process ends."""
    with contextlib.suppress(OSError):
        stdin.write(len(work).to_bytes(SIZE, "big") + work)
        stdin.flush()
