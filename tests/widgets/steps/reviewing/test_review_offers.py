"""Deciding many suspects at once, by real keys and clicks: what is offered, what it does, and undo."""

import numpy as np
import pytest

from gui_events import hands, needs_display, press_key, spin, wait_for
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.inspection.lessons import ENOUGH
from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from review_window import N, click_on, point_at, review_window
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
    others = [each for each in STARTS if not each <= window.controller.frame <= each + 1]
    where = f"{2 * len(others)} frames from {others[0]} to {others[-1] + 1}"
    assert (
        review.alike.text() == f"{counted(len(others), 'suspect')} like this: interpolate\nall, {where}?"
    )
    assert f"{others[0]} to {others[0] + 1}, {others[1]} to" in review.alike.toolTip()
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
    assert review.alike.text().startswith(
        f"{counted(len(offered.alike), 'suspect')} like these: accept\n"
    )
    before = len(session.queue())
    click_on(review.alike)
    wait_for(lambda: len(session.queue()) == before - len(offered.alike))
    for each in offered.alike:
        assert (session.track.review[each.first : each.last + 1] == Review.ACCEPTED).all()
    assert (session.track.boxes == session.track.raw).all()


def test_boxes_whose_edge_the_pose_touches_are_made_larger_by_a_click(window):
    session, review = window.controller.session, window["review"]
    seen = session.tracks.entry.pose_boxes(session.fill)
    share = np.tile(np.array([[0.3, 0.5], [0.7, 0.5]]), (N, 1, 1))
    share[[16, 17, 116], 0, 0] = 0.01
    xy = seen[:, None, :2] + share * seen[:, None, 2:]
    session.set_predictions("pose", Poses(("a", "b"), xy, np.ones((N, 2)), boxes=seen))
    wait_for(lambda: len(session.queue()) == len(STARTS) + 2)
    window.controller.go_to(11)
    press_key("n")
    wait_for(lambda: window.controller.frame in (16, 17))
    wait_for(lambda: review.alike.isVisible())
    assert TOUCHES in review.reason.text()
    assert review.alike.text() == "Larger boxes in frames 16 to 17:\n1.25 times as large"
    click_on(review.alike)
    wait_for(lambda: len(session.queue()) == len(STARTS) + 1)
    assert (session.final_boxes()[16:18, 2] > 1.2 * seen[16:18, 2]).all()
    wait_for(lambda: review.alike.text() == "1 suspect like this: larger boxes in\nframe 116?")
    click_on(review.alike)
    wait_for(lambda: len(session.queue()) == len(STARTS))
    assert session.final_boxes()[116, 2] > 1.2 * seen[116, 2]
    press_key("ctrl+z")
    wait_for(lambda: len(session.queue()) == len(STARTS) + 1)


def test_a_double_click_on_an_offer_does_not_take_the_one_that_comes_after_it(window):
    session, review = window.controller.session, window["review"]
    seen = session.tracks.entry.pose_boxes(session.fill)
    share = np.tile(np.array([[0.3, 0.5], [0.7, 0.5]]), (N, 1, 1))
    share[[16, 17, 64, 116], 0, 0] = 0.01
    xy = seen[:, None, :2] + share * seen[:, None, 2:]
    session.set_predictions("pose", Poses(("a", "b"), xy, np.ones((N, 2)), boxes=seen))
    wait_for(lambda: len(session.queue()) == len(STARTS) + 3)
    window.controller.go_to(16)
    wait_for(lambda: review.alike.text().startswith("Larger boxes in frames 16 to 17"))
    point_at(review.alike)
    hands().click(2)
    wait_for(lambda: review.alike.text().startswith("2 suspects like this"))
    spin(0.3)
    assert len(session.history) == 1
    assert review.message.plain == "Larger boxes in frames 16 to 17 (10 frames). Ctrl+Z undoes it."
    click_on(review.alike)
    wait_for(lambda: len(session.history) == 2)
    assert review.message.plain.startswith("Larger boxes in 2 suspects (")
    assert review.message.isVisible()
