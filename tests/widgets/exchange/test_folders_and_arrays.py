"""Folders and HDF5 of other programs in the window: which are taken, and where they are shown."""

import zipfile

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from dropping import drop
from gui_events import canvas_of, needs_display, wait_for
from imports_by_hand import boxes as boxes_of
from imports_by_hand import dialog_of, listed, table
from napari_cropzoom.widgets.exchange.dropped import is_boxes
from outside_files import SECOND
from review_window import window_of

pytestmark = [pytest.mark.gui, needs_display]

N = 12


def boxes(x=10.0, gap=()):
    return boxes_of(N, x, gap)


def yolo(folder):
    """Labels of all frames but one; the first and many more are empty, as before the animal comes."""
    folder.mkdir()
    for frame, (x, y, w, h) in enumerate(boxes(gap=(0, 4)).tolist()):
        line = f"0 {(x + w / 2) / 320:.6f} {(y + h / 2) / 240:.6f} {w / 320:.6f} {h / 240:.6f}\n"
        (folder / f"mouse_{frame + 1}.txt").write_text(line if x == x else "")
    return folder


def idtracker(folder):
    """A session with its trajectories as CSV."""
    place = folder / "trajectories" / "trajectories_csv"
    place.mkdir(parents=True)
    centres = np.column_stack([np.arange(N) / 25, boxes()[:, :2] + [30, 20]]).round(3).tolist()
    table(place / "trajectories.csv", "time,x1,y1", centres)
    return folder


def sleap(path):
    """An analysis file of keypoints."""
    h5py = pytest.importorskip("h5py")
    xy = boxes()[:, None, :2] + np.array([[0, 0], [30, 10], [60, 40]])
    with h5py.File(path, "w") as file:
        file["tracks"] = xy.transpose(2, 1, 0)[None]
        file["track_occupancy"], file["node_names"] = np.ones((N, 1)), ["nose", "body", "tail"]
        file["track_names"] = ["mouse"]
    return path


def idtracker_h5(path):
    """The same as HDF5."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["trajectories"] = boxes()[:, None, :2] + [30, 20]
        file["id_probabilities"] = np.ones((N, 1))
    return path


@pytest.mark.parametrize(
    ("make", "name", "where", "label", "found"),
    [
        (yolo, "labels", "canvas", "YOLO labels", "class_0: 10 boxes in 12 frames, missing in 0, 4"),
        (yolo, "labels", "dock", "YOLO labels", "class_0: 10 boxes in 12 frames, missing in 0, 4"),
        (idtracker, "session_mouse", "canvas", "idtracker.ai", "animal_1: 12 boxes in 12 frames"),
        (idtracker, "session_mouse", "dock", "idtracker.ai", "animal_1: 12 boxes in 12 frames"),
        (sleap, "poses.h5", "dock", "SLEAP", "mouse: 12 boxes in 12 frames"),
        (sleap, "poses.h5", "canvas", "SLEAP", "mouse: 12 boxes in 12 frames"),
        (sleap, "poses.h5", "napari", "SLEAP", "mouse: 12 boxes in 12 frames"),
        (idtracker_h5, "trajectories.h5", "canvas", "idtracker.ai", "animal_1: 12 boxes in 12 frames"),
    ],
)
def test_folders_and_hdf5_are_shown_where_they_are_dropped(
    opened, window, tmp_path, make, name, where, label, found
):
    path = make(tmp_path / name)
    if where == "napari":  # as by File > Open, with our reader chosen
        window.open(path, plugin="napari-cropzoom")
    else:
        assert drop(canvas_of(window_of(opened)) if where == "canvas" else opened, path) is not None
    dialog = dialog_of(opened)
    assert dialog.format.currentText() == label
    [animal] = listed(dialog)
    assert animal.startswith(found)
    assert dialog.answers.size_row.isVisible() == (make is not yolo)
    dialog.reject()
    wait_for(lambda: opened["boxes"].taking.dialog is None)
    assert not opened.controller.session.has_boxes


def is_taken(dock, where, path):
    """Whether a drop on the dock or the rest of the window is for the steps, not for napari."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(5, 5), action, data, button, Qt.KeyboardModifier.NoModifier)
    return dock.drops.eventFilter(canvas_of(), event) if where == "canvas" else dock.drops.take(event)


@pytest.mark.parametrize("where", ["canvas", "dock"])
def test_a_folder_of_other_things_is_not_taken(opened, tmp_path, where):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes_1.csv").write_text("day,weight\n1,20\n")
    (tmp_path / "notes" / "list_1.txt").write_text("one\n")
    assert not is_taken(opened, where, tmp_path / "notes")


def test_hdf5_that_is_cut_off_is_told_in_one_sentence(opened, tmp_path):
    pytest.importorskip("h5py")
    path = by_its_program(tmp_path, "poses.mv_dlc.h5")
    path.write_bytes(path.read_bytes()[:9000])
    assert drop(canvas_of(window_of(opened)), path) is not None
    taking = opened["boxes"].taking
    wait_for(lambda: taking.dialog is not None and taking.dialog.message.plain)
    said = taking.dialog.message.plain
    assert said.count(path.name) == 1
    assert "Copy" in said


def test_the_canvas_takes_arrays_only_where_they_are_boxes_for_certain(opened, tmp_path):
    """Napari and its plugins read volumes from such files."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "volume.h5", "w") as file:
        file["data"] = np.zeros((4, 8, 8))
    np.savez(tmp_path / "volume.npz", data=np.zeros((4, 8, 8)))
    np.savez(tmp_path / "sam.npz", out_boxes_xywh=np.zeros((N, 1, 4)))
    for path in (tmp_path / "volume.h5", tmp_path / "volume.npz"):
        assert not is_taken(opened, "canvas", path)
    for name in ("poses.mv_dlc.h5", "poses.dlc_table.h5", "poses.analysis.h5"):
        assert is_boxes(by_its_program(tmp_path, name))
    assert is_boxes(tmp_path / "sam.npz")


def by_its_program(folder, name):
    with zipfile.ZipFile(SECOND) as archive:
        archive.extract(name, folder)
    return folder / name
