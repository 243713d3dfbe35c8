"""How fast every frame of a 1080p video plays in the real window, with boxes and points shown.

Run under a real or virtual screen: ``playing.py [WIDTHxHEIGHT] [--profile]``. Prints one line of JSON.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import synthetic_video, wandering_boxes

FRAMES = 240


def main(size: str, profile: bool) -> dict[str, object]:
    """Play from start to end as fast as can be."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_cropzoom import open_review
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.widgets.timeline.widget import Timeline

    video = synthetic_video(Path(tempfile.gettempdir()) / f"cropzoom_play_{size}.mp4", FRAMES, size)
    boxes = wandering_boxes(FRAMES, 200)
    boxes[:, :2] *= 4
    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "boxes_bbox.csv"
        write_bbox_csv(csv, boxes)
        session = open_review(viewer, video, bbox=csv)
        xy = boxes[:, None, :2] + np.linspace(20, 180, 8)[None, :, None]
        session.set_predictions("detector", Poses(tuple("abcdefgh"), xy, np.full((FRAMES, 8), 0.9)))
        docks = viewer.window.dock_widgets.values()
        player = next(dock for dock in docks if isinstance(dock, Timeline)).player
        assert player is not None
        until = time.perf_counter() + 2
        while time.perf_counter() < until:
            QApplication.processEvents()
        shown: list[tuple[float, int]] = []
        player.playback.shown.connect(lambda frame: shown.append((time.perf_counter(), frame)))
        player.speed.setCurrentIndex(player.speed.count() - 1)
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        used = time.process_time()
        player.play.click()
        while player.playback.is_playing:
            QApplication.processEvents()
        used = time.process_time() - used
        if profile:
            profiler.disable()
            pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumtime").print_stats(70)
        viewer.close()
    times, frames = np.array([t for t, _ in shown]), [frame for _, frame in shown]
    gaps = np.diff(times) * 1000
    return {
        "size": size,
        "load": os.getloadavg()[0],
        "frames": len(frames),
        "left_out": FRAMES - 1 - len(set(frames)),
        "fps": (len(times) - 1) / float(times[-1] - times[0]),
        "median_ms": float(np.median(gaps)),
        "p95_ms": float(np.percentile(gaps, 95)),
        "cpu_ms_a_frame": used / len(frames) * 1000,
    }


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    print(json.dumps(main(words[0] if words else "1920x1080", "--profile" in sys.argv)))
