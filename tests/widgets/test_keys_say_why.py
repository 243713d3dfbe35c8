"""Keys that can do nothing where they are pressed say why, in one line, in the window."""

import numpy as np
import pytest

from gui_events import needs_display, press_key, wait_for, x_key
from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from review_window import begin_again, click_on, faulty_boxes, review_window
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

FIRST_BOX = 20


@pytest.fixture(scope="module")
def start_gap(tmp_path_factory):
    """The review of a track without boxes in its first frames."""
    folder = tmp_path_factory.mktemp("gap")
    boxes = faulty_boxes()
    boxes[:FIRST_BOX] = np.nan
    write_bbox_csv(folder / "preds" / "v_bbox.csv", boxes)
    video = make_numbered_video(folder / "v.mp4", len(boxes), size=(320, 240), gop=10)
    with review_window(video, folder / "preds" / "v_bbox.csv") as dock:
        yield dock


KEYS = {one.name: x_key(one.key) for one in SHORTCUTS}


def says(dock, name):
    """What is said, in the status bar and in the dock, once a key was pressed that did nothing."""
    controller, message = dock.controller, dock["review"].message
    controller.viewer.status = ""
    message.clear()
    before, frame = controller.session.revision, controller.frame
    press_key(KEYS[name])
    wait_for(lambda: controller.viewer.status or message.plain)
    assert controller.session.revision == before, name
    assert controller.frame == frame
    said = message.plain or controller.viewer.status
    assert "\n" not in said
    return said


def test_interpolate_fills_a_gap_at_the_start_from_the_box_after_it(start_gap):
    dock = begin_again(start_gap, 5)
    press_key("j")
    track = dock.controller.session.track
    assert (track.boxes[:FIRST_BOX] == track.boxes[FIRST_BOX]).all()
    assert dock.controller.layers.range_here() == (0, FIRST_BOX - 1)
    assert says(dock, "interpolate") == (
        "Interpolate frames 0 to 19: that is how they are; nothing has changed."
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("previous frame", "This is the first frame of the video."),
        ("hold", "There is no box before frame 0 to hold; set one first, or interpolate."),
        ("carry on", "No box was corrected by hand in frames 0 to 19; correct one first."),
        ("ease in", "No box was corrected by hand in frames 0 to 19; correct one first."),
        ("usual size", "Frames 0 to 19 have no box."),
        ("larger", "Frames 0 to 19 have no box."),
        ("shift left", "Frames 0 to 19 have no box."),
        ("copy before", "There is no frame before this one to copy from."),
        ("copy after", "Frame 1 has no box to copy."),
        ("revert", "Revert frames 0 to 19: that is how they are; nothing has changed."),
        ("follow on", "Set the right box in this frame first, then follow from here."),
        ("next animal", "There is one animal only. Add another in the menu Animals."),
        ("select nothing", "No frames are selected."),
        ("next manual box", "No frame set by hand lies that way."),
        ("undo", "Nothing to undo."),
    ],
)
def test_a_key_that_does_nothing_says_why(start_gap, name, why):
    assert says(begin_again(start_gap, 0), name) == why


def test_the_only_suspect_that_is_left_is_called_that(start_gap):
    dock = begin_again(start_gap, 0)
    session = dock.controller.session
    for suspect in [each for each in session.queue() if each.frame]:
        session.accept(suspect.first, suspect.last)
    (left,) = session.queue()
    dock.controller.go_to(left.frame)
    for name in ("next suspect", "previous suspect", "next worst"):
        assert says(dock, name) == "This is the only suspect that is left."


def test_accept_twice_says_so(start_gap):
    dock = begin_again(start_gap, 0)
    click_on(dock["review"].accept)
    wait_for(lambda: len(dock.controller.session.history) == 1)
    click_on(dock["review"].accept)
    wait_for(lambda: dock["review"].message.plain == "Frames 0 to 19: accepted already.")
