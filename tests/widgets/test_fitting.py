"""The view is fitted again when the window changes its size, until a person has zoomed."""

import pytest

from gui_events import canvas_of, needs_display, scroll, spin, wait_for
from review_window import make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("fitting"))) as dock:
        yield dock


def filled(dock):
    """How much of the canvas, across or down, the picture takes."""
    canvas, viewer = canvas_of(), dock.controller.viewer
    height, width = viewer.layers["video"].data.shape[1:3]
    zoom = viewer.scene.camera.zoom
    return max(zoom * width / canvas.width(), zoom * height / canvas.height())


def test_until_a_person_zooms_the_picture_stays_whole(dock):
    wait_for(lambda: 0.9 < filled(dock) <= 1)
    for size in ((1100, 760), (1500, 940)):
        window_of(dock).resize(*size)
        wait_for(lambda: 0.9 < filled(dock) <= 1)
    scroll(dock.controller.viewer, (120, 160), 5)
    spin(0.3)
    zoom = dock.controller.viewer.scene.camera.zoom
    window_of(dock).resize(1200, 800)
    spin(0.5)
    assert dock.controller.viewer.scene.camera.zoom == zoom
