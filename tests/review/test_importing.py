"""Boxes of another program become a review, an edit of one, or more animals of it."""

from __future__ import annotations

from threading import get_ident

import numpy as np
import pytest

from napari_cropzoom.core import boxes as boxes_module
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.formats.to_tracks import ImportedTrack
from napari_cropzoom.files.formats.written import confidence_path, read_confidence
from napari_cropzoom.review import stored as stored_module
from napari_cropzoom.review.importing import (
    add_animals,
    begin,
    free_place,
    make_ready,
    replace_boxes,
)
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import read_review
from napari_cropzoom.video.video import Video

N = 40
SIZE = (64, 96)


def track(name="animal", x=5.0, confidence=0.9, gap=()):
    t = np.arange(N)
    boxes = np.column_stack([x + 0.3 * t, np.full(N, 20.0), np.full(N, 20.0), np.full(N, 16.0)]).round()
    sure = np.full(N, confidence)
    boxes[list(gap)] = np.nan
    sure[list(gap)] = np.nan
    return ImportedTrack(name, boxes, sure)


@pytest.fixture
def session(video_path, tmp_path):
    with_session = Session(Video(video_path))
    yield with_session
    with_session.close()


def size_of(session):
    return session.frame_size


def start(session, tmp_path, *tracks):
    ready = make_ready(tracks, tmp_path, "mot", session.video.path, session.frame_size)
    return ready, begin(session, ready)


def test_one_animal_becomes_the_review_beside_its_boxes(session, tmp_path):
    _, said = start(session, tmp_path, track(gap=(7, 8)))
    assert "no box in 2 frames" in said
    assert session.raw_csv == tmp_path / "bboxes_mot" / "mouse_bbox.csv"
    assert session.track.raw_source == Source.IMPORTED
    assert np.flatnonzero(session.track.is_missing).tolist() == [7, 8]
    assert any(each.first == 7 and each.last == 8 for each in session.queue())


def test_several_animals_keep_their_names_and_are_there_again(session, tmp_path, video_path):
    tracks = track("white"), track("brown: 2", 30.0, gap=(3,)), track("white", 10.0)
    start(session, tmp_path, *tracks)
    names = ["white", "brown_ 2", "white 2"]
    assert list(session.tracks) == names
    assert session.current == "white"
    session.set_box(0, session.track.box(1))
    session.close()
    again = Session(Video(video_path))
    ready, said = start(again, tmp_path, *tracks)
    assert ready.goes_on
    assert "1 edit" in said
    assert list(again.tracks) == names
    np.testing.assert_array_equal(again.tracks["brown_ 2"].raw, tracks[1].boxes)
    again.close()


def test_other_boxes_of_the_format_do_not_replace_those_that_are_there(session, tmp_path):
    start(session, tmp_path, track())
    before = session.raw_csv.read_bytes()
    first = session.raw_csv
    start(session, tmp_path, track(x=9.0))
    assert session.raw_csv == tmp_path / "bboxes_mot_2" / "mouse_bbox.csv"
    assert first.read_bytes() == before


def test_in_the_place_of_others_is_one_edit_with_a_name(session, tmp_path):
    mine = tmp_path / "mine" / "mouse_bbox.csv"
    session.set_raw(track().boxes, mine, Source.DETECTED)
    session.set_box(4, session.track.box(5))
    by_hand, before = session.track.box(4), session.track.boxes.copy()
    place = free_place(tmp_path, "mot", session.video.path)
    replace_boxes(session, track(x=11.0, gap=(6,)), "Boxes of a.txt", place)
    assert session.history.undo_label == "Boxes of a.txt"
    assert session.track.box(4) == by_hand
    assert session.track.box(5).x == round(11 + 0.3 * 5)
    assert session.track.box(6).is_missing()
    assert read_bbox_csv(place, N, allow_missing=True)[5, 0] == session.track.box(5).x
    session.undo()
    np.testing.assert_array_equal(session.track.boxes, before)
    session.redo()
    assert session.track.box(6).is_missing()


def test_more_animals_leave_the_others_as_they_are(session, tmp_path):
    start(session, tmp_path, track("a"))
    add_animals(session, [track("a", 20.0), track("b", 30.0)])
    assert list(session.tracks) == ["a", "a 2", "b"]
    np.testing.assert_array_equal(session.tracks["b"].raw, track("b", 30.0).boxes)


def low(gap_of=12, x=5.0):
    doubtful = track(x=x)
    doubtful.confidence[gap_of] = 0.05
    return doubtful


def reasons(session):
    return {each.frame: " ".join(each.reasons) for each in session.queue()}


def test_low_confidence_is_a_suspect_now_and_when_it_is_opened_again(session, tmp_path, video_path):
    assert 12 not in reasons_of(session, tmp_path, track())
    start(session, tmp_path, low())
    assert "low likelihood (0.05)" in reasons(session)[12]
    raw_csv = session.raw_csv
    assert read_confidence(raw_csv, N)[0][12] == pytest.approx(0.05)
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(raw_csv, allow_missing=True)
    assert "low likelihood (0.05)" in reasons(again)[12]
    again.close()


def reasons_of(session, tmp_path, one):
    start(session, tmp_path, one)
    return reasons(session)


def test_confidence_is_that_of_its_boxes_only(session, tmp_path):
    session.set_raw(track().boxes, tmp_path / "mine" / "mouse_bbox.csv", Source.DETECTED)
    replace_boxes(session, low(), "Boxes of a.txt", free_place(tmp_path, "mot", session.video.path))
    before = reasons(session)
    session.undo()
    replace_boxes(
        session, track(x=11.0), "Boxes of b.txt", free_place(tmp_path, "mot", session.video.path)
    )
    assert 12 in before
    assert 12 not in reasons(session)


def test_a_file_of_confidence_that_is_not_ours_counts_as_none_and_is_told(session, tmp_path):
    start(session, tmp_path, low())
    beside = confidence_path(session.raw_csv)
    for text in (
        "",
        "x",
        "frame,confidence\n0,inf\n",
        "frame,confidence\n0,a\n",
        "frame,confidence\n0,1\n",
    ):
        beside.write_text(text)
        values, said = read_confidence(session.raw_csv, N)
        assert values is None
        assert f"{beside}: cannot be read (it is damaged)" in said
    stored = read_review(session.raw_csv, N, Source.IMPORTED, video=session.video.path)
    assert stored.notes == [said]
    beside.unlink()
    assert read_confidence(session.raw_csv, N) == (None, "")


def test_however_many_animals_come_the_window_checks_only_the_last(session, tmp_path, monkeypatch):
    checked = []
    real = boxes_module.as_boxes
    monkeypatch.setattr(boxes_module, "as_boxes", lambda *of: checked.append(None) or real(*of))
    counts = []
    for number in (2, 5):
        tracks = [track(f"mouse {k}", 5.0 + k + number) for k in range(number)]
        ready = make_ready(tracks, tmp_path, "mot", session.video.path, session.frame_size)
        read = [entry.track.raw for entry in ready.stored.tracks.entries.values()]
        checked.clear()
        begin(session, ready)
        counts.append(len(checked))
        assert all(entry.raw is raw for entry, raw in zip(session.tracks.values(), read, strict=False))
        assert [len(entry.boxes) for entry in session.tracks.values()] == [N] * number
    assert counts[0] == counts[1]


def test_confidence_is_written_beside_the_window(session, tmp_path, monkeypatch):
    threads = []
    real = stored_module.write_confidence
    monkeypatch.setattr(
        stored_module, "write_confidence", lambda *of: threads.append(get_ident()) or real(*of)
    )
    ready = make_ready([track("a"), track("b", 9.0)], tmp_path, "mot", session.video.path, SIZE[::-1])
    threads.clear()
    begin(session, ready)
    add_animals(session, [track("c", 20.0, confidence=0.7)])
    session.select_track("a")
    replace_boxes(session, low(x=7.0), "Boxes of a.txt", free_place(tmp_path, "sam", session.video.path))
    places = {entry.track.name: entry.raw_csv for entry in session.tracks.entries.values()}
    session.close()
    assert len(threads) >= 3
    assert get_ident() not in threads
    assert read_confidence(places["b"], N)[0][0] == 0.9
    assert read_confidence(places["c"], N)[0][0] == 0.7
    assert read_confidence(places["a"], N)[0][12] == 0.05


def test_confidence_on_disk_follows_undo(session, tmp_path, video_path):
    start(session, tmp_path, low())
    replace_boxes(session, track(x=11.0), "Boxes of b.txt", free_place(tmp_path, "mot", video_path))
    session.undo()
    raw_csv = session.raw_csv
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(raw_csv, allow_missing=True)
    assert "low likelihood (0.05)" in reasons(again)[12]
    again.redo()
    assert 12 not in reasons(again)
    again.close()
