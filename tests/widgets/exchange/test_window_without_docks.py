"""Files dropped on a window of napari in which the plugin was not opened yet."""

import pytest

from dropping import drop
from gui_events import canvas_of, needs_display, spin, wait_for
from imports_by_hand import boxes, dialog_of, listed, mot
from napari_cropzoom.app import find_dock

pytestmark = [pytest.mark.gui, needs_display]

N = 12


def test_boxes_dropped_on_a_window_without_docks_bring_them(new_viewer, video, tmp_path):
    viewer = new_viewer()
    viewer.window.show()
    spin(0.3)
    canvas = canvas_of()
    assert drop(canvas, mot(tmp_path / "a.txt", boxes(N))) is not None
    wait_for(lambda: find_dock(viewer) is not None)
    dock = find_dock(viewer)
    wait_for(lambda: "Open the video; the boxes follow" in dock["video"].message.plain)
    drop(canvas, video)
    assert listed(dialog_of(dock)) == ["animal_1: 12 boxes in 12 frames; confidence 0.90 to 0.90"]
    assert dock.controller.session.video.path == video
    dock["boxes"].taking.cancel()
