import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, BoxTrack, Review, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.journal_lines import decode_edit, encode_edit

N = 30


def new_track():
    raw = np.column_stack([np.arange(N) * 3.0, np.arange(N) * 2.0, np.full(N, 20), np.full(N, 20)])
    raw[10:14] = np.nan
    return BoxTrack(raw)


def tracks_of(track):
    return {track.name: track}


def state(track):
    return track.snapshot(0, len(track) - 1)


def test_setting_a_box_makes_an_anchor_and_leaves_raw_alone():
    track = new_track()
    raw = track.raw.copy()
    edits.set_box(track, 5, Box(100.4, 50.6, 31, 19.2)).apply(tracks_of(track))
    assert track.box(5) == Box(100, 51, 32, 20)
    assert track.source[5] == Source.MANUAL
    assert track.review[5] == Review.EDITED
    np.testing.assert_array_equal(track.raw, raw)


def test_deleting_says_absent_and_filling_leaves_known_boxes():
    track = new_track()
    edits.delete_box(track, 3).apply(tracks_of(track))
    assert track.source[3] == Source.ABSENT
    assert track.box(3).is_missing()
    edits.fill_gap(track, 8, 15, "interpolate").apply(tracks_of(track))
    assert (
        track.source[8:16].tolist() == [Source.DETECTED] * 2 + [Source.FILLED] * 4 + [Source.DETECTED] * 2
    )
    np.testing.assert_allclose(track.boxes[10:14, 0], [30, 33, 36, 39])
    with pytest.raises(CropzoomError, match="nothing to fill"):
        edits.fill_gap(track, 8, 15, "hold")


def test_reverting_brings_raw_back():
    track = new_track()
    before = state(track)
    edits.set_box(track, 5, Box(1, 1, 10, 10)).apply(tracks_of(track))
    edits.set_box(track, 11, Box(1, 1, 10, 10)).apply(tracks_of(track))
    edits.revert_to_raw(track, 4, 12).apply(tracks_of(track))
    assert state(track) == before


def reopened(history):
    """The track and history that the journal's lines bring back."""
    track, again = new_track(), History()
    for edit in history.every:
        read = decode_edit(encode_edit(edit), tracks_of(track))
        read.apply(tracks_of(track))
        again.push(read)
    for _ in range(len(history.every) - len(history)):
        again.undo(tracks_of(track))
    return track, again


moves = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, N - 1), st.integers(2, 80)),
        st.tuples(st.just("delete"), st.integers(0, N - 1), st.just(0)),
        st.tuples(st.just("accept"), st.integers(0, N - 5), st.integers(0, 4)),
        st.tuples(st.just("fill"), st.integers(0, N - 5), st.integers(0, 4)),
        st.tuples(st.just("undo"), st.just(0), st.just(0)),
        st.tuples(st.just("redo"), st.just(0), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@given(moves)
@settings(max_examples=150, deadline=None)
def test_any_sequence_equals_its_replay_and_undoes_to_raw(sequence):
    track, history = new_track(), History()
    for what, frame, size in sequence:
        if what == "undo":
            history.undo(tracks_of(track))
        elif what == "redo":
            history.redo(tracks_of(track))
        elif what == "reopen":
            track, history = reopened(history)
        else:
            try:
                edit = {
                    "set": lambda track=track, f=frame, s=size: edits.set_box(
                        track, f, Box(f, s, s, s + 1)
                    ),
                    "delete": lambda track=track, f=frame: edits.delete_box(track, f),
                    "accept": lambda track=track, f=frame, s=size: edits.accept(track, f, f + s),
                    "fill": lambda track=track, f=frame, s=size: edits.fill_gap(track, f, f + s, "hold"),
                }[what]()
            except CropzoomError:
                continue
            edit.apply(tracks_of(track))
            history.push(edit)
    replayed = new_track()
    for edit in history:
        edit.apply(tracks_of(replayed))
    assert state(track) == state(replayed)
    while history.undo(tracks_of(track)):
        pass
    assert state(track) == state(new_track())


def test_labels_and_redo_after_a_new_edit():
    track, history = new_track(), History()
    for frame in (1, 2):
        edit = edits.delete_box(track, frame)
        edit.apply(tracks_of(track))
        history.push(edit)
    history.undo(tracks_of(track))
    assert history.undo_label == "delete box of frame 1"
    assert history.redo_label == "delete box of frame 2"
    edit = edits.accept(track, 0, 4)
    edit.apply(tracks_of(track))
    history.push(edit)
    assert history.redo_label is None
    assert history.redo(tracks_of(track)) is None
    assert edit.label == "accept frames 0 to 4"


def test_edits_move_to_new_raw_boxes():
    track, history = new_track(), History()
    edit = edits.set_box(track, 2, Box(5, 5, 10, 10))
    edit.apply(tracks_of(track))
    history.push(edit)
    other = BoxTrack(np.tile([50.0, 50, 40, 40], (N, 1)))
    history.rebase(tracks_of(other), "animal")
    assert other.box(2) == Box(5, 5, 10, 10)
    history.undo(tracks_of(other))
    assert other.box(2) == Box(50, 50, 40, 40)


def test_undone_edits_can_be_done_again_on_new_raw_boxes():
    track, history = new_track(), History()
    edit = edits.set_box(track, 2, Box(5, 5, 10, 10))
    edit.apply(tracks_of(track))
    history.push(edit)
    history.undo(tracks_of(track))
    other = BoxTrack(np.tile([50.0, 50, 40, 40], (N, 1)))
    history.rebase(tracks_of(other), "animal")
    assert other.box(2) == Box(50, 50, 40, 40)
    history.redo(tracks_of(other))
    assert other.box(2) == Box(5, 5, 10, 10)
    history.undo(tracks_of(other))
    assert other.box(2) == Box(50, 50, 40, 40)
