"""What is to be known of the boxes before they are used, said where they are."""

from __future__ import annotations

import numpy as np
import pytest

from gui_events import wait_for
from napari_cropzoom.canvas import SHORTCUTS
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.errors import CropzoomError


def test_crop_and_pose_say_which_frames_have_no_box_and_what_is_not_reviewed(opened):
    session = opened.controller.session
    boxes = np.tile([60.0, 60, 60, 60], (session.n_frames, 1))
    boxes[10:14] = np.nan
    session.set_raw(boxes, session.video.path.with_suffix(".csv"), Source.IMPORTED)
    session.apply(mark_absent(session.track, 30, 34))
    in_crop, in_pose = "the crop shows the place where it would be.", "no keypoints there."
    for step, no_animal in (("crop", in_crop), ("pose", in_pose)):
        opened.open_step(step)
        told = opened[step].doubts
        wait_for(lambda told=told: "not reviewed" in told.text())
        assert f"4 of {session.n_frames} frames have no box; theirs are filled." in told.text()
        assert f"5 frames without an animal: {no_animal}" in told.text()
        assert "1 suspect not reviewed." in told.text()
        assert not told.isHidden()
    session.fill_gap(10, 13)
    opened["pose"].refresh()
    assert opened["pose"].doubts.text() == "5 frames without an animal: no keypoints there."


def test_nothing_is_accepted_where_there_are_no_boxes(opened, viewer):
    session = opened.controller.session
    accept = next(s for s in SHORTCUTS if s.name == "accept")
    with pytest.raises(CropzoomError, match="no boxes yet"):
        accept.function(session, opened.controller.layers)
    assert session.history.undo_label is None
