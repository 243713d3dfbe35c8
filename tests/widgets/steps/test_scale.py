"""How many pixels of the frame one pixel of a model's input is, said where the models are chosen."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QLabel

from napari_cropzoom.core.boxes import Source


def set_boxes(session, side):
    boxes = np.tile([20.0, 20, side, side], (session.n_frames, 1))
    session.set_raw(boxes, session.video.path.with_suffix(".csv"), Source.IMPORTED)


def test_detector_and_pose_model_say_how_finely_they_see(opened, model_folder):
    session, model = opened.controller.session, model_folder
    opened["detect"].choose_model(model)
    opened.open_step("detect")
    height, width = opened["detect"].model.image_size
    frame = max(session.video.height / height, session.video.width / width)
    shown = opened["detect"].findChild(QLabel, "detect_info")
    assert f"1 px of it is {frame:.1f} px of the frame" in shown.text()
    opened["pose"].choose_model(model)
    shown = opened["pose"].findChild(QLabel, "pose_info")
    assert "of the frame" not in shown.text()  # no boxes yet
    side = 0.5 * frame * min(height, width)
    set_boxes(session, side)
    opened.open_step("pose")
    assert f"1 px of it is {side / min(height, width):.1f} px of the frame" in shown.text()
    assert "Hardly finer" not in shown.text()
    set_boxes(session, 2 * side)
    opened["pose"].refresh()
    assert "Hardly finer than the detector" in shown.text()
    assert "make smaller boxes" in shown.text()
