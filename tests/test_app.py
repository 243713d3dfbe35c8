import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from qtpy.QtCore import QSettings

from napari_cropzoom import open_review
from napari_cropzoom.app import SETTLED, find_dock, settle
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.bbox_csv import write_bbox_csv
from napari_cropzoom.io.predictions_csv import write_predictions


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    folder = str(tmp_path / "settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


@pytest.fixture
def video_file(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for value in range(12):
            image = np.full((120, 160, 3), 20 * value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def boxes_file(tmp_path):
    path = tmp_path / "boxes" / "v_bbox.csv"
    path.parent.mkdir()
    write_bbox_csv(path, np.tile([10.0, 20, 40, 40], (12, 1)))
    return path


@pytest.fixture
def detector(tmp_path):
    folder = tmp_path / "detector"
    checkpoint = folder / "tb_logs" / "t" / "version_0" / "checkpoints" / "a-best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"")
    (folder / "config.yaml").write_text(
        "data:\n  image_resize_dims: {height: 64, width: 64}\n  keypoint_names: [nose, tail]\n"
        "model: {model_type: heatmap, model_name: t}\n"
    )
    (folder / "video_preds").mkdir()
    xy = np.tile([[50.0, 50], [70, 60]], (12, 1, 1))
    write_predictions(folder / "video_preds" / "v.csv", Poses(("nose", "tail"), xy, np.ones((12, 2))))
    write_bbox_csv(folder / "video_preds" / "v_bbox.csv", np.tile([40.0, 35, 40, 40], (12, 1)))
    return folder


def close(viewer, qtbot):
    find_dock(viewer).close_session()
    qtbot.wait(10)


def test_importing_the_package_imports_neither_napari_nor_qt():
    code = (
        "import napari_cropzoom, sys; "
        "raise SystemExit(bool({'napari', 'qtpy', 'numpy', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_layers_docks_and_session(make_napari_viewer, video_file, detector, qtbot):
    viewer = make_napari_viewer()
    session = open_review(viewer, str(video_file), detector=detector)
    names = {layer.name for layer in viewer.layers}
    assert {"video", "boxes", "detector keypoints"} <= names
    assert set(viewer.window.dock_widgets) >= {"Cropzoom", "Crop preview"}
    assert session.track.box(3) == Box(40, 35, 40, 40)
    assert session is find_dock(viewer).bench.session
    assert find_dock(viewer)["review"].is_open
    close(viewer, qtbot)


def test_the_whole_picture_is_in_view(make_napari_viewer, video_file, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    qtbot.wait(300)
    open_review(viewer, video_file)
    canvas = viewer.window._qt_viewer.canvas.native

    def check():
        zoom = viewer.scene.camera.zoom
        assert 0.9 < max(zoom * 160 / canvas.width(), zoom * 120 / canvas.height()) <= 1

    qtbot.waitUntil(check)
    close(viewer, qtbot)


def test_a_window_may_close_before_its_view_is_fitted(make_napari_viewer, video_file, qtbot):
    viewer = make_napari_viewer(show=True)
    open_review(viewer, video_file)
    with qtbot.capture_exceptions() as raised:
        settle(viewer)
        close(viewer, qtbot)
        viewer.close()
        qtbot.wait(3 * SETTLED)
    assert not raised


def test_a_saved_review_goes_on(make_napari_viewer, video_file, boxes_file, qtbot):
    viewer = make_napari_viewer()
    session = open_review(viewer, video_file, bbox=boxes_file)
    session.set_box(4, Box(30, 30, 20, 20))
    session.save()
    again = open_review(viewer, video_file, bbox=boxes_file)
    assert again is not session
    assert again.track.box(4) == Box(30, 30, 20, 20)
    assert again.history.undo_label == "set box of frame 4"
    assert not again.unsaved
    assert again.final_boxes()[4].tolist() == [30, 30, 20, 20]
    close(viewer, qtbot)


def test_bad_input_says_so_and_leaves_the_window_as_it_was(make_napari_viewer, video_file, tmp_path):
    viewer = make_napari_viewer()
    short = tmp_path / "short_bbox.csv"
    write_bbox_csv(short, np.tile([10.0, 20, 40, 40], (11, 1)))
    for arguments in ({"bbox": short}, {"detector": tmp_path}, {"pose": Path("nowhere")}):
        with pytest.raises(CropzoomError):
            open_review(viewer, video_file, **arguments)
    assert len(viewer.layers) == 0
    assert find_dock(viewer) is None
