"""A pipe in the place of a file is refused before it is opened: nobody ever writes into it."""

import errno
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.training.status import STATUS, TrainingStatus
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import doubt_of, made_of, record_path
from napari_cropzoom.files.formats.written import confidence_path, read_confidence
from napari_cropzoom.files.journal_lines import read_lines
from napari_cropzoom.files.parsing import load_arrays, read_json, read_yaml
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import (
    PLACES,
    absent_frames,
    doubt_of_places,
    file_sha256,
    journal_file,
    places_of,
    remember_results,
    review_dir,
)
from napari_cropzoom.files.user_data import user_data_folder
from napari_cropzoom.projects.layout import REGISTRY, Project
from napari_cropzoom.projects.review_labels.record import read_record
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.exchange.dropped import journal_identity, video_of
from videos import make_numbered_video

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes among its files"),
    pytest.mark.timeout(60),
]


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "v_journal.jsonl"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("read", [read_json, load_arrays])
def test_where_the_caller_says_what_is_wrong(pipe, read):
    with pytest.raises(OSError, match="it is no file"):
        read(pipe)


@pytest.mark.parametrize("read", [read_yaml, read_lines, read_record])
def test_where_a_person_is_told(pipe, read):
    with pytest.raises(CropzoomError, match=r"v_journal\.jsonl: cannot be read \(it is no file\)"):
        read(pipe)


def test_a_journal_that_is_dropped_on_a_window_without_a_video(pipe):
    assert journal_identity(pipe) is None
    assert video_of(pipe) is None


def test_what_lies_beside_a_table(tmp_path):
    table = tmp_path / "v_bbox.csv"
    table.write_text("x,y,h,w\n1,2,3,4\n")
    for beside in (made_with_path(table), record_path(table), confidence_path(table)):
        os.mkfifo(beside)
    os.mkfifo(tmp_path / "metadata.json")
    assert made_of(table) is None
    assert f"{made_with_path(table)}: cannot be read (it is no file)" in doubt_of(table)
    assert "cannot be read (it is no file)" in read_confidence(table, 1)[1]
    with pytest.raises(CropzoomError, match=r"metadata\.json: cannot be read \(it is no file\)"):
        absent_frames(tmp_path, "v", 1)


def put_pipe(path):
    os.mkfifo(path)


def put_folder(path):
    path.mkdir()
    (path / "x").touch()


def put_dead_link(path):
    path.symlink_to("/nowhere/at/all")


def put_device(path):
    path.symlink_to("/dev/zero")


PUTS = [put_pipe, put_folder, put_dead_link, put_device]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A video, and boxes with a saved review of two animals."""
    root = tmp_path_factory.mktemp("saved")
    video = make_numbered_video(root / "v.mp4", 12)
    write_bbox_csv(root / "preds" / "v_bbox.csv", np.tile([4.0, 4, 20, 20], (12, 1)))
    session = Session(Video(video))
    session.load_boxes(root / "preds" / "v_bbox.csv")
    session.set_box(3, Box(6, 6, 20, 20))
    session.add_track("b")
    session.set_box(0, Box(10, 10, 20, 20))
    session.save()
    session.close()
    return root


@pytest.fixture
def review(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "r")) / "preds" / "v_bbox.csv"


def edited(raw):
    """Open a review, change a box and save; what a person was told on the way."""
    session = Session(Video(raw.parents[1] / "v.mp4"))
    try:
        told = [session.load_boxes(raw)]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            session.set_box(5, Box(8, 8, 20, 20))
            session.save()
        return " ".join([*told, *(str(each.message) for each in caught)])
    finally:
        session.close()
        session.video.close()


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("animal", ["", "b"])
@pytest.mark.parametrize("name", ["v_bbox.csv", "v_bbox_made_of.json", "metadata.json"])
def test_in_the_place_of_what_a_review_saves(review, name, animal, put):
    path = review_dir(review.parent / animal / review.name) / name
    path.unlink()
    put(path)
    if name == "metadata.json":
        assert f"{path}: cannot be read (" in edited(review)
    elif put is not put_dead_link:  # which is replaced by the file
        with pytest.raises(CropzoomError, match=f"{name}: cannot be written: it is a "):
            edited(review)
    else:
        edited(review)
        assert path.is_file()
        assert not path.is_symlink()


@pytest.mark.parametrize("put", PUTS)
def test_in_the_place_of_the_journal(review, put):
    journal = journal_file(review)
    journal.unlink()
    put(journal)
    said = "is a link to /nowhere/at/all, which is not there. Bring that file back, or move"
    cause = said if put is put_dead_link else r"cannot be read \(it is no file\). Move it away to begin"
    with pytest.raises(CropzoomError, match=cause):
        edited(review)


@pytest.mark.parametrize("put", PUTS[1:])
def test_in_the_place_of_the_lock(review, put):
    lock = journal_file(review).with_name(f".{journal_file(review).name}.lock")
    put(lock)
    with pytest.raises(CropzoomError, match=r"jsonl\.lock is a folder, a link or a device where a lock"):
        edited(review)


@pytest.mark.parametrize("name", [".{}.lock", ".{}.lock.soft"])
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(review, name, monkeypatch):
    journal = journal_file(review)
    put_pipe(journal.with_name(name.format(journal.name)))
    edited(review)
    if name.endswith("soft"):  # as on a share without locks

        def refuse(*_):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

        fcntl = pytest.importorskip("fcntl")
        monkeypatch.setattr(fcntl, "flock", refuse)
        monkeypatch.setattr(fcntl, "lockf", refuse)
        with pytest.raises(CropzoomError, match="open in another window"):
            edited(review)


@pytest.mark.parametrize("put", PUTS)
def test_in_the_place_of_the_folder_of_the_review(review, put):
    shutil.rmtree(review_dir(review))
    put(review_dir(review))
    if put is put_folder:
        edited(review)
    else:
        with pytest.raises(CropzoomError, match="bboxes_reviewed"):
            edited(review)


@pytest.mark.parametrize("put", PUTS)
def test_in_the_place_of_the_places(put, tmp_path, review, monkeypatch):
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "user"))
    path, video = user_data_folder() / PLACES, review.parents[1] / "v.mp4"
    path.parent.mkdir()
    assert doubt_of_places() == ""
    put(path)
    assert f"{path}: cannot be read (" in doubt_of_places()
    assert doubt_of_places() in Project.open(review.parents[1]).notes
    remember_results(video, tmp_path)  # what was there is set aside
    assert places_of(video).results == tmp_path
    assert len([*path.parent.iterdir()]) == 2
    assert doubt_of_places() == ""


def test_in_the_place_of_what_other_programs_say_of_projects(pipe, tmp_path, monkeypatch, review):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / REGISTRY).parent.mkdir(parents=True, exist_ok=True)
    pipe.rename(tmp_path / REGISTRY)
    assert "so the app's projects are not known" in " ".join(Project.open(review.parents[1]).notes)
    os.mkfifo(tmp_path / STATUS)
    assert not TrainingStatus.read(tmp_path).is_running


def test_a_hash_of_a_pipe_or_a_device(pipe):
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="it is no file"):
            file_sha256(path)
