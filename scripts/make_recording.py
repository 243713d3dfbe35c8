"""Record the presentation of the sample for the documentation, and photograph the steps on the way.

    scripts/with_screen.sh python scripts/make_recording.py [--work FOLDER] [--seconds-at-most 600]

Drives the real plugin by ``cropzoom demo --present`` in a window of 1280x720, on a part of the sample in
a folder whose name says nothing of the machine. Writes ``docs/images/tour.mp4`` and a picture of every
task in ``docs/images/tour``. Times in which nothing moves, or a model runs, are cut short.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
SIZE = (1280, 720)
SHOWN = (960, 540)
RATE = 10  # pictures a second
SPEED = 2  # times faster than it was
STILL = 1.5  # seconds of a still picture that are kept
WHILE_RUNNING = 12  # times faster
PACE = 1.5
FIRST, LAST = 950, 1069  # frames of the sample in which the detector goes wrong for a while
SETTLED = 4  # pictures after which a panel is as it stays
LARGEST = 2_000_000  # bytes


class Recorder:
    """Writes what the screen shows, with long waits cut short."""

    def __init__(self, path: Path) -> None:
        self._container: Any = av.open(str(path), "w")
        options = {"crf": "30", "preset": "slow", "tune": "animation"}
        self._stream = self._container.add_stream("libx264", rate=RATE * SPEED, options=options)
        self._stream.width, self._stream.height = SHOWN
        self._stream.pix_fmt = "yuv420p"
        self._last: np.ndarray | None = None
        self._still = self._seen = 0
        self.count = 0

    def add(self, picture: np.ndarray, *, is_running: bool) -> None:
        """Take a picture of the window, (H, W, 3) uint8."""
        self._seen += 1
        if is_running and self._seen % WHILE_RUNNING:
            return
        small = cv2.resize(picture, SHOWN, interpolation=cv2.INTER_AREA)
        is_same = self._last is not None and np.array_equal(small, self._last)
        self._still = self._still + 1 if is_same else 0
        if self._still > STILL * RATE:
            return
        self._last = small
        for packet in self._stream.encode(av.VideoFrame.from_ndarray(small, "rgb24")):
            self._container.mux(packet)
        self.count += 1

    def close(self) -> None:
        """Write what is left."""
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "mouse"))
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--theme", default="dark", choices=("dark", "light"))
    parser.add_argument("--seconds-at-most", type=float, default=900)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as settings:
        os.environ["NAPARI_CONFIG"] = str(Path(settings, "settings.yaml"))
        os.environ["CROPZOOM_DATA_DIR"] = str(Path(settings, "data"))
        os.environ["XDG_CONFIG_HOME"] = str(Path(settings, "config"))
        record(args)


def cut(source: Path, target: Path) -> None:
    """Write the frames that are presented, so that the models take less time."""
    with av.open(str(source)) as video, av.open(str(target), "w") as made:
        rate = round(float(video.streams.video[0].average_rate or 30))
        stream: Any = made.add_stream("libx264", rate=rate, options={"crf": "16", "g": "30"})
        stream.width, stream.height = video.streams.video[0].width, video.streams.video[0].height
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(video.decode(video=0)):
            if number > LAST:
                break
            if number >= FIRST:
                frame.pts, frame.time_base = number - FIRST, Fraction(1, rate)
                made.mux(stream.encode(frame))
        made.mux(stream.encode(None))


def record(args: argparse.Namespace) -> None:
    """Present, and write what is seen."""
    import napari
    from pyqtgraph.functions import ndarray_from_qimage
    from qtpy.QtCore import QTimer
    from qtpy.QtGui import QImage
    from qtpy.QtWidgets import QApplication

    from napari_cropzoom.app import find_dock
    from napari_cropzoom.demo import begin_presentation, copy_models
    from napari_cropzoom.sample import sample_project
    from napari_cropzoom.widgets.gl_context import top_of

    sample = sample_project()
    video = args.work / sample.video.name
    args.work.mkdir(parents=True, exist_ok=True)
    cut(sample.video, video)
    project = copy_models(sample, args.work)
    project = type(project)(video, project.detector, project.pose)
    pictures = args.output / "tour"
    pictures.mkdir(parents=True, exist_ok=True)
    path = args.output / "tour.mp4"
    recorder = Recorder(path)
    viewer = napari.Viewer(title="napari-cropzoom", show=False)
    viewer.theme = args.theme
    viewer.window.show()
    presenter = begin_presentation(viewer, sample, project, PACE, FIRST)
    dock = find_dock(viewer)
    assert dock is not None
    window = top_of(dock)
    window.setGeometry(0, 0, *SIZE)
    taken: dict[int, int] = {}  # how often a task was seen done
    app = QApplication.instance()
    end = time.monotonic() + args.seconds_at_most

    def shoot() -> None:
        if time.monotonic() > end:
            app.exit(1)
        shot = QApplication.primaryScreen().grabWindow(0, 0, 0, *SIZE).toImage()
        picture = ndarray_from_qimage(shot.convertToFormat(QImage.Format.Format_RGB888)).copy()
        running = any(
            getattr(step, "job_bar", None) and step.job_bar.is_running for step in dock.steps.values()
        )
        recorder.add(picture, is_running=running)
        number = presenter.tour.number
        if presenter.tour.panel.said.text().startswith("✓"):
            taken[number] = taken.get(number, 0) + 1
        if taken.get(number) == SETTLED:
            photograph(picture, pictures / f"{number + 1}.jpg")

    def photograph(picture: np.ndarray, target: Path) -> None:
        colours = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(target), colours, [cv2.IMWRITE_JPEG_QUALITY, 90])

    timer = QTimer(interval=1000 // RATE)
    timer.timeout.connect(shoot)
    timer.start()
    presenter.finished.connect(lambda: QTimer.singleShot(1500, lambda: app.exit(0)))
    code = app.exec()
    timer.stop()
    recorder.close()
    viewer.close()
    size = path.stat().st_size
    length = recorder.count / RATE / SPEED
    print(f"{path}: {length:.0f} s, {size / 1e6:.2f} MB; pictures of tasks {sorted(taken)}")
    if code or size > LARGEST:
        raise SystemExit(f"{path}: not finished, or more than {LARGEST} bytes")


if __name__ == "__main__":
    sys.exit(main())
