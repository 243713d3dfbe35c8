"""What a review of 1,000,000 frames with 10,000 edits costs: opening, an edit, undo, a step, memory.

Run under a real or virtual screen: ``million.py [FRAMES]``. Prints one line of JSON. The video is tiny
and still (64x48), so that it can be encoded at all; the session never looks at its pixels. One frame in
300 begins a fault; the journal corrects these with boxes set by hand, interpolation and acceptance.

For each gesture, in milliseconds: ``shown`` is the time until the window has painted it; ``busy`` is all
that the window's thread does for it within half a second, what comes later (counts, queue, timeline)
included; ``longest`` is the longest of these pieces. ``cpu`` is what of ``shown`` the window's thread
computed itself, which says more on a machine that others use too. ``floor`` is the same window painting
an unchanged canvas: with software OpenGL that is most of ``shown``. ``no canvas`` is the same with the
canvas hidden.
"""

from __future__ import annotations

import contextlib
import cProfile
import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from common import resident_mb, timed, wandering_boxes

FAULT_EVERY = 300
EDITS_PER_FRAME = 1 / 100
TIMES = 20
SETTLED = 0.5  # seconds after a gesture in which the window comes to rest
Numbers = dict[str, dict[str, float]]


def still_video(path: Path, frames: int) -> Path:
    """Grey frames of 64x48 pixels, a keyframe a second; kept for the next run."""
    if not path.exists():
        source = f"color=c=gray:size=64x48:rate=30:duration={frames / 30 + 1}"
        ffmpeg = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-y",
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            source,
        ]
        encode = ["-frames:v", str(frames), "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"]
        part = path.with_stem(f"{path.stem}_part")
        subprocess.run([*ffmpeg, *encode, "-pix_fmt", "yuv420p", str(part)], check=True)
        part.rename(path)
    return path


def faulty_boxes(frames: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A wandering track, (T, 4), and its faults: jumps, swollen boxes and gaps of 1 to 20 frames."""
    rng = np.random.default_rng(1)
    boxes = wandering_boxes(frames)
    spans = []
    for number, first in enumerate(range(100, frames - 50, FAULT_EVERY)):
        last = first + int(rng.integers(0, 20))
        spans.append((first, last))
        if number % 3 == 0:
            boxes[first : last + 1, :2] += 150
        elif number % 3 == 1:
            boxes[first : last + 1, 2:] *= 2
        else:
            boxes[first : last + 1] = np.nan
    return boxes, spans


def review(session: Any, spans: list[tuple[int, int]], right: np.ndarray) -> None:
    """Mend one fault after the other until there are so many edits as asked for."""
    from napari_cropzoom.core.boxes import Box
    from napari_cropzoom.core.editing import range_tools as tools

    wanted = round(session.n_frames * EDITS_PER_FRAME)
    for first, last in spans:
        for frame in (first, last):
            session.set_box(frame, Box(*right[frame]))
        if last > first:
            session.apply(tools.interpolate(session.track, first, last))
        session.accept(max(0, first - 8), first - 1)
        if len(session.history) >= wanted:
            return


def make_review(folder: Path, video: Path, frames: int) -> Path:
    """Raw boxes and a journal beside them; returns the CSV of the raw boxes."""
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.review.session import Session
    from napari_cropzoom.video.video import Video

    csv = folder / f"{video.stem}_bbox.csv"
    boxes, spans = faulty_boxes(frames)
    write_bbox_csv(csv, boxes)
    session = Session(Video(video))
    session.load_boxes(csv, allow_missing=True)
    review(session, spans, wandering_boxes(frames))
    session.close()
    return csv


def opening(csv: Path, video: Path) -> dict[str, float]:
    """Seconds that each part of opening takes; the smallest of three, no window."""
    from napari_cropzoom.core.boxes import Source
    from napari_cropzoom.files.bbox_csv import read_bbox_csv
    from napari_cropzoom.files.journal_lines import read_journal
    from napari_cropzoom.files.review_paths import file_sha256, journal_file
    from napari_cropzoom.review.session import Session
    from napari_cropzoom.review.stored import read_review
    from napari_cropzoom.video.video import Video

    start = time.perf_counter()
    opened = Video(video)
    result = {"video index": time.perf_counter() - start}
    session = Session(opened)
    parts: dict[str, Callable[[], object]] = {
        "boxes CSV": lambda: read_bbox_csv(csv, allow_missing=True),
        "sha256": lambda: file_sha256(csv),
        "journal lines": lambda: read_journal(journal_file(csv)),
        "read_review": lambda: read_review(csv, opened.n_frames, Source.IMPORTED, allow_missing=True),
        "load_boxes": lambda: session.load_boxes(csv, allow_missing=True),
    }
    for name, work in parts.items():
        result[name] = min(timed(work) for _ in range(3))
    result["edits"] = len(session.history)
    session.close()
    return result


def gesture(act: Callable[[int], object], times: int) -> dict[str, dict[str, float]]:
    """Milliseconds of ``act(i)`` and of what the window then does."""
    from qtpy.QtWidgets import QApplication

    numbers: dict[str, list[float]] = {"shown": [], "cpu": [], "busy": [], "longest": []}
    for place in range(times):
        used = time.thread_time()
        start = time.perf_counter()
        act(place)
        QApplication.processEvents()
        pieces = [time.perf_counter() - start]
        numbers["cpu"].append(time.thread_time() - used)
        end = time.perf_counter() + SETTLED
        while time.perf_counter() < end:
            pieces.append(timed(QApplication.processEvents))
            time.sleep(0.002)
        numbers["shown"].append(pieces[0])
        numbers["busy"].append(sum(pieces))
        numbers["longest"].append(max(pieces))
    return {
        name: {
            "median": round(float(np.median(values)) * 1000, 1),
            "p95": round(float(np.percentile(values, 95)) * 1000, 1),
        }
        for name, values in numbers.items()
    }


@contextlib.contextmanager
def profiled(name: str, wanted: bool) -> Iterator[None]:
    """Print what took long to standard error, if asked for."""
    profiler = cProfile.Profile()
    if wanted:
        profiler.enable()
    yield
    if wanted:
        profiler.disable()
        sys.stderr.write(f"==== {name}\n")
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(22)


def wait_until_quiet(still: float = 3.0, timeout: float = 240.0) -> float:
    """Let the window work until it has had nothing to do for a while; returns the longest piece, s."""
    from qtpy.QtCore import QThreadPool
    from qtpy.QtWidgets import QApplication

    longest, until = 0.0, time.perf_counter() + still
    end = time.perf_counter() + timeout
    while time.perf_counter() < min(until, end):
        took = timed(QApplication.processEvents)
        longest = max(longest, took)
        if took > 0.005 or QThreadPool.globalInstance().activeThreadCount():
            until = time.perf_counter() + still
        time.sleep(0.002)
    return longest


def window(csv: Path, video: Path, profile: bool) -> dict[str, Any]:
    """Gestures in a napari window with all three docks open."""
    import napari
    from qtpy.QtWidgets import QApplication, QWidget

    from napari_cropzoom import open_review
    from napari_cropzoom.app import find_dock
    from napari_cropzoom.core.boxes import Box

    viewer = napari.Viewer()
    viewer.window.resize(1500, 950)
    wait_until_quiet(1.0)
    before = resident_mb()
    start = time.perf_counter()
    with profiled("open", profile):
        session = open_review(viewer, video, bbox=csv)
        result: dict[str, Any] = {"open_review_s": time.perf_counter() - start}
        result["longest_piece_after_s"] = wait_until_quiet()
    result["all_known_after_s"] = time.perf_counter() - start - 3.0
    result["window_mb"] = resident_mb() - before
    dock = find_dock(viewer)
    assert dock is not None
    middle = session.n_frames // 2 // FAULT_EVERY * FAULT_EVERY
    canvas = next(
        child
        for top in QApplication.topLevelWidgets()
        for child in top.findChildren(QWidget)
        if type(child).__name__ == "CanvasBackendDesktop" and child.isVisible()
    )
    dock.open_step("review")

    def step(i: int) -> None:
        viewer.dims.set_current_step(0, middle + i)

    def edit(i: int) -> None:
        session.set_box(dock.controller.frame, Box(10 + i % 20, 8, 20, 20))

    acts: dict[str, Callable[[int], object]] = {
        "step": step,
        "edit": edit,
        "undo": lambda _: session.undo(),
    }
    for act in acts.values():
        gesture(act, 2)
    result["floor"] = gesture(lambda _: canvas.update(), TIMES)
    for name, act in acts.items():
        with profiled(name, profile):
            result[name] = gesture(act, TIMES)
    canvas.hide()
    wait_until_quiet(0.5)
    for name, act in acts.items():
        with profiled(f"{name}, no canvas", profile):
            result[f"{name}, no canvas"] = gesture(act, TIMES)
    canvas.show()
    viewer.close()
    return result


def main(frames: int, profile: bool) -> dict[str, Any]:
    """Everything, at one length."""
    video = still_video(Path(tempfile.gettempdir()) / f"cropzoom_still_{frames}.mp4", frames)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make_review(folder, video, frames)
        result: dict[str, Any] = {"frames": frames, "load": os.getloadavg()[0]}
        result["opening_s"] = opening(made, video)
        mine = folder / "window"
        shutil.copytree(made.parent, mine, ignore=shutil.ignore_patterns("window"))
        result["window"] = window(mine / made.name, video, profile)
    return result


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--profile"]
    print(json.dumps(main(int(words[0]) if words else 1_000_000, "--profile" in sys.argv)))
