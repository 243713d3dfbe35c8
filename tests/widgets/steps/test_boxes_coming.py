"""The step Boxes while boxes are made of what a detector has just found: it says so."""

import numpy as np
import pytest

from gui_events import needs_display, wait_for
from napari_cropzoom.core.poses import Poses
from review_window import N, begin_again

pytestmark = [pytest.mark.gui, needs_display]


def test_it_says_that_boxes_are_made_until_they_come(window):
    dock = begin_again(window)
    session, boxes, held = dock.controller.session, dock["boxes"], []
    session.add_track("white")  # without boxes
    xy = np.tile(np.array([[60.0, 70.0], [90.0, 95.0]]), (N, 1, 1))
    session.set_predictions("detector", Poses(("nose", "tail"), xy, np.ones((N, 2))))
    dock.open_step("boxes")
    wait_for(lambda: boxes.ratio.isVisible())
    request = boxes._latest.request
    boxes._latest.request = lambda *args: held.append(args)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(boxes._latest), "is_running", property(lambda _: bool(held)))
        boxes.create()
        assert boxes.header.state == boxes.file_label.text() == "making boxes …"
        assert boxes.file_label.isVisible()
    del boxes._latest.request
    request(*held.pop())
    wait_for(lambda: session.has_boxes)
    wait_for(lambda: boxes.header.state.endswith(f"{N} boxes"))
    begin_again(window)
