import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom import open_review
from napari_cropzoom.app import find_dock, settle
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.docks import SETTLED
from videos import make_numbered_video


@pytest.fixture
def video_file(tmp_path):
    return make_numbered_video(tmp_path / "v.mp4", 12, size=(160, 120))


@pytest.fixture
def boxes_file(tmp_path):
    path = tmp_path / "boxes" / "v_bbox.csv"
    path.parent.mkdir()
    write_bbox_csv(path, np.tile([10.0, 20, 40, 40], (12, 1)))
    return path


@pytest.fixture
def detector(tmp_path, video_file):
    xy = np.tile([[50.0, 50], [70, 60]], (12, 1, 1))
    poses = Poses(("nose", "tail"), xy, np.ones((12, 2)))
    folder = make_predictions_folder(tmp_path / "detector", video_file, poses)
    write_bbox_csv(folder / "video_preds" / "v_bbox.csv", np.tile([40.0, 35, 40, 40], (12, 1)))
    return folder


def test_importing_the_package_imports_neither_napari_nor_qt():
    code = (
        "import napari_cropzoom, sys; "
        "raise SystemExit(bool({'napari', 'qtpy', 'numpy', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_layers_docks_and_session(new_viewer, video_file, detector, qtbot):
    viewer = new_viewer()
    session = open_review(viewer, str(video_file), detector=detector)
    names = {layer.name for layer in viewer.layers}
    assert {"video", "boxes", "detector keypoints"} <= names
    assert set(viewer.window.dock_widgets) >= {"Cropzoom", "Crop preview"}
    assert session.track.box(3) == Box(40, 35, 40, 40)
    assert session is find_dock(viewer).controller.session
    assert find_dock(viewer)["review"].is_open


def test_the_whole_picture_is_in_view(new_viewer, video_file, qtbot):
    viewer = new_viewer()
    viewer.window.show()
    viewer.window.resize(1200, 800)
    open_review(viewer, video_file)
    canvas = viewer.window._qt_viewer.canvas.native

    def check():
        zoom = viewer.scene.camera.zoom
        assert 0.9 < max(zoom * 160 / canvas.width(), zoom * 120 / canvas.height()) <= 1

    qtbot.waitUntil(check)


def test_a_window_may_close_before_its_view_is_fitted(new_viewer, video_file, qtbot):
    viewer = new_viewer()
    viewer.window.show()
    open_review(viewer, video_file)
    with qtbot.capture_exceptions() as raised:
        settle(viewer)
        viewer.close()
        qtbot.wait(3 * SETTLED)
    assert not raised


def test_a_saved_review_goes_on(new_viewer, video_file, boxes_file, qtbot):
    viewer = new_viewer()
    session = open_review(viewer, video_file, bbox=boxes_file)
    session.set_box(4, Box(30, 30, 20, 20))
    session.save()
    again = open_review(viewer, video_file, bbox=boxes_file)
    assert again is not session
    assert again.track.box(4) == Box(30, 30, 20, 20)
    assert again.history.undo_label == "set box of frame 4"
    assert not again.unsaved
    assert again.final_boxes()[4].tolist() == [30, 30, 20, 20]


def test_bad_rows_are_missing_boxes_in_the_queue(new_viewer, video_file, boxes_file, qtbot):
    rows = boxes_file.read_text().splitlines()
    rows[5], rows[8] = "4,inf,20,40,40", "7,#REF!,20,40,40"
    boxes_file.write_text("\n".join(rows))
    viewer = new_viewer()
    session = open_review(viewer, video_file, bbox=boxes_file)
    assert session.track.is_missing.nonzero()[0].tolist() == [4, 7]
    assert [each.first for each in session.queue()] == [4, 7]
    said = find_dock(viewer)["review"].message.text()
    assert "2 of 12 rows hold no box that can be used" in said
    assert "line 6" in said


def test_boxes_only_where_the_animal_was_seen_are_opened(new_viewer, video_file, boxes_file):
    boxes_file.write_text("frame,x,y,h,w\n3,10,20,40,40\n5,11,21,40,40\n")
    session = open_review(new_viewer(), video_file, bbox=boxes_file)
    assert (~session.track.is_missing).nonzero()[0].tolist() == [3, 5]


def test_keypoints_are_opened_as_boxes(new_viewer, video_file, detector):
    session = open_review(new_viewer(), video_file, bbox=detector / "video_preds" / "v.csv")
    assert session.track.box(0).w == 40
    assert session.raw_csv == video_file.parent / "bboxes_keypoints" / "v_bbox.csv"


BROKEN = {
    "keypoints": ("video_preds/v.csv", "x\n1\n"),
    "boxes": ("video_preds/v_bbox.csv", ",x,y,h,w\n0,1,2,a,4\n"),
    "journal": ("video_preds/bboxes_reviewed/v_journal.jsonl", "nonsense\n"),
    "version": (
        "video_preds/bboxes_reviewed/v_journal.jsonl",
        '{"do":"begin","version":99,"video":"v.mp4","n_frames":12}\n',
    ),
    "model": ("config.yaml", "nothing"),
}


@pytest.mark.parametrize("is_shown", [True, False])
@pytest.mark.parametrize("kind", ["detector", "pose"])
@pytest.mark.parametrize("what", BROKEN)
def test_after_a_refusal_the_window_is_as_it_was_and_may_close_at_once(
    new_viewer, video_file, detector, qtbot, what, kind, is_shown
):
    name, content = BROKEN[what]
    if kind == "pose" and name.split("/")[-1] not in ("v.csv", "config.yaml"):
        pytest.skip("of no use to a pose model")
    (detector / name).parent.mkdir(exist_ok=True)
    (detector / name).write_text(content)
    viewer = new_viewer()
    viewer.add_points(np.zeros((1, 3)), name="mine")
    if is_shown:
        viewer.window.show()
    before = ([layer.name for layer in viewer.layers], list(viewer.window.dock_widgets), viewer.dims.ndim)
    with qtbot.capture_exceptions() as raised:
        with pytest.raises(CropzoomError, match=Path(name).name):
            open_review(viewer, video_file, **{kind: detector})
        after = (
            [layer.name for layer in viewer.layers],
            list(viewer.window.dock_widgets),
            viewer.dims.ndim,
        )
        viewer.close()
        qtbot.wait(3 * SETTLED)
    assert after == before
    assert not raised


def test_a_refusal_leaves_the_review_that_is_open(new_viewer, video_file, boxes_file, detector, tmp_path):
    viewer = new_viewer()
    session = open_review(viewer, video_file, bbox=boxes_file)
    session.set_box(4, Box(30, 30, 20, 20))
    other = make_numbered_video(tmp_path / "other.mp4", 8, size=(160, 120))
    (detector / "video_preds" / "other.csv").write_text("x\n1\n")
    layers = list(viewer.layers)
    with pytest.raises(CropzoomError, match=r"other\.csv"):
        open_review(viewer, other, detector=detector)
    assert find_dock(viewer).controller.session is session
    assert list(viewer.layers) == layers
    session.set_box(5, Box(30, 30, 20, 20))
    assert open_review(viewer, video_file, bbox=boxes_file).track.manual_frames().tolist() == [4, 5]


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_window_may_close_right_after_it_has_opened(
    new_viewer, video_file, boxes_file, qtbot, is_shown
):
    viewer = new_viewer()
    if is_shown:
        viewer.window.show()
    with qtbot.capture_exceptions() as raised:
        open_review(viewer, video_file, bbox=boxes_file)
        viewer.close()
        qtbot.wait(3 * SETTLED)
    assert not raised


def test_bad_input_says_so_and_leaves_the_window_as_it_was(new_viewer, video_file, tmp_path):
    viewer = new_viewer()
    short = tmp_path / "short_bbox.csv"
    write_bbox_csv(short, np.tile([10.0, 20, 40, 40], (11, 1)))
    for arguments in ({"bbox": short}, {"detector": tmp_path}, {"pose": Path("nowhere")}):
        with pytest.raises(CropzoomError):
            open_review(viewer, video_file, **arguments)
    assert len(viewer.layers) == 0
    assert find_dock(viewer) is None
