"""What the window costs: a frame step and memory at 1,000 and 100,000 frames, and the slider.

Run by run.py under a real or virtual screen: ``gui.py step|slider|held FRAMES``. Prints one line of JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import resident_mb, synthetic_video, wandering_boxes


def _open(frames: int, folder: Path):
    import napari

    from napari_cropzoom import open_review
    from napari_cropzoom.io.bbox_csv import write_bbox_csv

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


def step(frames: int) -> dict[str, float]:
    """Milliseconds of a frame step (event to drawn), of an edit, and memory over the bare viewer."""
    from napari_cropzoom.core.boxes import Box

    with tempfile.TemporaryDirectory() as folder:
        viewer, session, before = _open(frames, Path(folder))
        _process(2.0)
        middle = frames // 2
        for frame in range(middle, middle + 30):
            viewer.dims.set_current_step(0, frame)
            _process()
        steps, edits = [], []
        for frame in range(middle + 30, middle + 230):
            start = time.perf_counter()
            viewer.dims.set_current_step(0, frame)
            _process()
            steps.append(time.perf_counter() - start)
        for frame in range(40):
            start = time.perf_counter()
            session.set_box(viewer.dims.current_step[0], Box(frame, frame, 60, 60))
            _process()
            edits.append(time.perf_counter() - start)
        result = {
            "step_ms": float(np.median(steps)) * 1000,
            "edit_ms": float(np.median(edits)) * 1000,
            "memory_mb": resident_mb() - before,
        }
        viewer.close()
    return result


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
    from napari_cropzoom.core.smoothing import SmoothingSettings, smooth

    with tempfile.TemporaryDirectory() as folder:
        viewer, session, _ = _open(frames, Path(folder))
        viewer.dims.set_current_step(0, frames // 2)
        _process(2.0)
        shown = []
        for window in [*range(3, 61, 2), *range(60, 4, -1)]:
            start = time.perf_counter()
            session.smoothing = SmoothingSettings("median", window)
            shown.append(time.perf_counter() - start)
            _process(0.05)
        whole = []
        for window in (5, 31, 101):
            start = time.perf_counter()
            smooth(session.track.boxes, SmoothingSettings("median", window), session.track.is_anchor)
            whole.append(time.perf_counter() - start)
        viewer.close()
    return {
        "shown_ms": float(np.median(shown)) * 1000,
        "shown_p95_ms": float(np.percentile(shown, 95)) * 1000,
        "track_ms": max(whole) * 1000,
    }


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    print(json.dumps({"step": step, "slider": slider, "held": held}[what](int(words[0]))))
