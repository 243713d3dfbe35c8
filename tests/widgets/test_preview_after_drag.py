"""The crop preview after a drag: an edit taken back and another animal are seen in it at once."""

import numpy as np
import pytest

from gui_events import drag, hands, needs_display, picture_of, press_key, spin, to_screen, wait_for
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.widgets.preview import CropPreview
from review_window import GAP, begin_again, faulty_boxes

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture(scope="module")
def preview(window):
    preview = CropPreview(window.controller.viewer, window.controller)
    window.controller.viewer.window.add_dock_widget(preview, name="Crop preview", area="left")
    wait_for(preview.isVisible)
    return preview


@pytest.fixture
def dock(window, preview):
    begin_again(window)
    window.controller.viewer.layers.selection.active = window.controller.layers.boxes.layer
    return window


def drag_box(dock, by=30):
    """Move the box of the frame with the mouse."""
    x, y = dock.controller.session.track.box(dock.controller.frame).center
    drag(dock.controller.viewer, (y, x), (y, x + by))


def test_an_undone_drag_is_gone_from_the_preview(dock, preview):
    spin(0.2)
    before = picture_of(preview.canvas)
    drag_box(dock)
    assert dock.controller.session.track.box(0).x > faulty_boxes()[0, 0]
    wait_for(lambda: not np.array_equal(picture_of(preview.canvas), before))
    press_key("ctrl+z")
    assert dock.controller.session.track.box(0).x == faulty_boxes()[0, 0]
    wait_for(lambda: np.array_equal(picture_of(preview.canvas), before))


def test_an_undone_drawing_leaves_no_box(dock, preview):
    dock.controller.go_to(GAP[0])
    spin(0.2)
    wait_for(lambda: "has no box" in preview.caption.text())
    drag(dock.controller.viewer, (60, 60), (120, 130))
    wait_for(lambda: "px" in preview.caption.text())
    press_key("ctrl+z")
    assert dock.controller.session.track.box(GAP[0]).is_missing()
    wait_for(lambda: preview.caption.text() == f"Frame {GAP[0]} has no box.")


def test_another_animal_shows_its_own_crop_after_a_drag(dock, preview):
    session = dock.controller.session
    session.add_track("white")
    session.set_raw(
        np.tile([200.0, 100, 40, 60], (120, 1)), session.video.path.with_name("w.csv"), Source.IMPORTED
    )
    session.select_track("animal")
    spin(0.2)
    drag_box(dock)
    wait_for(lambda: "box 48×40" in preview.caption.text())
    press_key("shift+t")
    wait_for(lambda: session.current == "white")
    wait_for(lambda: "box 40×60" in preview.caption.text())


def test_a_drag_too_small_for_a_box_leaves_no_crop(dock, preview):
    dock.controller.go_to(GAP[0])
    spin(0.2)
    wait_for(lambda: "has no box" in preview.caption.text())
    viewer = dock.controller.viewer
    x, y = to_screen(viewer, (60, 60))
    hands().move(x, y)
    spin(0.1)
    hands().press()
    hands().move(x + 2, y + 3)
    wait_for(lambda: "px" in preview.caption.text())
    hands().release()
    wait_for(lambda: preview.caption.text() == f"Frame {GAP[0]} has no box.")
    assert len(dock.controller.session.history) == 0
