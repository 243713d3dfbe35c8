"""Only what changed, in a real window with real mouse events and a real model in the worker."""

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel, QPushButton

from gui_events import canvas_of, drag, needs_display, wait_for, wait_until_still
from lpmodels import make_lp_model
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.widgets.steps.parts.changed_frames import changed_text
from review_window import N, click_on, make_review, review_window

pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

LONG = 400.0  # seconds a model may take on a slow and busy machine
FRAME = 20
ABSENT = (50, 53)


def ended(section, is_done):
    """Whether a run is over; a message of the step ends the test with its text."""
    assert section.message.kind != "error", section.message.plain
    return not section.job_bar.is_running and is_done()


def test_the_pose_step_runs_what_changed(tmp_path):
    video, boxes = make_review(tmp_path)
    folder = make_lp_model(tmp_path / "pose")
    with review_window(video, boxes) as dock:
        controller, pose = dock.controller, dock["pose"]
        session, viewer = controller.session, controller.viewer
        click_on(pose.header)
        pose.choose_model(folder)
        button, label = (
            pose.findChild(kind, name)
            for kind, name in ((QPushButton, "pose_changed"), (QLabel, "pose_up_to_date"))
        )
        wait_until_still(dock)
        assert not button.isVisible()
        assert not label.isVisible()

        click_on(pose.job_bar.run_button)
        wait_for(lambda: ended(pose, lambda: session.pose_poses is not None), LONG)
        said = pose.picker.info.text()
        assert said.startswith("3 keypoints · sees the box ")
        assert said.endswith(", as 64×64 px · heatmap model, cpu")
        wait_for(label.isVisible)
        assert label.text() == "The predictions are up to date: no box has changed since."
        assert not button.isVisible()
        before, were = session.pose_poses, session.final_boxes()

        viewer.dims.set_current_step(0, FRAME)
        wait_until_still(canvas_of())
        x, y = session.track.box(FRAME).center
        drag(viewer, (y, x), (y + 30, x + 40))
        changed = (session.final_boxes() != were).any(axis=1)
        assert changed[FRAME]
        assert changed.sum() < 30
        wait_for(lambda: button.isVisible() and button.text() == changed_text(int(changed.sum())))
        assert not label.isVisible()
        assert pose.job_bar.run_button.text() == "Save boxes and run again"
        assert pose.job_bar.run_button.isEnabled()

        click_on(button)
        wait_for(lambda: ended(pose, lambda: session.pose_poses is not before), LONG)
        after = session.pose_poses
        np.testing.assert_array_equal(after.xy[~changed], before.xy[~changed])
        assert (after.xy[changed] != before.xy[changed]).any(axis=(1, 2)).all()
        count = int(changed.sum())
        assert f"{count} of {N} frames changed; the others were kept." in pose.message.plain
        wait_for(label.isVisible)
        written = read_predictions(folder / "video_preds" / "v.csv", N)
        np.testing.assert_array_equal(written.xy, after.xy)
        shown = viewer.layers["pose keypoints"].data[:, ::-1]
        np.testing.assert_allclose(shown[:, :2], after.xy[FRAME])

        session.apply(mark_absent(session.track, *ABSENT))
        wait_for(lambda: button.isVisible() and pose.header.state.startswith("● other boxes in "))
        assert not pose.message.plain  # it was said of the boxes before
        click_on(button)
        wait_for(lambda: ended(pose, lambda: session.pose_poses is not after), LONG)
        wait_for(lambda: label.isVisible() and pose.header.state.startswith("✓"))
        assert not button.isVisible()
        assert np.isnan(session.pose_poses.xy[ABSENT[0] : ABSENT[1] + 1]).all()

        dock.open_step("review")
        session.accept(0, N - 1)
        wait_for(lambda: "go on to Smooth" in dock["review"].go_on.text(), LONG)
        assert pose.header.state.startswith("✓")  # no box has changed
        session.set_box(FRAME, session.track.box(FRAME)._replace(x=3))
        wait_for(lambda: "run the pose again" in dock["review"].go_on.text(), LONG)
        assert pose.header.state.startswith("● other boxes in ")


def test_the_button_counts_in_words():
    assert changed_text(1) == "1 frame changed: run it"
    assert changed_text(312) == "312 frames changed: run these"
