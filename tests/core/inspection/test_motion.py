"""What moves is judged by itself, so a track that is wrong most of the time cannot hide it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.boxes import BoxTrack, Review
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection, at_least, find_suspects
from napari_cropzoom.core.inspection.motion import Motion, Mover, told_of_misfit
from walks import FRAME, walk

N, SIDE = 600, 80.0


def animal(seed=2, frames=N):
    """Boxes (T, 4) round an animal that roams the whole picture."""
    t = np.linspace(0, 2 * np.pi, frames)
    rng = np.random.default_rng(seed)
    x = 280 + 240 * np.sin(2 * t + rng.uniform(0, 6))
    y = 200 + 150 * np.sin(3 * t + rng.uniform(0, 6))
    return np.column_stack([x, y, np.full((frames, 2), SIDE)]).round()


def seen(truth, margin=10.0, seed=3):
    """What the pixels say of an animal: a blob a little smaller than its box, and noise."""
    noise = np.random.default_rng(seed).normal(0, 1.5, truth.shape)
    boxes = np.full((len(truth), 3, 4), np.nan)
    boxes[:, 0] = truth + np.array([margin, margin, -2 * margin, -2 * margin]) + noise
    strength = np.zeros((len(truth), 3))
    strength[:, 0] = 1000 + 50 * noise[:, 0]
    strength[np.isnan(truth[:, 0])] = 0
    return Motion(boxes, strength)


def inspect(boxes, motion, likelihood=None):
    return Inspection.of(boxes, Evidence(likelihood, frame_size=FRAME, motion=motion))


def covered(inspection, wrong):
    told = np.zeros(len(wrong), bool)
    for each in at_least(inspection.suspects):
        told[each.first : each.last + 1] = True
    return told[wrong].mean(), wrong[told].mean()


def on_a_look_alike(truth, wrong, seed=4):
    boxes = truth + np.random.default_rng(seed).normal(0, 1, truth.shape).round()
    boxes[wrong, :2] = np.random.default_rng(5).normal([20, 300], 0.6, (wrong.sum(), 2)).round()
    return boxes


@pytest.mark.parametrize("share", [0.3, 0.5, 0.68, 0.9, 1.0])
def test_boxes_on_a_still_look_alike_however_many(share):
    truth = animal()
    wrong = np.zeros(N, bool)
    wrong[: round(share * N)] = True
    inspection = inspect(on_a_look_alike(truth, wrong), seen(truth), np.full(N, 0.99))
    found, right = covered(inspection, wrong)
    assert found >= 0.9
    assert right >= 0.9
    assert inspection.missed == pytest.approx(wrong.mean(), abs=0.1)  # less where the animal passes it
    assert told_of_misfit(inspection.missed).startswith(
        f"In {100 * inspection.missed:.0f} % of the frames"
    )


def test_right_boxes_are_let_be_and_nothing_is_said_of_the_whole():
    truth = animal()
    inspection = inspect(on_a_look_alike(truth, np.zeros(N, bool)), seen(truth))
    assert not at_least(inspection.suspects)
    assert inspection.missed == 0
    assert told_of_misfit(inspection.missed) == ""


def test_an_animal_that_rests_is_background_and_something_else_moves():
    """A mouse asleep in its nest for most of a video, while a hand comes in: its box is right."""
    truth = animal()
    truth[100:500] = [40, 40, SIDE, SIDE]
    motion = seen(truth)
    hand = animal(seed=8)
    asleep = slice(100, 500)
    motion.boxes[asleep, 0], motion.strength[asleep, 0] = np.nan, 0
    motion.boxes[150:300, 0], motion.strength[150:300, 0] = hand[150:300], 1000
    awake = np.r_[0:100, 500:N]
    motion.boxes[awake, 1] = [45, 45, SIDE - 10, SIDE - 10]  # the nest without the mouse
    motion.strength[awake, 1] = 900
    inspection = inspect(truth, motion)
    assert inspection.missed == 0
    reasons = " ".join(reason for each in at_least(inspection.suspects) for reason in each.reasons)
    assert "moves" not in reasons


def test_a_mover_is_one_thing_that_goes_about():
    truth = animal()
    assert Mover.of(seen(truth)) is not None
    still = np.tile(truth[:1], (N, 1))
    assert Mover.of(seen(still)) is None
    rng = np.random.default_rng(0)
    flicker = np.column_stack([rng.uniform(0, 500, (N, 2)), rng.uniform(10, 200, (N, 2))])
    assert Mover.of(seen(flicker)) is None
    assert Mover.of(Motion(np.full((N, 3, 4), np.nan), np.zeros((N, 3)))) is None
    assert Mover.of(Motion(np.empty((0, 3, 4)), np.empty((0, 3)))) is None


def test_the_parts_of_a_track_are_judged_by_the_whole():
    """After an edit only the frames round it are inspected again, by what is usual in the whole track."""
    truth = animal()
    wrong = np.arange(N) < 400
    boxes = on_a_look_alike(truth, wrong)
    inspection = inspect(boxes, seen(truth))
    track = BoxTrack(boxes)
    again = inspection.again(track, 0, 399)
    assert any(each.first <= 100 and each.last >= 150 for each in at_least(again))


def test_pixels_speak_for_low_likelihood_and_for_rearing():
    """An animal hidden for its detector for a moment, and one that stands up: the boxes are right."""
    truth = animal()
    up = np.interp(np.arange(N), [300, 303, 330, 333], [0, 1, 1, 0])
    truth[:, 1] -= (60 * up).round()
    truth[:, 3] += (60 * up).round()
    likelihood = 0.9 + np.random.default_rng(0).normal(0, 0.02, N)
    likelihood[100:105] = 0.1
    assert len(at_least(inspect(truth, None, likelihood).suspects)) >= 2
    assert not at_least(inspect(truth, seen(truth), likelihood).suspects)
    assert any(
        each.first >= 98 and each.last <= 107 for each in inspect(truth, None, likelihood).suspects
    )


@pytest.mark.parametrize("fault", ["shrink", "blow-up", "jump", "drift", "freeze"])
def test_pixels_do_not_speak_for_boxes_that_are_wrong(fault):
    truth = animal()
    boxes, here = truth.copy(), slice(200, 240)
    if fault in ("shrink", "blow-up"):
        factor = 1 / 1.6 if fault == "shrink" else 1.6
        boxes[here, :2] += SIDE * (1 - factor) / 2
        boxes[here, 2:] *= factor
    elif fault == "jump":
        boxes[200:202, :2] += [60, 0]
    elif fault == "drift":
        boxes[here, 0] += np.linspace(0, 120, 40)
    else:
        boxes[here] = boxes[200]
    found = at_least(inspect(boxes, seen(truth)).suspects)
    assert any(each.first <= 240 and each.last >= 199 for each in found)


def test_walks_of_the_other_tests_are_movers_too():
    truth = walk()
    assert not at_least(inspect(truth, seen(truth, 8)).suspects)


def test_boxes_of_the_body_are_right_though_the_tail_moves_too():
    """What stands out is the animal with its tail, now on this side, now on that."""
    truth = animal()[:120]
    whole = truth.copy()
    side = np.where(np.arange(len(whole)) % 60 < 30, -1, 1)
    whole[:, 2:] += [1.4 * SIDE, 0.4 * SIDE]
    whole[:, 0] -= np.where(side < 0, 1.4 * SIDE, 0)
    assert not at_least(inspect(truth, seen(whole)).suspects)
    boxes = truth.copy()
    boxes[50:54, :2] += [170, 120]
    assert any(
        each.first <= 53 and each.last >= 50 for each in at_least(inspect(boxes, seen(whole)).suspects)
    )


def test_a_look_alike_that_hides_a_part_of_the_animal_does_not_make_the_box_wrong():
    """What stands out of an animal over a thing of its colour is its other half; the box holds it all."""
    truth = animal()
    whole = seen(truth)
    half = seen(truth)
    half.boxes[200:230, 0, 2] *= 0.35
    assert not at_least(inspect(truth, half).suspects)
    slid = truth.copy()
    slid[200:230, 0] += 45  # here half of the animal is out of the box
    assert any(each.first <= 229 and each.last >= 200 for each in at_least(inspect(slid, whole).suspects))


def test_what_moves_in_the_box_of_another_animal_is_that_animal():
    """One animal cannot be told from the background for a while, and another one goes about."""
    one, two = animal(), animal(seed=9)
    two[np.hypot(*(one - two)[:, :2].T) < 2 * SIDE] = np.nan
    motion, second = seen(one), seen(two)
    motion.boxes[300:330, 0] = np.nan
    motion.strength[300:330, 0] = 0
    motion.boxes[:, 1], motion.strength[:, 1] = second.boxes[:, 0], 0.8 * second.strength[:, 0]
    assert any(each.first >= 298 and each.last <= 331 for each in at_least(inspect(one, motion).suspects))
    alone = motion.without([two], one)
    np.testing.assert_array_equal(alone.boxes[:, 0], motion.boxes[:, 0])
    assert not alone.strength[:, 1:].any()
    assert not at_least(inspect(one, alone).suspects)
    assert alone.without([one], one) is alone  # both boxes on one animal: it is nobody else's
    wrong = np.arange(N) < 200
    boxes = on_a_look_alike(one, wrong)
    found, _ = covered(inspect(boxes, motion.without([two], boxes)), wrong)
    assert found >= 0.9


def drifting_by(pixels, truth):
    """Boxes that leave the animal by so many pixels and come back, with no step that is odd."""
    boxes = truth.copy()
    boxes[:, 0] += pixels * np.interp(np.arange(N), [200, 220, 240, 260], [0, 1, 1, 0])
    return boxes


def reasons_in(suspects, first, last):
    here = (each for each in suspects if each.first <= last and each.last >= first)
    return [reason for each in here for reason in each.reasons]


@pytest.mark.parametrize(("pixels", "is_cleared"), [(3, True), (14, False)])
def test_pixels_speak_only_for_a_box_that_lies_where_they_show_the_animal(pixels, is_cleared):
    truth = animal()
    likelihood = 0.9 + np.random.default_rng(0).normal(0, 0.02, N)
    likelihood[226:232] = 0.1
    found = at_least(inspect(drifting_by(pixels, truth), seen(truth), likelihood).suspects)
    told = [reason for reason in reasons_in(found, 226, 231) if reason.startswith("low likelihood")]
    assert bool(told) != is_cleared


def test_pixels_that_do_not_show_where_boxes_lie_speak_for_none():
    """What stands out is now on this side of the animal, now on that, and seldom where the box is."""
    truth = animal()
    shadow, likelihood = truth.copy(), np.full(N, 0.9)
    shadow[:, 0] += np.where(np.arange(N) % 60 < 30, -30, 30)
    shadow[np.r_[100:110, 130:140], 0] = truth[np.r_[100:110, 130:140], 0]
    likelihood += np.random.default_rng(0).normal(0, 0.02, N)
    likelihood[102:107] = 0.1
    found = at_least(inspect(truth, seen(shadow), likelihood).suspects)
    assert any(each.startswith("low likelihood") for each in reasons_in(found, 102, 106))
    assert not at_least(inspect(truth, seen(truth), likelihood).suspects)


def resting(drift):
    """An animal that goes only so many frames' way within 40 frames, and boxes held there."""
    along = np.interp(np.arange(N), [0, 200, 239, N - 1], [0, 200, 200 + drift, N - 1])
    truth = np.column_stack([np.interp(along, np.arange(N), side) for side in animal().T])
    boxes = (truth + np.random.default_rng(6).normal(0, [1, 1, 0, 0], truth.shape)).round()
    boxes[200:240] = boxes[200]
    return truth, boxes


def test_a_box_that_is_held_is_a_suspect_though_the_animal_happens_to_stay_in_it():
    truth, boxes = resting(1.4)
    inspection = inspect(boxes, seen(truth))
    cleared = inspection.usual.speaks_for(boxes, inspection.evidence)
    assert cleared[200:240].mean() >= 0.8
    (held,) = (each for each in at_least(inspection.suspects) if each.first == 200)
    assert held.last in (239, 240)
    assert "stands still for 40 frames" in held.reasons


def test_a_box_that_is_held_where_the_animal_rests_is_right():
    truth, boxes = resting(0)
    boxes[240] = boxes[239] + [2, 1, 0, 0]
    inspection = inspect(boxes, seen(truth))
    assert not any("stands still" in reason for reason in reasons_in(inspection.suspects, 200, 239))


def test_a_box_that_shrinks_slowly_does_not_fit_what_moves():
    truth = animal()
    boxes = truth.copy()
    part = np.interp(np.arange(N), [200, 260, 300, 360], [1, 0.6, 0.6, 1])[:, None]
    boxes[:, :2] += truth[:, 2:] * (1 - part) / 2
    boxes[:, 2:] *= part
    found = at_least(inspect(boxes, seen(truth)).suspects)
    assert any(each.startswith("the box does not fit what moves") for each in reasons_in(found, 265, 295))


def test_a_box_that_is_much_too_large_is_wrong_though_all_that_moves_is_in_it():
    truth, is_wrong = animal(), np.zeros(N, bool)
    is_wrong[200:420] = True
    boxes = truth + np.random.default_rng(4).normal(0, 1, truth.shape).round()
    sides = SIDE * (2.3 + 0.1 * np.sin(np.arange(N) / 7))[:, None]
    boxes = np.where(is_wrong[:, None], np.hstack([boxes[:, :2], sides, sides]).round(), boxes)
    found, _ = covered(inspect(boxes, seen(truth)), is_wrong)
    assert found >= 0.9


def test_a_blob_that_both_animals_hold_or_neither_stays_and_the_strongest_come_first():
    """Four blobs: of the other animal, of both (this box holds more), of nobody, half of the other's."""
    own, other = np.array([[100.0, 100, 80, 80]]), np.array([[170.0, 100, 80, 80]])
    blobs = [[200.0, 110, 40, 40], [150, 110, 30, 40], [400, 300, 40, 40], [235, 110, 40, 40]]
    motion = Motion(np.array([blobs]), np.array([[900.0, 800, 700, 600]]))
    left = motion.without([other], own)
    np.testing.assert_array_equal(left.boxes[0, :3], np.array(blobs)[[1, 2, 3]])
    np.testing.assert_array_equal(left.strength, [[800, 700, 600, 0]])
    assert np.isnan(left.boxes[0, 3]).all()


def test_a_box_that_is_held_to_the_end_or_was_accepted_is_no_suspect():
    """Nothing says that the animal has left it; and what is settled joins no suspect beside it."""
    truth, boxes = resting(1.4)
    held = boxes[:240]
    assert not any("stands still" in each for each in reasons_in(find_suspects(held), 200, 239))
    boxes[240:244, :2] += 60
    track = BoxTrack(boxes)
    track.review[200:240] = Review.ACCEPTED
    found = at_least(inspect(boxes, seen(truth)).again(track, 200, 250))
    assert found
    assert all(each.first > 235 for each in found)
    assert not any("stands still" in each for each in reasons_in(found, 200, 250))
