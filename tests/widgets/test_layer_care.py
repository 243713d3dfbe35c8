"""Layers that are deleted come back, and Ctrl+S saves the review, by real keys and clicks."""

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel, QPushButton

from gui_events import click, needs_display, press_key, spin, wait_for
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.widgets.window.focus_ring import FocusRing
from review_window import N, click_on, make_review, review_window

pytestmark = [pytest.mark.gui, needs_display]

OURS = ["video", "detector keypoints", "pose keypoints", "final boxes (to crop)", "boxes"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("care"))


@pytest.fixture
def dock(sources):
    with review_window(*sources) as dock:
        yield dock


def names(dock):
    return [layer.name for layer in dock.controller.viewer.layers]


@pytest.mark.parametrize("gone", [["boxes"], ["final boxes (to crop)", "detector keypoints"], OURS[1:]])
def test_a_layer_that_is_deleted_comes_back(dock, gone):
    viewer = dock.controller.viewer
    for name in gone:
        viewer.layers.remove(name)
    wait_for(lambda: names(dock) == OURS)
    assert "come back" in viewer.status
    dock.controller.go_to(12)
    spin(0.05)
    box = dock.controller.session.track.box(12)
    (corners,) = viewer.layers["boxes"].data
    assert corners.min(axis=0).tolist() == [box.y - 0.5, box.x - 0.5]


def test_where_the_video_is_deleted_the_dock_says_so_and_offers_it(dock):
    viewer = dock.controller.viewer
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    offer = dock.findChild(QPushButton, "cropzoom_bring_back")
    wait_for(offer.isVisible)
    spin(0.2)
    assert names(dock) == []
    click_on(offer)
    wait_for(lambda: names(dock) == OURS)
    assert not offer.isVisible()
    assert viewer.layers["boxes"].data


def test_without_the_video_nothing_can_be_done_and_it_comes_back_at_the_frame_it_was_at(dock):
    viewer, session, controller = dock.controller.viewer, dock.controller.session, dock.controller
    controller.go_to(67)
    dock.open_step("review")
    viewer.layers.remove("video")
    offer = dock.findChild(QPushButton, "cropzoom_bring_back")
    wait_for(offer.isVisible)
    wait_for(lambda: not dock["review"].body.isVisible())
    for key in ("Delete", "shift+x", "g", "j", "b"):
        press_key(key)
    assert not session.history
    session.set_box(3, Box(30, 30, 20, 20))  # by a script: the layers stay away
    spin(0.1)
    assert names(dock) == []
    assert offer.isVisible()
    click_on(offer)
    wait_for(lambda: names(dock) == OURS and dock["review"].is_open)
    assert controller.frame == 67
    assert not offer.isVisible()
    assert not dock.window().findChildren(FocusRing)  # the focus went to no step by itself


def test_where_all_are_gone_none_is_said_to_have_come_back(dock):
    viewer = dock.controller.viewer
    viewer.layers.remove("boxes")
    wait_for(lambda: "come back" in viewer.status)
    viewer.layers.remove("video")
    wait_for(lambda: names(dock) == [])
    wait_for(lambda: "come back" not in viewer.status)


def test_ctrl_s_saves_the_review_and_says_so_where_nothing_moves(dock):
    viewer, session = dock.controller.viewer, dock.controller.session
    session.set_box(3, Box(30, 30, 20, 20))
    assert session.unsaved
    click(viewer, (5, 5))
    before = [step.y() for step in dock.steps.values()]
    press_key("ctrl+s")
    wait_for(lambda: not session.unsaved)
    reviewed = session.raw_csv.parent / "bboxes_reviewed" / "v_bbox.csv"
    line = dock.findChild(QLabel, "cropzoom_undone")
    wait_for(lambda: line.text() == "Review saved: v_bbox.csv")
    assert str(reviewed) in viewer.status
    assert not dock.message.isVisible()
    assert [step.y() for step in dock.steps.values()] == before
    dock.controller.go_to(3)
    spin(0.1)
    assert line.text()  # it may not have been read yet
    session.set_box(4, Box(30, 30, 20, 20))
    wait_for(lambda: not line.text())
    assert read_bbox_csv(reviewed, N)[3].tolist() == [30, 30, 20, 20]


def test_the_writer_writes_the_boxes_of_all_frames(dock, tmp_path):
    viewer, session = dock.controller.viewer, dock.controller.session
    session.set_box(3, Box(30, 30, 24, 20))
    target = tmp_path / "mine.csv"
    viewer.layers.selection = {viewer.layers["boxes"]}
    written = viewer.layers.save(str(target), selected=True, plugin="napari-cropzoom")
    assert str(target) in written
    assert np.array_equal(read_bbox_csv(target, N), session.final_boxes())
    assert not session.unsaved
    other = viewer.add_shapes([np.array([[0, 0], [9, 9]])], name="mine")
    with pytest.raises(CropzoomError, match="mine: is no layer of an open review"):
        other.save(str(tmp_path / "x.csv"), plugin="napari-cropzoom")
    viewer.layers.remove(other)


def test_the_boxes_are_chosen_once_a_layer_that_was_chosen_is_gone(dock):
    """As one that napari has opened and that was not to be reviewed: without it nothing was chosen."""
    viewer = dock.controller.viewer
    wait_for(lambda: names(dock) == OURS)
    other = viewer.add_image(np.zeros((4, 4)))
    assert viewer.layers.selection.active is other
    viewer.layers.remove(other)
    wait_for(lambda: viewer.layers.selection.active is viewer.layers["boxes"])
