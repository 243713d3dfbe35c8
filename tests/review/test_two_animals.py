"""Two animals never write into one folder, on whatever disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.cli.inputs import expand
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.names import check_folder_name, name_key
from napari_cropzoom.files.review_paths import reviewed_csv
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

N = 60


def boxes_at(x: float) -> np.ndarray:
    return np.tile([x, 6, 30, 30], (N, 1))


@pytest.fixture
def raw_csv(tmp_path: Path) -> Path:
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, boxes_at(5))
    return path


def places(session: Session) -> list[str]:
    return [name_key(str(entry.raw_csv.parent)) for entry in session.tracks.entries.values()]


def test_the_folder_of_a_renamed_animal_stays_its_own(session: Session, raw_csv: Path) -> None:
    session.load_boxes(raw_csv)
    session.add_track("Mouse", boxes_at(50))
    session.rename_track("Mouse", "other")
    for name in ("Mouse", "mouse", "MOUSE"):
        with pytest.raises(CropzoomError, match="'other', which was renamed"):
            session.add_track(name, boxes_at(90))
    session.rename_track("other", "mouse")
    session.save()
    kept = read_bbox_csv(raw_csv.parent / "Mouse" / "mouse_bbox.csv", N)
    np.testing.assert_array_equal(kept, boxes_at(50))


COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("first", "second"),
    [("Mouse", "mouse"), (COMPOSED, DECOMPOSED), (COMPOSED, DECOMPOSED.upper()), ("straße", "STRASSE")],
)
def test_names_that_a_disk_takes_for_one_are_one(
    session: Session, raw_csv: Path, first: str, second: str
) -> None:
    session.load_boxes(raw_csv)
    session.add_track(first)
    with pytest.raises(CropzoomError, match="already"):
        session.add_track(second)
    session.rename_track(first, second)  # of the animal itself
    assert list(session.tracks) == ["animal", second]


@pytest.mark.parametrize(
    "name",
    ["CON", "con", "Nul.txt", "LPT1", "com¹", "conin$", "end.", "end ", " front", ".hidden", "a/b", "a:b",
     "a\nb", "\x7f", "", " ", "..", "é" * 120, "bboxes_reviewed", "BBoxes_Reviewed"],
)  # fmt: skip
def test_names_that_some_system_does_not_take_are_refused(
    session: Session, raw_csv: Path, name: str
) -> None:
    session.load_boxes(raw_csv)
    session.add_track("white")
    for act in (lambda: session.add_track(name), lambda: session.rename_track("white", name)):
        with pytest.raises(CropzoomError) as refused:
            act()
        assert len(str(refused.value)) < 200
    assert list(session.tracks) == ["animal", "white"]


@given(st.text(max_size=12))
def test_a_name_that_is_taken_is_one_a_disk_gives_back(name: str) -> None:
    try:
        check_folder_name(name, "a track")
    except CropzoomError:
        return
    assert Path(name).name == name
    assert name_key(name_key(name)) == name_key(name)


def test_boxes_from_a_folder_that_another_animal_uses_get_one_of_their_own(
    session: Session, raw_csv: Path, video_path: Path
) -> None:
    """All reviewed boxes are named after the video, so a folder has room for one animal."""
    other = raw_csv.with_name("white_bbox.csv")
    write_bbox_csv(other, boxes_at(70))
    session.load_boxes(raw_csv)
    session.load_track("white", other)
    session.load_track("brown", raw_csv)
    session.set_box(3, Box(1, 2, 10, 12))
    session.set_raw(boxes_at(80), raw_csv, Source.DETECTED)  # the detector's file, for the wrong animal
    session.save()
    assert len(set(places(session))) == 3
    np.testing.assert_array_equal(read_bbox_csv(raw_csv, N), boxes_at(5))
    np.testing.assert_array_equal(read_bbox_csv(other, N), boxes_at(70))
    session.close()
    again = Session(Video(video_path))
    again.load_boxes(raw_csv)
    assert [again.tracks[name].raw[0, 0] for name in again.tracks] == [5, 70, 80]
    again.close()


def test_the_boxes_of_a_removed_animal_are_set_aside(session: Session, raw_csv: Path) -> None:
    session.load_boxes(raw_csv)
    session.add_track("white", boxes_at(50))
    session.remove_track("white")
    session.add_track("white", boxes_at(60))
    folder = raw_csv.parent / "white"
    np.testing.assert_array_equal(read_bbox_csv(folder / "mouse_bbox_1.csv", N), boxes_at(50))


def test_the_folder_of_another_review_is_refused(
    session: Session, raw_csv: Path, video_path: Path
) -> None:
    theirs = raw_csv.parent / "white" / "mouse_bbox.csv"
    write_bbox_csv(theirs, boxes_at(50))
    other = Session(Video(video_path))
    other.load_boxes(theirs)
    other.set_box(3, Box(1, 2, 10, 12))
    other.close()
    session.load_boxes(raw_csv)
    with pytest.raises(CropzoomError, match="a review of its own"):
        session.add_track("white", boxes_at(60))
    np.testing.assert_array_equal(read_bbox_csv(theirs, N), boxes_at(50))


@pytest.mark.parametrize(
    ("first", "second"),
    [("A.mp4", "a.mov"), ("a.mp4", "b/a.avi"), ("a.csv", "b/A.csv"), ("é.mp4", "É.mkv")],
)
def test_two_inputs_of_one_name_are_refused(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "b").mkdir()
    files = [tmp_path / first, tmp_path / second]
    for file in files:
        file.touch()
    with pytest.raises(CropzoomError, match="same files"):
        expand(files)
    assert expand(files[:1] * 2) == files[:1] * 2


@pytest.mark.parametrize("blocked", ["mouse", "other"])
def test_a_file_that_cannot_be_written_costs_the_other_animals_nothing(
    session: Session, raw_csv: Path, blocked: str
) -> None:
    session.load_boxes(raw_csv)
    session.rename_track(session.current, "mouse")
    session.add_track("other", boxes_at(50))
    entries = session.tracks.entries
    finals = {name: reviewed_csv(entries[name].raw_csv, session.video.path) for name in entries}
    finals[blocked].mkdir(parents=True)
    (finals[blocked] / "in the way").touch()
    with pytest.raises(CropzoomError, match=f"'{blocked}' could not be saved: .*1 other track was saved"):
        session.save()
    saved = next(finals[name] for name in finals if name != blocked)
    assert len(read_bbox_csv(saved, N)) == N
    (finals[blocked] / "in the way").unlink()
    finals[blocked].rmdir()
    session.save()
    assert len(read_bbox_csv(finals[blocked], N)) == N
