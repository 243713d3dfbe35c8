"""Words of the steps: where boxes come from, and every key with its name."""

import numpy as np

from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.shortcuts_dialog import ShortcutsDialog, key_text


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
    assert all(table.item(row, column).text() for row in range(table.rowCount()) for column in (0, 1))
