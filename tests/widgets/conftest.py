import shutil

import av
import napari
import numpy as np
import pytest
from qtpy.QtCore import QSettings

from gui_events import spin, wait_for
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.predictions_csv import write_predictions
from napari_cropzoom.io.video import Video
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.timeline import Timeline
from player_window import N
from videos import make_numbered_video

N_FRAMES = 40
WIDTH, HEIGHT = 320, 240


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    """Keep what the dock remembers away from the person's own settings."""
    folder = str(tmp_path / "settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


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
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for x, y in square_path.round().astype(int):
            image = background.copy()
            image[y - 15 : y + 15, x - 15 : x + 15] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


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
    folder = tmp_path / "models" / "detector"
    checkpoint = folder / "tb_logs" / "test" / "version_0" / "checkpoints" / "epoch=1-step=2-best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"not a checkpoint")
    (folder / "config.yaml").write_text(
        "data:\n"
        "  image_resize_dims: {height: 128, width: 128}\n"
        "  keypoint_names: [nose, tail, back]\n"
        "model: {model_type: heatmap, model_name: test}\n"
    )
    (folder / "video_preds").mkdir()
    write_predictions(folder / "video_preds" / "square.csv", poses)
    return folder


@pytest.fixture
def wait(qtbot):
    """Let the window go on until something is true."""

    def wait(condition, timeout=20_000):
        qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    return wait


@pytest.fixture(scope="module")
def player_viewer(tmp_path_factory):
    """One napari window for a module, with dock and timeline; `player` opens a video in it."""
    folder = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
    viewer = napari.Viewer(show=False)
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    viewer.window.add_dock_widget(Timeline(viewer, dock.bench), name="Timeline", area="bottom")
    viewer.window.show()
    yield viewer
    dock.bench.close_session()
    viewer.close()


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
    dock.bench.session.set_raw(boxes, numbered_video.with_suffix(".csv"), Source.DETECTED)
    player_viewer.reset_view()
    player = timeline.player
    player.speed.setCurrentText("1×")
    wait_for(lambda: timeline.model.flags is not None and len(timeline.model.flags.flags) == 1)
    spin(0.6)  # every layer is drawn once
    yield player
    player.playback.stop()
    player.loop.setChecked(False)
    dock.bench.close_session()
    shutil.rmtree(numbered_video.with_name("bboxes_reviewed"), ignore_errors=True)
    spin(0.02)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def dock(viewer, qtbot):
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    yield dock
    dock.close_session()
    qtbot.wait(10)


@pytest.fixture
def opened(dock, video_file, wait):
    """The dock with the video open."""
    dock["video"].open(video_file)
    wait(lambda: dock.bench.session is not None)
    return dock


@pytest.fixture
def detected(opened, model_folder, wait):
    """The dock with the detector's keypoints loaded and boxes made of them."""
    opened["detect"].choose_model(model_folder)
    opened["detect"].offer.use.click()
    wait(lambda: opened.bench.session.has_boxes)
    return opened
