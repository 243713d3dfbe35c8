"""The queue stands alone: no video, no disk, no window."""

from dataclasses import replace

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.inspecting.inspector import Inspected
from napari_cropzoom.review.keypoints import Keypoints
from napari_cropzoom.review.suspects import UNDECODABLE, Suspects
from napari_cropzoom.review.tracks import Tracks
from napari_cropzoom.video.damage import Damage

N = 300


@pytest.fixture
def tracks():
    tracks = Tracks(N)
    rng = np.random.default_rng(1)
    boxes = np.column_stack([200 + rng.normal(0, 0.5, (N, 2)), np.full((N, 2), 40.0)])
    boxes[100:103, :2] += 150
    boxes[200:205] = np.nan
    tracks.set_raw(boxes, None, Source.DETECTED)
    return tracks


@pytest.fixture
def keypoints():
    return Keypoints(N)


@pytest.fixture
def suspects(tracks, keypoints):
    return Suspects(tracks, keypoints, (640, 480))


def spans(found):
    return [(each.first, each.last) for each in found]


def apply(tracks, suspects, edit):
    tracks.apply(edit)
    for change in edit.changes:
        suspects.renew(change.track, change.first, change.last)


def test_what_is_settled_moves_from_left_to_done(tracks, suspects):
    left, done = suspects.entries()
    assert spans(left) == [(200, 204), (100, 102)]
    assert not done
    apply(tracks, suspects, edits.accept(tracks["animal"], 100, 102))
    left, done = suspects.entries()
    assert spans(left) == [(200, 204)]
    assert spans(done) == [(100, 102)]


NOTHING_SEEN = Motion(np.full((N, 1, 4), np.nan), np.zeros((N, 1)))


def test_the_worst_comes_first_wherever_one_is_and_then_the_next_worst(tracks, suspects):
    raw = tracks["animal"].raw.copy()
    raw[40:43, :2] += 60
    tracks.set_raw(raw, None, Source.DETECTED)
    frames = [each.frame for each in suspects.entries()[0]]
    assert len(frames) == 3
    for elsewhere in (7, frames[1], frames[2]):  # N may have led to these two
        walk = [elsewhere]
        for _ in range(4):
            walk.append(suspects.worst_after(walk[-1]).frame)
        assert walk[1:] == [*frames, frames[0]]
        suspects.worst_after(elsewhere)
    assert suspects.worst_after(frames[0]).frame == frames[1]


def seen_otherwise(suspects, *others):
    """What an inspector would find that knew more, beside the queue of before: other suspects."""
    suspects.entries()
    found = suspects.inspector()()
    inspection = replace(found.queue.inspection, suspects=tuple(others))
    return Inspected(SuspectQueue(inspection), found.track)


def test_the_suspect_that_a_person_is_at_keeps_its_range_until_it_is_settled(tracks, suspects):
    (_, before), _ = suspects.entries()
    wider, other = Suspect(101, 96, 110, 0.9, ("wider",)), Suspect(30, 29, 31, 0.9, ("new",))
    suspects.see(NOTHING_SEEN, seen_otherwise(suspects, wider, other), shown=101)
    assert suspects.at(101) == before
    assert suspects.range_at(101) == (100, 102)
    assert spans(suspects.entries()[0]) == [(100, 102), (29, 31)]  # what is added is there
    apply(tracks, suspects, edits.set_box(tracks["animal"], 101, Box(200, 200, 40, 40)))
    assert suspects.range_at(101) == (100, 102)  # for the tool that does the rest
    apply(tracks, suspects, edits.accept(tracks["animal"], 100, 102))
    left, done = suspects.entries()
    assert spans(left) == [(29, 31), (96, 99), (103, 110)]  # of which there is more to see
    assert [each.note for each in left[1:]] == ["next to frames 100 to 102, which you accepted"] * 2
    assert (100, 102) in spans(done)
    assert not suspects.is_open(suspects.at(101))
    for number, (first, last) in enumerate(spans(left), 2):
        apply(tracks, suspects, edits.accept(tracks["animal"], first, last))
        left, done = suspects.entries()
        assert (len(left), len(done)) == (4 - number, number)  # reviewing more never counts less
    assert {(96, 99), (100, 102), (103, 110)} <= set(spans(done))


def test_what_was_accepted_stays_so_whatever_is_found_later_round_it(tracks, suspects):
    suspects.entries()
    apply(tracks, suspects, edits.accept(tracks["animal"], 100, 102))
    wider = Suspect(101, 96, 110, 0.9, ("wider",))
    suspects.see(NOTHING_SEEN, seen_otherwise(suspects, wider), shown=50)
    left, done = suspects.entries()
    assert (spans(left), spans(done)) == ([(96, 99), (103, 110)], [(100, 102)])
    assert [each.frame for each in left] == [99, 103]
    assert suspects.left_of("animal") == left
    suspects._damage.add(range(200, 206))  # frames that cannot be decoded are no exception
    suspects.forget()
    apply(tracks, suspects, edits.accept(tracks["animal"], 202, 203))
    assert (UNDECODABLE,) in [each.reasons for each in suspects.entries()[0]]
    assert {(200, 201), (204, 205)} <= set(spans(suspects.entries()[0]))


def test_a_suspect_that_nobody_is_at_is_what_the_pixels_say(tracks, suspects):
    wider = Suspect(101, 96, 110, 0.9, ("wider",))
    for shown in (None, 50):
        suspects.see(NOTHING_SEEN, seen_otherwise(suspects, wider), shown=shown)
        assert spans(suspects.entries()[0]) == [(96, 110)]


def test_a_suspect_that_the_pixels_clear_stays_while_a_person_is_at_it(tracks, suspects):
    suspects.see(NOTHING_SEEN, seen_otherwise(suspects), shown=101)
    assert spans(suspects.entries()[0]) == [(100, 102)]
    suspects.see(NOTHING_SEEN, seen_otherwise(suspects), shown=50)
    assert not suspects.entries()[0]
    tracks.set_raw(tracks["animal"].raw.copy(), None, Source.DETECTED)
    assert spans(suspects.entries()[0]) == [(200, 204), (100, 102)]


def test_what_moves_in_the_box_of_another_animal_does_not_count_against_this_one(tracks, suspects):
    t = np.arange(N)
    walk = np.column_stack([200 + 100 * np.sin(t / 20), 100 + 80 * np.sin(t / 30), *np.full((2, N), 40)])
    other = walk + np.array([300, 200, 0, 0])
    tracks.set_raw(walk, None, Source.DETECTED)
    moves = Motion(np.stack([walk, other], axis=1), np.tile([1000.0, 900.0], (N, 1)))
    moves.boxes[250:270, 0], moves.strength[250:270, 0] = moves.boxes[250:270, 1], 900.0
    moves.boxes[250:270, 1], moves.strength[250:270, 1] = np.nan, 0.0
    suspects.motion = moves
    assert any(250 <= each.frame < 270 for each in suspects.entries()[0])
    tracks.add(tracks.new("other", other))
    suspects.forget()
    assert not any(250 <= each.frame < 270 for each in suspects.entries()[0])


def test_edits_made_while_a_thread_inspects_are_not_lost(tracks, suspects):
    work = suspects.inspector()
    inspected = work()
    apply(tracks, suspects, edits.fill_gap(tracks["animal"], 200, 204, "interpolate"))
    apply(tracks, suspects, edits.set_box(tracks["animal"], 50, Box(500, 20, 40, 40)))
    told = []
    suspects.inspected.connect(lambda: told.append(True))
    suspects.take(inspected)
    assert told
    fresh = Suspects(tracks, Keypoints(N), (640, 480))
    assert suspects.entries() == fresh.entries()
    assert spans(suspects.entries()[0]) == [(100, 102)]


def test_an_answer_of_other_raw_boxes_is_dropped(tracks, suspects):
    inspected = suspects.inspector()()
    tracks.set_raw(np.tile([1.0, 2, 30, 30], (N, 1)), None, Source.DETECTED)
    suspects.take(inspected)
    assert not suspects.is_inspected
    assert spans(suspects.entries()[0]) == []


def test_the_same_work_is_asked_for_once(tracks, keypoints, suspects):
    work = suspects.inspector()
    assert suspects.inspector() == work
    apply(tracks, suspects, edits.accept(tracks["animal"], 5, 5))
    assert suspects.inspector() == work
    likelihood = np.full((N, 1), 0.9)
    keypoints.put("detector", Poses(("nose",), np.full((N, 1, 2), 220.0), likelihood))
    suspects.forget()
    assert suspects.inspector() != work


def test_the_range_at_a_frame_is_the_shortest_suspect_there(tracks, suspects):
    assert suspects.range_at(101) == (101, 101)
    suspects.entries()
    assert suspects.range_at(101) == (100, 102)
    assert suspects.range_at(7) == (7, 7)
    apply(tracks, suspects, edits.accept(tracks["animal"], 100, 102))
    assert suspects.range_at(101) == (100, 102)


def test_tools_end_at_what_was_accepted(tracks, suspects):
    suspects.entries()
    apply(tracks, suspects, edits.accept(tracks["animal"], 100, 102))
    wider = Suspect(101, 96, 110, 0.9, ("wider",))
    suspects.see(NOTHING_SEEN, seen_otherwise(suspects, wider), shown=50)
    apply(tracks, suspects, edits.set_box(tracks["animal"], 105, Box(200, 200, 40, 40)))
    assert suspects.range_at(105) == (103, 110)
    assert suspects.range_at(97) == (96, 99)
    assert suspects.range_at(101) == (100, 102)


def test_tools_end_where_a_person_said_that_there_is_no_animal(tracks, suspects):
    """A box drawn beside such frames stands for the suspect that all of them were; they stay without."""
    boxes = tracks["animal"].raw.copy()
    boxes[98:120] = np.nan
    tracks.set_raw(boxes, None, Source.DETECTED)
    assert suspects.entries()[0]
    assert suspects.range_at(101) == (98, 119)
    apply(tracks, suspects, mark_absent(tracks["animal"], 101, 117))
    for frame in (99, 118):
        apply(tracks, suspects, edits.set_box(tracks["animal"], frame, Box(200, 200, 40, 40)))
    assert suspects.range_at(99)[1] == 100
    assert suspects.range_at(118)[0] == 118
    assert suspects.range_at(110) == (101, 117)


def test_the_range_is_that_of_the_list_and_accepting_it_settles_it(tracks, suspects):
    """A gap that was filled is shorter than the standstill that the boxes give there now."""
    boxes = tracks["animal"].raw.copy()
    boxes[:65] = np.nan
    boxes[66:, 0] += 60
    tracks.set_raw(boxes, None, Source.DETECTED)
    assert (0, 64) in spans(suspects.entries()[0])
    apply(tracks, suspects, edits.fill_gap(tracks["animal"], 0, 64, "interpolate"))
    left, _ = suspects.entries()
    here = [each for each in left if each.first <= 0]
    assert len(here) == 1
    assert suspects.range_at(0) == spans(here)[0]
    assert suspects.at(here[0].frame) is here[0]
    apply(tracks, suspects, edits.accept(tracks["animal"], *suspects.range_at(0)))
    apply(tracks, suspects, edits.set_box(tracks["animal"], 70, tracks["animal"].box(70)._replace(x=205)))
    assert [each for each in suspects.entries()[0] if each.first <= 66] == []


def test_nothing_is_a_suspect_before_there_is_a_box(tracks, suspects):
    tracks.set_raw(np.full((N, 4), np.nan), None, Source.DETECTED)
    assert suspects.entries() == ([], [])
    assert suspects.range_at(5) == (5, 5)
    assert suspects.offer() is None


def test_another_amount_is_told_and_is_that_of_every_answer(tracks, suspects):
    told = []
    suspects.inspected.connect(lambda: told.append(suspects.amount))
    suspects.entries()
    suspects.amount = 0.0
    assert told[-1] == 0.0
    assert suspects.entries() == ([], [])
    assert suspects.range_at(101) == (101, 101)


def test_a_long_review_leaves_nothing_behind(tracks, suspects):
    """Neither the answers nor the changes of the past are kept."""
    suspects.entries()
    sizes = []
    for _ in range(2):
        for frame in range(50):
            apply(tracks, suspects, edits.set_box(tracks["animal"], frame, Box(frame, 5, 40, 40)))
            tracks.undo()
            suspects.renew("animal", frame, frame)
        suspects.entries()
        sizes.append({name: _length(value) for name, value in vars(suspects).items()})
    assert sizes[0] == sizes[1]


def _length(value):
    return len(value) if isinstance(value, list | dict | tuple) else 0


def test_frames_that_cannot_be_decoded_are_in_the_queue_with_this_reason(tracks, keypoints):
    """Also those that are found after the track was inspected; nothing is said twice."""
    damage = Damage()
    damage.add([50])
    suspects = Suspects(tracks, keypoints, (640, 480), damage)
    left, _ = suspects.entries()
    assert spans(left) == [(50, 50), (200, 204), (100, 102)]
    assert left[0].reason == UNDECODABLE
    damage.add(range(199, 206))
    left, done = suspects.entries()
    assert spans(left) == [(50, 50), (199, 205), (100, 102)]
    assert {each.reason for each in left[:2]} == {UNDECODABLE}
    apply(tracks, suspects, edits.accept(tracks["animal"], 50, 50))
    left, done = suspects.entries()
    assert (spans(left), spans(done)) == ([(199, 205), (100, 102)], [(50, 50)])


def touching_pose(boxes):
    """Keypoints in boxes, (N, 4): at the left edge in the frames 50 to 53."""
    share = np.tile(np.array([[0.3, 0.5], [0.7, 0.5]]), (N, 1, 1))
    share[50:54, 0, 0] = 0.01
    return Poses(
        ("a", "b"), boxes[:, None, :2] + share * boxes[:, None, 2:], np.ones((N, 2)), boxes=boxes
    )


def test_a_pose_at_the_edge_of_its_boxes_is_in_the_queue_until_they_are_others(
    tracks, keypoints, suspects
):
    seen = tracks.entry.pose_boxes(tracks.fill)
    before = suspects.entries()[0]
    keypoints.put("pose", touching_pose(seen))
    suspects.forget()
    left, done = suspects.entries()
    assert spans(left) == [*spans(before), (50, 53)]
    assert suspects.left_of("animal") == left
    assert suspects.offer(51).text == "Larger boxes in frames 50 to 53:\n1.25 times as large"
    apply(tracks, suspects, suspects.offer(51).edit(tracks["animal"]))
    left, done = suspects.entries()
    assert (50, 53) not in spans(left)
    assert (50, 53) in spans(done)
    tracks.undo()
    suspects.renew("animal", 0, N - 1)
    assert (50, 53) in spans(suspects.entries()[0])


def test_a_pose_of_older_boxes_is_no_suspect(tracks, keypoints, suspects):
    others = tracks.entry.pose_boxes(tracks.fill) + np.array([6, 0, 0, 0])
    keypoints.put("pose", touching_pose(others))
    suspects.forget()
    assert (50, 53) not in spans(suspects.entries()[0])
