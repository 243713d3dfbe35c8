"""Drag and drop: names decide, frames stay on disk until they are shown."""

from __future__ import annotations

import inspect
from pathlib import Path

import npe2
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.errors import MultipleReaderError
from napari.settings import get_settings

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.reader import get_reader
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.avi", "a.Mkv", "a.m4v"])
def test_takes_videos_by_name(name: str) -> None:
    assert get_reader(name) is not None
    assert get_reader([name, "b.mp4"]) is not None


@pytest.mark.parametrize("name", ["a.csv", "a.mp4.txt", "mp4", [], ["a.mp4", "b.csv"]])
def test_leaves_the_rest(name: str | list[str]) -> None:
    assert get_reader(name) is None


def test_leaves_folders(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    assert get_reader(str(tmp_path / "folder.mp4")) is None


def decoded(video: Video) -> list[int]:
    """Frames that the video has decoded so far, all of which it keeps."""
    return [i for i in range(video.n_frames) if video.cached(i) is not None]


def test_napari_reads_only_what_it_shows(tmp_path: Path) -> None:
    path = make_numbered_video(tmp_path / "mouse.mp4", 200)
    read = get_reader(str(path))
    assert read is not None
    ((video, settings, kind),) = read(str(path))
    assert kind == "image"
    viewer = ViewerModel()
    layer = viewer.add_image(video, **settings)
    assert len(decoded(video)) < 50
    assert video.cached(123) is None
    assert layer.name == "mouse"
    assert layer.rgb
    assert layer.extent.data[1].tolist() == [199, 63, 95]
    assert tuple(layer.contrast_limits) == (0, 255)
    viewer.dims.set_current_step(0, 123)
    assert video.cached(123) is not None
    assert len(decoded(video)) < 70
    assert read_number(np.asarray(layer.data[123])) == 123
    video.close()


def test_several_videos(tmp_path: Path) -> None:
    paths = [str(make_numbered_video(tmp_path / f"{n}.mkv", 5)) for n in "ab"]
    read = get_reader(paths)
    assert read is not None
    layers = read(paths)
    assert [settings["name"] for _, settings, _ in layers] == ["a", "b"]
    for video, _, _ in layers:
        video.close()


def test_broken_video_says_why(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video")
    read = get_reader(str(path))
    assert read is not None
    with pytest.raises(CropzoomError, match="is not a video"):
        read(str(path))


def test_what_readme_says_of_napari_and_its_own_reader(
    tmp_path: Path, npe2pm: npe2.PluginManager
) -> None:
    """Napari takes its own reader unless it is told; between the two it asks, unless it remembers."""
    for name in ("napari", "napari-cropzoom"):
        npe2pm.register(npe2.PluginManifest.from_distribution(name))
    path = str(make_numbered_video(tmp_path / "mouse.mp4", 5))
    viewer = ViewerModel()
    (named,) = viewer.open(path, plugin="napari-cropzoom")
    assert isinstance(named.data, Video)
    with pytest.raises(MultipleReaderError, match="napari-cropzoom"):
        viewer.open(path, plugin=None)
    settings = get_settings().plugins
    before = dict(settings.extension2reader)
    try:
        settings.extension2reader = {**before, "*.mp4": "napari-cropzoom"}
        (remembered,) = viewer.open(path, plugin=None)
        assert isinstance(remembered.data, Video)
    finally:
        settings.extension2reader = before
    assert inspect.signature(viewer.open).parameters["plugin"].default == "napari"
    for layer in (named, remembered):
        layer.data.close()
