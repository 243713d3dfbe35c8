"""Raw boxes that are others than those that were reviewed: what is asked, and what each answer does."""

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QMessageBox

from gui_events import hands, needs_display, spin, wait_for
from menus import dialog
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from review_window import (
    N,
    begin_again,
    faulty_boxes,
    make_review,
    point_at,
    review_window,
)

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


@pytest.fixture
def dock(window):
    return begin_again(window)


@pytest.mark.parametrize("answer", ["Carry the edits over", "Begin a new review", "Cancel"])
def test_raw_boxes_that_changed_are_asked_about(dock, tmp_path, answer):
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as other:
        other.controller.session.set_box(7, HERE)
        spin(0.1)
        other.controller.close_session()
        changed = faulty_boxes() + np.array([4.0, 0, 0, 0])
        write_bbox_csv(boxes, changed)
        other["video"].open(video)
        wait_for(lambda: other.controller.session is not None)
        session = other.controller.session

        def decide():
            asked = dialog(QMessageBox)
            if asked is None:
                QTimer.singleShot(50, decide)
                return
            assert asked.objectName() == "raw_changed_dialog"
            assert "1 edit" in asked.informativeText()
            pressed = next(b for b in asked.buttons() if b.text().replace("&", "") == answer)
            point_at(pressed)
            hands().click()

        QTimer.singleShot(50, decide)
        other.open_step("boxes")
        other["boxes"].allow_missing.setChecked(True)
        other["boxes"].load(boxes)
        wait_for(lambda: session.has_boxes or "not opened" in other["boxes"].message.plain)
        spin(0.2)
        if answer == "Cancel":
            assert not session.has_boxes
            assert other["boxes"].message.plain == "The boxes were not opened; nothing has changed."
        else:
            carried = answer.startswith("Carry")
            assert session.track.box(8) == Box(*changed[8])
            assert (session.track.box(7) == HERE) == carried
            assert len(session.history) == int(carried)
        kept = read_bbox_csv(boxes, N, allow_missing=True)
        np.testing.assert_array_equal(kept, changed)
        assert journal_file(boxes).is_file()
