"""A pose that touches the edge of its box makes a suspect, while the box is the one it was found in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_cropzoom.core.boxes import BoxTrack, Review, Source
from napari_cropzoom.core.editing.edits import accept, set_box
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection
from napari_cropzoom.core.inspection.larger import offer_larger, offer_larger_in_all
from napari_cropzoom.core.inspection.posed import RUN_AGAIN, TOUCHES, PosedSuspects, with_posed
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from walks import FRAME, walk

N = 300
PARTS = ("nose", "middle", "tail")
NONE = SmoothingSettings(window=1)


@pytest.fixture
def boxes():
    return finalize(walk(N))


@pytest.fixture
def poses(boxes):
    return poses_in(boxes)


def poses_in(boxes):
    """Three keypoints in a line through the box; the tail is at its left edge in two places."""
    share = np.tile(np.array([[0.8, 0.5], [0.5, 0.5], [0.2, 0.5]]), (N, 1, 1))
    share[40:46, 2, 0] = 0.005
    share[200, 2, 0] = 0.01
    xy = boxes[:, None, :2] + share * boxes[:, None, 2:]
    return Poses(PARTS, xy, np.full((N, 3), 0.95), boxes=boxes)


@pytest.fixture
def track(boxes):
    return BoxTrack(boxes)


def spans(suspects):
    return [(each.first, each.last) for each in suspects]


def judge(poses, track, smoothing=NONE):
    smoothed = SmoothedTrack(track, smoothing)
    return PosedSuspects.of(poses, finalize(smoothed.boxes()), FRAME), smoothed


def test_keypoints_at_the_edge_are_suspects(poses, track):
    posed, smoothed = judge(poses, track)
    left, done = posed.entries(smoothed)
    assert spans(left) == [(40, 45), (200, 200)]
    assert [each.reasons for each in left] == [(TOUCHES,)] * 2
    assert [each.frame for each in left] == [42, 200]  # in the middle of what touches
    assert not done


def test_frames_beside_that_are_nearly_as_near_belong_to_it(poses, track):
    """What is cut off is found at the edge, nearer in one frame than in the next."""
    share = np.full(N, 0.2)
    share[40:46], share[200] = 0.005, 0.01
    share[38:40] = share[46:49] = 0.023  # nearly as near
    share[36:38] = share[49:51] = 0.028
    share[120:125] = 0.023  # nowhere nearer
    poses.xy[:, 2, 0] = track.boxes[:, 0] + share * track.boxes[:, 2]
    posed, smoothed = judge(poses, track)
    assert spans(posed.entries(smoothed)[0]) == [(38, 48), (200, 200)]


def test_an_unlikely_keypoint_says_nothing(poses, track):
    poses.likelihood[40:46, 2] = 0.2
    posed, smoothed = judge(poses, track)
    assert spans(posed.entries(smoothed)[0]) == [(200, 200)]


def test_what_is_usually_at_the_edge_is_left_there_on_purpose(poses, track):
    poses.xy[::2, 2, 0] = track.boxes[::2, 0] + 0.5
    assert not judge(poses, track)[0].found


def test_a_box_that_ends_with_the_frame_cuts_nothing_off(boxes, poses):
    poses.xy[40:46, :, 0] -= boxes[40:46, None, 0]
    boxes[40:46, 0] = 0
    posed, smoothed = judge(replace(poses, boxes=boxes), BoxTrack(boxes))
    assert spans(posed.entries(smoothed)[0]) == [(200, 200)]


def test_a_pose_says_nothing_of_other_boxes_that_hold_it(poses, track):
    posed, _ = judge(poses, track)
    others = SmoothedTrack(BoxTrack(track.boxes + np.array([-8, 0, 8, 0])), NONE)
    assert posed.entries(others) == ([], [])


@pytest.mark.parametrize("method", ["median", "gaussian"])
def test_smoothing_that_loses_the_animal_hides_no_suspect(poses, track, method):
    posed, smoothed = judge(poses, track)
    found = posed.entries(smoothed)[0]
    assert posed.entries(SmoothedTrack(track, SmoothingSettings(method, 301)))[0] == found
    moved = SmoothedTrack(BoxTrack(track.boxes + np.array([4, 0, 0, 0])), NONE)
    assert posed.entries(moved)[0] == found  # it is outside of these too
    edit = offer_larger(moved, posed, found[0]).edit(moved.track)
    edit.apply({track.name: moved.track})
    for each in (moved, posed):
        each.renew(edit.first, edit.last)
    assert posed.entries(moved)[0] == found[1:]


def test_without_a_record_the_boxes_that_hold_all_keypoints_count(poses, track):
    posed, smoothed = judge(replace(poses, boxes=None), track)
    assert spans(posed.entries(smoothed)[0]) == [(40, 45), (200, 200)]
    poses.xy[41, 0] = track.boxes[41, :2] - 30  # of another box
    posed, smoothed = judge(replace(poses, boxes=None), track)
    assert not posed.open_rows(posed.found[0], smoothed)[1]


def test_one_is_settled_by_accepting_and_by_another_box_and_undo_opens_it(poses, track):
    posed, smoothed = judge(poses, track)
    posed.follow(smoothed)
    edits = [accept(track, 40, 45), set_box(track, 200, track.box(200)._replace(x=3.0))]
    for edit in edits:
        edit.apply({track.name: track})
        smoothed.renew(edit.first, edit.last)
        posed.renew(edit.first, edit.last)
    assert [spans(each) for each in posed.entries(smoothed)] == [[], [(40, 45), (200, 200)]]
    for edit in edits:
        edit.inverse().apply({track.name: track})
        smoothed.renew(edit.first, edit.last)
        posed.renew(edit.first, edit.last)
    assert [spans(each) for each in posed.entries(smoothed)] == [[(40, 45), (200, 200)], []]


def test_one_that_meets_a_suspect_of_the_boxes_is_one_entry_with_it(poses, track):
    posed, smoothed = judge(poses, track)
    jump = Suspect(44, 44, 47, 0.9, ("jumps 40 px for 4 frames",))
    apart = Suspect(100, 100, 101, 0.6, ("no box",))
    queue = with_posed([jump, apart], posed.entries(smoothed)[0])
    assert spans(queue) == [(40, 47), (200, 200), (100, 101)]
    assert queue[0].reasons == ("jumps 40 px for 4 frames", TOUCHES)


def test_larger_boxes_hold_more_on_every_side_and_are_one_edit(poses, track):
    posed, smoothed = judge(poses, track)
    first, _ = posed.entries(smoothed)[0]
    offer = offer_larger(smoothed, posed, first)
    assert offer.text == "Larger boxes in frames 40 to 45:\n1.25 times as large"
    edit, before = offer.edit(track), track.boxes.copy()
    edit.apply({track.name: track})
    for each in (smoothed, posed):
        each.renew(edit.first, edit.last)
    size = track.boxes[:, 2] / before[:, 2]
    assert (size[40:46] >= 1.2).all()
    assert (np.diff(size[35:41]) >= 0).all()  # no new jump beside
    assert (np.abs(np.diff(size)) < 0.1).all()
    assert (track.boxes[:36] == before[:36]).all()
    assert (track.boxes[40:46, :2] < before[40:46, :2]).all()
    assert spans(posed.entries(smoothed)[0]) == [(200, 200)]
    inspection = Inspection.of(track.raw, Evidence(frame_size=FRAME))
    others = offer_larger_in_all(smoothed, posed, edit, posed.entries(smoothed)[0], inspection)
    assert others.text == "1 suspect like this: larger boxes in\nframe 200?"
    assert offer_larger_in_all(smoothed, posed, None, (), inspection) is None
    assert offer_larger(smoothed, posed, None) is None
    edit.inverse().apply({track.name: track})
    assert (track.boxes == before).all()


def settle(edit, track, smoothed, posed):
    edit.apply({track.name: track})
    for each in (smoothed, posed):
        each.renew(edit.first, edit.last)


@pytest.mark.parametrize("method", ["median", "gaussian"])
@pytest.mark.parametrize("window", [5, 31])
def test_smoothing_keeps_boxes_larger_and_makes_no_jump_beside_them(track, method, window):
    before = finalize(SmoothedTrack(track, SmoothingSettings(method, window)).boxes()).copy()
    posed, smoothed = judge(poses_in(before), track, SmoothingSettings(method, window))
    first, second = posed.entries(smoothed)[0]
    for each in (first, second):
        settle(offer_larger(smoothed, posed, each).edit(track), track, smoothed, posed)
    size = finalize(smoothed.boxes())[:, 2] / before[:, 2]
    assert (size[40:46] >= 1.2).all()
    assert size[200] >= 1.2
    assert (np.abs(np.diff(size)) < 0.15).all()
    assert (track.source[40:46] == Source.INTERPOLATED).all()  # by a tool, not set by hand


def test_boxes_set_by_hand_and_accepted_ones_stay_while_others_grow(poses, track):
    posed, smoothed = judge(poses, track)
    first, second = posed.entries(smoothed)[0]
    box = track.box(42)
    set_box(track, 42, box).apply({track.name: track})
    accept(track, 47, 47).apply({track.name: track})
    before = track.boxes.copy()
    for each in (smoothed, posed):
        each.renew(40, 47)
    settle(offer_larger(smoothed, posed, first).edit(track), track, smoothed, posed)
    grown = track.boxes[:, 2] / before[:, 2]
    assert grown[[42, 47]].tolist() == [1, 1]
    assert (grown[[40, 41, 43, 44, 45]] >= 1.2).all()
    stays, _ = posed.entries(smoothed)[0]
    assert stays.told == f"{TOUCHES}; set by hand in frame 42, so it stays"
    assert offer_larger(smoothed, posed, stays).text.startswith("Larger boxes set by hand in frame 42:")
    set_box(track, 200, track.box(200)).apply({track.name: track})
    for each in (smoothed, posed):
        each.renew(200, 200)
    settle(offer_larger(smoothed, posed, second).edit(track), track, smoothed, posed)
    assert track.boxes[200, 2] / before[200, 2] >= 1.2  # nothing else of this suspect can grow
    assert track.source[200] == Source.MANUAL


def test_open_suspects_beside_are_left_for_a_person_to_see(poses, track):
    posed, smoothed = judge(poses, track)
    first, _ = posed.entries(smoothed)[0]
    before, jump = track.boxes.copy(), Suspect(47, 47, 48, 0.9, ("jumps 40 px for 2 frames",))
    settle(offer_larger(smoothed, posed, first, [first, jump]).edit(track), track, smoothed, posed)
    assert (track.review[47:49] == Review.UNSEEN).all()
    assert (track.boxes[47:49] == before[47:49]).all()
    assert track.boxes[46, 2] > before[46, 2]


def test_a_second_time_a_part_grows_a_quarter_and_not_what_is_beside_it_once_more(poses, track):
    posed, smoothed = judge(poses, track)
    first, _ = posed.entries(smoothed)[0]
    before = track.boxes.copy()
    settle(offer_larger(smoothed, posed, first).edit(track), track, smoothed, posed)
    now = finalize(smoothed.boxes()).copy()
    xy, part = poses.xy.copy(), [42, 43]
    share = np.array([[0.8, 0.5], [0.5, 0.5], [0.2, 0.5]])
    xy[:] = now[:, None, :2] + share * now[:, None, 2:]
    xy[part, 2, 0] = now[part, 0] + 0.5
    again = PosedSuspects.of(replace(poses, xy=xy, boxes=now), now, FRAME)
    (here,) = again.entries(smoothed)[0]
    settle(offer_larger(smoothed, again, here).edit(track), track, smoothed, again)
    size = track.boxes[:, 2] / before[:, 2]
    np.testing.assert_allclose(size[42:44], 1.25**2, atol=0.1)
    assert (np.abs(np.diff(size)) < 0.15).all()


def test_larger_boxes_stay_in_the_frame(poses, boxes):
    low = boxes - [0, boxes[40, 1] - 1, 0, 0]
    shown = replace(poses, xy=poses.xy - [0, boxes[40, 1] - 1], boxes=low)
    track = BoxTrack(low)
    posed, smoothed = judge(shown, track)
    (here,) = [each for each in posed.entries(smoothed)[0] if each.first == 40]
    offer_larger(smoothed, posed, here).edit(track).apply({track.name: track})
    assert (track.boxes[40:46, 1] >= 0).all()


def test_what_other_boxes_have_settled_says_to_run_the_pose_again(poses, track):
    posed, smoothed = judge(poses, track)
    first, _ = posed.entries(smoothed)[0]
    settle(offer_larger(smoothed, posed, first).edit(track), track, smoothed, posed)
    (done,) = posed.entries(smoothed)[1]
    assert done.told == f"{TOUCHES}; {RUN_AGAIN}"


def test_larger_boxes_in_all_leave_out_what_has_another_reason_too():
    boxes = walk(N)
    boxes[198:202] += [-20, -20, 40, 40]  # so large for another reason
    boxes[240:244] += [15, 15, -30, -30]  # cut off since they are too small
    boxes = finalize(boxes)
    poses, track = poses_in(boxes), BoxTrack(boxes)
    poses.xy[241, 2, 0] = boxes[241, 0] + 0.5
    posed, smoothed = judge(poses, track)
    queue = SuspectQueue(Inspection.of(boxes, Evidence(frame_size=FRAME)))

    def entries():
        return with_posed(queue.entries(track)[0], posed.entries(smoothed)[0])

    first, large, small = sorted(entries(), key=lambda each: each.first)
    assert TOUCHES in large.reasons
    assert "larger" in large.reason
    assert TOUCHES in small.reasons
    assert "smaller" in small.reason
    edit = offer_larger(smoothed, posed, first, entries()).edit(track)
    settle(edit, track, smoothed, posed)
    queue.renew(edit.first, edit.last)
    offer = offer_larger_in_all(smoothed, posed, edit, entries(), queue.inspection)
    assert [each.frame for each in offer.alike] == [241]  # which is cured of both
    assert offer.left_out == "1 other has another reason too and stays open."
    settle(offer.edit(track), track, smoothed, posed)
    queue.renew(0, N - 1)
    assert [each.told for each in entries()] == [large.told]
    assert (track.boxes[190:210] == boxes[190:210]).all()
