"""Deciding many suspects at once, by real keys and clicks: what is offered, what it does, and undo."""

import numpy as np
import pytest

from gui_events import needs_display, press_key, spin, wait_for
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.inspection.lessons import ENOUGH
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from review_window import N, click_on, review_window
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(180)]

STARTS = range(10, 110, 12)


def good_boxes():
    t = np.arange(N)
    boxes = np.column_stack([60 + 0.8 * t, 90 + 20 * np.sin(t / 9), np.full(N, 48.0), np.full(N, 40.0)])
    return boxes.round()


def faulty_boxes():
    """A jump of two frames every twelve."""
    boxes = good_boxes()
    for start in STARTS:
        boxes[start : start + 2, :2] += 60, -50
    return boxes


@pytest.fixture
def window(tmp_path):
    boxes = tmp_path / "preds" / "v_bbox.csv"
    write_bbox_csv(boxes, faulty_boxes())
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), gop=10)
    with review_window(video, boxes) as dock:
        wait_for(lambda: len(dock.controller.session.queue()) == len(STARTS))
        yield dock


def test_a_correction_is_offered_for_the_others_and_is_one_edit(window):
    session, review = window.controller.session, window["review"]
    assert review.alike.isHidden()
    press_key("n")
    press_key("j")
    wait_for(lambda: review.alike.isVisible())
    assert review.alike.text() == f"{len(STARTS) - 1} more like this: interpolate all?"
    click_on(review.alike)
    wait_for(lambda: not session.queue())
    np.testing.assert_allclose(session.track.boxes, good_boxes(), atol=4)
    wait_for(lambda: review.alike.isHidden())
    assert len(session.history) == 2
    spin(0.3)  # the buttons move up to where the offer was
    click_on(review.undo)
    wait_for(lambda: len(session.queue()) == len(STARTS) - 1)


def test_what_was_always_right_is_offered_to_be_accepted(window):
    session, review = window.controller.session, window["review"]
    press_key("n")
    for _ in range(ENOUGH):
        assert review.alike.isHidden()
        press_key("g")  # accepts the worst of those here, and goes on
    wait_for(lambda: review.alike.isVisible() or len(session.queue()) < 2)
    offered = session.suspects.offer()
    assert review.alike.text() == f"{len(offered.alike)} more like these: accept all?"
    before = len(session.queue())
    click_on(review.alike)
    wait_for(lambda: len(session.queue()) == before - len(offered.alike))
    for each in offered.alike:
        assert (session.track.review[each.first : each.last + 1] == Review.ACCEPTED).all()
    assert (session.track.boxes == session.track.raw).all()
