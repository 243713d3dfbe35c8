import numpy as np
import pytest
from napari.utils.interactions import (
    mouse_move_callbacks,
)

from boxes_bench import BOX, Bench
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source


@pytest.fixture
def bench():
    return Bench()


def test_the_box_is_shown_and_selected(bench):
    bench.assert_shows(BOX)
    assert bench.layer.selected_data == {0}
    assert bench.layer.mode == "select"


def test_sources_differ_in_colour_and_anchors_in_width(bench):
    looks = {}
    for source in (Source.DETECTED, Source.IMPORTED, Source.ANCHOR, Source.INTERPOLATED):
        bench.show(BOX, source)
        looks[source] = tuple(bench.layer.edge_color[0]), bench.layer.edge_width[0]
    assert len({color for color, _ in looks.values()}) == 4
    assert looks[Source.ANCHOR][1] == 2 * looks[Source.DETECTED][1]
    bench.show(MISSING_BOX, Source.ABSENT)
    assert bench.layer.nshapes == 0


def test_the_outline_is_as_wide_on_the_screen_at_every_zoom(bench):
    bench.boxes.set_zoom(0.25)
    assert bench.layer.edge_width == [14]
    bench.show(Box(0, 0, 10, 10))
    assert bench.layer.edge_width == [14]


def test_what_is_shown_already_is_not_drawn_again(bench):
    drawn = []
    bench.layer.events.set_data.connect(drawn.append)
    bench.show(BOX)
    bench.show(BOX, frame=1)
    assert drawn == []
    bench.show(Box(1, 2, 4, 4), frame=2)
    assert len(drawn) == 1


def test_one_press_and_drag_moves_the_box(bench):
    bench.layer.selected_data = set()
    bench.drag((25, 40), (30, 45), (35, 57))
    assert bench.edits == [Box(37, 20, 40, 30)]
    bench.assert_shows(Box(37, 20, 40, 30))
    assert bench.layer.selected_data == {0}
    assert bench.dragged == [Box(25, 15, 40, 30), Box(37, 20, 40, 30)]


def test_a_corner_resizes_it(bench):
    bench.drag((39.5, 59.5), (45.5, 65.5), (49.5, 69.5))
    bench.assert_shows(Box(20, 10, 50, 40))


def test_a_moved_box_keeps_its_size_whatever_it_is(bench):
    odd = Box(20.1, 10.7, 33.3, 31)
    bench.show(odd)
    bench.drag((25, 40), (25, 50))
    assert bench.edits == [pytest.approx(Box(30.1, 10.7, 33.3, 31), abs=1e-4)]
    assert bench.edits[0][2:] == odd[2:]


def test_a_click_edits_nothing(bench):
    bench.show(Box(20.1, 10.7, 33.3, 31))
    bench.drag((25, 40))
    bench.drag((25, 40), (25, 40))
    bench.drag((25, 40), (25, 55), (25, 40))
    bench.drag((2, 2))
    assert bench.edits == []
    assert bench.layer.selected_data == {0}


def test_the_rotation_handle_cannot_turn_it(bench):
    handle = bench.layer.interaction_box(0)[-1]
    bench.drag(handle, (0, 20), (-5.5, 39.5))
    bench.assert_shows(Box(25, 5, 30, 40))


def test_vertex_mode_cannot_skew_it(bench):
    bench.layer.mode = "direct"
    bench.drag((9.5, 19.5), (5.5, 9.5))
    bench.assert_shows(Box(10, 6, 50, 34))
    bench.layer.mode = "vertex_remove"
    bench.drag((5.5, 9.5))
    bench.assert_shows(Box(10, 6, 50, 34))


@pytest.mark.parametrize("has_box", [True, False])
def test_a_drawn_box_takes_the_place_of_any_other(bench, has_box):
    if not has_box:
        bench.show(MISSING_BOX)
    bench.layer.mode = "add_rectangle"
    bench.drag((50.5, 60.5), (60.5, 80.5), (70.5, 90.5))
    assert len(bench.edits) == 1
    np.testing.assert_allclose(bench.edits[0], (61, 51, 30, 20), atol=0.01)
    assert bench.layer.mode == "select"
    bench.assert_shows(Box(61, 51, 30, 20))
    assert bench.layer.selected_data == {0}


def test_a_drag_draws_where_there_is_no_box(bench):
    bench.show(MISSING_BOX)
    bench.drag((50.5, 60.5), (60.5, 80.5), (70.5, 90.5))
    assert bench.edits == [Box(61, 51, 30, 20)]
    assert bench.dragged[-1] == Box(61, 51, 30, 20)
    bench.assert_shows(Box(61, 51, 30, 20))


@pytest.mark.parametrize("mode", ["select", "add_rectangle"])
def test_a_click_draws_nothing(bench, mode):
    bench.show(MISSING_BOX)
    bench.layer.mode = mode
    bench.drag((50, 60))
    bench.drag((50, 60), (50.5, 60.5))
    assert bench.edits == []
    assert bench.layer.nshapes == 0


def test_an_ellipse_and_a_polygon_become_boxes(bench):
    bench.layer.add([[0, 0], [0, 30], [20, 30], [20, 0]], shape_type="ellipse")
    bench.layer.add([[0, 0], [0, 50], [40, 10]], shape_type="polygon")
    assert bench.edits == [Box(0.5, 0.5, 30, 20), Box(0.5, 0.5, 50, 40)]
    bench.assert_shows(bench.edits[-1].snapped())


def test_delete_removes_it(bench):
    bench.layer.remove_selected()
    assert bench.edits == [None]
    assert bench.layer.nshapes == 0
    bench.layer.remove_selected()
    assert bench.edits == [None]


def test_a_drag_over_a_change_of_frame_is_dropped(bench):
    bench.drag((25, 40), (30, 50), release=False)
    other = Box(22, 12, 40, 30)
    bench.show(other, frame=1)
    bench.mouse("mouse_move", (60, 60), mouse_move_callbacks)
    bench.release((60, 60))
    assert bench.edits == []
    bench.assert_shows(other)
    bench.drag((25, 40), (25, 50))
    assert bench.edits == [Box(32, 12, 40, 30)]


def test_a_refused_edit_is_undrawn(bench):
    bench.boxes.edited.disconnect()
    bench.drag((25, 40), (35, 57))
    bench.assert_shows(BOX)
    bench.layer.remove_selected()
    bench.assert_shows(BOX)


def test_the_transform_tool_cannot_move_the_layer(bench):
    bench.layer.affine = np.array([[1, 0, 5], [0, 2, 0], [0, 0, 1.0]])
    assert np.array_equal(bench.layer.affine.affine_matrix, np.eye(3))


def test_closed_it_listens_to_nothing(bench):
    bench.boxes.close()
    bench.drag((25, 40), (35, 57))
    assert bench.edits == []
