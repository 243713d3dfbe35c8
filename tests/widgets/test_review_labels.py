"""Labels made by review: shown over their images, dragged, accepted and rejected by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from gui_events import drag, hands, move_to, needs_display, press_key, spin, wait_for
from labeled import NAMES, PARTS, make_labeled_project
from napari_cropzoom.app import add_docks
from napari_cropzoom.canvas.label_points import LABELS, PICTURE
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.projects.label_images import read_image
from napari_cropzoom.projects.review_labels.label_review import (
    Counts,
    Verdict,
    count_labels,
    write_label_table,
)
from napari_cropzoom.projects.review_labels.label_table import rows_of
from napari_cropzoom.projects.review_labels.record import record_of, with_review, write_record
from napari_cropzoom.widgets.training.dock import LABELS as LABELS_TAB
from napari_cropzoom.widgets.training.dock import TrainingDock
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import click_on
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

MADE = NAMES[2:5]
"""Images of the project whose labels are taken as made by review, from the surest to the least sure."""


@pytest.fixture
def labels(tmp_path) -> Path:
    """The labels of a project; of three images they were made by review."""
    labels = make_labeled_project(tmp_path / "lab ü [1]") / "CollectedData.csv"
    rows = rows_of(read_predictions_table(labels))
    lines = labels.read_text().splitlines(keepends=True)
    labels.write_text("".join(line for line in lines if not line.startswith(MADE)))
    about = {
        image: {
            "video": "videos/a.mp4",
            "frame": number,
            "box": [30, 30, 60, 60],
            "why": "jumps …",
            "keypoints": {name: [*rows[image][name], 0.9 - 0.1 * number] for name in PARTS[:2]},
            "least": 0.5,
        }
        for number, image in enumerate(MADE)
    }
    write_record(record_of(with_review(labels)), about)
    write_label_table(labels)
    return labels


@pytest.fixture
def dock(training_dock):
    return training_dock


def look(dock: TrainingDock, labels: Path) -> TrainingDock:
    """Open the project, and look at the labels by the button of the step."""
    dock.open_project(labels.parent)
    wait_for(lambda: dock.state.looked.text)
    click_on(dock.lines.buttons["look"])
    wait_for(lambda: dock.looked.current is not None)
    spin(0.2)
    return dock


def is_in_front(dock: TrainingDock) -> bool:
    """Whether no other dock lies over it; raises it once the docks have taken their places."""
    holder_of(dock).raise_()
    spin(0.1)
    return not dock.lines.visibleRegion().isEmpty()


def table(labels: Path) -> dict[str, dict[str, tuple[float, float]]]:
    return rows_of(read_predictions_table(with_review(labels)))


def yx(dock: TrainingDock, name: str) -> tuple[float, float]:
    x, y = dock.looked.review.made[dock.looked.current].xy[name]
    return y, x


def test_keypoints_are_dragged_and_hidden_and_images_accepted_and_rejected(dock, labels, shared_viewer):
    look(dock, labels)
    page, layers = dock.looked, shared_viewer.layers
    assert dock.tabs.currentIndex() == LABELS_TAB
    assert page.current == MADE[2]  # the least sure
    assert "0 of 3 accepted, 3 to look at" in page.told.text()
    assert "not looked at yet" in page.here.text()
    assert "(jumps)" in page.here.text()
    np.testing.assert_array_equal(layers[PICTURE].data, read_image(labels.parent / MADE[2]))
    assert layers[LABELS].shown.tolist() == [True, True, False]
    np.testing.assert_allclose(layers[LABELS].data[0], yx(dock, "nose"))

    y, x = yx(dock, "nose")
    center = np.array(shared_viewer.scene.camera.center)
    drag(shared_viewer, (y, x), (y + 6, x - 9))
    wait_for(lambda: page.review.past)
    assert yx(dock, "nose") == pytest.approx((y + 6, x - 9), abs=0.7)
    np.testing.assert_allclose(layers[LABELS].data[0], yx(dock, "nose"))
    np.testing.assert_array_equal(shared_viewer.scene.camera.center, center)  # the picture stays
    dragged = yx(dock, "nose")
    move_to(shared_viewer, yx(dock, "back"))
    press_key("Delete")
    wait_for(lambda: "back" not in page.review.made[MADE[2]].xy)
    assert not layers[LABELS].shown[1]
    assert "not visible" in page.keypoints.item(1).text()
    assert count_labels(labels) == Counts(3, 0, 0)  # moving is not accepting
    press_key("g")
    wait_for(lambda: page.current == MADE[1])
    press_key("x")
    wait_for(lambda: page.current == MADE[0])
    click_on(page.buttons["accept"])
    wait_for(lambda: "All are looked at" in page.message.plain)
    assert "2 of 3 accepted, 1 rejected" in page.told.text()
    wait_for(lambda: dock.state.looked.text == "2 of 3 accepted, 1 rejected")
    assert dock.lines.states["look"].text().startswith("✓ ")
    assert MADE[1] not in table(labels)
    assert table(labels)[MADE[2]] == {"nose": pytest.approx(dragged[::-1], abs=1e-3)}
    assert set(table(labels)) == {*NAMES} - {MADE[1]}


def test_names_do_not_lie_over_each_other_and_the_mouse_shows_the_one_below(dock, labels, shared_viewer):
    look(dock, labels)
    points = shared_viewer.layers[LABELS]
    y, x = yx(dock, "nose")
    assert list(points.text.values) == ["nose", "back", ""]
    drag(shared_viewer, yx(dock, "back"), (y + 1, x + 1))
    wait_for(lambda: dock.looked.review.past)
    move_to(shared_viewer, (y - 20, x - 20))
    wait_for(lambda: list(points.text.values) == ["nose", "", ""])
    by, bx = yx(dock, "back")
    move_to(shared_viewer, (by + 0.5, bx + 0.5))
    wait_for(lambda: list(points.text.values) == ["", "back", ""])
    shared_viewer.scene.camera.zoom *= 40
    wait_for(lambda: list(points.text.values) == ["nose", "back", ""])


def test_acts_are_taken_back_by_key_and_shown_and_a_press_beside_moves_the_picture(
    dock, labels, shared_viewer
):
    look(dock, labels)
    page = dock.looked
    y, x = yx(dock, "nose")
    center = np.array(shared_viewer.scene.camera.center)
    drag(shared_viewer, (y - 20, x), (y - 14, x))
    assert not page.review.past
    assert not np.array_equal(shared_viewer.scene.camera.center, center)
    drag(shared_viewer, (y, x), (y + 8, x))
    wait_for(lambda: page.review.past)
    press_key("x")
    wait_for(lambda: page.current == MADE[1])
    press_key("ctrl+z")  # goes back to where the act was
    wait_for(lambda: page.current == MADE[2])
    assert page.review.made[MADE[2]].said is Verdict.NOTHING
    press_key("ctrl+z")
    wait_for(lambda: yx(dock, "nose") == (y, x))
    np.testing.assert_allclose(shared_viewer.layers[LABELS].data[0], (y, x))
    assert not page.buttons["undo"].isEnabled()
    press_key("ctrl+shift+z")
    wait_for(lambda: yx(dock, "nose") != (y, x))
    press_key("n")
    wait_for(lambda: page.current == MADE[1])
    press_key("shift+n")
    wait_for(lambda: page.current == MADE[2])
    wait_for(lambda: not page._is_table_old)
    assert set(table(labels)) == {*NAMES}


def test_a_keypoint_comes_back_by_its_tick_and_the_unseen_are_left_out_by_theirs(dock, labels):
    look(dock, labels)
    page = dock.looked
    item = page.keypoints.item(2)  # of which nothing was found
    assert item.checkState() == Qt.CheckState.Unchecked
    viewport = page.keypoints.viewport()
    place = page.keypoints.visualItemRect(item)
    spin(0.2)
    point = viewport.mapToGlobal(place.topLeft())
    hands().move(point.x() + 10, point.y() + place.height() // 2)
    hands().click()
    wait_for(lambda: page.review.made[page.current].xy.get("tail") == (60, 60))  # middle of the box
    click_on(page.unseen)
    wait_for(lambda: not {*MADE} & {*table(labels)})
    assert "3 to look at" in page.told.text()
    click_on(page.unseen)
    wait_for(lambda: {*MADE} <= {*table(labels)})
    wait_for(lambda: table(labels)[page.current].get("tail") == (60, 60))


def test_what_was_said_is_there_again_and_a_video_takes_the_viewer_back(
    dock, labels, shared_viewer, tmp_path
):
    look(dock, labels)
    click_on(dock.looked.buttons["accept"])
    wait_for(lambda: dock.looked.current == MADE[1])
    click_on(dock.looked.close_button)
    assert not shared_viewer.layers
    assert count_labels(labels) == Counts(3, 1, 0)
    dock.tabs.setCurrentIndex(0)
    look(dock, labels)
    assert dock.looked.current == MADE[1]
    assert "1 of 3 accepted, 2 to look at" in dock.looked.told.text()
    assert dock.looked.buttons["undo"].isEnabled()
    video = make_numbered_video(tmp_path / "v.mp4", 12)
    bench = add_docks(shared_viewer)  # which was not there before
    bench["video"].open(video)
    wait_for(lambda: bench.controller.session is not None and dock.looked.review is None)
    assert not {PICTURE, LABELS} & {layer.name for layer in shared_viewer.layers}
    dock.tabs.setCurrentIndex(0)
    wait_for(lambda: is_in_front(dock))
    look(dock, labels)  # and the other way round
    assert bench.controller.session is None
    assert [layer.name for layer in shared_viewer.layers] == [PICTURE, LABELS]
    shared_viewer.layers.remove(LABELS)
    wait_for(lambda: dock.looked.review is None)
    assert not shared_viewer.layers


def test_a_second_window_says_why_it_cannot_change_anything(dock, labels, shared_viewer):
    from napari_cropzoom.projects.review_labels.label_review import LabelReview

    other = LabelReview.read(labels)
    other.start()
    try:
        look(dock, labels)
        assert "open in another window" in dock.looked.message.plain
        assert not dock.looked.buttons["accept"].isEnabled()
        before = yx(dock, "nose")
        drag(shared_viewer, before, (before[0] + 8, before[1]))
        assert yx(dock, "nose") == before
        np.testing.assert_allclose(shared_viewer.layers[LABELS].data[0], before)
    finally:
        other.close()


def test_without_labels_made_by_review_the_step_says_what_makes_them(dock, tmp_path):
    project = make_labeled_project(tmp_path / "plain")
    dock.open_project(project)
    wait_for(lambda: dock.state.boxes.is_done)
    assert "Make labels first (8)." in dock.lines.states["look"].text()
    assert not dock.lines.buttons["look"].isEnabled()
