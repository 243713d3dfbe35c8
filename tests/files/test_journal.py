import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.journal import Journal
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

N = 40
EDITS = 1000
KILLS = int(os.environ.get("CROPZOOM_KILLS", "8"))

WRITER = """
import sys
from pathlib import Path
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.video.video import Video
from napari_cropzoom.review.session import Session
session = Session(Video(Path(sys.argv[1])))
session.load_boxes(Path(sys.argv[2]))
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    if number % 7 == 6:
        session.undo()
    else:
        session.set_box(number % 40, Box(number, number, 20, 20))
    print(number, flush=True)
"""


@pytest.fixture
def raw_csv(tmp_path):
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, np.tile([5.0, 6, 30, 30], (N, 1)))
    return path


def expected_labels(steps):
    labels = []
    for number in range(steps):
        if number % 7 == 6:
            labels.pop()
        else:
            labels.append(f"set box of frame {number % 40}")
    return labels


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killing_the_process_loses_at_most_the_last_edit(video_path, raw_csv):
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        journal_file(raw_csv).unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(video_path), str(raw_csv), str(EDITS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        wanted = int(rng.integers(1, 200))
        for _ in range(wanted):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.01))
        os.kill(process.pid, signal.SIGKILL)
        told = wanted + len(process.stdout.read().split("\n")) - 1
        process.wait()
        session = Session(Video(video_path))
        session.load_boxes(raw_csv)
        assert not session.read_only
        labels = [edit.label for edit in session.history]
        assert labels in (expected_labels(told), expected_labels(told + 1))
        while session.undo():
            pass
        np.testing.assert_array_equal(session.track.boxes, session.track.raw)
        session.close()


def test_a_line_that_was_cut_off_is_dropped_and_written_over(tmp_path):
    path = tmp_path / "mouse_journal.jsonl"
    journal = Journal(path)
    journal.append({"do": "begin"})
    journal.append({"do": "undo", "count": 1})
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"do":"undo","cou')
    again = Journal(path)
    assert [entry["do"] for entry in read_journal(path)[0]] == ["begin", "undo"]
    again.append({"do": "redo", "count": 1})
    again.close()
    assert [entry["do"] for entry in read_journal(path)[0]] == ["begin", "undo", "redo"]


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "mouse_journal.jsonl"
    path.write_text('{"do":"begin"}\nnonsense\n{"do":"undo","count":1}\n')
    with pytest.raises(CropzoomError, match=r"mouse_journal\.jsonl, line 2: .*Move the file away"):
        read_journal(path)


def test_the_second_window_is_read_only_until_the_first_closes(tmp_path):
    path = tmp_path / "mouse_journal.jsonl"
    first, second = Journal(path), Journal(path)
    first.append({"do": "begin"})
    assert "open in another window" in second.locked_out
    with pytest.raises(CropzoomError, match="read-only"):
        second.append({"do": "undo"})
    second.close()
    first.close()
    third = Journal(path)
    assert not third.locked_out
    third.close()


def test_only_one_has_the_lock_while_others_come_and_go(tmp_path):
    """Closing removes the lock's file, which another window may have opened already."""
    path = tmp_path / "mouse_journal.jsonl"
    inside, most = [], []

    def come_and_go():
        for _ in range(300):
            journal = Journal(path)
            if not journal.locked_out:
                inside.append(journal)
                most.append(len(inside))
                time.sleep(0)
                inside.remove(journal)
            journal.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(come_and_go) for _ in range(4)]:
            done.result()
    assert len(most) >= 50
    assert max(most) == 1
    assert not list(tmp_path.iterdir())


def test_who_only_looks_leaves_no_file(tmp_path):
    journal = Journal(tmp_path / "a" / "bboxes_reviewed" / "mouse_journal.jsonl")
    journal.close()
    assert list(tmp_path.iterdir()) == []


@contextmanager
def not_as_root():
    """Root may write anywhere, so be somebody else for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows keeps rights in another way")
def test_a_folder_that_cannot_be_written_to_is_read_only():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with not_as_root():
            journal = Journal(Path(folder) / "bboxes_reviewed" / "mouse_journal.jsonl")
            assert "cannot be written to" in journal.locked_out
            assert "Copy the boxes to a folder of your own" in journal.locked_out
            with pytest.raises(CropzoomError, match="read-only"):
                journal.append({"do": "begin"})
            journal.close()
        Path(folder).chmod(0o755)


def test_a_failed_line_can_be_written_again(tmp_path):
    path = tmp_path / "deep" / "mouse_journal.jsonl"
    journal = Journal(path)
    path.mkdir()  # in the way
    with pytest.raises(CropzoomError, match="could not be kept"):
        journal.append({"do": "begin"})
    path.rmdir()
    journal.append({"do": "begin"})
    journal.close()
    assert [entry["do"] for entry in read_journal(path)[0]] == ["begin"]
