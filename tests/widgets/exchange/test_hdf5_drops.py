"""HDF5 of other programs, dropped on a window of napari in which other plugins read such names too."""

import zipfile

import numpy as np
import pytest
from npe2 import DynamicPlugin
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from dropping import drop
from gui_events import canvas_of, needs_display, wait_for
from imports_by_hand import dialog_of, listed
from outside_files import SECOND, SECOND_VIDEO
from review_window import window_of
from videos import make_numbered_video

h5py = pytest.importorskip("h5py")
pytestmark = [pytest.mark.gui, needs_display]

N = SECOND_VIDEO.n_frames


@pytest.fixture(scope="module")
def a_video(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "clip.mp4", N, size=(640, 480))


@pytest.fixture
def rival():
    """Another plugin that reads all files of these names; what it was asked for."""
    asked = []

    def read(path):
        asked.append(path)
        return [(np.zeros((8, 8)), {"name": "of the other plugin"}, "image")]

    with DynamicPlugin("another-reader") as plugin:

        @plugin.contribute.reader(filename_patterns=["*.h5", "*.npz"])
        def get_reader(path):
            return read

        yield asked


def by_its_program(folder, name):
    with zipfile.ZipFile(SECOND) as archive:
        archive.extract(name, folder)
    return folder / name


def idtracker(folder, name):
    """As idtracker.ai writes it: places, and how sure each identity is."""
    with h5py.File(folder / name, "w") as file:
        file["trajectories"] = np.random.default_rng(1).uniform(50, 400, (N, 2, 2))
        file["id_probabilities"] = np.ones((N, 2, 1))
        file.attrs["body_length"] = 40.0
    return folder / name


def sam(folder, name):
    """Outputs of every frame, one animal."""
    boxes = np.tile([0.1, 0.2, 0.25, 0.25], (N, 1, 1))
    np.savez(folder / name, out_boxes_xywh=boxes, out_obj_ids=[1], out_probs=np.full((N, 1), 0.9))
    return folder / name


@pytest.mark.parametrize(
    ("make", "name", "label", "animals"),
    [
        (by_its_program, "poses.mv_dlc.h5", "DeepLabCut HDF5", ["A 1", "zebra-fish"]),
        (idtracker, "trajectories.h5", "idtracker.ai", ["animal_1", "animal_2"]),
    ],
)
def test_they_come_to_the_import_from_the_canvas(opened, tmp_path, rival, make, name, label, animals):
    path = make(tmp_path, name)
    assert drop(canvas_of(window_of(opened)), path) is not None
    dialog = dialog_of(opened)
    assert dialog.format.currentText() == label
    assert [line.partition(":")[0] for line in listed(dialog)] == animals
    assert rival == []


def test_an_archive_of_arrays_does_too(opened, tmp_path, rival):
    assert drop(canvas_of(window_of(opened)), sam(tmp_path, "sam.npz")) is not None
    assert dialog_of(opened).format.currentText() == "SAM boxes"
    assert rival == []


def test_one_that_is_cut_off_is_told_in_one_sentence(opened, tmp_path, rival):
    path = by_its_program(tmp_path, "poses.mv_dlc.h5")
    path.write_bytes(path.read_bytes()[:9000])
    assert drop(canvas_of(window_of(opened)), path) is not None
    taking = opened["boxes"].taking
    wait_for(lambda: taking.dialog is not None and taking.dialog.message.plain)
    said = taking.dialog.message.plain
    assert said.count(path.name) == 1
    assert "Copy" in said
    assert rival == []


def test_others_are_left_to_napari(opened, tmp_path):
    with h5py.File(tmp_path / "volume.h5", "w") as file:
        file["data"] = np.zeros((4, 8, 8))
    np.savez(tmp_path / "volume.npz", data=np.zeros((4, 8, 8)))
    for name in ("volume.h5", "volume.npz"):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
        action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        event = QDropEvent(QPointF(5, 5), action, data, button, Qt.KeyboardModifier.NoModifier)
        assert not opened.drops.eventFilter(canvas_of(window_of(opened)), event)
