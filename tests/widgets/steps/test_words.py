"""Words of the steps: where boxes come from, and every key with its name."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel

from gui_events import needs_display, picture_of, wait_until_still
from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.controls import LineLabel, silent
from napari_cropzoom.widgets.shortcuts_dialog import LABELS_HEAD, ShortcutsDialog, key_text


def test_the_step_boxes_says_where_the_boxes_come_from(opened, tmp_path, wait):
    step, session = opened["boxes"], opened.controller.session
    opened.open_step("boxes")
    assert "Load boxes from a file, or draw them" in step.no_keypoints.text()
    session.set_box(3, Box(10, 10, 40, 40))
    wait(lambda: step.header.state == "✓ 1 box, 39 missing")
    assert "drawn by hand" in step.no_keypoints.text()
    path = tmp_path / "own_bbox.csv"
    write_bbox_csv(path, np.tile([10.0, 20, 30, 40], (40, 1)))
    step.load(path)
    wait(lambda: step.header.state == "✓ 40 boxes")
    wait(lambda: "from a file" in step.no_keypoints.text())
    assert "Load boxes" not in step.no_keypoints.text()


def test_every_key_of_the_table_has_a_name(viewer, qtbot):
    for shortcut in SHORTCUTS:
        assert key_text(shortcut.name), shortcut.key
    dialog = ShortcutsDialog(None)
    qtbot.addWidget(dialog)
    table = dialog.findChild(object, "shortcuts_table")
    rows = [[table.item(row, column).text() for column in (0, 1)] for row in range(table.rowCount())]
    assert all(does for _, does in rows)
    assert [does for key, does in rows if not key] == [LABELS_HEAD]


@pytest.fixture
def shown(opened):
    """The dock as wide as it is in a window of 1280x720."""
    opened.controller.viewer.window.show()
    opened.window().setGeometry(0, 0, 1280, 720)
    wait_until_still(opened)
    return opened


@pytest.mark.gui
@needs_display
def test_a_line_shows_a_part_only_where_it_has_room_at_every_width(shown):
    header = shown["video"].header
    label = header.findChild(LineLabel)
    whole = "✓ 1200 frames · 1280×1024 px"
    header.set_state(whole.removeprefix("✓ "), done=True)
    margins = QLabel.sizeHint(label).width() - label.fontMetrics().horizontalAdvance(QLabel.text(label))
    needed = label.fontMetrics().horizontalAdvance(whole) + margins
    for width in [*range(needed - 15, needed + 15), *range(needed + 15, needed - 15, -1)]:
        label.resize(width, label.height())
        for _ in range(2):  # said again, it stays
            header.set_state(whole.removeprefix("✓ "), done=True)
            assert QLabel.sizeHint(label).width() <= width, "cut at its left"
            if abs(width - needed) > 1:  # Qt rounds
                assert (QLabel.text(label) == whole) == (width > needed), width - needed


@pytest.mark.gui
@needs_display
def test_a_line_that_has_no_room_is_cut_in_the_middle_and_whole_in_the_tooltip(shown):
    header, name = shown["detect"].header, "detector_resnet50_trained_on_1200_frames_of_all_cameras_v7"
    label = header.findChild(LineLabel)
    for text, seen in (
        ("1 of 2 reviewed", "1 of 2 reviewed"),
        ("median, 5 frames · 12.0 → 11.0 px · and more", "median, 5 frames"),
    ):
        header.set_state(text)
        assert header.state == text
        assert QLabel.text(label).startswith(seen)
        assert "…" not in QLabel.text(label)
    header.set_state(f"{name} · 3 keypoints", done=True)
    start, end = QLabel.text(label).split("…")
    assert len(start) > 5
    assert f"✓ {name}".startswith(start)
    assert name.endswith(end)
    assert len(end) > 5
    assert label.toolTip() == header.state == f"✓ {name} · 3 keypoints"
    assert label.fontMetrics().horizontalAdvance(QLabel.text(label)) <= label.contentsRect().width()


@pytest.mark.gui
@needs_display
def test_a_path_that_has_no_room_ends_before_the_edge_of_its_label(shown):
    """Whatever napari's style sheet puts between the edge and the text."""
    shown.open_step("detect")
    shown["detect"].method.setCurrentIndex(0)
    label = shown["detect"].picker.path_label
    label.show()
    wait_until_still(shown)
    for letters in range(30, 60):
        label.set_path(Path("/home", "a" * letters, "models", "detectoW"))
        image = label.grab().toImage()
        edge = {image.pixel(image.width() - 2, row) for row in range(image.height())}
        assert len(edge) == 1, QLabel.text(label)
        assert QLabel.text(label).endswith("toW")


@pytest.mark.gui
@needs_display
def test_a_long_name_on_a_list_is_drawn_with_both_its_ends(shown):
    """What is drawn at the right edge of the box is another name's, where only the end is another."""
    shown.open_step("detect")
    shown["detect"].method.setCurrentIndex(0)
    combo = shown["detect"].picker.combo
    wait_until_still(shown)
    pictures = []
    for end in ("_v7", "_w8"):
        with silent([combo]):
            combo.clear()
            combo.addItem("detector_resnet50_trained_on_1200_frames_of_all_cameras" + end)
        pictures.append(picture_of(combo))
    assert not np.array_equal(*pictures)
