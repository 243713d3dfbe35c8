"""A box that moves costs no shader, and everything is drawn as before."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QApplication
from vispy.visuals.shaders import ModularProgram

from napari_cropzoom.canvas.mesh_shaders import keep_mesh_shaders


def drawn(viewer) -> np.ndarray:
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False, size=(400, 400))


def squares(side: float) -> list[np.ndarray]:
    return [np.array([[0, 0], [0, side], [side, side], [side, 0]]) + 10]


def builds(monkeypatch) -> list[ModularProgram]:
    made: list[ModularProgram] = []
    build = ModularProgram._build
    monkeypatch.setattr(ModularProgram, "_build", lambda self: (made.append(self), build(self))[1])
    return made


def test_shapes_and_vectors_that_move_build_no_shader(new_viewer, monkeypatch):
    keep_mesh_shaders()
    viewer = new_viewer()
    viewer.window.show()
    shapes = viewer.add_shapes(squares(20), edge_color="red", face_color="blue")
    vectors = viewer.add_vectors(np.array([[[0, 0], [5, 5]]]), edge_color="red")
    before = drawn(viewer)
    made = builds(monkeypatch)
    for side in (30, 40, 50):
        shapes.data = squares(side)
        vectors.data = np.array([[[0, 0], [side, side]]])
        moved = drawn(viewer)
        assert (moved != before).any()
        before = moved
    assert not made


def test_the_colour_of_a_shape_changes_as_ever(new_viewer):
    keep_mesh_shaders()
    viewer = new_viewer()
    viewer.window.show()
    shapes = viewer.add_shapes(squares(20), edge_color="red", face_color="red")
    viewer.layers.selection.clear()
    red = drawn(viewer)
    shapes.face_color = shapes.edge_color = "lime"
    green = drawn(viewer)
    assert (red[..., 0] > 100).sum() > 1000
    np.testing.assert_array_equal(red[..., 0], green[..., 1])


def test_values_of_a_surface_follow_their_limits(new_viewer):
    keep_mesh_shaders()
    viewer = new_viewer()
    viewer.window.show()
    corners, faces = np.array([[0, 0], [0, 20], [20, 10]]), np.array([[0, 1, 2]])
    surface = viewer.add_surface((corners, faces, np.array([1.0, 1, 1])), contrast_limits=(0, 1))
    viewer.scene.camera.zoom = 10
    white = drawn(viewer)
    surface.contrast_limits = (0, 10)
    grey = drawn(viewer)
    surface.data = (corners, faces, np.array([5.0, 5, 5]))
    lighter = drawn(viewer)
    middles = [int(picture[..., 0].max()) for picture in (white, lighter, grey)]
    assert middles[0] > middles[1] > middles[2]
