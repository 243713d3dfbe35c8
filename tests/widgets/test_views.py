"""Two views of one recording in a real window: pictures of the other one, and changing to it."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QSettings

from gui_events import (
    canvas_of,
    hands,
    napari_window,
    needs_display,
    picture_of,
    press_key,
    spin,
    wait_for,
)
from napari_cropzoom.app import find_dock, open_review
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.widgets.docks import PREVIEW, docks_of
from napari_cropzoom.widgets.views.strip import ViewButton
from review_window import BESIDE, SIZE, click_on, window_of
from videos import make_numbered_video, read_number

pytestmark = [pytest.mark.gui, needs_display]

N = 40
BOXES = {"left": (20, 30, 60, 50), "right": (120, 90, 80, 70)}


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> dict[str, Path]:
    """Videos of two views and their raw boxes, where a model would have left them."""
    root = tmp_path_factory.mktemp("recording")
    (root / "project.yaml").write_text("view_names: [left, right]\n")
    videos = {}
    for view, box in BOXES.items():
        videos[view] = root / "videos" / f"s1_{view}.mp4"
        videos[view].parent.mkdir(exist_ok=True)
        make_numbered_video(videos[view], N, size=(320, 240), gop=10)
        write_bbox_csv(root / "boxes" / f"s1_{view}_bbox.csv", np.tile(np.array(box, float), (N, 1)))
    return videos


@pytest.fixture(scope="module")
def dock(recording, tmp_path_factory):
    """The review of the left view in a window."""
    settings = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, settings)
    with napari_window() as viewer:
        hands().move(*BESIDE)
        open_review(viewer, recording["left"], raw_of(recording, "left"))
        viewer.window.show()
        dock = find_dock(viewer)
        window_of(dock).setGeometry(0, 0, *SIZE)
        wait_for(lambda: canvas_of(window_of(dock)).isVisible())
        window_of(dock).activateWindow()
        yield dock


def raw_of(recording: dict[str, Path], view: str) -> Path:
    return recording[view].parents[1] / "boxes" / f"s1_{view}_bbox.csv"


def saved_of(recording: dict[str, Path], view: str) -> np.ndarray:
    return read_bbox_csv(raw_of(recording, view).parent / "bboxes_reviewed" / f"s1_{view}_bbox.csv")


def button(dock, view: str, frame: int) -> ViewButton:
    """The picture of another view, once it shows a frame."""
    preview = docks_of(dock.controller.viewer)[PREVIEW]

    def found() -> ViewButton | None:
        shown = preview.findChild(ViewButton, f"view_{view}")
        is_there = shown is not None and shown.isVisible() and shown.picture is not None
        return shown if is_there and shown.picture.frame == frame else None

    wait_for(found)
    return found()


def arrive(dock, view: str, frame: int) -> None:
    """Wait until a view is open with its boxes, at a frame."""

    def state() -> tuple[str, bool, int]:
        session = dock.controller.session
        stem = "" if session is None else session.video.path.stem
        return stem, session is not None and session.has_boxes, dock.controller.frame

    with contextlib.suppress(AssertionError):
        wait_for(lambda: state() == (f"s1_{view}", True, frame), 60)
    assert state() == (f"s1_{view}", True, frame), str(dock.controller.viewer.status)


def test_two_views_are_reviewed_side_by_side(dock, recording):
    controller = dock.controller
    arrive(dock, "left", 0)
    controller.go_to(7)
    other = button(dock, "right", 7)
    assert read_number(other.picture.image) == 7
    ((box, style),) = other.picture.boxes
    assert box == Box(*BOXES["right"])
    pixels, area = picture_of(other), other.area()
    scale = area.width() / 320
    x, y = area.x() + (120 + 40) * scale, area.y() + 90 * scale  # the middle of the upper edge
    edge = pixels[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3, :3].astype(int)
    wanted = np.array(style.rgba[:3]) * 255
    assert np.abs(edge - wanted).max(axis=2).min() < 40

    controller.session.set_box(7, Box(10, 10, 40, 40))
    click_on(other)
    arrive(dock, "right", 7)
    assert saved_of(recording, "left")[7].tolist() == [10, 10, 40, 40]
    controller.session.set_box(8, Box(100, 100, 60, 60))
    back = button(dock, "left", 7)
    assert back.picture.boxes[0][0] == Box(10, 10, 40, 40)
    assert controller.session.raw_csv == raw_of(recording, "right")

    controller.go_to(9)
    press_key("shift+Next")
    arrive(dock, "left", 9)
    assert controller.session.track.source[7] == Source.MANUAL
    assert len(controller.session.history) == 1
    assert saved_of(recording, "right")[8].tolist() == [100, 100, 60, 60]
    assert dock["review"].is_open


def test_nothing_is_shown_where_there_is_no_other_view(dock, tmp_path):
    alone = make_numbered_video(tmp_path / "alone.mp4", 12)
    preview = docks_of(dock.controller.viewer)[PREVIEW]
    wait_for(lambda: preview.views.isVisible())
    dock["video"].open(alone)
    wait_for(lambda: dock.controller.session and dock.controller.session.video.path == alone, 60)
    wait_for(lambda: not preview.views.isVisible(), 60)
    spin(0.3)
    press_key("shift+Next")
    wait_for(lambda: "No other view of this video is known." in str(dock.controller.viewer.status))
