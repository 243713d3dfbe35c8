"""Each reason on an exact small track, and what is honest on a track that moves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.inspection.inspection import (
    Evidence,
    Inspection,
    anchor_likelihood,
    at_least,
    find_suspects,
)
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.suspect import SHORT_DIP, worst_of_runs
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from walks import FRAME, walk


def flagged(boxes, **evidence):
    return at_least(find_suspects(boxes, Evidence(frame_size=FRAME, **evidence)))


def spans(suspects):
    return [(each.first, each.last) for each in suspects]


def test_a_track_that_is_right_gives_nothing():
    assert flagged(walk()) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_jump(length):
    boxes = walk()
    boxes[120 : 120 + length, :2] += [200, -60]
    (suspect,) = flagged(boxes)
    assert (suspect.first, suspect.last) == (120, 119 + length)
    assert suspect.first <= suspect.frame <= suspect.last
    assert suspect.reason.startswith("jumps 20") or suspect.reason.startswith("jumps 21")
    assert suspect.reason.endswith("px" if length == 1 else f"for {length} frames")


def test_a_box_that_flies_about_is_one_suspect():
    boxes = walk()
    boxes[120:123, :2] += [[200, -60], [-150, 100], [90, 150]]
    assert spans(flagged(boxes)) == [(120, 122)]


def test_a_swap_to_something_that_stands_still():
    boxes = walk(600)
    boxes[200:320, :2] = np.random.default_rng(1).normal([820, 60], 1, (120, 2))
    (suspect,) = flagged(boxes)
    assert (suspect.first, suspect.last) == (200, 319)
    assert "jumps" in suspect.reason
    assert "for 120 frames" in suspect.reason


def test_a_box_that_is_held_and_leaps():
    boxes = walk()
    boxes[100:140] = boxes[100]
    (suspect,) = flagged(boxes)
    assert suspect.first == 100
    assert suspect.last in (139, 140)
    assert "stands still for 40 frames" in suspect.reasons


def test_a_drift_is_found_where_it_ends():
    boxes = walk()
    boxes[100:180, 0] += np.linspace(1, 120, 80)
    (suspect,) = flagged(boxes)
    assert abs(suspect.frame - 179) <= 1


@pytest.mark.parametrize(("factor", "word"), [(1.5, "1.5 times larger"), (1 / 2, "2.0 times smaller")])
def test_a_change_of_size(factor, word):
    boxes = walk()
    sides = boxes[150:170, 2:] * factor
    boxes[150:170, :2] += (boxes[150:170, 2:] - sides) / 2
    boxes[150:170, 2:] = sides
    (suspect,) = flagged(boxes)
    assert (suspect.first, suspect.last) == (150, 169)
    assert suspect.reasons == (f"{word} for 20 frames",)


def test_a_change_of_size_is_told_of_the_step_that_is_one():
    boxes = walk()
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    sizes = np.array([1.4, 1.96, 2.74, 2.74, 3.8, 5.3])  # stops growing, goes on, shrinks at once
    boxes[150:156, 2:] *= sizes[:, None]
    boxes[:, :2] = centre - boxes[:, 2:] / 2
    (suspect,) = flagged(boxes)
    assert suspect.last == 155
    assert suspect.reasons[0].startswith("5.3 times larger")


def test_no_change_of_size_is_told_where_the_edge_of_the_frame_made_the_suspect():
    boxes = np.tile([300.0, 200.0, 100.0, 100.0], (300, 1))
    boxes[:, 0] = FRAME[0] - 100 + 30 + 0.01 * (np.arange(300) % 7)  # 30 px hang out at the right
    boxes[100:108, 2] += 9  # a change that is small for its size, but for what hangs out of the frame
    found = find_suspects(boxes, Evidence(frame_size=FRAME))
    assert any("the part outside the frame changes by 9 px" in each.reason for each in found)
    assert not any("times" in each.reason for each in found)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_no_reason_says_that_a_size_changed_by_nothing(seed):
    rng = np.random.default_rng(seed)
    boxes = walk()
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    at = rng.integers(5, len(boxes) - 20, 6)
    for first in at.tolist():
        boxes[first : first + rng.integers(1, 10), 2:] *= np.exp(rng.normal(0, 0.5))
    boxes[:, :2] = centre - boxes[:, 2:] / 2 + rng.normal(0, 3, (len(boxes), 2))
    found = find_suspects(boxes, Evidence(frame_size=FRAME))
    assert not any("1.0 times" in each.reason for each in found)


@pytest.mark.parametrize(("factor", "word"), [(5, "larger"), (0.2, "smaller")])
def test_boxes_of_another_order_of_size_are_suspects_though_none_of_them_jumps(factor, word):
    boxes = walk(600)
    grow = np.interp(np.arange(600), [200, 260, 400, 460], np.log([1, factor, factor, 1]))
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    boxes[:, 2:] *= np.exp(grow)[:, None]
    boxes[:, :2] = centre - boxes[:, 2:] / 2
    found = [each for each in at_least(find_suspects(boxes)) if f"times {word} than usual" in each.reason]
    (suspect,) = found
    assert suspect.first <= 250
    assert suspect.last >= 410


def test_a_box_over_the_edge_that_did_not_walk_there():
    boxes = walk()
    boxes[130:140, 0] = -40
    (suspect,) = flagged(boxes)
    assert (suspect.first, suspect.last) == (130, 139)
    assert suspect.reasons[0] == "40 px outside the frame for 10 frames"


def test_missing_boxes_are_the_surest_and_never_swallowed():
    boxes = walk()
    boxes[60:64] = np.nan
    boxes[200, :2] += 250
    likelihood = np.full(300, 0.95)
    likelihood[55:70] = 0.05
    first, *others = flagged(boxes, likelihood=likelihood)
    assert (first.first, first.last, first.reason) == (60, 63, "no box for 4 frames")
    assert (200, 200) in spans(others)


def test_no_box_at_all():
    assert [each.reason for each in flagged(np.full((5, 4), np.nan))] == ["no box for 5 frames"]
    assert flagged(np.empty((0, 4))) == []


def test_low_likelihood_by_the_measure_of_the_track():
    likelihood = 0.9 + np.random.default_rng(0).normal(0, 0.02, 300)
    likelihood[100:105] = [0.4, 0.2, 0.1, 0.2, 0.4]
    (suspect,) = flagged(walk(), likelihood=likelihood)
    assert (suspect.frame, suspect.first, suspect.last) == (102, 100, 104)
    assert suspect.reason == "low likelihood (0.10) for 5 frames"
    low_anyway = np.full(300, 0.3) + np.random.default_rng(0).normal(0, 0.05, 300)
    assert flagged(walk(), likelihood=low_anyway) == []


def test_low_likelihood_though_a_good_one_varies():
    # a trained detector's: near 1, some of it 0.95, as on the rendered sample
    likelihood = 1 / (1 + np.exp(-np.random.default_rng(0).normal(5.4, 1.5, 1200)))
    likelihood[100:171] = 0.25
    (suspect,) = flagged(walk(1200), likelihood=likelihood)
    assert (suspect.first, suspect.last) == (100, 170)
    assert suspect.reason == "low likelihood (0.25) for 71 frames"


def test_keypoints_that_leave_the_box():
    boxes = walk()
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    xy = middle[:, None] + np.array([[-20.0, -10], [0, 0], [20, 10]])
    xy[150:160] += 90
    poses = Poses(("a", "b", "c"), xy, np.full((300, 3), 0.9))
    (suspect,) = flagged(boxes, keypoints=poses)
    assert (suspect.first, suspect.last) == (150, 159)
    assert any("keypoints" in reason for reason in suspect.reasons)


def test_steady_boxes_round_one_keypoint_while_the_animal_hides():
    """For so long that low likelihood is nothing unusual in the track; it comes out where it went in."""
    rng, path, hidden = np.random.default_rng(0), walk(300)[:, :2] + 30, slice(200, 440)
    nest = path[199] + rng.normal(0, 1, (240, 2))
    middle = np.concatenate([path[:200], nest, path[200:]])
    offsets = np.array([[0.0, 0], [-20, -10], [20, 10], [10, 20], [-10, 15]])
    likelihood = 1 / (1 + np.exp(-rng.normal(3.0, 1.0, (540, 5))))
    likelihood[hidden, 1:] = rng.uniform(0.01, 0.09, (240, 4))
    poses = Poses(("a", "b", "c", "d", "e"), middle[:, None] + offsets, likelihood)
    boxes = boxes_from_keypoints(poses, SizingSettings(min_likelihood=0.1))
    mean = anchor_likelihood(poses)
    (told,) = [each for each in flagged(boxes, keypoints=poses, likelihood=mean) if each.n_frames > 100]
    assert (told.first, told.last) == (200, 439)
    assert told.reason.startswith("box round 1 of 5 keypoints, the others unlikely for 240 frames")
    assert all(each.n_frames < 5 for each in flagged(boxes, likelihood=mean))  # nothing else tells
    moved = boxes + np.array([8.0, 0, 0, 0])  # of another origin: not the box of that keypoint
    assert all(each.n_frames < 5 for each in flagged(moved, keypoints=poses, likelihood=mean))


def test_pixels_that_move_where_the_box_is_not():
    boxes = walk()
    blobs = np.full((300, 2, 4), np.nan)
    blobs[:, 0] = boxes + np.array([10, 10, -20, -20])
    strength = np.zeros((300, 2))
    strength[:, 0] = 1000
    assert flagged(boxes, motion=Motion(blobs, strength)) == []
    boxes[150:250, 0] -= np.linspace(0, 200, 100)
    boxes[250:, 0] -= 200  # never comes back: nothing in the boxes alone tells
    assert flagged(boxes) == []
    (suspect,) = flagged(boxes, motion=Motion(blobs, strength))
    assert suspect.last == 299
    assert 155 < suspect.first < 230


def test_a_close_encounter():
    boxes = walk()
    other = walk(seed=5)
    other[:, :2] += 400
    other[100:110] = boxes[100:110] + np.array([30, 0, 0, 0])
    (suspect,) = flagged(boxes, others={"white": other})
    assert (suspect.first, suspect.last) == (100, 109)
    assert "meets white" in suspect.reason


def dash():
    boxes = walk()
    speed = np.concatenate([np.linspace(0, 45, 5), np.full(4, 45), np.linspace(45, 0, 5)])
    boxes[100:114, 0] -= np.cumsum(speed)
    boxes[114:, 0] -= speed.sum()
    boxes[:, 0] += 300
    return boxes


def rear():
    boxes = walk()
    up = np.interp(np.arange(300), [100, 110, 150, 160], [0, 1, 1, 0])
    boxes[:, 1] -= 60 * up
    boxes[:, 3] += 60 * up
    return boxes


def stand_still():
    boxes = walk(2000)
    still = np.random.default_rng(0).normal(0, 1, (1500, 2))
    boxes[300:1800, :2] = boxes[300, :2] + still
    boxes[1800:, :2] += boxes[300, :2] - boxes[1800, :2]
    return np.rint(boxes)


def leave_the_frame():
    boxes = walk()
    boxes[:, 0] = 100 + 160 * np.cos(np.arange(300) / 40)
    return boxes


@pytest.mark.parametrize("honest", [dash, rear, stand_still, leave_the_frame])
def test_hard_but_honest(honest):
    assert flagged(honest()) == []


def test_the_amount_is_a_matter_of_taste():
    boxes = leave_the_frame()
    boxes[250:253, :2] += [100, 300]
    found = find_suspects(boxes, Evidence(frame_size=FRAME))
    counts = [len(at_least(found, amount)) for amount in (0, 0.1, 0.5, 0.6, 1)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[2] == 1
    assert counts[3] > 1
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_likelihood_is_the_mean_over_the_anchor_keypoints():
    poses = Poses(("a", "b", "c"), np.zeros((1, 3, 2)), np.array([[0.2, np.nan, 0.9]]))
    np.testing.assert_allclose(anchor_likelihood(poses, ("a", "b")), [0.1])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 120),
    st.integers(0, 2**32 - 1),
    st.floats(0, 1),
    st.sampled_from([None, FRAME]),
)
def test_any_track_gives_suspects_that_make_sense(n_frames, seed, missing, frame_size):
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.uniform(-50, 900, (n_frames, 2)), rng.uniform(1, 400, (n_frames, 2))])
    boxes[rng.random(n_frames) < missing] = np.nan
    suspects = Inspection.of(boxes, Evidence(rng.random(n_frames), frame_size=frame_size)).suspects
    for each in suspects:
        assert 0 <= each.first <= each.frame <= each.last < n_frames
        assert 0 < each.score < 1
        assert each.reasons
    found = np.zeros(n_frames, bool)
    for each in suspects:
        found[each.first : each.last + 1] = True
    assert found[np.isnan(boxes[:, 0])].all()


@given(st.floats(0.2, 5), st.integers(-2000, 2000))
@settings(max_examples=20, deadline=None)
def test_scale_and_place_do_not_matter(scale, shift):
    boxes = walk(noise=1.5, seed=3)
    boxes[120:122, :2] += 150
    boxes[200:230, 2:] *= 1.8
    moved = boxes * scale
    moved[:, :2] += shift
    assert spans(find_suspects(moved)) == spans(find_suspects(boxes))


@given(st.lists(st.sampled_from([0.0, 0.7, 2.0]), min_size=1, max_size=20))
@settings(deadline=None)  # the first call imports what is slow to import
def test_short_dips_part_no_stretch_and_long_ones_do_also_at_the_ends(severity):
    """A track of eight frames, odd at its first two and at its last one, has to be told as well."""
    found = list(worst_of_runs(np.array(severity), str))
    odd = np.flatnonzero(severity)
    assert {*odd[np.array(severity)[odd] > 1]} <= {f for b in found for f in range(b.first, b.last + 1)}
    for before, after in pairwise(sorted(found, key=lambda each: each.first)):
        between = [s for s in severity[before.last + 1 : after.first] if s == 0]
        assert len(between) > SHORT_DIP
    assert len(found) == (np.diff(odd) > SHORT_DIP + 1).sum() + bool(len(odd))


@pytest.mark.parametrize("side", [2.0, 4, 12])
@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), None])
def test_boxes_too_small_to_be_an_animal_are_suspects_however_usual(side, size):
    boxes = np.tile([100.0, 80, side, side], (200, 1))
    found = find_suspects(boxes, Evidence(frame_size=size))
    assert [(each.first, each.last) for each in found] == [(0, 199)]
    assert found[0].score > 0.5
    assert found[0].reason == f"only {side:.0f} x {side:.0f} px for 200 frames"


@pytest.mark.parametrize("size", [(640, 480), None])
def test_boxes_of_a_small_animal_are_no_suspects(size):
    assert not find_suspects(np.tile([100.0, 80, 20, 20], (200, 1)), Evidence(frame_size=size))


def test_the_worst_frame_is_that_of_what_sees_each_frame_not_an_end_of_the_jump():
    likelihood = 0.9 + np.random.default_rng(0).normal(0, 0.02, 300)
    likelihood[100:106] = 0.3
    likelihood[103] = 0.02
    boxes = walk()
    boxes[100:106, :2] += [200, -60]
    (suspect,) = at_least(Inspection.of(boxes, Evidence(likelihood, frame_size=FRAME)).suspects)
    assert (suspect.first, suspect.last, suspect.frame) == (100, 105, 103)
    assert suspect.reasons[0].startswith("jumps")
    alone = Inspection.of(boxes, Evidence(frame_size=FRAME))
    (suspect,) = at_least(alone.suspects)
    assert suspect.frame in (100, 105)
    (again,) = at_least(alone.again(BoxTrack(boxes), 90, 120))
    assert again == suspect
