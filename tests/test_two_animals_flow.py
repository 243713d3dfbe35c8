"""Two animals in one video, in a real window with a real model in the worker: each has its own pose."""

import numpy as np
import pytest

from gui_events import needs_display, wait_for, wait_until_still
from lpmodels import make_lp_model
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.widgets.preview import touching_edge
from review_window import N, click_on, make_review, review_window

pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

LONG = 400.0  # seconds a model may take on a slow and busy machine
HERE = range(20, 31)  # frames that the second animal is in
FIRST, SECOND = "animal", "white mouse"


def add_second(session):
    session.add_track(SECOND)
    for frame in (HERE[0], HERE[-1]):
        session.set_box(frame, Box(200, 20, 60, 60))
    session.fill_gap(HERE[1], HERE[-2])
    session.apply(mark_absent(session.track, 0, HERE[0] - 1))
    session.apply(mark_absent(session.track, HERE[-1] + 1, N - 1))


def run_pose(dock):
    pose, session = dock["pose"], dock.controller.session
    wait_until_still(dock)
    click_on(pose.job_bar.run_button)

    def is_done():
        assert pose.message.kind != "error", pose.message.plain
        return not pose.job_bar.is_running and session.pose_poses is not None

    wait_for(is_done, LONG)


def shown_keypoints(dock):
    layer = dock.controller.viewer.layers["pose keypoints"]
    return int(layer.shown.sum()) if len(layer.data) else 0


def test_a_pose_run_for_one_animal_leaves_the_other_ones_alone(tmp_path):
    video, boxes = make_review(tmp_path)
    folder = make_lp_model(tmp_path / "pose")
    theirs = folder / "video_preds" / "v.csv"
    own = boxes.parent / SECOND / "pose" / "video_preds" / "v.csv"
    with review_window(video, boxes) as dock:
        session, pose = dock.controller.session, dock["pose"]
        crop = dock.controller.crop_output()
        click_on(pose.header)
        pose.choose_model(folder)
        run_pose(dock)
        of_first = session.pose_poses
        kept = theirs.read_bytes(), made_with_path(theirs).read_bytes()
        dock.controller.go_to(HERE[5])
        wait_for(lambda: shown_keypoints(dock) == 3)

        add_second(session)
        wait_for(lambda: session.current == SECOND and not pose.done_text)
        assert session.pose_poses is None
        assert shown_keypoints(dock) == 0
        assert not dock.controller.viewer.layers["pose keypoints"].thumbnail[..., :3].any()
        assert not pose.header.state.startswith("✓")
        assert not pose.changed.run.isVisible()  # the other one's predictions say nothing of these boxes
        assert touching_edge(session, HERE[5], session.track.box(HERE[5])) == []
        assert dock.controller.crop_output() not in (None, crop)
        assert dock["show"].keypoints("pose") is None
        assert f"--output_dir '{own.parents[2]}'" in dock["export"].lines()[1]
        assert dock["export"].lines()[1].startswith("cropzoom predict ")
        wait_for(lambda: pose.job_bar.run_button.text() == "Save boxes and run pose model")
        run_pose(dock)
        of_second = session.pose_poses
        assert (theirs.read_bytes(), made_with_path(theirs).read_bytes()) == kept
        there = np.isfinite(read_predictions(own, N).xy).all(axis=(1, 2))
        assert np.flatnonzero(there).tolist() == list(HERE)
        wait_for(lambda: shown_keypoints(dock) == 3)
        wait_for(lambda: pose.header.state.startswith("✓"))
        assert dock["show"].keypoints("pose") == own

        session.rename_track(SECOND, "pale mouse")
        assert session.pose_poses is of_second
        assert dock["show"].keypoints("pose") == own
        session.select_track(FIRST)
        assert session.pose_poses is of_first
        wait_for(lambda: pose.header.state.startswith("✓"))
        assert dock["show"].keypoints("pose") == theirs
        dock.open_step("export")
        session.select_track("pale mouse")
        wait_for(lambda: f"{N - len(HERE)} frames without an animal" in dock["export"].state.text())

    with review_window(video, boxes) as dock:
        session, pose = dock.controller.session, dock["pose"]
        click_on(pose.header)
        pose.choose_model(folder)
        wait_for(lambda: pose.offer.path == theirs)
        click_on(pose.offer.use)
        wait_for(lambda: session.pose_poses is not None and pose.header.state.startswith("✓"))
        session.select_track("pale mouse")
        wait_for(lambda: session.pose_poses is not None and pose.header.state.startswith("✓"))
        np.testing.assert_array_equal(session.pose_poses.xy, of_second.xy)
        session.select_track(FIRST)
        np.testing.assert_array_equal(session.pose_poses.xy, of_first.xy)
