"""What the window adds to the bare image: ``viewer.py step|seek|memory``, each in its own process.

``step``: a frame step with box and keypoints against napari stepping the bare image from the same
reader, 1920x1080, in turn in one process. ``seek``: random access against PyAV seeking and decoding the
same frame and nothing else. ``memory``: a video of four hours open for review over the bare viewer. Each
prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from common import resident_mb, synthetic_video, timed, wandering_boxes
from gui import _process
from inputs import sample_video

STEPS = 80
SEEKS = 200
HOURS = 4


def _steps(viewer: Any) -> float:
    """Median seconds of a step to the next frame, from the call to the painted window."""
    _process(1.0)
    middle = viewer.dims.range[0].stop // 2

    def step(frame: int) -> None:
        viewer.dims.set_current_step(0, frame)
        _process()

    steps = [timed(partial(step, middle + number)) for number in range(STEPS + 20)]
    return float(np.median(steps[20:]))


def step(pairs: int = 3) -> dict[str, float]:
    """Milliseconds of a step, bare and with everything of ours, and the median ratio."""
    import napari

    from napari_cropzoom import open_review
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.video.video import Video

    frames = 300
    found: dict[str, list[float]] = {"bare": [], "layers": [], "docks": []}
    with tempfile.TemporaryDirectory() as folder:
        video = sample_video(Path(tempfile.gettempdir()), frames, 1920, 1080)
        csv = Path(folder) / "boxes_bbox.csv"
        boxes = wandering_boxes(frames, 200)
        write_bbox_csv(csv, boxes)
        xy = boxes[:, None, :2] + np.linspace(20, 180, 8)[None, :, None]
        poses = Poses(tuple("abcdefgh"), xy, np.full((frames, 8), 0.9))

        def bare() -> float:
            viewer = napari.Viewer()
            reader = Video(video)
            viewer.add_image(reader, rgb=True, contrast_limits=(0, 255))
            viewer.window.resize(1500, 940)
            seconds = _steps(viewer)
            viewer.close()
            reader.close()
            return seconds

        def ours(docks: bool) -> float:
            viewer = napari.Viewer()
            session = open_review(viewer, video, bbox=csv)
            session.set_predictions("pose", poses)
            for dock in viewer.window.dock_widgets.values():
                dock.parent().setVisible(docks)
            viewer.window.resize(1500, 940)
            seconds = _steps(viewer)
            viewer.close()
            return seconds

        kinds: dict[str, Callable[[], float]] = {
            "bare": bare,
            "layers": lambda: ours(False),
            "docks": lambda: ours(True),
        }
        for _ in range(pairs):
            for name, measure in kinds.items():
                found[name].append(measure())
    result = {f"{name}_ms": float(np.median(times)) * 1000 for name, times in found.items()}
    for name in ("layers", "docks"):
        result[f"{name}_ratio"] = float(np.median(np.divide(found[name], found["bare"])))
    return result


def seek() -> dict[str, float]:
    """95th percentile in milliseconds of random access by PyAV alone and by us, and their ratio."""
    import av

    from napari_cropzoom.video.video import Video

    path = sample_video(Path(tempfile.gettempdir()), 600, 1920, 1080)
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 600, SEEKS)
    theirs, ours = [], []
    with Video(path) as video, av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stamps = [int(pts) for pts in video.index.pts]
        video.frame(0)
        for number in numbers:
            theirs.append(timed(partial(_bare_seek, container, stream, stamps[number])))
            ours.append(timed(partial(video.frame, int(number))))
    a, b = (float(np.percentile(each, 95)) * 1000 for each in (theirs, ours))
    middle = float(np.median(ours) / np.median(theirs))
    return {"pyav_p95_ms": a, "ours_p95_ms": b, "ratio": b / a, "median_ratio": middle}


def _bare_seek(container: Any, stream: Any, stamp: int) -> np.ndarray:
    container.seek(stamp, stream=stream)
    for frame in container.decode(stream):
        if frame.pts >= stamp:
            picture: np.ndarray = frame.to_ndarray(format="rgb24")
            return picture
    raise RuntimeError(f"no frame at {stamp}")


def memory() -> dict[str, float]:
    """MB that a review of a long video takes over the bare viewer, at the start and after 200 jumps."""
    import napari

    from napari_cropzoom import open_review
    from napari_cropzoom.files.bbox_csv import write_bbox_csv

    frames = HOURS * 3600 * 30
    video = synthetic_video(
        Path(tempfile.gettempdir()) / f"cropzoom_bench_{frames}_tiny.mp4", frames, "96x72"
    )
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "boxes_bbox.csv"
        write_bbox_csv(csv, wandering_boxes(frames, 16))
        viewer = napari.Viewer()
        _process(1.0)
        before = resident_mb()
        start = time.perf_counter()
        open_review(viewer, video, bbox=csv)
        _process()
        opened = time.perf_counter() - start
        _process(30.0)
        at_first = resident_mb() - before
        for frame in np.random.default_rng(0).integers(0, frames, 200):
            viewer.dims.set_current_step(0, int(frame))
            _process()
        result = {"frames": frames, "open_s": opened, "open_mb": at_first}
        result["used_mb"] = resident_mb() - before
        viewer.close()
    return result


if __name__ == "__main__":
    print(json.dumps({"step": step, "seek": seek, "memory": memory}[sys.argv[1]]()))
