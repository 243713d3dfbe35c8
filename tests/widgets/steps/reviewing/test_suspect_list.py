"""In which order suspects and their reasons are, and where Next and Previous go."""

import numpy as np
import pytest

from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.editing.edits import accept
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.widgets.steps.reviewing.suspect_list import (
    IN_PART,
    SuspectModel,
    along,
    frames_of,
    reason_text,
)

MISSES, OFF = "the box misses part of what moves", "the animal seems 72 px off the box's middle"
CUT = "may be cut off: the pose touches the edge of the box"


def suspect(frame, first, last, *reasons):
    return Suspect(frame, first, last, 0.8, reasons or ("jumps 30 px",))


def test_the_list_is_in_the_order_of_first_frames():
    wide, narrow, later = suspect(303, 290, 309), suspect(294, 291, 297), suspect(320, 320, 321)
    model = SuspectModel()
    model.show([later, wide], [narrow])
    assert [frames_of(each) for _, each in model.rows] == ["290 to 309", "291 to 297", "320 to 321"]


@pytest.mark.parametrize(
    "reasons", [("1.8 times smaller", MISSES, OFF), (OFF, "1.8 times smaller", MISSES)]
)
def test_reasons_keep_their_order_while_their_weights_change(reasons):
    assert reason_text(suspect(294, 291, 297, *reasons), "").endswith(f": 1.8× smaller; {OFF}; {MISSES}")
    assert suspect(294, 291, 297, *reasons).told == f"1.8 times smaller; {OFF}; {MISSES}"


def test_what_is_left_of_a_suspect_is_not_told_of_the_frame_that_was_changed():
    shown = suspect(294, 291, 297, "1.8 times smaller for 7 frames")
    assert reason_text(shown, IN_PART) == "Frames 291 to 297, but for what you changed: 1.8× smaller"
    assert reason_text(shown, "reviewed") == "Frames 291 to 297, reviewed; was: 1.8× smaller"


def test_next_leaves_a_suspect_in_which_a_frame_is_reviewed_that_is_shown():
    track = BoxTrack(np.tile(np.array([10.0, 10, 40, 40]), (400, 1)))
    left = [suspect(345, 330, 350), suspect(303, 290, 309), suspect(20, 20, 21)]
    assert along(left, 294, track, 1).frame == 303  # its worst frame, which was not shown yet
    assert along(left, 303, track, 1).frame == 345
    assert along(left, 350, track, 1).frame == 20  # after the last, the first
    assert along(left, 20, track, -1).frame == 345
    accept(track, 294, 294).apply({track.name: track})
    accept(track, 305, 305).apply({track.name: track})
    assert along(left, 294, track, 1).frame == 345
    assert along(left, 305, track, -1).frame == 20
    assert along(left[1:2], 294, track, 1).frame == 303  # the only one that is left
