"""Which videos are one recording, by the views that a project knows or by their names."""

import shutil
from pathlib import Path

import pytest

from napari_cropzoom.review.recording import Recording, known_views
from napari_cropzoom.video.index import VideoIndex
from videos import make_numbered_video


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("v") / "v.mp4", 12)


@pytest.fixture(scope="module")
def shorter(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("v") / "v.mp4", 11)


def put(folder: Path, source: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(source, folder / f"{name}.mp4")) for name in names]


def views(recording: Recording) -> dict[str, str]:
    return {view: index.path.stem for view, index in recording.videos.items()}


def test_views_of_a_project_are_those_of_its_file(tmp_path, short, shorter):
    left, right, _ = put(tmp_path / "videos", short, "s 1_left", "s 1_right", "s 2_left")
    put(tmp_path / "videos", shorter, "s 1_top")
    (tmp_path / "project.yaml").write_text("view_names: [top, right, left]\n")
    recording = Recording.of(VideoIndex.scan(left))
    assert views(recording) == {"right": "s 1_right", "left": "s 1_left"}
    assert len(recording.notes) == 1
    assert "s 1_top.mp4 has 11 frames and s 1_left.mp4 12" in recording.notes[0]
    assert recording.view_of(right) == "right"
    assert recording.next(left) == right
    assert recording.next(right, -1) == left
    assert recording.view_of(tmp_path / "v.mp4") is None


def test_views_of_a_model_near_count_where_the_project_says_nothing(tmp_path, short):
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models" / "m" / "config.yaml").write_text("data:\n  view_names: [top2, bot2]\n")
    top, _ = put(tmp_path / "videos", short, "s_top2", "s_bot2")
    assert known_views(top) == ("top2", "bot2")
    assert list(Recording.of(VideoIndex.scan(top)).videos) == ["top2", "bot2"]


def test_names_that_differ_in_one_word_are_views_if_the_frames_are_as_many(tmp_path, short, shorter):
    left, _, _ = put(tmp_path, short, "s1_left", "s1_right", "s2_left")
    put(tmp_path, shorter, "s1_below")
    recording = Recording.of(VideoIndex.scan(left))
    assert views(recording) == {"left": "s1_left", "right": "s1_right"}
    assert recording.notes == ()


def test_most_videos_have_no_other_views(tmp_path, short):
    day1, _, alone = put(tmp_path, short, "mouse_day1", "mouse_day2", "x")
    for video in (day1, alone):
        assert Recording.of(VideoIndex.scan(video)) == Recording()


def test_what_cannot_be_read_is_left_out(tmp_path, short):
    left, _ = put(tmp_path, short, "s1_left", "s1_right")
    (tmp_path / "s1_right.mp4").write_bytes(b"no video")
    (tmp_path / "project.yaml").write_text("view_names: [left, right]\n\tno: yaml")
    recording = Recording.of(VideoIndex.scan(left))
    assert not recording.videos
    assert "s1_right.mp4" in recording.notes[0]
