"""Canvas, timeline, legend and preview draw a box in the same colour and with the same look."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from gui_events import needs_display, picture_of, spin, wait_for
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.looks import (
    ANIMAL_COLORS,
    BOX_LOOKS,
    FILLED,
    MANUAL,
    PROPOSAL,
    RAW,
    SUSPECT,
    readable,
    rgb,
)
from napari_cropzoom.core.timeline.series import State
from napari_cropzoom.widgets.timeline.colors import BOX_ROWS, colors_of
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import GAP, N, make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]

FRAMES = {RAW: 5, MANUAL: 20, FILLED: GAP[0] + 1}
WORDS = {RAW: "as detected", MANUAL: "set by hand", FILLED: "filled"}


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("looks"))) as dock:
        session = dock.controller.session
        session.set_box(FRAMES[MANUAL], Box(60, 90, 40, 30))
        session.fill_gap(*GAP)
        yield dock


@pytest.fixture(params=["dark", "light"])
def dock(window, request):
    viewer = window.controller.viewer
    viewer.theme = request.param
    spin(0.2)
    yield window
    viewer.theme = "dark"


@pytest.fixture(params=ANIMAL_COLORS[:3])
def color(dock, request):
    session = dock.controller.session
    session.set_color(session.current, request.param)
    spin(0.2)
    return request.param


def timeline_of(dock):
    return dock.controller.viewer.window.dock_widgets["Timeline"]


def has_color(picture, color, reach=6):
    """Pixels of a colour."""
    away = np.abs(picture - 255 * np.array(rgb(color))).max(axis=2)
    return int((away < reach).sum())


@pytest.mark.parametrize("look", FRAMES, ids=WORDS.values())
def test_a_box_has_one_look_everywhere(dock, color, look):
    controller, timeline = dock.controller, timeline_of(dock)
    frame = FRAMES[look]
    controller.go_to(frame)
    spin(0.1)
    layer = controller.layers.boxes.layer
    zoom = controller.viewer.scene.camera.zoom
    np.testing.assert_allclose(layer.edge_color[0], (*rgb(color), look.opacity), atol=1e-6)
    assert layer.edge_width[0] * zoom == pytest.approx(look.width, rel=0.1)
    assert layer.face_color[0][3] == pytest.approx(look.fill)

    colors = colors_of(controller.viewer.theme, color)
    shown = readable(color, colors.background)
    wait_for(lambda: timeline.model.series is not None)
    timeline.plot.draw()
    assert timeline.model.series.sources.view(frame, frame, 10)[2].tolist() == [
        controller.session.track.source[frame]
    ]
    image = timeline.plot.box.items[0].image
    cells = image[:, round(frame * image.shape[1] / N)]
    assert image.shape[0] == BOX_ROWS
    line = 1 + 2 * int(look.width / 2)  # whole pixels, as many above as below
    assert (cells[:, 3] == round(255 * look.opacity)).sum() == line
    assert (cells[:, 3] == round(255 * look.fill)).sum() == BOX_ROWS - line
    assert {tuple(cell[:3]) for cell in cells} == {tuple(round(255 * part) for part in rgb(shown))}

    entry = next(each for each in timeline.legend.entries if each.words == WORDS[look])
    assert entry.look == look.in_color(shown)


def test_the_legend_is_drawn_as_it_says(dock, color):
    timeline = timeline_of(dock)
    window_of(dock).resize(1590, 980)
    window_of(dock).resizeDocks([holder_of(timeline)], [420], Qt.Orientation.Vertical)
    wait_for(timeline.legend.isVisible)
    picture = picture_of(timeline.legend)
    shown = readable(color, colors_of(dock.controller.viewer.theme).background)
    inked = {}
    for words, place in timeline.legend.swatches().items():
        area = place.toAlignedRect()
        part = picture[area.top() : area.bottom() + 1, area.left() : area.right() + 1]
        inked[words] = has_color(part, shown, 30)
    assert inked["set by hand"] > inked["as detected"] > inked["final"] > 0
    assert inked["accepted"] == inked["not reviewed"] == inked["proposed"] == 0
    assert inked["edited"] > 0


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("animal", ANIMAL_COLORS)
def test_what_is_not_of_an_animal_is_grey_or_has_a_hue_of_its_own(theme, animal):
    colors = colors_of(theme, animal)
    greys = [colors.background, colors.band, colors.text, colors.faint, colors.likelihood]
    greys += [colors.playhead, colors.selection]
    greys += [colors.states[state] for state in (State.UNSEEN, State.ACCEPTED, State.ABSENT)]
    for grey in greys:
        assert max(rgb(grey)) - min(rgb(grey)) <= 18 / 255, grey
    assert (
        colors.states[State.EDITED]
        == colors.final
        == colors.animal
        == readable(animal, colors.background)
    )
    assert colors.states[State.FLAGGED] == colors.flags[-1] == readable(SUSPECT, colors.background, 3)
    assert colors.proposal == readable(PROPOSAL, colors.background)
    light = colors.state_table()[:, :3] @ [0.3, 0.59, 0.11]
    away = np.abs(np.delete(light, State.FLAGGED) - light[State.FLAGGED])
    assert away.min() > 15  # in grey too


def test_the_preview_is_framed_as_the_box_is(dock, color):
    preview = dock.controller.viewer.window.dock_widgets["Crop preview"]
    inked = {}
    for look, frame in FRAMES.items():
        dock.controller.go_to(frame)
        wait_for(lambda frame=frame: preview.caption.text().startswith(f"Frame {frame} "))
        inked[look] = has_color(picture_of(preview.canvas), color, 30)
    assert inked[MANUAL] > 1.8 * inked[RAW] > 0


def test_a_source_without_a_look_is_no_box():
    assert {*Source} - {*BOX_LOOKS} == {Source.MISSING, Source.ABSENT}
