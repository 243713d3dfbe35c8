"""What the timeline costs at 1,000,000 frames in a real window: zooming, the playhead, an edit.

Run under a real or virtual screen: ``timeline.py [FRAMES]``. Prints one line of JSON. A redraw is one
notch of the wheel on the plot, as Qt delivers it, until the window has nothing left to paint.
``floor_ms`` is what the same window takes to paint another word in a label: with software OpenGL,
napari's canvas is composed again for every change of any widget. ``ours_ms`` is the drawing of the rows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from common import timed, wandering_boxes

SIZE = (1500, 320)


def build(frames: int) -> tuple[Any, ...]:
    """A timeline with every row shown, on a track with faults, anchors and a review under way."""
    from napari_cropzoom.core.boxes import BoxTrack, Review, Source
    from napari_cropzoom.core.inspection.inspection import Suspect
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.core.timeline.pyramid import Pyramid
    from napari_cropzoom.core.timeline.series import FlagStrip, TrackSeries

    rng = np.random.default_rng(0)
    boxes = wandering_boxes(frames)
    boxes[rng.integers(0, frames, frames // 2000), 0] += 200
    boxes[rng.integers(0, frames, frames // 500)] = np.nan
    track = BoxTrack(boxes)
    anchors = rng.integers(0, frames, frames // 300)
    track.source[anchors[~track.is_missing[anchors]]] = Source.MANUAL
    track.review[: frames // 3] = Review.ACCEPTED
    likelihood = np.clip(rng.normal(0.95, 0.03, frames), 0, 1).astype("f4")
    starts = np.sort(rng.integers(0, frames - 60, frames // 300))
    flags = [Suspect(int(s), int(s), int(s) + 20, float(rng.random()), ("jump",)) for s in starts]
    start = time.perf_counter()
    series = TrackSeries(track, SmoothingSettings())
    built = time.perf_counter() - start
    start = time.perf_counter()
    Pyramid(series.final.pyramids["size"].values)
    pyramid = time.perf_counter() - start
    series.set_flags(track, flags)
    return track, series, Pyramid(likelihood), FlagStrip(flags, frames), built, pyramid


def measured(work: Callable[[int], None], times: int) -> dict[str, float]:
    """Milliseconds of ``work(i)`` and of all painting it asks for."""
    from qtpy.QtWidgets import QApplication

    took = []
    for place in range(times):
        start = time.perf_counter()
        work(place)
        QApplication.processEvents()
        QApplication.sendPostedEvents()
        took.append(time.perf_counter() - start)
    return {"median": float(np.median(took)) * 1000, "p95": float(np.percentile(took, 95)) * 1000}


def main(frames: int) -> dict[str, object]:
    """Measure in a napari window."""
    import napari
    from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt
    from qtpy.QtGui import QWheelEvent
    from qtpy.QtWidgets import QApplication

    from napari_cropzoom.core.boxes import Box
    from napari_cropzoom.core.editing import edits
    from napari_cropzoom.widgets.timeline.widget import Timeline

    viewer = napari.Viewer()
    viewer.window.resize(1600, 980)
    timeline = Timeline(viewer)
    viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    timeline.setMinimumSize(*SIZE)
    track, series, likelihood, flags, built, pyramid = build(frames)
    model, plot = timeline.model, timeline.plot
    model.series, model.likelihood, model.flags = series, likelihood, flags
    plot.set_n_frames(frames)
    model.changed.emit()
    for _ in range(30):
        QApplication.processEvents()
        time.sleep(0.02)
    painted = [0]

    class Watch(QObject):
        """Counts paint events, so that none is measured that did not happen."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            painted[0] += event.type() == QEvent.Type.Paint
            return False

    watch = Watch()
    plot.viewport().installEventFilter(watch)
    place = QPointF(plot.viewport().width() * 0.37, plot.viewport().height() * 0.4)

    def wheel(delta: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        where = plot.viewport().mapToGlobal(place.toPoint())
        event = QWheelEvent(
            place,
            QPointF(where),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            modifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(plot.viewport(), event)
        plot.draw()  # what its timer does when the window is idle

    def zoom(i: int) -> None:
        before = painted[0]
        wheel(120 if i % 120 < 60 else -120)
        while painted[0] == before:
            QApplication.processEvents()

    result: dict[str, object] = {"frames": frames, "load": os.getloadavg()[0]}
    result["build_s"], result["pyramid_ms"] = built, pyramid * 1000
    for _ in range(5):
        zoom(0)
        QApplication.processEvents()
    plot.show_all()
    plot.draw()
    painted[0] = 0
    result["zoom_ms"] = measured(zoom, 240)
    result["paints_per_zoom"] = painted[0] / 240
    result["floor_ms"] = measured(lambda i: timeline.status.setText(str(i)), 100)
    result["ours_ms"] = {"median": float(np.median([timed(plot.draw) for _ in range(60)])) * 1000}
    plot.show_all()
    for _ in range(12):
        wheel(120)
    QApplication.processEvents()

    def pan(i: int) -> None:
        before = painted[0]
        wheel(-120 if i % 40 < 20 else 120, Qt.KeyboardModifier.ShiftModifier)
        while painted[0] == before:
            QApplication.processEvents()

    result["pan_ms"] = measured(pan, 120)
    plot.show_all()
    plot.draw()
    QApplication.processEvents()
    painted[0] = 0
    result["playhead_ms"] = measured(lambda i: plot.set_frame(frames // 3 + i * frames // 3000), 200)
    result["paints_per_step"] = painted[0] / 200

    def edit(i: int) -> None:
        made = edits.set_box(track, 1000 + 7 * i, Box(50, 50, 60, 60))
        made.apply({track.name: track})
        series.renew(track, made.first, made.last)
        model.changed.emit()
        plot.draw()

    result["edit_ms"] = measured(edit, 60)
    zoomed = result["zoom_ms"]
    assert isinstance(zoomed, dict)
    result["redraws_per_s"] = 1000 / zoomed["median"]
    viewer.close()
    return result


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))
