"""A review that goes on says in step Detect what its boxes were found with."""

import numpy as np
import pytest

from gui_events import needs_display, wait_for
from napari_cropzoom.app import add_docks
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from reviewed_before import N, make_video, review

pytestmark = [pytest.mark.gui, needs_display]


@pytest.mark.parametrize(("folder", "told"), [("bboxes_motion", "✓ Motion"), ("bboxes_of_mine", "")])
def test_a_detector_without_a_model_has_its_tick_again(new_viewer, tmp_path, folder, told):
    video = make_video(tmp_path)
    boxes = video.parent / folder / "v_bbox.csv"
    boxes.parent.mkdir()
    write_bbox_csv(boxes, np.tile([40.0, 35, 40, 40], (N, 1)))
    review(video, boxes)
    viewer = new_viewer()
    viewer.window.show()
    dock = add_docks(viewer)
    dock["video"].drop([video])
    wait_for(lambda: dock.controller.session is not None and dock.controller.session.has_boxes)
    wait_for(lambda: dock["review"].header.state)
    wait_for(lambda: dock["detect"].header.state.startswith(told))
    assert bool(dock["detect"].header.state) == bool(told)
