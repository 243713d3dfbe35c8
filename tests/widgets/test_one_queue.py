"""Dock, list, timeline and caption speak of one and the same queue of suspects."""

import numpy as np
import pytest
from qtpy.QtWidgets import QStyle, QStyleOptionSlider

from gui_events import hands, needs_display, press_key, spin, wait_for
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.timeline.series import State
from review_window import GAP, JUMP, LARGE, begin_again

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def dock(window):
    dock = begin_again(window)
    dock["review"].amount.setValue(50)
    wait_for(lambda: dock["review"].list.suspects.rows)
    return dock


def timeline_of(dock):
    return dock.controller.viewer.window.dock_widgets["Timeline"]


def ranges_in_list(dock):
    return sorted((each.first, each.last) for _, each in dock["review"].list.suspects.rows)


def ranges_on_timeline(dock):
    return sorted((each.first, each.last) for each in timeline_of(dock).model.flags.flags)


def caption(dock):
    return dock.controller.viewer.canvas.overlays.text.text


def drag_to_the_left_end(slider):
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    style, part = slider.style(), QStyle.SubControl.SC_SliderHandle
    handle = style.subControlRect(QStyle.ComplexControl.CC_Slider, option, part, slider)
    at = slider.mapToGlobal(handle.center())
    hands().move(at.x(), at.y())
    spin(0.1)
    hands().press()
    for place in np.linspace(at.x(), slider.mapToGlobal(slider.rect().topLeft()).x(), 6):
        hands().move(round(place), at.y())
        spin(0.05)
    hands().release()
    wait_for(lambda: slider.value() == slider.minimum())


def test_the_slider_reaches_the_timeline_and_the_caption(dock):
    review, controller = dock["review"], dock.controller
    controller.go_to(LARGE[0])
    wait_for(lambda: ranges_on_timeline(dock) == ranges_in_list(dock))
    before = ranges_in_list(dock)
    drag_to_the_left_end(review.amount)
    wait_for(lambda: ranges_in_list(dock) != before)
    wait_for(lambda: ranges_on_timeline(dock) == ranges_in_list(dock))
    n_frames = controller.session.n_frames
    flagged = timeline_of(dock).model.series.states.view(0, n_frames - 1, n_frames)[2] == State.FLAGGED
    for first, last in before:
        assert flagged[first : last + 1].all() == ((first, last) in ranges_in_list(dock))


def test_every_frame_of_an_open_suspect_is_called_one(dock):
    review, controller = dock["review"], dock.controller
    for frame, said in ((JUMP[0], "imported, suspect"), (GAP[0], "no box, suspect")):
        controller.go_to(frame)
        wait_for(lambda frame=frame, said=said: review.here.text().endswith(f"Frame {frame}: {said}"))
    controller.go_to(5)
    wait_for(lambda: review.here.text() == "Frame 5: imported, not reviewed")


def test_what_was_wrong_before_is_not_said_as_if_it_still_were(dock):
    review, controller = dock["review"], dock.controller
    controller.go_to(GAP[0])
    press_key("j")
    wait_for(lambda: review.here.text() == f"Frame {GAP[0]}: corrected")
    controller.session.accept(*controller.layers.range_here())
    wait_for(lambda: "accepted" in review.here.text())
    assert review.here.text() == f"Frame {GAP[0]}: corrected, accepted"
    assert review.reason.text() == f"Frames {GAP[0]} to {GAP[1]}, reviewed; was: no box"


def test_a_new_animal_without_boxes_has_no_suspects_anywhere(dock):
    review, controller = dock["review"], dock.controller
    controller.session.add_track("white")
    controller.go_to(65)
    wait_for(lambda: review.here.text() == "Frame 65: no box, not reviewed")
    wait_for(lambda: ranges_on_timeline(dock) == [])
    assert ranges_in_list(dock) == []
    assert review.count.text() == "<b>0</b>"
    assert review.reason.text().startswith("No boxes yet. Draw one in the picture")
    assert review.range_buttons.range_label.text() == "Correct frame 65"
    assert "Tools" not in caption(dock)  # nothing that they could act on
    controller.session.set_box(65, controller.session.tracks["animal"].box(65))
    spin(0.2)
    wait_for(lambda: ranges_on_timeline(dock) == ranges_in_list(dock))
    first, last = controller.layers.range_here()
    wait_for(lambda: f"Tools, G: {frames_text(first, last)}" in caption(dock))
    suspect = controller.session.suspects.at(65)
    assert (suspect is None) == (review.reason.text() == "No suspect in this frame.")
    assert (first, last) == ((65, 65) if suspect is None else (suspect.first, suspect.last))
