"""What a step says goes when it is no longer true; a step that ends while another is open opens none."""

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from gui_events import canvas_of, hands, needs_display, press_key, wait_for
from napari_cropzoom.canvas.boxes import ONLY_BOXES
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.docks import add_docks
from napari_cropzoom.widgets.steps.reviewing.pixel_look import has_most_boxes
from review_window import JUMP, N, begin_again, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def dock(window):
    dock = begin_again(window)
    wait_for(lambda: dock["review"].list.suspects.rows)
    return dock


def test_what_was_said_goes_with_its_undo_and_at_another_suspect(dock):
    controller, message = dock.controller, dock["review"].message
    controller.session.set_box(5, Box(30, 30, 20, 20))
    message.show_info("Followed over 9 frames.")
    press_key("ctrl+z")
    wait_for(lambda: not message.plain)
    message.show_info("Followed over 9 frames.")
    press_key("Right")
    wait_for(lambda: controller.frame == 6)
    assert message.plain  # it may be of this frame, and there is no suspect
    press_key("n")
    wait_for(lambda: controller.frame == JUMP[0])
    wait_for(lambda: not message.plain)


def test_one_button_stops_the_following(dock):
    buttons, tracking = dock["review"].range_buttons, dock["review"].tracking
    shown = []
    tracking.running_changed.connect(
        lambda _: shown.append(
            {made.text(): made.isEnabled() for made, _ in buttons.follow_buttons.values()}
        )
    )
    press_key("q")
    wait_for(lambda: len(shown) == 2)
    usual = {"Follow ▶": True, "◀ Follow": True}
    assert shown == [{"Stop": True, "◀ Follow": False}, usual]


def test_one_escape_leaves_a_menu_that_was_opened_by_keys(dock):
    canvas = canvas_of(window_of(dock))
    hands().key("alt+e")
    wait_for(lambda: QApplication.activePopupWidget() is dock.menu.edit_menu)
    hands().key("Escape")
    wait_for(lambda: canvas.hasFocus() and dock.menu.activeAction() is None, 5)


def test_what_the_canvas_refused_goes_with_the_next_thing_that_works(dock):
    controller, message = dock.controller, dock["review"].message
    boxes = controller.layers.boxes.layer
    for work in (
        lambda: press_key("Right"),
        lambda: controller.session.accept(3, 3),
        lambda: setattr(controller, "selection", (4, 9)),
    ):
        boxes.mode = "add_ellipse"
        wait_for(lambda: message.kind == "error" and message.plain == ONLY_BOXES)
        work()
        wait_for(lambda: not message.plain)


def test_a_cancelled_job_says_what_was_saved_and_is_forgotten(dock):
    crop = dock["crop"]
    dock.open_step("crop")
    crop.run()
    wait_for(lambda: crop.job_bar.job is not None)
    crop.job_bar.cancel_button.click()
    wait_for(lambda: not crop.job_bar.is_running)
    said = crop.job_bar.status.text()
    assert said == "Cancelled; the boxes were saved, nothing else was written."
    dock.open_step("review")
    assert not crop.job_bar.status.text()


def test_a_step_opens_the_next_only_if_a_person_is_in_it(dock):
    dock.open_step("smooth")
    for job in ("crop", "detect"):
        dock[job].finished.emit()
        assert dock["smooth"].is_open
    dock.open_step("crop")
    dock["crop"].finished.emit()
    assert dock["pose"].is_open


def test_boxes_are_made_at_once_where_one_was_drawn_before_the_animal_was_detected(
    new_viewer, review_files
):
    dock = add_docks(viewer := new_viewer())
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1300, 800)
    dock["video"].take(Video(review_files[0]))
    session = dock.controller.session
    xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1))
    session.set_box(0, Box(30, 30, 40, 40))
    session.delete_box(7)
    assert not has_most_boxes(session)  # so nobody looks at the pixels for it
    session.set_predictions("detector", Poses(("nose", "tail"), xy, np.ones((N, 2))))
    dock.open_step("review")
    dock["detect"].finished.emit()
    wait_for(lambda: session.track.n_missing == 1)
    assert session.track.box(0) == Box(30, 30, 40, 40)
    assert session.track.source[7] == Source.ABSENT
    assert not dock["boxes"].question.isVisible()
    assert dock["review"].is_open
    assert has_most_boxes(session)
    assert "The boxes of the other 118 frames are made." in dock["boxes"].message.plain
