"""How large a model sees what it is given, said where the models are chosen."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QLabel

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.scores import told_of_scale


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
    size = f"as {width}×{height} px"
    assert f"sees the frame {told_of_scale(frame)}, {size}" in shown.text()
    opened["pose"].choose_model(model)
    shown = opened["pose"].findChild(QLabel, "pose_info")
    assert "sees" not in shown.text()  # no boxes yet
    side = 0.5 * frame * min(height, width)
    set_boxes(session, side)
    opened.open_step("pose")
    assert f"sees the box {told_of_scale(side / min(height, width))}, {size}" in shown.text()
    assert "Hardly finer" not in shown.text()
    opened.open_step("boxes")
    both = opened["boxes"].findChild(QLabel, "boxes_scales")
    box = told_of_scale(side / min(height, width))
    told = f"The detector sees the frame {told_of_scale(frame)}, the pose model sees the box {box}."
    assert both.text() == told
    assert not both.isHidden()
    opened.open_step("pose")
    set_boxes(session, 2 * side)
    opened["pose"].refresh()
    assert "Hardly finer than the detector" in shown.text()
    assert "make smaller boxes" in shown.text()


def test_a_scale_is_said_in_words():
    assert told_of_scale(3.26) == "3.3 times smaller"
    assert told_of_scale(0.5) == "2.0 times larger"
    assert told_of_scale(1.04) == told_of_scale(0.96) == "in its own size"
