import numpy as np
import pytest
from napari.layers.shapes.shapes import Mode
from napari.utils.interactions import (
    mouse_move_callbacks,
)

from boxes_window import BOX, BoxesWindow
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, rgb


@pytest.fixture
def window():
    return BoxesWindow()


def test_the_box_is_shown_and_selected(window):
    window.assert_shows(BOX)
    assert window.layer.selected_data == {0}
    assert window.layer.mode == "select"


def test_sources_differ_in_look_and_are_of_the_animals_colour(window):
    looks, layer = {}, window.layer
    for source in (Source.DETECTED, Source.MANUAL, Source.INTERPOLATED):
        window.show(BOX, source)
        assert tuple(layer.edge_color[0][:3]) == pytest.approx(rgb(ANIMAL_COLORS[0]))
        looks[source] = layer.edge_width[0], layer.edge_color[0][3], layer.face_color[0][3]
    assert len({*looks.values()}) == 3
    assert looks[Source.MANUAL][0] == 2 * looks[Source.DETECTED][0]
    assert looks[Source.INTERPOLATED][2] > 0 == looks[Source.MANUAL][2]
    window.show(BOX, Source.DETECTED)
    assert layer.face_color[0][3] == 0
    window.show(MISSING_BOX, Source.ABSENT)
    assert window.layer.nshapes == 0


def test_the_outline_is_as_wide_on_the_screen_at_every_zoom(window):
    window.boxes.set_zoom(0.25)
    assert window.layer.edge_width == [14]
    window.show(Box(0, 0, 10, 10))
    assert window.layer.edge_width == [14]


def test_what_is_shown_already_is_not_drawn_again(window):
    drawn = []
    window.layer.events.set_data.connect(drawn.append)
    window.show(BOX)
    window.show(BOX, frame=1)
    assert drawn == []
    window.show(Box(1, 2, 4, 4), frame=2)
    assert len(drawn) == 1


def test_naparis_controls_are_told_of_another_style_once(window):
    """Each telling paints the controls anew, on every step through the video."""
    told = []
    for name in ("current_edge_color", "current_face_color", "edge_width"):
        window.layer.events.emitters[name].connect(lambda event: told.append(event.type))
    window.show(Box(1, 2, 4, 4), frame=2)
    assert told == []
    window.show(Box(2, 2, 4, 4), Source.MANUAL, frame=3)
    assert told == ["edge_width"]  # the colour is the animal's
    window.show(Box(3, 2, 4, 4), Source.FILLED, frame=4)
    assert sorted(told[1:]) == ["current_edge_color", "current_face_color", "edge_width"]
    assert window.layer.current_edge_width == window.layer.edge_width[0]


def test_one_press_and_drag_moves_the_box(window):
    window.layer.selected_data = set()
    window.drag((25, 40), (30, 45), (35, 57))
    assert window.edits == [Box(37, 20, 40, 30)]
    window.assert_shows(Box(37, 20, 40, 30))
    assert window.layer.selected_data == {0}
    assert window.dragged == [Box(25, 15, 40, 30), Box(37, 20, 40, 30)]


def test_a_corner_resizes_it(window):
    window.drag((39.5, 59.5), (45.5, 65.5), (49.5, 69.5))
    window.assert_shows(Box(20, 10, 50, 40))


def test_a_moved_box_keeps_its_size_whatever_it_is(window):
    odd = Box(20.1, 10.7, 33.3, 31)
    window.show(odd)
    window.drag((25, 40), (25, 50))
    assert window.edits == [pytest.approx(Box(30.1, 10.7, 33.3, 31), abs=1e-4)]
    assert window.edits[0][2:] == odd[2:]


def test_a_click_edits_nothing(window):
    window.show(Box(20.1, 10.7, 33.3, 31))
    window.drag((25, 40))
    window.drag((25, 40), (25, 40))
    window.drag((25, 40), (25, 55), (25, 40))
    window.drag((2, 2))
    assert window.edits == []
    assert window.layer.selected_data == {0}


@pytest.mark.parametrize("corner", range(8))
def test_every_handle_that_shows_resizes_the_box(window, corner):
    y, x = window.layer.interaction_box(0)[corner]
    window.drag((y, x), (y + 4, x + 6), (y + 6, x + 10))
    left, top, right, bottom = BOX.x, BOX.y, BOX.x + BOX.w, BOX.y + BOX.h
    left += 10 * (x < left)
    right += 10 * (x > right - 1)
    top += 6 * (y < top)
    bottom += 6 * (y > bottom - 1)
    window.assert_shows(Box(left, top, right - left, bottom - top))


def test_there_is_no_handle_to_turn_it(window):
    handles = window.layer.interaction_box(0)
    assert handles[-1].tolist() in handles[:8].tolist()
    assert handles[:, 0].min() == BOX.y - 0.5
    assert handles[:, 1].min() == BOX.x - 0.5


NO_BOX = sorted({str(mode) for mode in Mode} - {"select", "add_rectangle", "pan_zoom"})


@pytest.mark.parametrize("mode", NO_BOX)
def test_a_tool_that_makes_no_box_is_refused_with_a_word(qtbot, window, mode):
    said = []
    window.boxes.refused.connect(said.append)
    window.layer.mode = mode
    qtbot.waitUntil(lambda: window.layer.mode == "select")
    assert len(said) == 1
    assert "draw one with R" in said[0]
    window.assert_shows(BOX)
    assert window.edits == []


@pytest.mark.parametrize("has_box", [True, False])
def test_a_drawn_box_takes_the_place_of_any_other(window, has_box):
    if not has_box:
        window.show(MISSING_BOX)
    window.layer.mode = "add_rectangle"
    window.drag((50.5, 60.5), (60.5, 80.5), (70.5, 90.5))
    assert len(window.edits) == 1
    np.testing.assert_allclose(window.edits[0], (61, 51, 30, 20), atol=0.01)
    assert window.layer.mode == "select"
    window.assert_shows(Box(61, 51, 30, 20))
    assert window.layer.selected_data == {0}


def test_a_drag_draws_where_there_is_no_box(window):
    window.show(MISSING_BOX)
    window.drag((50.5, 60.5), (60.5, 80.5), (70.5, 90.5))
    assert window.edits == [Box(61, 51, 30, 20)]
    assert window.dragged[-1] == Box(61, 51, 30, 20)
    window.assert_shows(Box(61, 51, 30, 20))


@pytest.mark.parametrize("mode", ["select", "add_rectangle"])
def test_a_click_draws_nothing(window, mode):
    window.show(MISSING_BOX)
    window.layer.mode = mode
    window.drag((50, 60))
    window.drag((50, 60), (50.5, 60.5))
    assert window.edits == []
    assert window.layer.nshapes == 0


def test_an_ellipse_and_a_polygon_become_boxes(window):
    window.layer.add([[0, 0], [0, 30], [20, 30], [20, 0]], shape_type="ellipse")
    window.layer.add([[0, 0], [0, 50], [40, 10]], shape_type="polygon")
    assert window.edits == [Box(0.5, 0.5, 30, 20), Box(0.5, 0.5, 50, 40)]
    window.assert_shows(window.edits[-1].snapped())


def test_delete_removes_it(window):
    window.layer.remove_selected()
    assert window.edits == [None]
    assert window.layer.nshapes == 0
    window.layer.remove_selected()
    assert window.edits == [None]


def test_a_drag_over_a_change_of_frame_is_dropped(window):
    window.drag((25, 40), (30, 50), release=False)
    other = Box(22, 12, 40, 30)
    window.show(other, frame=1)
    window.mouse("mouse_move", (60, 60), mouse_move_callbacks)
    window.release((60, 60))
    assert window.edits == []
    window.assert_shows(other)
    window.drag((25, 40), (25, 50))
    assert window.edits == [Box(32, 12, 40, 30)]


def test_a_refused_edit_is_undrawn(window):
    window.boxes.edited.disconnect()
    window.drag((25, 40), (35, 57))
    window.assert_shows(BOX)
    window.layer.remove_selected()
    window.assert_shows(BOX)


def test_closed_it_listens_to_nothing(window):
    window.boxes.close()
    window.drag((25, 40), (35, 57))
    assert window.edits == []


@pytest.mark.parametrize("box", [BOX, MISSING_BOX])
def test_the_status_bar_has_a_place_and_no_empty_brackets(window, box):
    window.show(box)
    x, y = BOX.center
    told = window.layer.get_status((y, x), world=True)
    assert told["coordinates"].endswith("]")
    assert ": [" not in told["coordinates"]
