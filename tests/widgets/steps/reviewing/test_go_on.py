"""What the step Review says and offers: of what is left, of another animal, of the suspect gone to."""

import numpy as np
import pytest
from qtpy.QtWidgets import QAbstractButton

from gui_events import needs_display, press_key, wait_for
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.widgets.steps.reviewing import pixel_look
from napari_cropzoom.widgets.steps.reviewing.suspect_list import short_reason
from review_window import GAP, N, begin_again, click_on, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture(scope="module")
def window(review_files):
    """The review in a window where no look at the pixels changes the queue."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixel_look, "LEAST_FRAMES", 10**6)
        with review_window(*review_files) as dock:
            yield dock


@pytest.fixture
def dock(window):
    return begin_again(window)


@pytest.mark.parametrize("at_once", [5000, 1])  # a long video is inspected in a thread
def test_another_animal_whose_suspects_are_left_is_named_and_comes_next(dock, at_once):
    review, controller = dock["review"], dock.controller
    session = controller.session
    session.add_track("white", np.tile([4.0, 180, 40, 50], (N, 1)))
    review.inspected_at_once = at_once
    session.suspects.forget()
    controller.changed.emit()
    wait_for(lambda: session.suspects.left_of("animal"))
    left = len(session.suspects.left_of("animal"))
    assert left > 1
    assert session.queue() == []
    wait_for(lambda: review.header.state == f"{left} left of animal")
    said = f"{left} suspects of animal left ▶"
    wait_for(lambda: review.go_on.isVisible() and review.go_on.text() == said)
    click_on(review.go_on)
    assert session.current == "animal"
    assert controller.frame in [each.frame for each in session.queue()]
    wait_for(lambda: review.header.state == f"0 of {left} reviewed")
    assert not review.go_on.isVisible()
    assert review.is_open
    session.accept(0, N - 1)
    wait_for(lambda: review.header.state == f"✓ {left} of {left} reviewed")
    assert review.go_on.text() == "All reviewed: go on to Smooth ▶"
    session.keypoints.pose_behind = 3  # as the step Pose has found
    controller.changed.emit()
    wait_for(lambda: review.go_on.text() == "All reviewed: run the pose again ▶")
    click_on(review.go_on)
    wait_for(lambda: dock["pose"].is_open)
    session.keypoints.pose_behind = 0
    dock.open_step("review")
    wait_for(lambda: review.go_on.text() == "All reviewed: go on to Smooth ▶")
    click_on(review.go_on)
    wait_for(lambda: dock["smooth"].is_open)
    review.inspected_at_once = 5000


@pytest.mark.parametrize("way", ["n", "w", "player_on_suspect"])
def test_a_suspect_gone_to_from_another_step_says_its_reason(dock, way):
    review, controller = dock["review"], dock.controller
    dock.open_step("boxes")
    dock["boxes"].load_button.setFocus()
    wait_for(dock["boxes"].load_button.hasFocus)
    if way.startswith("player"):
        click_on(window_of(dock).findChild(QAbstractButton, way))
    else:
        press_key(way)
    wait_for(lambda: review.is_open and not dock["boxes"].is_open)
    suspect = controller.session.suspects.at(controller.frame)
    wait_for(lambda: short_reason(suspect) in review.reason.text())
    frame = controller.frame
    press_key("n")  # the keys act on
    wait_for(lambda: controller.frame != frame)


def test_an_edited_frame_and_the_tools_speak_of_the_same_suspect(dock):
    review, controller = dock["review"], dock.controller
    first, last = GAP
    controller.go_to(first + 2)
    controller.session.set_box(first + 2, Box(130, 80, 48, 40))
    assert controller.session.suspects.at(first + 2) is None
    wait_for(lambda: review.here.text() == f"Frame {first + 2}: set by hand, edited")
    assert review.range_buttons.range_label.text() == f"Correct frames {first} to {last} (suspect)"
    assert review.reason.text() == f"Frames {first} to {last}, edited; was: no box"
