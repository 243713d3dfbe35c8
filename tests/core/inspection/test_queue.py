"""What a person sees while working through the queue."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, BoxTrack
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection
from napari_cropzoom.core.inspection.queue import SuspectQueue
from walks import FRAME, walk


def queue_of(boxes):
    track = BoxTrack(boxes)
    return track, SuspectQueue(Inspection.of(track.raw, Evidence(frame_size=FRAME)))


def do(edit, track, queue):
    edit.apply({track.name: track})
    queue.renew(edit.first, edit.last)


def spans(suspects):
    return sorted((each.first, each.last) for each in suspects)


def faulty():
    right = walk(600)
    boxes = right.copy()
    boxes[100:103, :2] += 200
    boxes[300:340] = np.nan
    boxes[450:470, 2:] *= 2
    return right, boxes


def test_all_of_it_is_open_at_first_the_worst_first():
    track, queue = queue_of(faulty()[1])
    left, done = queue.entries(track)
    assert spans(left) == [(100, 102), (300, 339), (450, 469)]
    assert [each.score for each in left] == sorted((each.score for each in left), reverse=True)
    assert done == []


def test_what_is_mended_is_looked_at():
    right, boxes = faulty()
    track, queue = queue_of(boxes)
    for frame in (100, 101, 102):
        do(edits.set_box(track, frame, Box(*right[frame])), track, queue)
    left, done = queue.entries(track)
    assert spans(left) == [(300, 339), (450, 469)]
    assert spans(done) == [(100, 102)]


def test_what_is_half_mended_stays_open():
    right, boxes = faulty()
    track, queue = queue_of(boxes)
    do(edits.set_box(track, 101, Box(*right[101])), track, queue)
    left, done = queue.entries(track)
    assert any(each.first <= 100 <= each.last for each in left)
    assert any(each.first <= 102 <= each.last for each in left)
    assert done == []


def test_what_is_accepted_filled_or_deleted_is_looked_at_and_undo_brings_it_back():
    track, queue = queue_of(faulty()[1])
    accept = edits.accept(track, 450, 469)
    do(accept, track, queue)
    fill = edits.fill_gap(track, 300, 339, "interpolate")
    do(fill, track, queue)
    left, done = queue.entries(track)
    assert spans(left) == [(100, 102)]
    assert spans(done) == [(300, 339), (450, 469)]
    do(fill.inverse(), track, queue)
    assert spans(queue.entries(track)[0]) == [(100, 102), (300, 339)]
    for frame in range(300, 340):
        do(edits.delete_box(track, frame), track, queue)
    assert spans(queue.entries(track)[0]) == [(100, 102)]


def test_a_box_set_by_hand_is_no_suspicion_beside_the_detectors():
    right = walk(600)
    track, queue = queue_of(right)
    x, y, w, h = right[200]
    do(edits.set_box(track, 200, Box(x - 6, y - 5, w + 12, h + 10)), track, queue)
    assert queue.entries(track) == ([], [])


def test_a_box_set_by_hand_is_never_doubted_itself():
    track, queue = queue_of(walk(600))
    do(edits.set_box(track, 200, Box(20, 20, 100, 80)), track, queue)
    assert queue.entries(track) == ([], [])


def test_answers_are_those_of_a_fresh_queue_whatever_was_asked_before():
    right, boxes = faulty()
    track, queue = queue_of(boxes)
    for frame in (455, 100, 320, 102, 101):
        do(edits.set_box(track, frame, Box(*right[frame])), track, queue)
        assert queue.entries(track) == SuspectQueue(queue.inspection).entries(track)


def test_the_amount_filters_open_and_done_alike():
    track, queue = queue_of(faulty()[1])
    do(edits.accept(track, 100, 102), track, queue)
    assert queue.entries(track, 0.0) == ([], [])
    left, done = queue.entries(track, 1.0)
    assert len(left) >= 2
    assert spans(done)[0] == (100, 102)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "delete", "accept", "revert", "undo"]), st.integers(0, 599)),
        max_size=25,
    )
)
def test_any_edits_and_undos_leave_what_a_fresh_queue_finds(acts):
    right, boxes = faulty()
    track, queue = queue_of(boxes)
    history = []
    for act, frame in acts:
        last = min(frame + 30, 599)
        if act == "undo":
            if not history:
                continue
            edit = history.pop().inverse()
        elif act == "set":
            edit = edits.set_box(track, frame, Box(*right[frame]))
        elif act == "delete":
            edit = edits.delete_box(track, frame)
        elif act == "accept":
            edit = edits.accept(track, frame, last)
        else:
            edit = edits.revert_to_raw(track, frame, last)
        if act != "undo":
            history.append(edit)
        do(edit, track, queue)
        if frame % 2:
            queue.entries(track)
    assert queue.entries(track, 0.6) == SuspectQueue(queue.inspection).entries(track, 0.6)
    assert track.n_missing == track.is_missing.sum()
