"""Opening and closing the docks leaves nothing behind: no widget, listener, thread, process or file."""

import gc
import threading
import weakref

import numpy as np
import psutil
import pytest
from psygnal import SignalGroup, SignalInstance
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication

from gui_events import delete_now, needs_display, spin, wait_for
from napari_cropzoom import open_review
from napari_cropzoom.app import add_docks
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 24
ROUNDS = 50
WITH_REVIEW = 4  # every so many: napari alone takes a second to add and remove the layers of a video


@pytest.fixture
def sources(tmp_path):
    """A tiny video and its raw boxes, one frame without."""
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(64, 48), gop=8)
    boxes = np.column_stack([5.0 + np.arange(N), np.full(N, 9.0), np.full((N, 2), 20.0)])
    boxes[7] = np.nan
    csv = tmp_path / "boxes" / "v_bbox.csv"
    write_bbox_csv(csv, boxes)
    return video, csv


def settle():
    """Let the window finish, and what is to be deleted go."""
    wait_for(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    spin(0.02)
    for _ in range(3):
        delete_now()
    gc.collect()


def open_work_and_close(viewer, sources):
    """Open all docks on a review, step, edit, save, close them; weak references to what was there."""
    session = open_review(viewer, *sources)
    docks = list(viewer.window.dock_widgets.values())
    controller = docks[0].controller
    for key in ("review", "smooth"):
        docks[0].open_step(key)
    controller.go_to(5)
    QApplication.processEvents()
    session.set_box(5, Box(9, 9, 20, 20))
    session.undo()
    session.set_box(5, Box(9, 9, 20, 20))
    session.save()
    spin(0.02)
    found = [weakref.ref(each) for each in (session, session.video, controller, *docks, *viewer.layers)]
    close(viewer, docks)
    return found


def open_and_close(viewer):
    """Open all docks without a video, and close them; weak references to them."""
    add_docks(viewer)
    docks = list(viewer.window.dock_widgets.values())
    found = [weakref.ref(each) for each in (docks[0].controller, *docks)]
    close(viewer, docks)
    return found


def close(viewer, docks):
    for dock in docks:
        viewer.window.remove_dock_widget(dock)
    delete_now()


def emitters(viewer):
    """Every event emitter of the viewer and its parts, by a name."""
    parts = {
        "viewer": viewer,
        "dims": viewer.dims,
        "layers": viewer.layers,
        "camera": viewer.scene.camera,
    }
    parts |= {"selection": viewer.layers.selection, "text": viewer.canvas.overlays.text}
    for where, part in parts.items():
        events = part.events
        if isinstance(events, SignalGroup):
            yield from ((f"{where}.{name}", events[name]) for name in events)
        else:
            yield from ((f"{where}.{name}", emitter) for name, emitter in events.emitters.items())


def listeners(signal):
    return len(signal) if isinstance(signal, SignalInstance) else len(signal.callbacks)


def count(viewer):
    """Everything that could pile up."""
    settle()
    process = psutil.Process()
    kinds: dict[str, int] = {}
    for widget in QApplication.allWidgets():
        kinds[type(widget).__name__] = kinds.get(type(widget).__name__, 0) + 1
    return {
        "widgets": kinds,
        "listeners": {name: listeners(signal) for name, signal in emitters(viewer)},
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "processes": [child.pid for child in process.children(recursive=True)],
        "files": sorted(file.path for file in process.open_files()),
        "layers": len(viewer.layers),
        "keys": len(viewer.keymap),
        "actions": len(viewer.window.dock_widgets),
    }


def test_fifty_visits_leave_nothing(new_viewer, sources):
    viewer = new_viewer()
    for _ in range(2):
        open_work_and_close(viewer, sources)
        open_and_close(viewer)
    before = count(viewer)
    assert before["widgets"]
    assert before["listeners"]
    gc.freeze()  # napari collects garbage for every layer removed, among all that pytest holds too
    objects = []
    for number in range(ROUNDS):
        is_visit = number % WITH_REVIEW == 0
        objects += open_work_and_close(viewer, sources) if is_visit else open_and_close(viewer)
    gc.unfreeze()
    after = count(viewer)
    assert after == before
    assert [ref() for ref in objects if ref() is not None] == []
