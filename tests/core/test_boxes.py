import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, BoxTrack, Review, Source, as_boxes, iou
from napari_cropzoom.core.errors import CropzoomError

sides = st.floats(0.1, 500)
places = st.floats(-500, 500)


def test_iou_of_known_boxes():
    assert iou([0, 0, 10, 10], [5, 0, 10, 10]) == pytest.approx(50 / 150)
    assert iou([0, 0, 10, 10], [20, 20, 5, 5]) == 0
    assert iou([[1, 2, 3, 4]], [[1, 2, 3, 4]])[0] == 1


@given(places, places, sides, sides)
def test_from_corners_takes_corners_in_any_order(x, y, w, h):
    expected = Box(x, y, (x + w) - x, (y + h) - y)
    assert Box.from_corners(x + w, y, x, y + h) == pytest.approx(expected)


@given(places, places, sides, sides)
def test_snapped_boxes_are_whole_even_and_stay(x, y, w, h):
    box = Box(x, y, w, h).snapped()
    assert all(value == int(value) for value in box)
    assert box.w % 2 == box.h % 2 == 0
    assert box.w >= 2
    assert box.snapped() == box


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([0, 0, 0, 5], "no area"),
        ([0, 0, 5, -1], "no area"),
        ([0, np.nan, 5, 5], "missing"),
        ([0, 0, np.inf, 5], "infinite"),
    ],
)
def test_bad_boxes_are_refused_with_their_frame(row, what):
    with pytest.raises(CropzoomError, match=rf"frame 1 .*{what}"):
        as_boxes([[0, 0, 4, 4], row])


def test_wrong_shape_is_refused():
    with pytest.raises(CropzoomError, match="shape"):
        as_boxes([1, 2, 3, 4])


def test_a_new_track_knows_what_is_missing():
    track = BoxTrack([[1, 2, 3, 4], [np.nan] * 4], source=Source.IMPORTED)
    assert track.source.tolist() == [Source.IMPORTED, Source.MISSING]
    assert track.review.tolist() == [Review.UNSEEN, Review.FLAGGED]
    assert track.is_missing.tolist() == [False, True]
    with pytest.raises(ValueError, match="read-only"):
        track.raw[0] = 0


def test_snapshot_outside_the_track_is_refused():
    with pytest.raises(CropzoomError, match="not in this track"):
        BoxTrack.empty(3).snapshot(2, 3)


def test_core_imports_no_window_no_model_no_video():
    code = (
        "import sys, json, pkgutil, importlib, napari_cropzoom.core as core\n"
        "for m in pkgutil.iter_modules(core.__path__):\n"
        "    importlib.import_module('napari_cropzoom.core.' + m.name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    banned = {
        "qtpy",
        "napari",
        "torch",
        "lightning",
        "lightning_pose",
        "cv2",
        "av",
        "magicgui",
        "pyqtgraph",
    }
    assert not banned & set(json.loads(done.stdout))
