"""From the queue's first entry to the last with the keyboard and at most one drag for each suspect."""

import numpy as np
import pandas as pd
import pytest

from gui_events import drag, needs_display, press_key, spin, wait_for
from napari_cropzoom.core.boxes import iou
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.sample import sample_project
from review_window import review_window
from videos import excerpt

pytestmark = [
    pytest.mark.usefixtures("fresh_data"),
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(300),
]

FIRST, LAST = 701, 815  # of the sample: an easy stretch
JUMP, LARGE, SWAP, GAP = (15, 16), (32, 37), (55, 64), (92, 97)
FAULTS = (JUMP, LARGE, SWAP, GAP)
GOOD = 0.8


@pytest.fixture(scope="module")
def truth():
    table = pd.read_csv(sample_project().truth)[FIRST : LAST + 1]
    assert table["places"].isin(["stop"]).sum() == table["places"].notna().sum()
    return table[["x", "y", "w", "h"]].to_numpy()


@pytest.fixture(scope="module")
def files(tmp_path_factory, truth):
    """An excerpt of the sample, with boxes as a detector gives them and a fault of each kind."""
    folder = tmp_path_factory.mktemp("sample")
    rng = np.random.default_rng(3)
    boxes = truth + rng.normal(0, 0.8, truth.shape)
    boxes[JUMP[0] : JUMP[1] + 1, :2] += (170, -120)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    rows = slice(LARGE[0], LARGE[1] + 1)
    boxes[rows, 2:] *= 1.9
    boxes[rows, :2] = middle[rows] - boxes[rows, 2:] / 2
    rows = slice(SWAP[0], SWAP[1] + 1)
    boxes[rows] = rng.normal((300, 220, 90, 80), 0.8, (SWAP[1] - SWAP[0] + 1, 4))
    boxes[GAP[0] : GAP[1] + 1] = np.nan
    path = folder / "preds" / "roaming_bbox.csv"
    write_bbox_csv(path, boxes)
    return excerpt(sample_project().video, folder / "roaming.mp4", FIRST, LAST), path


def put_box_right(viewer, session, frame, true):
    """Draw the box round the animal, in one drag from corner to corner."""
    x, y, w, h = true
    if not session.track.box(frame).is_missing():
        press_key("r")
    drag(viewer, (y - 0.5, x - 0.5), (y + h - 0.5, x + w - 0.5))


def select_what_is_wrong(dock, bad):
    """Select by keys the wrong frames from here on, until the box is right again, and go amid."""
    if not bad[dock.controller.frame]:
        press_key("Right")
    assert bad[dock.controller.frame]
    press_key("shift+b")
    first = dock.controller.frame
    while bad[dock.controller.frame + 1]:
        press_key("Right")
    press_key("shift+e")
    for _ in range((dock.controller.frame - first) // 2):
        press_key("Left")


def mend(dock, truth):
    """What a person does at one entry of the queue; returns how many drags it took."""
    session, layers = dock.controller.session, dock.controller.layers
    bad = ~(iou(session.track.boxes, truth) >= GOOD)
    first, last = layers.range_here()
    suspect = next(each for each in session.queue() if each.first <= dock.controller.frame <= each.last)
    drags = 0
    if not bad[first : last + 1].any():
        press_key("g")
    elif "larger" in suspect.reasons[0]:
        press_key("shift+s")
    elif suspect.reason.startswith("no box"):
        put_box_right(
            dock.controller.viewer, session, dock.controller.frame, truth[dock.controller.frame]
        )
        drags = 1
        press_key("j")
    elif bad[last + 1]:
        select_what_is_wrong(dock, bad)
        put_box_right(
            dock.controller.viewer, session, dock.controller.frame, truth[dock.controller.frame]
        )
        drags = 1
        press_key("j")
        press_key("shift+z")
    else:
        press_key("j")
    wait_for(lambda: suspect not in session.queue())
    return drags + put_right_what_is_left(dock, truth, first, last)


def put_right_what_is_left(dock, truth, first, last):
    """Step through the frames of an entry by keys and drag those boxes that are still off; how many."""
    session, drags = dock.controller.session, 0
    off = first + np.flatnonzero(~(iou(session.track.boxes, truth)[first : last + 1] >= GOOD))
    for frame in off.tolist():
        while dock.controller.frame != frame:
            press_key("Right" if dock.controller.frame < frame else "Left")
        put_box_right(dock.controller.viewer, session, frame, truth[frame])
        wait_for(lambda frame=frame: iou(session.track.boxes, truth)[frame] >= GOOD)
        drags += 1
    return drags


def wait_for_the_look(dock):
    """Let the look at the pixels end: the queue changes with what it finds."""
    pixels = dock["review"].pixels
    wait_for(lambda: pixels.is_running, 30)
    wait_for(lambda: not pixels.is_running, 120)
    spin(0.5)


def test_the_whole_queue_by_keyboard_and_one_drag_a_suspect(files, truth):
    with review_window(*files) as dock:
        session, viewer = dock.controller.session, dock.controller.viewer
        raw = session.track.boxes.copy()
        bad = ~(iou(raw, truth) >= GOOD)
        assert sorted(np.flatnonzero(bad)) == sorted(
            frame for first, last in FAULTS for frame in range(first, last + 1)
        )
        wait_for_the_look(dock)
        visited, drags = [], 0
        while session.queue():
            press_key("n")
            visited.append(dock.controller.frame)
            assert len(visited) <= 2 * len(FAULTS), visited
            drags += mend(dock, truth)
        for first, last in FAULTS:
            assert any(first - 2 <= frame <= last + 2 for frame in visited), (first, last, visited)
        assert 1 <= drags <= 2 * len(visited)
        overlap = iou(session.track.boxes, truth)
        assert overlap.min() >= GOOD
        press_key("n")
        assert viewer.status == "No suspect is left."
        assert dock["review"].header.state.startswith("✓")
        labels = [edit.label for edit in session.history.every]
        boxes, review = session.track.boxes.copy(), session.track.review.copy()
    with review_window(*files) as dock:
        session = dock.controller.session
        np.testing.assert_array_equal(session.track.boxes, boxes)
        np.testing.assert_array_equal(session.track.review, review)
        assert [edit.label for edit in session.history.every] == labels
        assert session.queue() == []
        for _ in labels:
            press_key("ctrl+z")
        np.testing.assert_array_equal(session.track.boxes, raw)
    np.testing.assert_array_equal(read_bbox_csv(files[1], len(truth), allow_missing=True), raw)
