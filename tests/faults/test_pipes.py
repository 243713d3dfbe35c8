"""A pipe in the place of a file is refused before it is opened: nobody ever writes into it."""

import os

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.belonging import doubt_of, made_of, record_path
from napari_cropzoom.files.formats.written import confidence_path, read_confidence
from napari_cropzoom.files.journal_lines import read_lines
from napari_cropzoom.files.parsing import load_arrays, read_json, read_yaml
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import absent_frames
from napari_cropzoom.projects.review_labels.record import read_record
from napari_cropzoom.widgets.exchange.dropped import journal_identity, video_of

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
