"""Every Nth frame first, in a real window with real mouse events and a real model in the worker."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QSpinBox

from gui_events import needs_display, wait_for
from lpmodels import make_lp_model
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.looks import SOURCE_WORDS
from napari_cropzoom.core.timeline.series import State
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.provenance import interpolated_rows
from review_window import click_on, review_window
from videos import RESTING_FRAMES as FRAMES
from videos import RESTING_JUMP as JUMP
from videos import make_resting_video

pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

LONG = 400.0  # seconds a model may take on a slow and busy machine


def counted_in(job_bar):
    """How far a job is, as a person is told: so many of so many frames; None where none is counted."""
    found = re.search(r"(\d+) of (\d+) frames", job_bar.status.text())
    return found and tuple(map(int, found.groups()))


def test_the_detect_step_runs_every_nth_frame_first_and_marks_the_rest(tmp_path):
    video, boxes = make_resting_video(tmp_path / "v.mp4"), tmp_path / "drawn" / "v_bbox.csv"
    write_bbox_csv(boxes, np.tile([20.0, 20, 60, 60], (FRAMES, 1)))
    folder = make_lp_model(tmp_path / "detector")
    with review_window(video, boxes) as dock:
        detect, session = dock["detect"], dock.controller.session
        click_on(detect.header)
        detect.choose_model(folder)
        spin_box = detect.findChild(QSpinBox, "detect_every")
        assert spin_box.isVisible()
        assert spin_box.value() == 1
        assert spin_box.text() == "all frames"
        assert "interpolated" in spin_box.toolTip()
        spin_box.setFocus()
        spin_box.selectAll()
        QTest.keyClicks(spin_box, "10")
        QTest.keyClick(spin_box, Qt.Key.Key_Tab)
        assert spin_box.value() == 10

        told = []
        detect.job_bar.status_changed.connect(lambda: told.append(counted_in(detect.job_bar)))
        click_on(detect.job_bar.run_button)

        def is_loaded():
            assert detect.message.kind != "error", detect.message.plain
            return not detect.job_bar.is_running and session.detector_poses is not None

        wait_for(is_loaded, LONG)
        told = [each for each in told if each is not None]
        assert {total for _, total in told} == {FRAMES}  # one count, of the video's frames
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        guessed = interpolated_rows(folder / "video_preds" / "v.csv", FRAMES)
        count = int((~guessed).sum())
        assert count < FRAMES
        assert detect.message.plain == f"ran {count} of {FRAMES} frames; the others are interpolated"
        assert detect.header.state == f"✓ detector · 3 keypoints · {count} of {FRAMES} frames"

        dock["boxes"].create()
        assert dock["boxes"].question.message.plain.startswith("These boxes are from a file.")
        dock["boxes"].question.change.click()
        wait_for(lambda: (session.track.source == Source.INTERPOLATED).any())
        np.testing.assert_array_equal(session.track.source == Source.INTERPOLATED, guessed)
        assert session.track.source[JUMP] == Source.DETECTED
        frame = int(np.flatnonzero(guessed)[0])
        dock.controller.go_to(frame)
        text = dock.controller.viewer.text_overlay
        wait_for(lambda: SOURCE_WORDS[Source.INTERPOLATED] in text.text)
        timeline = dock.controller.viewer.window.dock_widgets["Timeline"]
        wait_for(lambda: timeline.model.series is not None)

        def states():
            return timeline.model.series.states.view(0, FRAMES - 1, FRAMES)[2]

        wait_for(lambda: (states() == State.INTERPOLATED).any())
        assert not (states()[~guessed] == State.INTERPOLATED).any()
