"""The journal goes away under an open review: renamed folder, lost drive, another file in its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.journal import Journal
from napari_cropzoom.files.journal_lines import Entry, read_journal
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

N = 60


@pytest.fixture
def raw_csv(tmp_path: Path) -> Path:
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, np.tile([5.0, 6, 30, 30], (N, 1)))
    return path


@contextmanager
def no_folder_in_use() -> Iterator[None]:
    """Leave a test out where the system keeps the folder of an open file where it is, as Windows does."""
    try:
        yield
    except PermissionError:
        pytest.skip("this system moves and removes no folder in use")


def folder_renamed(raw_csv: Path) -> None:
    raw_csv.parent.rename(raw_csv.parent.with_name("renamed"))


def review_folder_renamed(raw_csv: Path) -> None:
    journal_file(raw_csv).parent.rename(raw_csv.parent / "old")


def folder_deleted(raw_csv: Path) -> None:
    shutil.rmtree(raw_csv.parent)


def journal_deleted(raw_csv: Path) -> None:
    journal_file(raw_csv).unlink()


def drive_lost(raw_csv: Path) -> None:
    """What a mount point shows without its drive: an empty folder."""
    folder_renamed(raw_csv)
    raw_csv.parent.mkdir()


def drive_swapped(raw_csv: Path) -> None:
    """Another drive at the same place, with a review of its own of the same name."""
    folder_renamed(raw_csv)
    write_bbox_csv(raw_csv, np.tile([9.0, 9, 30, 30], (N, 1)))
    other = Journal(journal_file(raw_csv))
    other.append({"do": "begin", "other": True})
    other.close()


def journal_cut(raw_csv: Path) -> None:
    path = journal_file(raw_csv)
    path.write_bytes(path.read_bytes()[:-30])


def journal_grown(raw_csv: Path) -> None:
    with journal_file(raw_csv).open("ab") as file:
        file.write(b'{"do":"undo","count":1}\n')


def changed_in_place(raw_csv: Path) -> None:
    path = journal_file(raw_csv)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


FAULTS = [
    folder_renamed, review_folder_renamed, folder_deleted, journal_deleted, drive_lost, drive_swapped,
    journal_cut, journal_grown, changed_in_place,
]  # fmt: skip


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_said_at_once_and_the_edits_are_written_where_the_person_says(
    fault: Callable[[Path], None], session: Session, raw_csv: Path, tmp_path: Path, video_path: Path
) -> None:
    session.load_boxes(raw_csv)
    for frame in range(5):
        session.set_box(frame, Box(frame, 2, 10, 12))
    session.undo()
    session.add_track("white")
    session.select_track("animal")
    session.to_save().wait()
    with no_folder_in_use():
        fault(raw_csv)
    on_disk = everything_below(tmp_path)
    before = session.track.boxes.copy()
    for act in (
        lambda: session.set_box(9, Box(1, 2, 10, 12)),
        session.undo,
        session.save,
        lambda: session.add_track("brown"),
    ):
        with pytest.raises(CropzoomError, match="All edits so far are kept in this window"):
            act()
    np.testing.assert_array_equal(session.track.boxes, before)
    assert everything_below(tmp_path) == on_disk  # nothing was padded, truncated or written beside it

    there = tmp_path / "stick" / "review"
    session.keep_in(there)
    session.set_box(9, Box(1, 2, 10, 12))
    target = session.save()
    assert target == there / "bboxes_reviewed" / "mouse_bbox.csv"
    labels = [edit.label for edit in session.history]
    boxes = {name: session.tracks[name].boxes for name in session.tracks}
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(there / "mouse_bbox.csv", allow_missing=True)
    assert [edit.label for edit in again.history] == labels
    assert not again.unsaved
    for name, expected in boxes.items():
        np.testing.assert_array_equal(again.tracks[name].boxes, expected)
    again.close()


@pytest.mark.parametrize("back", ["renamed", "copied"])
def test_a_folder_that_comes_back_goes_on(
    back: str, session: Session, raw_csv: Path, video_path: Path
) -> None:
    session.load_boxes(raw_csv)
    session.set_box(1, Box(1, 2, 10, 12))
    away = raw_csv.parent.with_name("away")
    with no_folder_in_use():
        raw_csv.parent.rename(away)
    with pytest.raises(CropzoomError, match="is gone"):
        session.set_box(2, Box(1, 2, 10, 12))
    if back == "renamed":
        away.rename(raw_csv.parent)
    else:
        shutil.copytree(away, raw_csv.parent)
    session.set_box(3, Box(1, 2, 10, 12))
    second = Journal(journal_file(raw_csv))
    assert "open in another window" in second.locked_out
    second.close()
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(raw_csv)
    assert [edit.label for edit in again.history] == ["set box of frame 1", "set box of frame 3"]
    again.close()


def test_the_reviews_empty_folder_is_made_again(session: Session, raw_csv: Path) -> None:
    session.load_boxes(raw_csv)
    with no_folder_in_use():
        shutil.rmtree(journal_file(raw_csv).parent)
    session.set_box(1, Box(1, 2, 10, 12))
    assert read_journal(journal_file(raw_csv))[0][-1]["do"] == "edit"


def test_the_same_folder_may_be_chosen_again(session: Session, raw_csv: Path, video_path: Path) -> None:
    session.load_boxes(raw_csv)
    session.set_box(1, Box(1, 2, 10, 12))
    with no_folder_in_use():
        shutil.rmtree(raw_csv.parent)
    session.keep_in(raw_csv.parent)
    session.set_box(2, Box(1, 2, 10, 12))
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(raw_csv)
    assert len(again.history) == 2
    again.close()


def test_other_boxes_of_the_name_are_not_written_over(
    session: Session, raw_csv: Path, tmp_path: Path
) -> None:
    session.load_boxes(raw_csv)
    session.set_box(1, Box(1, 2, 10, 12))
    other = tmp_path / "other" / "mouse_bbox.csv"
    write_bbox_csv(other, np.tile([1.0, 1, 8, 8], (N, 1)))
    before = other.read_bytes()
    with pytest.raises(CropzoomError, match="other boxes in this folder"):
        session.keep_in(other.parent)
    assert other.read_bytes() == before
    assert session.raw_csv == raw_csv
    session.set_box(2, Box(1, 2, 10, 12))
    assert len(read_journal(journal_file(raw_csv))[0]) == 6


def test_fractions_of_pixels_move_along(session: Session, raw_csv: Path, tmp_path: Path) -> None:
    raw_csv.write_text(",x,y,h,w\n" + "".join(f"{i},{i}.25,6.5,30,30\n" for i in range(N)))
    session.load_boxes(raw_csv)
    session.keep_in(tmp_path / "other")
    moved = read_bbox_csv(tmp_path / "other" / "mouse_bbox.csv", N)
    np.testing.assert_array_equal(moved, session.track.raw)


def test_a_long_edit_that_could_not_be_kept_is_kept_later(tmp_path: Path) -> None:
    """It was applied without waiting, so the lines after it need it."""
    path = tmp_path / "a" / "mouse_journal.jsonl"
    journal = Journal(path)
    journal.append({"do": "begin"})
    made = []

    def make() -> Entry:
        if not made:
            path.parent.rename(tmp_path / "b")  # just now
        made.append(1)
        return {"do": "edit", "label": "long"}

    journal.append_later(make)
    for _ in range(2):
        with pytest.raises(CropzoomError, match="is gone"):
            journal.flush()
    with pytest.raises(CropzoomError, match="is gone"):
        journal.append({"do": "undo"})
    (tmp_path / "b").rename(path.parent)
    journal.append({"do": "redo"})
    journal.close()
    assert [entry["do"] for entry in read_journal(path)[0]] == ["begin", "edit", "redo"]
