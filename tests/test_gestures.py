"""How many gestures each job takes, by the real mouse and real keys in a real window.

Nothing in the window is set by code while gestures are counted, and `Gestures` counts what the window
system tells the program. The first job's detector is the one by motion, and the sample is an excerpt.
"""

import shutil

import numpy as np
import pandas as pd
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPoint, QRect, QSettings, Qt
from qtpy.QtWidgets import QApplication, QSlider, QWidget

from gestures import agree_to, click, counted, drop, press
from gui_events import (
    canvas_of,
    hands,
    needs_display,
    needs_x11,
    spin,
    wait_for,
    wait_until_still,
)
from hands import usual_hands
from menus import choose
from napari_cropzoom.app import find_dock, open_review
from napari_cropzoom.core.boxes import Box, iou
from napari_cropzoom.core.runs import runs
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.review_paths import reviewed_csv
from napari_cropzoom.review.session import Session
from napari_cropzoom.sample import sample_project
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.docks import DOCK, PREVIEW, TIMELINE, docks_of
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import BESIDE
from videos import excerpt, write_video

pytestmark = [
    pytest.mark.usefixtures("fresh_data"),
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(300),
]
drops = pytest.mark.skipif(usual_hands() != "xdotool", reason="a drop needs the mouse of the desk")

N = 60
HIDDEN = range(30, 34)  # the animal is not seen
WIDTH, HEIGHT, SIDE = 320, 240, 30
FIRST, LAST = 701, 760  # of the sample: an easy stretch
GOOD = 0.8
READER = {"*.mp4": "napari-cropzoom"}


@pytest.fixture(autouse=True)
def as_a_new_user(tmp_path):
    """Nothing is remembered, by the dock or by napari."""
    folder = str(tmp_path / "settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
    get_settings().application.plugin_widget_positions = {}
    get_settings().plugins.extension2reader = {}
    yield
    get_settings().plugins.extension2reader = {}


@pytest.fixture
def viewer(new_viewer):
    """A plain napari."""
    hands().move(*BESIDE)
    viewer = new_viewer()
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1400, 900)
    window = canvas_of().window()
    window.activateWindow()
    wait_for(window.isActiveWindow)
    wait_until_still(window)
    return viewer


def square_path(n):
    """(n, 4) boxes of a square that crosses the picture."""
    t = np.arange(n)
    corner = np.column_stack([40 + 1.5 * t, 105 + 30 * np.sin(t / 20)]).round()
    return np.column_stack([corner, np.full((n, 2), SIDE)])


def square_video(path, boxes, hidden=()):
    """Write a video of a bright square before a still background; in some frames it is hidden."""
    path.parent.mkdir(exist_ok=True)
    background = np.random.default_rng(0).integers(40, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pictures = []
    for frame, (x, y, w, h) in enumerate(boxes.astype(int)):
        pictures.append(background.copy())
        if frame not in hidden:
            pictures[-1][y : y + h, x : x + w] = 220
    return write_video(path, pictures)


@pytest.fixture
def truth():
    return square_path(N)


@pytest.fixture
def video(tmp_path, truth):
    return square_video(tmp_path / "videos" / "square.mp4", truth, HIDDEN)


def named(dock, name):
    found = dock.findChild(QWidget, name)
    assert found is not None, name
    return found


def the_dock(viewer):
    """The dock, once a video is open in it."""
    wait_for(lambda: find_dock(viewer) and find_dock(viewer).controller.session)
    return find_dock(viewer)


def middles(boxes):
    return boxes[:, :2] + boxes[:, 2:] / 2


def test_every_press_counts_once_whoever_hears_of_it(viewer):
    """Keys of shortcuts too, which Qt tells no window that they were pressed; moving is no gesture."""
    viewer.add_image(np.zeros((200, 200)))
    with counted() as gestures:
        click(canvas_of())
        place = hands().place()
        hands().press()
        hands().move(place.x() + 40, place.y() + 20)
        hands().release()
        hands().click(2)
        spin(0.2)
        assert dict(gestures.kinds) == {"press": 4}
        press("ctrl+y")  # napari's, for the number of dimensions
        assert viewer.dims.ndisplay == 3
        press("ctrl+y")
        press("n")  # nobody's
        press("shift+n")
        hands().wheel(-2)
        spin(0.2)
        viewer.dims.ndisplay = 2  # by code
    wheel = {"wheel": 2} if usual_hands() == "xdotool" else {}  # Qt's hands turn it in a widget
    assert dict(gestures.kinds) == {"press": 4, "key": 4, **wheel}


@drops
@needs_x11
def test_from_plain_napari_to_the_export(viewer, video, truth):
    """The animal is hidden for a few frames, so that there is something to correct."""
    with counted() as gestures:
        drop(video, canvas_of(), agree_to("Choose reader", "OK"))
        dock = the_dock(viewer)
        session = dock.controller.session
        wait_for(lambda: dock["detect"].is_open)
        click(named(dock, "detect_run"))
        wait_for(lambda: session.has_boxes and dock["review"].is_open, 60)
        missing = np.flatnonzero(np.isnan(session.track.boxes).any(axis=1))
        wait_for(lambda: session.queue())
        press("n")
        press("j")
        click(named(dock, "review_go_on"))
        wait_for(lambda: dock["smooth"].is_open)
        before = session.smoothing.window
        click(named(dock, "smooth_window").findChild(QSlider))
        wait_for(lambda: session.smoothing.window != before)
        click(dock["crop"].header)
        click(named(dock, "crop_run"))
        wait_for(lambda: dock.controller.crop_file and dock["pose"].is_open, 60)
        click(dock["export"].header)
        click(named(dock, "export_copy"))
        wait_for(lambda: "cropzoom crop" in QApplication.clipboard().text())  # boxes of no model
    final = session.final_boxes()
    assert missing.tolist() == list(HIDDEN)
    assert np.abs(middles(session.track.boxes) - middles(truth)).max() < 3
    assert np.abs(middles(final) - middles(truth)).max() < SIDE / 3  # smoothed
    reviewed = reviewed_csv(session.raw_csv, video)
    np.testing.assert_array_equal(read_bbox_csv(reviewed, N), final)
    assert str(reviewed.parent) in QApplication.clipboard().text()
    with Video(dock.controller.crop_file) as crop:
        assert crop.n_frames == N
    assert gestures.count == 11, gestures.kinds


@drops
@needs_x11
def test_dock_timeline_and_preview_are_in_place_by_themselves(viewer, video):
    get_settings().plugins.extension2reader = READER
    with counted() as gestures:
        drop(video, canvas_of())
        opened = gestures.count
        dock = the_dock(viewer)
        wait_for(lambda: set(docks_of(viewer)) == {DOCK, TIMELINE, PREVIEW})
        window = dock.window()
        wait_until_still(window)
    assert opened == 1
    assert gestures.count - opened == 0
    right, below = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
    areas = {DOCK: right, TIMELINE: below, PREVIEW: below}
    places = {}
    for name, widget in docks_of(viewer).items():
        assert not widget.visibleRegion().isEmpty()
        assert window.dockWidgetArea(holder_of(widget)) == areas[name]
        places[name] = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    canvas = canvas_of()
    middle = QRect(canvas.mapTo(window, QPoint(0, 0)), canvas.size())
    assert places[DOCK].left() > middle.right()
    assert min(places[TIMELINE].top(), places[PREVIEW].top()) > middle.bottom()
    assert places[TIMELINE].right() < places[PREVIEW].left()


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """An excerpt of the sample with its models, and the true boxes."""
    pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
    whole, truth = sample_project(), pd.read_csv(sample_project().truth)[FIRST : LAST + 1]
    (tmp_path / "sample_data" / "videos").mkdir(parents=True)
    excerpt(whole.video, tmp_path / "sample_data" / "videos" / whole.video.name, FIRST, LAST)
    for model in (whole.detector, whole.pose):
        outputs = shutil.ignore_patterns("video_preds", "cropped_videos")
        shutil.copytree(model, tmp_path / "sample_data" / "models" / model.name, ignore=outputs)
    monkeypatch.setenv("NAPARI_CROPZOOM_SAMPLE", str(tmp_path / "sample_data"))
    return truth[["x", "y", "w", "h"]].to_numpy()


@pytest.mark.timeout(600)
def test_the_sample_and_its_detector(viewer, sample):
    with counted() as gestures:
        choose(canvas_of().window(), "File", "Open Sample", "Roaming mouse (Cropzoom)")
        dock = the_dock(viewer)
        session = dock.controller.session
        wait_for(lambda: dock["detect"].is_open)
        click(named(dock, "detect_run"))
        wait_for(lambda: session.has_boxes, 500)
    assert session.detector_poses is not None
    from_corner = middles(sample) - session.track.boxes[:, :2]
    is_inside = ((from_corner > 0) & (from_corner < session.track.boxes[:, 2:])).all(axis=1)
    assert is_inside.mean() > 0.9
    assert gestures.count == 4, gestures.kinds


def plant_six(boxes, long):
    """Put two jumps, two gaps and two stretches of large boxes in; the later three may be ``long``."""
    for start, length in ((12, 2), (72, 6 if long else 2)):
        boxes[start : start + length, :2] += (70, -60)
    for start, length in ((26, 4), (88, 10 if long else 4)):
        boxes[start : start + length] = np.nan
    for start, length in ((44, 4), (108, 9 if long else 4)):
        rows = slice(start, start + length)
        centres = middles(boxes[rows])
        boxes[rows, 2:] *= 1.9
        boxes[rows, :2] = centres - boxes[rows, 2:] / 2


@pytest.fixture
def six_faults(tmp_path, request):
    """A video, boxes with six faults, and the true ones; those of a kind may be of another length."""
    truth = square_path(130)
    boxes = truth + np.random.default_rng(3).normal(0, 0.3, truth.shape)
    plant_six(boxes, long=request.param)
    path = tmp_path / "preds" / "square_bbox.csv"
    write_bbox_csv(path, boxes)
    return square_video(tmp_path / "videos" / "square.mp4", truth), path, truth


@pytest.mark.parametrize(
    ("six_faults", "most"), [(False, 9), (True, 12)], indirect=["six_faults"], ids=["pairs", "unlike"]
)
def test_a_queue_of_six_faults(viewer, six_faults, most):
    """Go there, one key corrects; where another fault is of the same kind, a click does it too."""
    video, path, truth = six_faults
    session = open_review(viewer, video, path)
    dock = find_dock(viewer)
    wait_for(lambda: dock["review"].is_open)
    wait_for(lambda: dock["review"].pixels.is_running)
    wait_for(lambda: not dock["review"].pixels.is_running, 120)
    wait_until_still(dock.window())
    bad = ~(iou(session.track.boxes, truth) >= GOOD)
    assert len(runs(bad)) == 6
    assert len(session.queue()) == 6
    with counted() as gestures:
        while session.queue():
            assert gestures.count < most, gestures.kinds
            left = len(session.queue())
            press("n")
            here = next(e for e in session.queue() if e.first <= dock.controller.frame <= e.last)
            press("shift+s" if "larger" in here.reason else "j")
            wait_for(lambda here=here: here not in session.queue())
            alike = dock["review"].alike
            spin(0.3)  # the offer comes with the next change of a state line
            if alike.isVisible():
                click(alike)
                wait_for(lambda left=left: len(session.queue()) < left - 1)
    assert iou(session.track.boxes, truth).min() >= GOOD
    assert gestures.count == most, gestures.kinds


@pytest.fixture
def reviewed(tmp_path, video, truth):
    """The video with a review: one box set by hand, three frames accepted, settings changed."""
    raw = video.parent / "bboxes_motion" / "square_bbox.csv"
    write_bbox_csv(raw, truth)
    session = Session(Video(video))
    session.load_boxes(raw)
    session.set_box(20, Box(60, 60, 40, 40))
    session.accept(30, 32)
    session.save()
    session.close()
    return video


@drops
@needs_x11
def test_reopening_a_reviewed_video(viewer, reviewed):
    """Who has a review has once told napari to remember the reader."""
    get_settings().plugins.extension2reader = READER
    with counted() as gestures:
        drop(reviewed, canvas_of())
        dock = the_dock(viewer)
        session = dock.controller.session
        wait_for(lambda: session.has_boxes and dock["review"].is_open)
    assert session.track.box(20) == Box(60, 60, 40, 40)
    assert dock.controller.frame == 30
    assert len(session.history) == 2
    assert "2 edits. 4 of 60 frames accepted or changed, 1 set by hand;" in dock["review"].message.plain
    assert gestures.count == 1, gestures.kinds
