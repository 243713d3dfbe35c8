"""The menu Animals in a real window: adding, naming, colours, changing over, swapping."""

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel

from gui_events import drag, needs_display, press_key, spin, wait_for
from menus import choose_entry, texts, type_when_asked
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from review_window import (
    GAP,
    N,
    begin_again,
    faulty_boxes,
)

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


@pytest.fixture
def dock(window):
    return begin_again(window)


def test_an_animal_is_added_named_coloured_chosen_and_removed(dock):
    controller, session, menu = dock.controller, dock.controller.session, dock.menu.animals_menu
    type_when_asked("white")
    choose_entry(menu, "Add an animal …")
    assert list(session.tracks) == ["animal", "white"]
    assert session.current == "white"
    type_when_asked("black")
    choose_entry(menu, "Rename white")
    assert session.current == "black"
    dock.menu.ask_color = lambda color: "#123456"
    choose_entry(menu, "Colour of black")
    assert session.tracks.entry.color == "#123456"
    assert texts(menu)[:2] == ["animal", "black"]
    shown = menu.actions()[1]
    assert shown.isChecked()
    assert QColor(shown.icon().pixmap(15, 15).toImage().pixel(1, 1)).name() == "#123456"
    choose_entry(menu, "animal")
    assert session.current == "animal"
    assert "animal: imported" in controller.viewer.canvas.overlays.text.text
    assert "Remove animal" in texts(menu)
    assert not next(a for a in menu.actions() if a.text() == "Remove animal").isEnabled()
    choose_entry(menu, "black")
    choose_entry(menu, "Remove black")
    assert list(session.tracks) == ["animal"]


def test_a_name_that_will_not_do_is_refused_in_one_line(dock):
    type_when_asked("a/b")
    choose_entry(dock.menu.animals_menu, "Add an animal …")
    message = dock["review"].message
    assert message.plain == "'a/b' cannot name a track: use letters, digits, spaces, - and _."
    assert list(dock.controller.session.tracks) == ["animal"]


def test_an_animal_from_a_file_and_an_error_while_every_step_is_folded(dock, review_files):
    session, menu = dock.controller.session, dock.menu.animals_menu
    other = review_files[1].parent.parent / "other" / "v_bbox.csv"
    write_bbox_csv(other, np.tile([10.0, 20, 30, 40], (N, 1)))
    dock.menu.ask_file = lambda: other
    type_when_asked("other")
    choose_entry(menu, "Add an animal from a file")
    assert session.track.box(5) == Box(10, 20, 30, 40)
    write_bbox_csv(other.with_name("long.csv"), np.tile([10.0, 20, 30, 40], (N + 1, 1)))
    dock.menu.ask_file = lambda: other.with_name("long.csv")
    dock.open_step("")
    type_when_asked("third")
    choose_entry(menu, "Add an animal from a file")
    assert dock.message.isVisible()
    assert "long.csv" in dock.message.plain
    session.set_box(3, HERE)
    assert not dock.message.isVisible()
    session.undo()


def test_the_other_animals_are_thin_in_their_colours_and_a_key_changes_over(dock):
    controller, session = dock.controller, dock.controller.session
    session.add_track("white", np.tile([200.0, 100, 40, 60], (N, 1)))
    session.set_color("white", "#ff0000")
    session.select_track("animal")
    controller.go_to(5)
    spin(0.1)
    layer = controller.viewer.layers["other animals"]
    assert len(layer.data) == 4
    np.testing.assert_allclose(layer.data[:, 0].min(axis=0), (99.5, 199.5))
    np.testing.assert_allclose(layer.data[:, 0].max(axis=0), (159.5, 239.5))
    np.testing.assert_allclose(layer.edge_color[0], (1, 0, 0, 1))
    assert layer.edge_width * controller.viewer.scene.camera.zoom == pytest.approx(1.5, rel=0.1)
    assert controller.layers.boxes.layer.edge_width[0] > layer.edge_width
    press_key("shift+t")
    assert session.current == "white"
    assert controller.viewer.status == "Editing white."
    spin(0.1)
    assert "white: imported" in controller.viewer.canvas.overlays.text.text
    assert controller.layers.boxes.box == Box(200, 100, 40, 60)
    color = QColor(session.tracks.entries["animal"].color).getRgbF()
    np.testing.assert_allclose(layer.edge_color[0], color, atol=1e-3)
    drag(controller.viewer, (130, 220), (140, 240))
    assert session.track.source[5] == Source.MANUAL
    assert session.tracks.entries["animal"].track.source[5] == Source.IMPORTED
    press_key("shift+t")
    assert session.current == "animal"


def test_identities_are_swapped_from_here_on_or_over_the_selection(dock):
    controller, session, menu = dock.controller, dock.controller.session, dock.menu.animals_menu
    raw, still = faulty_boxes(), np.tile([200.0, 100, 40, 60], (N, 1))
    session.add_track("white", still)
    session.select_track("animal")
    controller.go_to(100)
    choose_entry(menu, "Swap with white from frame 100 on")
    np.testing.assert_array_equal(session.tracks["animal"].boxes, np.vstack([raw[:100], still[100:]]))
    np.testing.assert_array_equal(session.tracks["white"].boxes, np.vstack([still[:100], raw[100:]]))
    press_key("ctrl+z")
    np.testing.assert_array_equal(session.tracks["white"].boxes, still)
    controller.selection = GAP
    controller.go_to(GAP[0])
    choose_entry(menu, f"Swap with white in frames {GAP[0]} to {GAP[1]}")
    raw[GAP[0] : GAP[1] + 1] = still[GAP[0] : GAP[1] + 1]
    np.testing.assert_array_equal(session.tracks["animal"].boxes, raw)
    assert session.tracks["white"].is_missing[GAP[0] : GAP[1] + 1].all()


@pytest.mark.parametrize("opened", ["smooth", ""])
def test_an_added_animal_has_the_step_open_that_says_how_it_gets_boxes(dock, opened):
    dock.open_step(opened)
    spin(0.1)
    type_when_asked("white")
    choose_entry(dock.menu.animals_menu, "Add an animal …")
    boxes = dock["boxes"]
    wait_for(lambda: boxes.is_open)
    assert "Draw one in the picture (R), then follow the animal from it (Q)" in boxes.no_keypoints.text()
    wait_for(boxes.no_keypoints.isVisible)
    dock.open_step("review")
    wait_for(lambda: "Draw one in the picture (R)" in dock["review"].reason.text())
    dock.open_step("")  # a person may fold all
    dock.controller.changed.emit()
    spin(0.1)
    assert not any(step.is_open for step in dock.steps.values())


def test_what_a_key_comes_to_is_said_at_the_foot_where_its_step_is_folded(dock):
    line, viewer = dock.findChild(QLabel, "cropzoom_undone"), dock.controller.viewer
    dock.open_step("")
    dock.controller.go_to(GAP[0])
    press_key("q")
    wait_for(lambda: line.text() == "⚠ Set the right box in this frame first, then follow from here.")
    assert line.isVisible()
    assert viewer.status == line.text()
    for said in ("Following: 3 of 9 frames …", "Followed over 9 frames; unsure at frame 19."):
        dock["review"].tracking.status_changed.emit(said)  # as it does once there is a box
        assert line.text() == viewer.status == said  # each in the place of the one before
    dock.controller.session.accept(0, 0)
    wait_for(lambda: not line.text())
