"""Which reviews of a video are found, and what is read beside the window when it is opened."""

import subprocess
import sys

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.finding import find_reviews, read_found
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.steps.video import ScanProgress, scan
from reviewed_before import SIZE, N, make_detector, make_video, review


@pytest.fixture
def video_file(tmp_path):
    return make_video(tmp_path)


@pytest.fixture
def detector(tmp_path, video_file):
    return make_detector(tmp_path, video_file)


def test_places_that_are_looked_into(tmp_path, video_file, detector):
    """Beside the video, in results folders, in the project's models and those used before."""
    boxes = np.tile([40.0, 35, 40, 40], (N, 1))
    used, results = tmp_path / "used" / "model", tmp_path / "results"
    raws = [
        video_file.parent / "v_bbox.csv",
        video_file.parent / "v.csv",
        video_file.parent / "bboxes_motion" / "v_bbox.csv",
        results / "detector" / "video_preds" / "v_bbox.csv",
        results / "bboxes_motion" / "v_bbox.csv",
        detector / "video_preds" / "v_bbox.csv",
        tmp_path / "project" / "outputs" / "2026-01-01" / "10-00-00" / "video_preds" / "v_bbox.csv",
        used / "video_preds" / "v_bbox.csv",
    ]
    for raw in raws:
        raw.parent.mkdir(parents=True, exist_ok=True)
        write_bbox_csv(raw, boxes)
        assert find_reviews(video_file, results, [used], []) == []
        review(video_file, raw)
        assert find_reviews(video_file, results, [used], [raw]) == [raw]
        found = read_found(raw, video_file, N, SIZE)
        assert (found.n_edits, found.n_manual, found.n_seen, found.is_saved) == (3, 2, 5, True)
        if raw.suffix == ".csv":
            journal_file(raw).unlink()
            raw.unlink()


def test_a_review_without_an_edit_is_none(tmp_path, video_file, detector):
    session = Session(Video(video_file))
    session.load_boxes(detector / "video_preds" / "v_bbox.csv")
    session.set_box(4, Box(30, 30, 20, 20))
    session.undo()
    session.close()
    assert read_found(detector / "video_preds" / "v_bbox.csv", video_file, N, SIZE) is None


def test_what_a_window_shows_first_is_decoded_in_the_thread_that_opens_the_video(video_file):
    """Napari shows the middle of a first layer, and then the frame that is asked for."""
    video, reviews, models = scan(video_file, ScanProgress())
    assert video.cached(0) is not None
    assert video.cached((N - 1) // 2) is not None
    assert not reviews
    assert not models.folders
    video.close()


def test_what_napari_makes_with_its_first_layers_is_made_in_that_thread_too(video_file):
    """In a process of its own, in which there was no layer before; napari's units stand for the rest."""
    code = (
        "import sys, pathlib, pint, napari_cropzoom.widgets.steps.video as step\n"
        "kind = lambda: type(pint.application_registry.get()).__name__\n"
        "before = kind()\n"
        "step.scan(pathlib.Path(sys.argv[1]), step.ScanProgress())[0].close()\n"
        "print(before, kind())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(video_file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["LazyRegistry", "UnitRegistry"]
