"""What a reviewer has always accepted is offered to be accepted; what was once wrong is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_cropzoom.core.boxes import BoxTrack, Review
from napari_cropzoom.core.editing.edits import accept, accept_all, set_box
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.editing.range_tools import interpolate, mark_absent, put_boxes
from napari_cropzoom.core.inspection.cured import is_cured, leaving_open
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection
from napari_cropzoom.core.inspection.lessons import ENOUGH, offer_to_accept, offer_to_correct
from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.inspection.suspect import Suspect, in_words, kind_of
from napari_cropzoom.core.words import counted
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


def first(suspect):
    return suspect.first


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


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("jumps 214 px for 2 frames", "jumps"),
        ("1.8 times smaller for 3 frames", "smaller"),
        ("2.0 times larger", "larger"),
        ("no box for 1,200 frames", "no box"),
        ("low likelihood (0.23)", "low likelihood"),
        ("12 px outside the frame", "outside the frame"),
        (
            "the part outside the frame changes by 30 px for 2 frames",
            "the part outside the frame changes",
        ),
        ("only 2 x 2 px", "only a few px"),
        ("100 % of the keypoints outside the box", "keypoints outside the box"),
        ("keypoints 12 px off the box's middle", "keypoints off the box's middle"),
        (
            "box round 1 of 3 keypoints, the others unlikely",
            "box round one keypoint, the others unlikely",
        ),
        ("the box misses part of what moves", "the box misses part of what moves"),
    ],
)
def test_a_reason_that_is_counted_has_no_numbers_of_its_own(reason, words):
    assert in_words(reason) == words


def test_after_some_that_were_right_the_others_are_offered(queue, track):
    dips = dips_of(queue, track)
    assert len(dips) == len(DIPS)
    for each in dips[: ENOUGH - 1]:
        assert settle(queue, track, accept(track, each.first, each.last)) is None
    lesson = settle(queue, track, accept(track, dips[ENOUGH - 1].first, dips[ENOUGH - 1].last))
    assert lesson is not None
    assert lesson.kind == "low likelihood"
    offered, frames = dips[ENOUGH:], sum(each.n_frames for each in dips[ENOUGH:])
    where = f"{frames} frames from {min(e.first for e in offered)} to {max(e.last for e in offered)}"
    assert lesson.text == f"{counted(len(offered), 'suspect')} like these: accept\nall, {where}?"
    assert all(f"{each.first} to {each.last}" in lesson.help for each in sorted(offered, key=first)[:12])
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
    count = sum(each.n_frames for each in offer.alike)
    first, last = min(each.first for each in offer.alike), max(each.last for each in offer.alike)
    where = f"all, {count} frames from {first} to {last}"
    assert offer.text == f"{counted(len(offer.alike), 'suspect')} like this: interpolate\n{where}?"
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


@pytest.fixture
def ghosts():
    """Short visits of the box to a place where no animal is, one to another, two steps of a good box."""
    boxes = walk(N)
    for start in range(60, 700, 80):
        boxes[start : start + 3] = [900, 700, 60, 60]
    boxes[860:863] = [60, 60, 60, 60]
    for start in (800, 900):
        boxes[start : start + 3, :2] += [200, -60]
    return SuspectQueue(Inspection.of(boxes, Evidence(frame_size=FRAME)))


def test_no_animal_is_offered_only_where_the_box_is_like_the_one_taken_away(ghosts):
    track = BoxTrack(ghosts.inspection.raw)
    kinds = {each.first: each.kind for each in ghosts.entries(track)[0]}
    assert kinds[60] == kinds[800]  # the same reason, but another box
    reasons = {each.first: [kind_of(one) for one in each.reasons] for each in ghosts.entries(track)[0]}
    assert reasons[60] == reasons[860]  # all the same, but another place
    offer = correct(ghosts, track, mark_absent(track, 60, 62))
    assert {each.first for each in offer.alike} == set(range(140, 700, 80))
    assert offer.text == "7 suspects like this: say “no animal” in\nall, 21 frames from 140 to 622?"
    assert offer.help.startswith("Frames 140 to 142, 220 to 222")
    edit = offer.edit(track)
    edit.apply({track.name: track})
    assert np.isnan(track.boxes[140:143]).all()
    assert (track.boxes[800:803] == ghosts.inspection.raw[800:803]).all()
    edit.inverse().apply({track.name: track})
    assert (track.boxes[140:143] == ghosts.inspection.raw[140:143]).all()


def test_the_one_that_is_left_is_named_by_its_frames(ghosts):
    track = BoxTrack(ghosts.inspection.raw)
    for start in range(140, 620, 80):
        correct(ghosts, track, mark_absent(track, start, start + 2))
    offer = correct(ghosts, track, mark_absent(track, 620, 622))
    assert offer.text == "1 suspect like this: say “no animal” in\nframes 60 to 62?"


def test_what_the_pose_says_is_cut_off_is_in_no_offer_of_other_boxes(jumpy):
    track = BoxTrack(jumpy.inspection.raw)
    edit = interpolate(track, 60, 61)
    offered = correct(jumpy, track, edit).alike
    left, done = jumpy.entries(track)
    cut = replace(offered[0], reasons=(*offered[0].reasons, TOUCHES))
    left = [cut if each == offered[0] else each for each in left]
    again = offer_to_correct(track, edit, jumpy.inspection, left, done)
    assert again.alike == offered[1:]


def test_a_weak_suspect_is_left_where_the_result_is_as_odd(jumpy):
    track = BoxTrack(jumpy.inspection.raw)
    weak = Suspect(500, 500, 501, 0.3, ("jumps 9 px for 2 frames",))
    (there,) = (each for each in jumpy.entries(track)[0] if each.first == 140)
    assert is_cured(there, track.copy(), interpolate(track, 140, 141), jumpy.inspection)
    assert not is_cured(there, track.copy(), accept(track, 140, 141), jumpy.inspection)
    assert not is_cured(weak, track.copy(), accept(track, 500, 501), jumpy.inspection)
    assert (track.boxes == jumpy.inspection.raw).all()
    assert not track.review.any()


def test_what_an_edit_over_many_frames_does_not_cure_stays_open(jumpy):
    track = BoxTrack(jumpy.inspection.raw)
    boxes = walk(N)[120:240]
    boxes[100:102, :2] += [200, -60]  # as bad as before in frames 220 and 221
    edit = put_boxes(track, 120, boxes, "follow")
    left = [each for each in jumpy.entries(track)[0] if 120 <= each.first < 240]
    assert [each.first for each in left] == [140, 220]
    edit, count = leaving_open(edit, track, left, jumpy.inspection)
    assert count == 1
    correct(jumpy, track, edit)
    assert [each.first for each in jumpy.entries(track)[0] if 120 <= each.first < 240] == [220]
    assert (track.review[120:220] == Review.EDITED).all()
    assert (track.review[220:222] == Review.UNSEEN).all()
    assert (track.boxes[120:240] == boxes).all()
