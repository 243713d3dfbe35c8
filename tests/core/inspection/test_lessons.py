"""What a reviewer has always accepted is offered to be accepted; what was once wrong is not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.boxes import BoxTrack, Review
from napari_cropzoom.core.editing.edits import accept, accept_all, set_box
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.editing.range_tools import interpolate
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection
from napari_cropzoom.core.inspection.lessons import ENOUGH, offer_to_accept, offer_to_correct
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.inspection.suspect import kind_of
from napari_cropzoom.files.journal_lines import decode_edit, encode_edit
from walks import FRAME, walk

N = 1200
DIPS = range(50, 1150, 60)


@pytest.fixture
def queue():
    likelihood = 0.9 + np.random.default_rng(0).normal(0, 0.02, N)
    for start in DIPS:
        likelihood[start : start + 4] = 0.1
    boxes = walk(N)
    boxes[600:603, :2] += [200, -60]  # between two dips: a fault of another kind
    return SuspectQueue(Inspection.of(boxes, Evidence(likelihood, frame_size=FRAME)))


@pytest.fixture
def track(queue):
    return BoxTrack(queue.inspection.raw)


def settle(queue, track, edit):
    edit.apply({track.name: track})
    queue.renew(edit.first, edit.last)
    return offer_to_accept(track, *queue.entries(track))


def dips_of(queue, track):
    return [each for each in queue.entries(track)[0] if each.kind == "low likelihood"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("jumps 214 px for 2 frames", "jumps px"),
        ("low likelihood (0.10) for 5 frames", "low likelihood"),
        ("1.8 times larger", "times larger"),
        ("no box", "no box"),
    ],
)
def test_the_kind_of_a_reason(reason, kind):
    assert kind_of(reason) == kind


def test_after_some_that_were_right_the_others_are_offered(queue, track):
    dips = dips_of(queue, track)
    assert len(dips) == len(DIPS)
    for each in dips[: ENOUGH - 1]:
        assert settle(queue, track, accept(track, each.first, each.last)) is None
    lesson = settle(queue, track, accept(track, dips[ENOUGH - 1].first, dips[ENOUGH - 1].last))
    assert lesson is not None
    assert lesson.kind == "low likelihood"
    assert lesson.text == f"{len(DIPS) - ENOUGH} more like these: accept all?"
    assert {*lesson.alike} == {*dips[ENOUGH:]}
    assert settle(queue, track, lesson.edit(track)) is None
    left, _ = queue.entries(track)
    assert [(each.first, each.last) for each in left] == [(600, 602)]


def test_one_that_was_wrong_ends_the_offer(queue, track):
    dips = dips_of(queue, track)
    for each in dips[:ENOUGH]:
        settle(queue, track, accept(track, each.first, each.last))
    assert settle(queue, track, interpolate(track, dips[-1].first, dips[-1].last)) is None


def test_worse_ones_are_not_offered(queue, track):
    mildest = sorted(dips_of(queue, track), key=lambda each: each.score)
    lesson = None
    for each in mildest[:ENOUGH]:
        lesson = settle(queue, track, accept(track, each.first, each.last))
    assert lesson is None or all(each.score <= mildest[ENOUGH - 1].score for each in lesson.alike)


def test_accepting_many_is_one_edit_in_history_and_journal(queue, track):
    ranges = [(each.first, each.last) for each in dips_of(queue, track)]
    edit, tracks, history = accept_all(track, ranges, "low likelihood"), {track.name: track}, History()
    assert decode_edit(encode_edit(edit), tracks) == edit
    edit.apply(tracks)
    history.push(edit)
    assert (track.review == Review.ACCEPTED).sum() == sum(last - first + 1 for first, last in ranges)
    assert edit.fits(tracks) is False
    history.undo(tracks)
    assert not track.review.any()


@pytest.fixture
def jumpy():
    """A queue of jumps of a frame or two, and one that is long."""
    boxes = walk(N)
    for start in range(60, 1100, 80):
        boxes[start : start + 2, :2] += [200, -60]
    boxes[890:920, :2] += [150, 90]
    return SuspectQueue(Inspection.of(boxes, Evidence(frame_size=FRAME)))


def correct(queue, track, edit):
    edit.apply({track.name: track})
    queue.renew(edit.first, edit.last)
    return offer_to_correct(track, edit, queue.inspection, *queue.entries(track))


def test_a_correction_is_offered_for_the_same_fault_elsewhere(jumpy):
    track = BoxTrack(jumpy.inspection.raw)
    offer = correct(jumpy, track, interpolate(track, 60, 61))
    assert offer is not None
    assert offer.text.endswith("more like this: interpolate all?")
    assert all(each.n_frames <= 4 for each in offer.alike)
    others = [each for each in jumpy.entries(track)[0] if each not in offer.alike]
    assert len(offer.alike) >= 10
    assert all(each.kind != offer.kind or each.n_frames > 4 for each in others)
    edit = offer.edit(track)
    assert correct(jumpy, track, edit) is None
    left, _ = jumpy.entries(track)
    assert {*others} <= {*left}
    assert len(left) < len(others) + 3  # one that would be odd again may stay
    assert (890, 919) in [(each.first, each.last) for each in left]
    np.testing.assert_allclose(track.boxes[140:142], walk(N)[140:142], atol=4)
    edit.inverse().apply({track.name: track})
    assert (track.boxes[140:142] == jumpy.inspection.raw[140:142]).all()


@pytest.mark.parametrize("edited", [(60, 75), (310, 311)])
def test_other_edits_offer_nothing(jumpy, edited):
    track = BoxTrack(jumpy.inspection.raw)
    assert correct(jumpy, track, interpolate(track, *edited)) is None


def test_a_box_set_by_hand_is_no_correction_to_repeat(jumpy):
    track = BoxTrack(jumpy.inspection.raw)
    set_box(track, 60, track.box(59)).apply({track.name: track})
    assert correct(jumpy, track, interpolate(track, 60, 61)) is None
