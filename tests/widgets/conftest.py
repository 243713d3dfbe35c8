import shutil

import numpy as np
import pytest
from qtpy.QtCore import QSettings

from gui_events import delete_now, spin, wait_for
from lpmodels import make_predictions_folder
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.timeline.widget import Timeline
from napari_cropzoom.widgets.training.way_in import add_training
from player_window import N
from review_window import make_review, review_window
from videos import make_numbered_video, write_video

N_FRAMES = 40
WIDTH, HEIGHT = 320, 240


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path):
    """Have the dock remember nothing of the test before."""
    folder = str(tmp_path / "settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


@pytest.fixture(scope="module")
def review_files(tmp_path_factory):
    """A video and its faulty boxes, for all tests of a module."""
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def window(review_files):
    """The review of that video in a window of its own, for all tests of a module; see `begin_again`."""
    with review_window(*review_files) as dock:
        yield dock


@pytest.fixture
def square_path():
    """Centre of a bright square that crosses the video, (T, 2)."""
    t = np.linspace(0, 1, N_FRAMES)
    return np.column_stack([60 + 200 * t, 120 + 40 * np.sin(6 * t)])


@pytest.fixture
def video_file(tmp_path, square_path):
    """A real H.264 file: a bright square on a still background."""
    path = tmp_path / "videos" / "square.mp4"
    path.parent.mkdir()
    background = np.random.default_rng(0).integers(40, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pictures = []
    for x, y in square_path.round().astype(int):
        pictures.append(background.copy())
        pictures[-1][y - 15 : y + 15, x - 15 : x + 15] = 220
    return write_video(path, pictures)


@pytest.fixture
def poses(square_path):
    """Three keypoints on the square; frames 10 to 12 unlikely, frame 20 unknown."""
    offsets = np.array([[-12, -12], [12, 12], [0, 0]], float)
    xy = square_path[:, None] + offsets[None]
    likelihood = np.full(xy.shape[:2], 0.95)
    likelihood[10:13] = 0.3
    xy[20], likelihood[20] = np.nan, np.nan
    return Poses(("nose", "tail", "back"), xy, likelihood)


@pytest.fixture
def model_folder(tmp_path, video_file, poses):
    """A model folder with predictions made before; its checkpoint is only a name."""
    return make_predictions_folder(tmp_path / "models" / "detector", video_file, poses)


@pytest.fixture
def wait(qtbot):
    """Let the window go on until something is true."""

    def wait(condition, timeout=20_000):
        qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    return wait


@pytest.fixture(scope="module")
def player_viewer(shared_viewer):
    """One napari window for a module, with dock and timeline; `player` opens a video in it."""
    dock = CropzoomDock(shared_viewer)
    shared_viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    timeline = Timeline(shared_viewer, dock.controller)
    shared_viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    shared_viewer.window.show()
    dock.window().setGeometry(0, 0, 1400, 900)
    return shared_viewer


@pytest.fixture(scope="module")
def numbered_video(tmp_path_factory):
    """A video whose frames show their numbers."""
    return make_numbered_video(tmp_path_factory.mktemp("video") / "v.mp4", N, size=(320, 240), gop=30)


@pytest.fixture
def player(player_viewer, numbered_video):
    """The player of a timeline in a shown window, the video just opened; no box at 40 to 44."""
    dock, timeline = (player_viewer.window.dock_widgets[name] for name in ("Cropzoom", "Timeline"))
    dock["video"].take(Video(numbered_video))
    boxes = np.tile(np.array([60.0, 60, 80, 80]), (N, 1))
    boxes[40:45] = np.nan
    dock.controller.session.set_raw(boxes, numbered_video.with_suffix(".csv"), Source.DETECTED)
    player_viewer.reset_view()
    player = timeline.player
    player.speed.setCurrentText("1×")
    wait_for(lambda: timeline.model.flags is not None and len(timeline.model.flags.flags) == 1)
    spin(0.6)  # every layer is drawn once
    yield player
    player.playback.stop()
    player.loop.setChecked(False)
    dock.controller.close_session()
    shutil.rmtree(numbered_video.with_name("bboxes_reviewed"), ignore_errors=True)
    spin(0.02)


@pytest.fixture
def viewer(shared_viewer):
    """The module's window without docks and layers."""
    yield shared_viewer
    shared_viewer.window.remove_dock_widget("all")
    shared_viewer.layers.clear()
    delete_now()


@pytest.fixture
def dock(viewer):
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    return dock


@pytest.fixture
def opened(dock, video_file, wait):
    """The dock with the video open."""
    dock["video"].open(video_file)
    wait(lambda: dock.controller.session is not None)
    return dock


@pytest.fixture
def detected(opened, model_folder, wait):
    """The dock with the detector's keypoints loaded and boxes made of them."""
    opened["detect"].choose_model(model_folder)
    opened["detect"].offer.use.click()
    wait(lambda: opened.controller.session.has_boxes)
    return opened


@pytest.fixture
def training_dock(shared_viewer):
    """The dock *Training* in a window of 1280x720."""
    shared_viewer.window.show()
    shared_viewer.window.set_geometry(0, 0, 1280, 720)
    dock = add_training(shared_viewer)
    spin(0.3)
    yield dock
    shared_viewer.window.remove_dock_widget("all")
    shared_viewer.layers.clear()
