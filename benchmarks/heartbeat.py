"""Whether the window stays awake while detector, crop and pose run from the dock, and cancelling.

A 10 ms timer beats in the window's own event loop. Run under a real or virtual screen. Prints one line of
JSON: of each step the latest beat in ms and how many were late by more than 100 ms, and seconds from a
cancel to its end; beside it the latest beat of an idle window and of one that is only repainted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

FRAMES = 120
LATE = 100  # ms


class Beats:
    """A 10 ms timer that remembers when it beat."""

    def __init__(self) -> None:
        from qtpy.QtCore import QEventLoop, QTimer

        self._times: list[float] = []
        self._loop = QEventLoop()
        self._timer = QTimer()
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._beat)
        self._until: Callable[[], bool] = lambda: True

    def _beat(self) -> None:
        self._times.append(time.perf_counter())
        if len(self._times) % 5 == 0 and self._until():
            self._loop.quit()

    def run(self, until: Callable[[], bool]) -> np.ndarray:
        """Go on until it is true; returns by how many ms each beat was late."""
        self._times.clear()
        self._until = until
        self._timer.start()
        self._loop.exec()
        self._timer.stop()
        return (np.diff(self._times) - 0.010) * 1000

    def rest(self, seconds: float) -> np.ndarray:
        """Go on for some seconds."""
        end = time.perf_counter() + seconds
        return self.run(lambda: time.perf_counter() > end)


def _open(folder: Path) -> tuple[Any, Any, Any]:
    """Viewer, session and dock with a short clip of the sample and copies of its models."""
    import napari

    from napari_cropzoom import open_review
    from napari_cropzoom.sample import sample_project
    from napari_cropzoom.widgets.dock import CropzoomDock

    sample = sample_project()
    for kind, source in (("detector", sample.detector), ("pose", sample.pose)):
        shutil.copytree(source, folder / kind)
    clip = folder / "roaming.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(sample.video)]
    subprocess.run([*command, "-frames:v", str(FRAMES), "-c", "copy", str(clip)], check=True)
    viewer = napari.Viewer()
    viewer.window.resize(1500, 940)
    session = open_review(viewer, clip)
    found = (dock for dock in viewer.window.dock_widgets.values() if isinstance(dock, CropzoomDock))
    return viewer, session, next(found)


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        viewer, session, dock = _open(folder)
        beats = Beats()
        beats.rest(3.0)
        result = {"idle, latest beat, ms": float(beats.rest(3.0).max())}
        result["one step, latest beat, ms"] = max(_step(viewer, beats, frame) for frame in range(5, 15))

        def note(step: str, late: np.ndarray) -> None:
            result[f"{step}, latest beat, ms"] = float(late.max())
            result[f"{step}, beats late by over {LATE} ms"] = float((late > LATE).sum())
            sys.stderr.write(f"{result}\n")

        dock.open_step("detect")
        dock["detect"].choose_model(folder / "detector")
        has_ended = _start(dock["detect"])
        note("detect", beats.run(has_ended))
        note("showing the first boxes", beats.rest(3.0))
        assert session.has_boxes
        for step in ("crop", "pose"):
            dock.open_step(step)
            if step == "pose":
                dock["pose"].choose_model(folder / "pose")
            beats.rest(1.0)
            note(step, beats.run(_start(dock[step])))
            note(f"showing the {step}", beats.rest(3.0))
        for step in ("crop", "pose"):
            before = {path for path in folder.rglob("*") if path.is_file()}
            dock[step].run()
            beats.rest(1.5)
            start = time.perf_counter()
            bar = dock[step].job_bar
            bar.cancel()
            beats.run(partial(_is_idle, bar))
            result[f"{step}, cancel, s"] = time.perf_counter() - start
            left = {path for path in folder.rglob("*") if path.is_file()} - before
            result[f"{step}, files left by cancelling"] = len(left)
        dock.close_session()
        viewer.close()
    return result


def _is_idle(job_bar: Any) -> bool:
    return not job_bar.is_running


def _start(section: Any) -> Callable[[], bool]:
    """Run a step; returns what tells whether it has ended. One that failed ends the benchmark."""
    ends: list[bool] = []
    section.job_bar.ended.connect(lambda: ends.append(True))
    section.run()

    def has_ended() -> bool:
        if section.message.kind == "error":
            raise SystemExit(section.message.plain)
        return bool(ends)

    return has_ended


def _step(viewer: Any, beats: Beats, frame: int) -> float:
    viewer.dims.set_current_step(0, frame)
    return float(beats.rest(0.6).max())


if __name__ == "__main__":
    print(json.dumps(main()))
