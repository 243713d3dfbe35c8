"""What the window costs: its start, a frame step and memory at 1,000 and 100,000 frames, and the slider.

Run by run.py under a real or virtual screen: ``gui.py start|step|slider|held FRAMES``. Prints one line of
JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common import resident_mb, synthetic_video, wandering_boxes

if TYPE_CHECKING:
    from napari_cropzoom.review.session import Session


def _open(frames: int, folder: Path) -> tuple[Any, Session, float]:
    import napari

    from napari_cropzoom import open_review
    from napari_cropzoom.files.bbox_csv import write_bbox_csv

    video = synthetic_video(Path(tempfile.gettempdir()) / f"cropzoom_bench_{frames}.mp4", frames)
    boxes = folder / f"{video.stem}_bbox.csv"
    write_bbox_csv(boxes, wandering_boxes(frames))
    viewer = napari.Viewer()
    before = resident_mb()
    session = open_review(viewer, video, bbox=boxes)
    return viewer, session, before


def _process(seconds: float = 0.0) -> None:
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while True:
        QApplication.processEvents()
        if time.perf_counter() >= end:
            return


def start(frames: int) -> dict[str, float]:
    """Milliseconds until the dock stands in an open napari, modules included, and with a video open."""
    import napari

    video = synthetic_video(Path(tempfile.gettempdir()) / f"cropzoom_bench_{frames}.mp4", frames)
    viewer = napari.Viewer()
    _process(1.0)
    begin = time.perf_counter()
    viewer.window.add_plugin_dock_widget("napari-cropzoom", "Cropzoom")
    _process()
    dock = time.perf_counter() - begin
    from napari_cropzoom import open_review

    begin = time.perf_counter()
    open_review(viewer, video)
    _process()
    opened = time.perf_counter() - begin
    viewer.close()
    return {"dock_ms": dock * 1000, "open_ms": opened * 1000}


def _step_times(viewer: Any, first: int) -> list[float]:
    """Seconds of 50 steps to the next frame, from the call until the window has painted it."""
    took = []
    for frame in range(first, first + 60):
        begin = time.perf_counter()
        viewer.dims.set_current_step(0, frame)
        _process()
        took.append(time.perf_counter() - begin)
    _process(0.3)
    return took[10:]


def step(frames: int) -> dict[str, float]:
    """Milliseconds of a frame step (event to drawn), bare and ours in turn, of an edit, and memory."""
    import napari

    from napari_cropzoom.core.boxes import Box
    from napari_cropzoom.video.video import Video

    video = synthetic_video(Path(tempfile.gettempdir()) / f"cropzoom_bench_{frames}.mp4", frames)
    with tempfile.TemporaryDirectory() as folder, Video(video) as reader:
        bare = napari.Viewer()
        bare.add_image(reader, rgb=True, contrast_limits=(0, 255))
        _process(2.0)
        viewer, session, before = _open(frames, Path(folder))
        _process(2.0)
        memory = resident_mb() - before
        bare_steps, steps, edits = [], [], []
        for block in range(8):
            first = frames // 4 + 60 * block
            bare_steps.append(float(np.median(_step_times(bare, first))) * 1000)
            steps.append(float(np.median(_step_times(viewer, first))) * 1000)
        for frame in range(40):
            start = time.perf_counter()
            session.set_box(viewer.dims.current_step[0], Box(frame, frame, 60, 60))
            _process()
            edits.append(time.perf_counter() - start)
        viewer.close()
        bare.close()
    return {
        "bare_ms": float(np.median(bare_steps)),
        "step_ms": float(np.median(steps)),
        "ratio": float(np.median(np.divide(steps, bare_steps))),
        "edit_ms": float(np.median(edits)) * 1000,
        "memory_mb": memory,
    }


def held(frames: int) -> dict[str, float]:
    """MB that Python and numpy hold with the video open, modules included."""
    import tracemalloc

    with tempfile.TemporaryDirectory() as folder:
        tracemalloc.start()
        viewer, _, _ = _open(frames, Path(folder))
        _process(4.0)
        gc.collect()
        result = {"held_mb": tracemalloc.get_traced_memory()[0] / 2**20}
        viewer.close()
    return result


def slider(frames: int) -> dict[str, float]:
    """Milliseconds from a slider event to the shown box, and for smoothing the whole track."""
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth

    with tempfile.TemporaryDirectory() as folder:
        viewer, session, _ = _open(frames, Path(folder))
        viewer.dims.set_current_step(0, frames // 2)
        _process(2.0)
        shown = []
        for window in [*range(3, 61, 2), *range(60, 4, -1)]:
            start = time.perf_counter()
            session.editing.try_smoothing(SmoothingSettings("median", window))
            shown.append(time.perf_counter() - start)
            _process(0.05)
        whole = []
        for window in (5, 31, 101):
            start = time.perf_counter()
            smooth(session.track.boxes, SmoothingSettings("median", window), session.track.is_manual)
            whole.append(time.perf_counter() - start)
        viewer.close()
    return {
        "shown_ms": float(np.median(shown)) * 1000,
        "shown_p95_ms": float(np.percentile(shown, 95)) * 1000,
        "track_ms": max(whole) * 1000,
    }


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    print(json.dumps({"start": start, "step": step, "slider": slider, "held": held}[what](int(words[0]))))
