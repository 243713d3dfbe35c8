"""A folder of its own for the results of a video, and what another video of this name left."""

from __future__ import annotations

import shutil

from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_cropzoom.app import open_review
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.belonging import made_of, sign
from napari_cropzoom.files.review_paths import results_of
from videos import excerpt


def test_results_go_where_the_person_says_now_and_the_next_time(
    opened, model_folder, tmp_path, monkeypatch, wait, video_file
):
    usual = opened.controller.drawn_csv(video_file)
    assert usual.parent == video_file.parent / "bboxes_drawn"
    folder = tmp_path / "results"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    opened["detect"].choose_model(model_folder)
    opened.open_step("video")
    opened.findChild(QPushButton, "video_results").click()
    assert opened["video"].results_label.path == folder
    assert opened["detect"].existing() == folder / "detector" / "video_preds" / "square.csv"
    opened.controller.session.set_box(3, Box(10, 10, 40, 40))
    opened.controller.session.save()
    assert (folder / "bboxes_drawn" / "square_bbox.csv").is_file()
    assert made_of(folder / "bboxes_drawn" / "square_bbox.csv")["name"] == "square.mp4"
    assert not usual.parent.exists()
    opened["video"].open(video_file)
    wait(lambda: opened.controller.session is not None and opened["video"].results_label.path == folder)
    assert opened.controller.session.has_boxes
    opened.findChild(QPushButton, "video_results_usual").click()
    assert results_of(video_file) is None
    assert opened.controller.drawn_csv(video_file) == usual


def test_what_another_video_left_is_not_shown(viewer, model_folder, tmp_path, video_file):
    predictions = model_folder / "video_preds" / "square.csv"
    sign(predictions, video_file)
    other = tmp_path / "day2" / "square.mp4"
    other.parent.mkdir()
    shutil.copy(video_file, other)
    session = open_review(viewer, other, detector=model_folder)
    assert session.detector_poses is not None  # the same video elsewhere
    other = tmp_path / "day3" / "square.mp4"
    other.parent.mkdir()
    excerpt(video_file, other, 0, 30)
    session = open_review(viewer, other, detector=model_folder)
    assert session.detector_poses is None
    dock = viewer.window.dock_widgets["Cropzoom"]
    assert "was made of another file (square.mp4" in dock["detect"].message.plain
    assert "in the window in step Video" in dock["detect"].message.plain
