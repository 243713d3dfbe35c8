"""What is said of the saved boxes is what the files hold, whoever wrote them."""

import os

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

N = 60


def raw_boxes(shift=0.0):
    t = np.arange(N)
    return np.column_stack([t % 40 + shift, t % 30, np.full(N, 30), np.full(N, 30)]).astype(float)


@pytest.fixture
def raw_csv(tmp_path):
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, raw_boxes())
    return path


def opened(video_path, raw_csv, **options):
    session = Session(Video(video_path))
    session.load_boxes(raw_csv, allow_missing=True, **options)
    return session


def saved(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    session.set_box(5, Box(2, 2, 20, 20))
    return session, session.save()


def reopened(session, raw_csv, **options):
    session.close()
    return opened(session.video.path, raw_csv, **options)


def test_nothing_is_saved_before_it_was(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    assert session.on_disk is OnDisk.NOTHING
    assert session.unsaved
    session.save()  # without an edit
    assert session.on_disk is OnDisk.SAME
    assert reopened(session, raw_csv).on_disk is OnDisk.SAME


def test_a_file_that_has_gone_or_that_another_program_wrote(video_path, raw_csv):
    session, target = saved(video_path, raw_csv)
    kept = target.read_bytes()
    target.unlink()
    assert session.on_disk is OnDisk.NOTHING
    session.save()
    assert session.on_disk is OnDisk.SAME
    write_bbox_csv(target, raw_boxes(7))
    assert session.on_disk is OnDisk.OTHER
    again = reopened(session, raw_csv)
    assert again.on_disk is OnDisk.OTHER
    target.write_bytes(kept)  # put back
    again = reopened(again, raw_csv)
    assert again.on_disk is OnDisk.SAME
    again.close()


@pytest.mark.parametrize("choice", ["carry", "afresh"])
def test_raw_boxes_that_were_made_again(video_path, raw_csv, choice):
    session, _ = saved(video_path, raw_csv)
    session.close()
    write_bbox_csv(raw_csv, raw_boxes(7))
    again = opened(video_path, raw_csv, changed=choice)
    assert again.on_disk is OnDisk.OTHER
    again.save()
    assert again.on_disk is OnDisk.SAME
    assert reopened(again, raw_csv).on_disk is OnDisk.SAME


def test_new_raw_boxes_with_the_edits_there_were_are_not_what_was_saved(video_path, raw_csv):
    session, _ = saved(video_path, raw_csv)
    session.set_raw(raw_boxes(7), raw_csv.with_name("other_bbox.csv"), Source.DETECTED)
    assert session.on_disk is OnDisk.OTHER
    session.set_raw(raw_boxes(9), raw_csv, Source.DETECTED)
    session.set_box(8, Box(2, 2, 20, 20))  # writes what was held back
    session.undo()
    assert session.on_disk is OnDisk.OTHER
    assert reopened(session, raw_csv).on_disk is OnDisk.OTHER


def test_what_leaves_the_boxes_as_they_were_leaves_them_saved(video_path, raw_csv):
    session, _ = saved(video_path, raw_csv)
    session.set_color("animal", "#123456")
    session.set_box(9, Box(2, 2, 20, 20))
    session.smoothing = SmoothingSettings("mean", 3)
    session.undo()
    assert session.smoothing == SmoothingSettings()
    assert session.on_disk is OnDisk.OTHER
    session.undo()
    assert session.on_disk is OnDisk.SAME
    again = reopened(session, raw_csv)
    assert again.on_disk is OnDisk.SAME
    again.redo()
    assert reopened(again, raw_csv).on_disk is OnDisk.OTHER


def test_what_is_accepted_changes_no_box_and_leaves_them_saved(video_path, raw_csv):
    session, _ = saved(video_path, raw_csv)
    before, state = session.revision, session.history.state
    session.accept(5, 7)
    assert (session.revision, session.on_disk) == (before, OnDisk.SAME)
    assert session.history.state != state
    again = reopened(session, raw_csv)
    assert again.on_disk is OnDisk.SAME
    again.undo()
    assert again.on_disk is OnDisk.SAME
    again.delete_box(5)
    assert again.on_disk is OnDisk.OTHER
    again.accept(5, 5)
    assert again.on_disk is OnDisk.OTHER


def test_settings_that_are_set_back_leave_the_boxes_saved(video_path, raw_csv):
    session, _ = saved(video_path, raw_csv)
    session.smoothing = SmoothingSettings("mean", 3)
    assert session.on_disk is OnDisk.OTHER
    session.smoothing = SmoothingSettings()
    assert session.on_disk is OnDisk.SAME
    session.editing.try_smoothing(SmoothingSettings("mean", 3))
    assert session.on_disk is OnDisk.OTHER
    session.editing.try_smoothing(SmoothingSettings())
    assert session.on_disk is OnDisk.SAME
    again = reopened(session, raw_csv)
    assert again.on_disk is OnDisk.SAME
    assert len(again.history) == 3


def test_a_journal_of_an_older_version_says_no_hash_and_boxes_are_compared(video_path, raw_csv):
    session, target = saved(video_path, raw_csv)
    session.close()
    journal = journal_file(raw_csv)
    *lines, last = journal.read_text().splitlines()
    assert last.startswith('{"do":"saved"')
    journal.write_text("\n".join([*lines, '{"do":"saved"}', ""]))
    session = opened(video_path, raw_csv)
    assert session.on_disk is OnDisk.SAME
    session.close()
    write_bbox_csv(target, raw_boxes())
    assert opened(video_path, raw_csv).on_disk is OnDisk.OTHER


def test_every_animal_counts(video_path, raw_csv):
    session, target = saved(video_path, raw_csv)
    session.add_track("white")
    session.set_box(3, Box(5, 5, 20, 20))
    session.save()
    assert session.on_disk is OnDisk.SAME
    again = reopened(session, raw_csv)
    assert again.on_disk is OnDisk.SAME
    again.save()
    again.select_track("white")
    os.remove(again.save())
    assert target.is_file()
    assert again.on_disk is OnDisk.OTHER
    assert reopened(again, raw_csv).on_disk is OnDisk.OTHER


def test_hashes_that_make_no_sense_are_refused_or_count_as_none(video_path, raw_csv):
    session, _ = saved(video_path, raw_csv)
    session.close()
    journal = journal_file(raw_csv)
    *lines, _ = journal.read_text().splitlines()
    for wrong in ('["a"]', '["a","b"]', '"ab"', '{"a":1}'):
        journal.write_text("\n".join([*lines, f'{{"do":"saved","sha256":{wrong}}}', ""]))
        session = opened(video_path, raw_csv)
        assert session.on_disk is OnDisk.OTHER
        session.close()
