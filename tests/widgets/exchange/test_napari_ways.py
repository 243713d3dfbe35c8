"""napari's own ways in and out: readers, writers, layers of a person; and the step Export."""

import numpy as np
import pytest
import yaml
from napari.layers import Shapes
from napari.plugins import _npe2

import napari_cropzoom
from gui_events import needs_display, spin, wait_for
from imports_by_hand import boxes, dialog_of, listed, mot, table, take
from menus import choose_entry, texts
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside_rows import ImportOptions
from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.reader import get_boxes_reader
from napari_cropzoom.widgets.exchange.exporting import facts_of
from napari_cropzoom.widgets.exchange.handing import hand_boxes, hand_centres, hand_keypoints, take_layer

pytestmark = [pytest.mark.gui, needs_display]

N = 12
OURS = [
    "video",
    "detector keypoints",
    "pose keypoints",
    "final boxes (to crop)",
    "other animals",
    "boxes",
]


def poses():
    t = np.arange(N)[:, None]
    xy = np.stack([np.array([30.0, 60]) + 8 * t, np.array([70.0, 90]) + 0 * t], axis=2)
    xy[5, 1] = np.nan
    likelihood = np.where(np.isnan(xy[..., 0]), np.nan, 0.8)
    return Poses(("nose", "tail"), xy, likelihood)


@pytest.fixture
def reviewed(opened, tmp_path):
    """Two animals, one with a gap, and keypoints."""
    session = opened.controller.session
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes(N))
    session.load_boxes(tmp_path / "own" / "mouse_bbox.csv")
    session.add_track("brown", boxes(N, 40, gap=(4, 5)))
    session.select_track("animal")
    session.set_predictions("pose", poses())
    spin(0.1)
    return opened


def final(session):
    return {entry.track.name: entry.final_boxes(session.fill) for entry in session.tracks.with_boxes}


# -- readers


def test_readers_take_boxes_by_their_content(tmp_path):
    good = mot(tmp_path / "a.txt", boxes(N))
    write_bbox_csv(tmp_path / "mouse_bbox.csv", boxes(N))
    assert get_boxes_reader(str(good)) is not None
    assert get_boxes_reader([str(good), str(tmp_path / "mouse_bbox.csv")]) is not None
    other = table(tmp_path / "points.csv", "index,axis-0,axis-1", [(0, 1, 2)])
    notes = tmp_path / "notes.txt"
    notes.write_text("something else\n")
    for path in (other, notes, tmp_path, tmp_path / "missing.csv"):
        assert get_boxes_reader(str(path)) is None
    assert get_boxes_reader([str(good), str(notes)]) is None
    assert get_boxes_reader([]) is None


def test_the_manifest_has_the_patterns_of_all_formats_but_pictures():
    path = napari_cropzoom.__file__.replace("__init__.py", "napari.yaml")
    with open(path) as file:
        reader = yaml.safe_load(file)["contributions"]["readers"][1]
    known = {pattern for each in OUTSIDE for pattern in each.patterns} | {"*.jsonl"}
    assert set(reader["filename_patterns"]) == known - {"*.tif", "*.tiff"}


def test_napari_opens_boxes_after_their_video_in_any_order(dock, window, video, tmp_path):
    paths = [str(mot(tmp_path / "a.txt", boxes(N))), str(video)]
    window.open(paths, plugin="napari-cropzoom")
    assert listed(dialog_of(dock)) == ["animal_1: 12 boxes in 12 frames; confidence 0.90 to 0.90"]
    assert dock.controller.session.video.path == video
    assert [layer.name for layer in window.layers] == [each for each in OURS if each != "other animals"]


def test_napari_opens_boxes_alone_where_a_video_is_open(opened, window, tmp_path):
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes(N))
    assert window.open(str(tmp_path / "own" / "mouse_bbox.csv"), plugin="napari-cropzoom") == []
    wait_for(lambda: opened.controller.session.has_boxes)


def test_without_a_window_it_is_said_what_to_do(tmp_path, monkeypatch):
    path = mot(tmp_path / "a.txt", boxes(N))
    monkeypatch.setattr("napari_cropzoom.widgets.docks.current_viewer", lambda: None)
    with pytest.raises(CropzoomError, match="cropzoom review VIDEO"):
        get_boxes_reader(str(path))(str(path))


# -- writers and the step Export

BY_NAME = {each.name: each for each in (*EXPORTS, *POSE_EXPORTS)}
FILES = [each.name for each in EXPORTS if each.patterns and each.name != "table"]
NEEDS = {"sleap": "sleap_io", "nwb": "pynwb", "movement": "h5py"}


def check_written(name, path, session):
    """That a file holds the whole review: every animal's final boxes, or the keypoints."""
    if name in ("table", "bbox_dir"):
        files = (
            {"animal": path}
            if path.is_file()
            else {n: path / n / "mouse_bbox.csv" for n in final(session)}
        )
        for animal, file in files.items():
            np.testing.assert_array_equal(read_bbox_csv(file, N), final(session)[animal])
        return
    if name in ("lightning_pose", "deeplabcut"):
        np.testing.assert_allclose(read_predictions(path, N).xy, poses().xy, atol=1e-3)
        return
    is_pose = name in ("sleap", "nwb")
    options = ImportOptions(crop_size=20) if is_pose else ImportOptions()
    found = read_outside(path, facts_of(session), options)
    if is_pose:
        assert found.settled.source == "keypoints"
        return
    read = [track.boxes for track in found.settled.tracks]
    for ours, theirs in zip(final(session).values(), read, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=0.01)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_step_writes_every_export(reviewed, tmp_path, name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    step, session = reviewed["export"], reviewed.controller.session
    reviewed.open_step("export")
    step.format.setCurrentIndex(step.format.findData(name))
    suffix = BY_NAME[name].patterns[0].removeprefix("*") if BY_NAME[name].patterns else ""
    target = tmp_path / f"out{suffix}"
    step.export(target)
    wait_for(lambda: step.message.plain)
    assert step.message.plain == f"Exported to {target}"
    check_written(name, target, session)


def test_keypoints_that_are_not_there_are_no_export(opened, tmp_path):
    session = opened.controller.session
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes(N))
    session.load_boxes(tmp_path / "own" / "mouse_bbox.csv")
    spin(0.1)
    step = opened["export"]
    opened.open_step("export")
    step.format.setCurrentIndex(step.format.findData("deeplabcut"))
    step.export(tmp_path / "a.csv")
    assert "Run step Pose or Detect first" in step.message.plain


@pytest.mark.parametrize("layer", ["boxes", "pose keypoints"])
def test_save_selected_layers_writes_the_whole_review(reviewed, window, tmp_path, layer):
    window.layers.selection = {window.layers[layer]}
    _, writers = _npe2.file_extensions_string_for_layers([window.layers[layer]])
    ours = [each for each in writers if each.command.startswith("napari-cropzoom.write_")]
    exports = ("boxes", *FILES) if layer == "boxes" else [each.name for each in POSE_EXPORTS]
    assert sorted(each.command.partition("write_")[2] for each in ours) == sorted(exports)
    for writer in ours:
        name = writer.command.partition("write_")[2]
        if name == "boxes" or name in NEEDS:
            continue
        target = tmp_path / f"{name}{writer.filename_extensions[0]}"
        written, _ = _npe2.write_layers(target, [window.layers[layer]], writer=writer)
        assert written == [str(target)]
        check_written(name, target, reviewed.controller.session)


# -- layers of napari


def test_boxes_go_to_napari_and_come_back(reviewed, window):
    session = reviewed.controller.session
    assert texts(reviewed.menu.napari_menu) == [
        "Hand the boxes to napari as shapes",
        "Hand the centres to napari as tracks",
        "Hand the keypoints to napari as points",
        "Take the chosen layer as boxes …",
    ]
    choose_entry(reviewed.menu.napari_menu, "Hand the boxes")
    layer = window.layers["boxes of brown"]
    assert isinstance(layer, Shapes)
    assert (layer.ndim, layer.nshapes) == (3, N - 2)
    assert "boxes of animal" in window.layers
    session.select_track("brown")
    session.set_box(0, session.track.box(1))
    window.layers.selection.active = layer
    choose_entry(reviewed.menu.napari_menu, "Take the layer boxes of brown")
    dialog = dialog_of(reviewed)
    assert dialog.format.currentText() == "Layer of napari"
    assert listed(dialog) == ["brown: 10 boxes in 12 frames, missing in 4 to 5"]
    assert dialog.where.currentData() == "replace"
    session.undo()
    take(reviewed, dialog)
    wait_for(lambda: session.history.undo_label == "Boxes of boxes of brown" or not len(session.history))
    np.testing.assert_array_equal(session.tracks["brown"].raw, boxes(N, 40, gap=(4, 5)))


def test_centres_and_keypoints_go_to_napari_and_come_back(reviewed, window):
    reviewed.controller.selection = 2, 7
    hand_centres(window)
    hand_keypoints(window)
    points = window.layers["keypoints of the pose model"]
    assert len(points.data) == 2 * 6 - 1
    assert set(points.features["label"]) == {"nose", "tail"}
    window.layers.selection.active = window.layers["centres of boxes"]
    take_layer(window)
    dialog = dialog_of(reviewed)
    assert [each.partition(":")[0] for each in listed(dialog)] == ["animal", "brown"]
    read = dialog._asked.imported.settled.tracks[1].boxes
    np.testing.assert_allclose(read[[2, 3, 6, 7]], boxes(N, 40)[[2, 3, 6, 7]])
    dialog.reject()
    wait_for(lambda: reviewed["boxes"].taking.dialog is None)
    window.layers.selection.active = points
    take_layer(window)
    dialog = dialog_of(reviewed)
    assert dialog.answers.size_row.isVisible()
    dialog.reject()


def test_what_a_person_draws_becomes_an_animal(opened, window):
    rectangle = np.array([[9.5, 19.5], [9.5, 59.5], [39.5, 59.5], [39.5, 19.5]])
    drawn = [np.column_stack([np.full(4, float(frame)), rectangle + frame]) for frame in (0, 6, 11)]
    layer = window.add_shapes(drawn, shape_type="rectangle", name="mine")
    window.layers.selection.active = layer
    take_layer(window)
    dialog = dialog_of(opened)
    assert listed(dialog) == ["mine: 3 boxes in 12 frames, missing in 1 to 5, 7 to 10"]
    take(opened, dialog)
    session = opened.controller.session
    wait_for(lambda: session.has_boxes)
    assert list(session.tracks) == ["mine"]
    assert tuple(session.track.box(6)) == (26, 16, 40, 30)


def test_what_cannot_be_taken_says_why(opened, window):
    with pytest.raises(CropzoomError, match="Choose a layer of shapes"):
        take_layer(window)
    flat = window.add_shapes([np.array([[0, 0], [9, 9]])], name="flat")
    window.layers.selection.active = flat
    with pytest.raises(CropzoomError, match="flat: is no layer of frame, y and x"):
        take_layer(window)
    with pytest.raises(CropzoomError, match="no review with boxes"):
        hand_boxes(window)
