"""A damaged video in the window: what cannot be decoded is crossed out, and in the queue."""

import numpy as np
import pytest

from gui_events import canvas_of, needs_display, picture_of, press_key, wait_for
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.review.suspects import UNDECODABLE
from napari_cropzoom.video.damage import crossed_out
from review_window import review_window, window_of
from videos import make_numbered_video, read_number, zero_packets

pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(300)]

N, LOST = 60, (24, 35)


def test_what_cannot_be_decoded_is_crossed_out_and_in_the_queue(tmp_path):
    """The frames of a group whose keyframe is lost; on either side the pictures are right."""
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), bframes=0)
    zero_packets(video, LOST[:1])
    t = np.arange(N)
    boxes = np.column_stack([20 + 2.0 * t, 80 + t, np.full(N, 48.0), np.full(N, 40.0)])
    boxes[LOST[0] : LOST[1] + 1] = np.nan
    path = tmp_path / "preds" / "v_bbox.csv"
    write_bbox_csv(path, boxes)
    with review_window(video, path) as dock:
        session, viewer = dock.controller.session, dock.controller.viewer
        wait_for(lambda: [each.reason for each in session.queue()] == [UNDECODABLE])
        press_key("n")
        wait_for(lambda: dock.controller.frame == LOST[0])
        shown = crossed_out(320, 240)
        layer = dock.controller.layers.video.layer
        wait_for(lambda: np.array_equal(layer.data[dock.controller.frame], shown))
        wait_for(lambda: "cannot be decoded" in viewer.canvas.overlays.text.text)
        colours = picture_of(canvas_of(window_of(dock))).reshape(-1, 3)
        assert (np.abs(colours - [110, 40, 40]).max(axis=1) < 6).mean() > 0.01
        press_key("Left")
        wait_for(lambda: dock.controller.frame == LOST[0] - 1)
        assert read_number(layer.data[dock.controller.frame]) == LOST[0] - 1
