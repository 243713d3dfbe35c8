import numpy as np
import pytest
from qtpy.QtGui import QColor

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, box_style
from napari_cropzoom.core.scores import harms, told_of_stretch
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.preview import CropPreview, Point, PreviewCanvas, touching_edge

STYLE = box_style(Source.DETECTED, ANIMAL_COLORS[0])


@pytest.fixture
def preview(detected):
    preview = CropPreview(detected.controller.viewer, detected.controller)
    detected.controller.viewer.window.add_dock_widget(preview, name="Crop preview", area="right")
    return preview


@pytest.fixture
def shown(preview, qtbot):
    preview.controller.viewer.window.show()
    qtbot.waitUntil(preview.isVisible)
    return preview


def pixels(canvas):
    image = canvas.grab().toImage()
    return np.array(
        [
            [image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())]
            for y in range(image.height())
        ]
    )


def test_the_padding_is_black_and_the_rest_is_the_frame(qtbot):
    canvas = PreviewCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(122, 122)
    frame = np.full((100, 100, 3), (10, 200, 30), np.uint8)
    canvas.show_crop(frame, Box(-20, 0, 40, 40), (40, 40), [], STYLE)
    seen = pixels(canvas)
    right, left = seen[10:110, 65:110], seen[10:110, 10:55]
    assert np.abs(right - (10, 200, 30)).max() <= 2
    assert left.max() <= 115
    assert (left == 0).mean() > 0.5


def test_a_keypoint_is_where_it_is_in_the_crop(qtbot):
    canvas = PreviewCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(202, 202)
    frame = np.zeros((100, 100, 3), np.uint8)
    point = Point(30, 50, QColor("white"), QColor("white"))
    canvas.show_crop(frame, Box(20, 20, 40, 40), (40, 40), [point], STYLE)
    rows, columns = np.nonzero(pixels(canvas)[5:-5, 5:-5, 0] > 200)
    assert (columns.mean() + 5, rows.mean() + 5) == pytest.approx((51, 151), abs=1.5)


def test_a_box_beyond_the_frame_does_not_break_it(qtbot):
    canvas = PreviewCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(100, 100)
    canvas.show_crop(np.zeros((50, 50, 3), np.uint8), Box(80, 80, 20, 20), (20, 20), [], STYLE)
    canvas.grab()


def test_follows_frame_and_edits(shown, wait):
    session = shown.controller.session
    wait(lambda: shown.caption.text().startswith("Frame 0 · box 48×48"))
    session.set_box(0, Box(-10, 10, 60, 60))
    wait(lambda: "box 60×60" in shown.caption.text())
    assert "outside the frame" in shown.message.plain
    shown.controller.go_to(20)
    wait(lambda: shown.caption.text() == "Frame 20 has no box.")
    assert shown.message.plain == ""


def test_keypoints_of_another_animal_do_not_touch_the_edge(shown):
    session, poses = shown.controller.session, shown.controller.session.detector_poses
    x, y = poses.xy[0].max(axis=0).round()
    far = Box(x + 30, y + 30, 60, 60)
    assert "nose" in touching_edge(session, 0, far)
    session.add_track("white mouse")
    assert touching_edge(session, 0, far) == []
    x, y = poses.xy[0, 0]
    near = Box(round(x) + 4, round(y) - 20, 60, 60)
    assert touching_edge(session, 0, near) == []  # the detector does not tell the animals apart
    session.select_track("animal")
    assert touching_edge(session, 0, near) == ["nose"]
    assert touching_edge(session, 0, far) == []


def test_is_live_while_the_box_is_dragged(shown, wait):
    wait(lambda: "box 48×48" in shown.caption.text())
    shown.controller.layers.box_dragged.emit(Box(30, 30, 80, 80))
    assert "box 80×80" in shown.caption.text()
    assert shown.controller.session.track.box(0).w == 48


def test_says_when_the_animal_touches_the_edge(shown, wait):
    session, poses = shown.controller.session, shown.controller.session.detector_poses
    wait(lambda: "box 48×48" in shown.caption.text())
    assert "touches" not in shown.message.plain
    x, y = poses.xy[0, 0]  # the nose
    session.set_box(0, Box(round(x) + 4, round(y) - 20, 60, 60))
    wait(lambda: "Touches the edge of the box: nose." in shown.message.plain)
    session.set_box(0, Box(round(x) - 4, round(y) - 20, 60, 60))
    wait(lambda: "touches" not in shown.message.plain)
    poses.likelihood[0, 0] = 0.2
    session.set_box(0, Box(round(x) + 4, round(y) - 20, 60, 60))
    wait(lambda: "box 60×60" in shown.caption.text())
    assert "touches" not in shown.message.plain


def test_camera_lock_keeps_the_box_in_the_middle_until_it_is_let_go(shown):
    controller, camera = shown.controller, shown.controller.viewer.scene.camera
    camera.zoom = 3.0
    shown.lock.setChecked(True)
    for frame in (0, 3, 30):
        controller.go_to(frame)
        x, y = controller.session.final_box(frame).center
        assert camera.center[-2:] == pytest.approx((y - 0.5, x - 0.5))
        assert camera.zoom == 3.0
    before = camera.center
    controller.go_to(20)  # no box
    assert camera.center == before
    shown.lock.setChecked(False)
    controller.go_to(5)
    assert camera.center == before


def test_waits_for_the_dock(viewer, qtbot):
    preview = CropPreview(viewer)
    qtbot.addWidget(preview)
    preview.show()
    assert preview.controller is None
    assert "Open the Cropzoom dock" in preview.caption.text()


def test_follows_the_next_dock(shown, detected, qtbot, wait):
    viewer = detected.controller.viewer
    viewer.window.remove_dock_widget(detected)
    assert shown.controller is None
    again = CropzoomDock(viewer)
    viewer.window.add_dock_widget(again, name="Cropzoom")
    wait(lambda: shown.controller is again.controller)
    assert shown.caption.text() == "No video is open."
    viewer.window.remove_dock_widget(again)


def test_a_box_that_is_stretched_in_its_crop_is_told(shown, wait):
    session = shown.controller.session
    session.smoothing = SmoothingSettings("none", 1)
    shown.controller.go_to(5)
    wait(lambda: "Frame 5 " in shown.caption.text())
    assert "tretched" not in shown.message.plain
    session.set_box(5, Box(40, 60, 100, 60))
    wait(lambda: "Stretched" in shown.message.plain)
    assert shown.message.kind == "warning"
    assert "Stretched 1.7 times as high; worse for a model. Shift+S: usual size." in shown.message.plain
    assert told_of_stretch(Box(0, 0, 48, 50), (48, 48), "") == ""
    assert told_of_stretch(Box(0, 0, 250, 284), (280, 280), "") == "Stretched 1.1 times as wide; no harm."
    assert not harms(Box(0, 0, 250, 284), (280, 280))
