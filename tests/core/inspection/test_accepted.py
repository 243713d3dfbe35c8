"""What was accepted stays accepted where a suspect turns out to reach further."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, BoxTrack, Review
from napari_cropzoom.core.editing.edits import accept, set_box
from napari_cropzoom.core.inspection.accepted import acceptances_of, by_gesture, without_accepted
from napari_cropzoom.core.inspection.suspect import Suspect

N = 60
WHOLE = Suspect(44, 38, 51, 0.9, ("jumps 151 px for 3 frames", "low likelihood (0.21) for 14 frames"))


def reviewed(**frames):
    review = np.zeros(N, np.uint8)
    for word, (first, last) in frames.items():
        review[first : last + 1] = Review[word.upper()]
    return review


def spans(found):
    return [(each.first, each.last) for each in found]


def test_only_the_frames_beside_what_was_accepted_are_open_and_say_so():
    left, settled = without_accepted([WHOLE], reviewed(accepted=(43, 45)))
    assert spans(left) == [(38, 42), (46, 51)]
    assert [each.note for each in left] == ["next to frames 43 to 45, which you accepted"] * 2
    assert [each.frame for each in left] == [42, 46]  # of the new frames the nearest to the worst
    assert spans(settled) == [(43, 45)]
    assert settled[0].frame == 44
    assert not settled[0].note
    for each in (*left, *settled):
        assert each.reasons == ("jumps 151 px", "low likelihood (0.21)")  # which lasted for the whole
        assert each.score == WHOLE.score
    assert left[0].told == (
        "jumps 151 px; low likelihood (0.21); next to frames 43 to 45, which you accepted"
    )


def test_the_worst_frame_stays_the_worst_where_it_is_open():
    (left,), (settled,) = without_accepted([WHOLE], reviewed(accepted=(38, 41)))
    assert (left.frame, left.first, left.last) == (44, 42, 51)
    assert (settled.frame, settled.first, settled.last) == (41, 38, 41)


def test_what_lies_between_two_accepted_ranges_names_both():
    review = reviewed(accepted=(38, 40))
    review[43:52] = Review.ACCEPTED
    (left,), settled = without_accepted([WHOLE], review)
    assert (left.first, left.last) == (41, 42)
    assert left.note == "between frames 38 to 40 and frames 43 to 51, which you accepted"
    assert spans(settled) == [(38, 40), (43, 51)]


def test_a_frame_that_was_corrected_is_no_reason_to_part_a_suspect():
    """A box drawn into a gap is the first step of filling it."""
    assert without_accepted([WHOLE], reviewed(edited=(43, 45))) == ([WHOLE], [])
    left, settled = without_accepted([WHOLE], reviewed(accepted=(43, 45), edited=(46, 51)))
    assert spans(left) == [(38, 42)]
    assert spans(settled) == [(43, 45), (46, 51)]


def accepted(track, *ranges):
    """Accept ranges one after the other; returns the edits."""
    done = []
    for span in ranges:
        done.append(accept(track, *span))
        done[-1].apply({track.name: track})
    return done


def test_what_was_accepted_bit_by_bit_stays_as_many_entries():
    track = BoxTrack(np.tile([10.0, 10, 20, 20], (N, 1)))
    done = accepted(track, (43, 45), (38, 42), (46, 51))
    changes = acceptances_of([*done, set_box(track, 3, Box(1, 2, 30, 30))], track.name)
    assert len(changes) == 3
    assert acceptances_of(done, "other") == []
    found = by_gesture([WHOLE, Suspect(5, 5, 5, 0.9, ("else",))], track.review, changes)
    assert spans(found) == [(38, 42), (43, 45), (46, 51), (5, 5)]
    assert [each.frame for each in found] == [42, 44, 46, 5]


def test_what_was_accepted_at_once_is_one_entry_however_much_round_it_was_accepted_later():
    track = BoxTrack(np.tile([10.0, 10, 20, 20], (N, 1)))
    changes = acceptances_of(accepted(track, (38, 51), (30, 44), (50, 55)), track.name)
    assert by_gesture([WHOLE], track.review, changes) == [WHOLE]
    set_box(track, 40, Box(1, 2, 30, 30)).apply({track.name: track})
    assert by_gesture([WHOLE], track.review, changes) == [WHOLE]  # it was corrected, not accepted


@given(st.lists(st.sampled_from(list(Review)), min_size=14, max_size=14))
def test_every_frame_that_nobody_settled_is_open_once_and_no_accepted_one_is(states):
    review = reviewed()
    review[38:52] = states
    left, settled = without_accepted([WHOLE], review)
    covered = [frame for each in left for frame in range(each.first, each.last + 1)]
    assert len(covered) == len(set(covered))
    is_open = review < Review.ACCEPTED
    assert {frame for frame in range(38, 52) if is_open[frame]} <= set(covered)
    assert not (review[covered] == Review.ACCEPTED).any()
    for each in (*left, *settled):
        assert each.first <= each.frame <= each.last
    if Review.ACCEPTED in states:
        assert sum(each.n_frames for each in (*left, *settled)) == WHOLE.n_frames
