"""The dock *Projects* in a real window: open a project, find a video, open it, go on to the next."""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest
from qtpy.QtCore import QSettings, Qt
from qtpy.QtWidgets import QFileDialog, QLabel

from gui_events import hands, needs_display, press_key, spin, wait_for, wait_until_still
from lpmodels import make_predictions_folder
from menus import choose
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.projects.dock import ProjectsDock
from napari_cropzoom.widgets.projects.run_form import NO_DETECTOR, NO_POSE, NO_VIDEOS
from napari_cropzoom.widgets.projects.table import HEADERS, OUTDATED, STATE, WHY, without_what_all_share
from napari_cropzoom.widgets.projects.way_in import add_projects, find_projects
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import click_on
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 30
NEW, REVIEWED, BOXED = "a new.mp4", "b ü [1].mp4", "day 2/c.mp4"


def poses() -> Poses:
    t = np.arange(N, dtype=float)[:, None]
    xy = np.stack([30 + t + [[0, 8]], 30 + 0 * t + [[0, 6]]], axis=2)
    xy[12:14] += 25
    return Poses(("nose", "tail"), xy, np.full((N, 2), 0.9))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    return make_numbered_video(tmp_path_factory.mktemp("video") / "v.mp4", N)


@pytest.fixture
def lab(tmp_path, recorded) -> Path:
    """A project: a video that is new, one that is reviewed, one with boxes in a folder of its own."""
    root = tmp_path / "lab"
    for name in (NEW, REVIEWED, BOXED):
        (root / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recorded, root / "videos" / name)
    folder = make_predictions_folder(root / "models" / "detector", root / "videos" / REVIEWED, poses())
    write_predictions(folder / "video_preds" / "c.csv", poses())
    for name in (REVIEWED, BOXED):
        write_bbox_csv(raw_of(root, name), boxes_from_keypoints(poses(), SizingSettings()))
    correct(root, 12)
    return root


def raw_of(root: Path, name: str) -> Path:
    return root / "models" / "detector" / "video_preds" / f"{Path(name).stem}_bbox.csv"


def correct(root: Path, frame: int, *, save: bool = True) -> None:
    session = Session(Video(root / "videos" / REVIEWED))
    session.load_boxes(raw_of(root, REVIEWED), source=Source.DETECTED)
    session.set_box(frame, Box(20, 20, 30, 30))
    if save:
        session.save()
    session.close()


@pytest.fixture
def dock(shared_viewer, tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    shared_viewer.window.show()
    shared_viewer.window.set_geometry(0, 0, 1280, 720)
    dock = add_projects(shared_viewer)
    spin(0.3)
    yield dock
    shared_viewer.window.remove_dock_widget("all")
    shared_viewer.layers.clear()


def opened(dock: ProjectsDock, lab: Path) -> ProjectsDock:
    dock.open_project(lab)
    wait_for(lambda: dock.project is not None and not dock.reader.is_reading)
    return dock


def cells(dock: ProjectsDock) -> dict[str, list[str]]:
    shown = dock.table.shown
    rows = [
        [str(shown.data(shown.index(row, column))) for column in range(len(HEADERS))]
        for row in range(shown.rowCount())
    ]
    return {row[0]: row[1:] for row in rows}


def click_row(dock: ProjectsDock, name: str, times: int = 1) -> None:
    row = [dock.table.videos.name_of(each) for each in dock.table.in_order()].index(name)
    place = dock.table.visualRect(dock.table.shown.index(row, 0)).center()
    point = dock.table.viewport().mapToGlobal(place)
    dock.window().raise_()
    hands().move(point.x() + 1, point.y())
    hands().move(point.x(), point.y())
    spin(0.15)
    hands().click(times)
    spin(0.15)


def session_of(dock: ProjectsDock, viewer, name: str) -> Session:
    """The session of a video, once it is open with its boxes."""

    def is_open() -> bool:
        found = find_dock(viewer)
        session = None if found is None else found.controller.session
        return session is not None and session.video.path.name == Path(name).name and session.has_boxes

    wait_for(is_open)
    return find_dock(viewer).controller.session


def test_the_menu_opens_the_dock_which_says_what_to_do(shared_viewer, tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path))
    shared_viewer.window.show()
    shared_viewer.window.set_geometry(0, 0, 1280, 720)
    choose(shared_viewer.window._qt_window, "Plugins", "Cropzoom", "Projects")
    wait_for(lambda: find_projects(shared_viewer) is not None)
    dock = find_projects(shared_viewer)
    wait_for(dock.isVisible)
    assert (
        "Open the folder of a Lightning Pose project" in dock.findChild(QLabel, "projects_empty").text()
    )
    assert not dock.tabs.isVisible()
    shared_viewer.window.remove_dock_widget("all")


def test_states_sort_filter_and_what_is_wrong(dock, lab):
    opened(dock, lab)
    assert {name: row[0] for name, row in cells(dock).items()} == {
        NEW: "new",
        REVIEWED: "reviewed",
        BOXED: "boxes",
    }
    assert list(cells(dock)) == [NEW, REVIEWED, BOXED]
    dock.table.sortByColumn(STATE, Qt.SortOrder.DescendingOrder)
    assert list(cells(dock)) == [REVIEWED, BOXED, NEW]
    click_on(dock.filter)
    hands().key("c", "period")
    wait_for(lambda: list(cells(dock)) == [BOXED])
    dock.filter.clear()
    dock.wanted.setCurrentIndex(dock.wanted.findData(OUTDATED))
    assert cells(dock) == {}
    correct(lab, 3, save=False)
    click_on(dock.again)
    wait_for(lambda: list(cells(dock)) == [REVIEWED])
    assert cells(dock)[REVIEWED][WHY - 1] == "edits were made since the review was saved"
    dock.table.select(dock.table.in_order())
    details = dock.details.text().replace("\u200b", "")
    assert "reviewed, smoothed" in details
    assert "edits were made since the review was saved" in details
    assert dock.models.item(0, 1).text() == "detector"


def test_the_buttons_show_their_words_in_a_narrow_dock(dock, lab):
    opened(dock, lab)
    spin(0.2)
    for each in (dock.open_button, dock.recent, dock.training, dock.again):
        assert each.isVisible()
        assert each.width() >= each.sizeHint().width(), each.text()


def test_a_double_click_opens_the_review_and_keys_go_on_with_the_settings_kept(dock, lab, shared_viewer):
    opened(dock, lab)
    click_row(dock, REVIEWED, times=2)
    session = session_of(dock, shared_viewer, REVIEWED)
    cropzoom = find_dock(shared_viewer)
    wait_for(lambda: len(session.history) == 1)
    wait_for(lambda: cropzoom["review"].is_open and cropzoom.isVisible())
    assert cropzoom.controller.detector.path == lab / "models" / "detector"
    session.smoothing = SmoothingSettings("mean", 7)
    session.save()
    press_key("ctrl+Next")
    later = session_of(dock, shared_viewer, BOXED)
    assert later.smoothing == SmoothingSettings("mean", 7)
    assert len(later.history) == 0  # which is no edit
    wait_for(lambda: later.detector_poses is not None)
    assert cropzoom.controller.session is later
    press_key("ctrl+Next")
    wait_for(lambda: "is the last one" in dock.message.plain)
    press_key("ctrl+Prior")
    assert len(session_of(dock, shared_viewer, REVIEWED).history) == 2
    wait_for(lambda: [each.name for each in dock.table.selected()] == [REVIEWED])


def test_a_saved_review_and_a_new_file_are_seen_without_being_asked(
    dock, lab, shared_viewer, recorded, monkeypatch
):
    monkeypatch.setattr("napari_cropzoom.widgets.projects.dock.SECONDS_BETWEEN", 0)
    opened(dock, lab)
    dock.open_video(lab / "videos" / BOXED)
    session = session_of(dock, shared_viewer, BOXED)
    session.set_box(12, Box(20, 20, 30, 30))
    session.save()
    wait_for(lambda: cells(dock)[BOXED][0] == "reviewed")
    shutil.copy(recorded, lab / "videos" / "late.mp4")
    other = QLabel("another program")
    other.show()
    other.activateWindow()
    wait_for(other.isActiveWindow)
    dock.window().activateWindow()
    wait_for(lambda: "late.mp4" in cells(dock))
    other.close()


def test_who_comes_back_while_the_project_is_read_has_it_read_once_more(dock, lab):
    """A file may come after its folder was listed."""
    opened(dock, lab)
    wait_for(lambda: not dock.reader.is_reading)
    ended: list[None] = []
    dock.reader.ended.connect(lambda: ended.append(None))
    dock.read_again()
    dock._look_again()
    assert dock.reader.is_reading
    wait_for(lambda: len(ended) == 2)


def test_names_are_told_apart_where_there_is_little_room():
    day = Path("/lab/day 1")
    names = [f"2026-11-{n:02d}_mouse_camera_left.mp4" for n in range(1, 6)]
    videos = {day / name: f"day 1/{name}" for name in names} | {Path("/lab/a.mp4"): "a.mp4"}
    shown = without_what_all_share(videos)
    assert [shown[day / name] for name in names] == [f"…{n:02d}…" for n in range(1, 6)]
    assert shown[Path("/lab/a.mp4")] == "a.mp4"


def test_what_is_no_project_is_said_and_the_next_one_opens(dock, lab, tmp_path):
    (tmp_path / "empty").mkdir()
    dock.open_project(tmp_path / "empty")
    wait_for(lambda: "holds no video and no model" in dock.message.plain)
    assert dock.findChild(QLabel, "projects_empty").isVisible()
    opened(dock, lab)
    assert dock.message.plain == ""
    assert os.fspath(lab) == dock.path_label.text()


def table_of_run(lab: Path) -> dict[str, dict[str, str]]:
    file = lab / "results" / "batch.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as rows:
        return {Path(row["video"]).name: row for row in csv.DictReader(rows)}


@pytest.fixture
def ready(dock, lab) -> ProjectsDock:
    """The run is set to boxes; nothing of it needs a network, since the keypoints are there."""
    shutil.copytree(raw_of(lab, BOXED).parent, lab / "results" / "day 2" / "detector" / "video_preds")
    opened(dock, lab)
    dock.tabs.setCurrentWidget(dock.run_form)
    dock.run_form.take_results(lab / "results")
    dock.run_form.until.setCurrentIndex(dock.run_form.until.findData("boxes"))
    wait_for(lambda: not dock.reader.is_reading)
    return dock


def test_a_run_on_selected_videos_tells_what_became_of_each(ready, lab):
    (lab / "videos" / NEW).write_bytes(b"no video")
    ready.table.select([lab / "videos" / NEW, lab / "videos" / BOXED])
    form = ready.run_form
    assert form.bar.run_button.text() == "Run on 2 videos"
    click_on(form.bar.run_button)
    wait_for(lambda: "Table:" in form.message.plain)
    told = {ready.table.videos.name_of(video): text for video, text in ready.table.videos.runs.items()}
    assert told[NEW].startswith("failed: ")
    assert told[BOXED].startswith("for review: ")  # the animal jumps
    wait_for(
        lambda: {name: row["state"] for name, row in table_of_run(lab).items()}
        == {
            Path(NEW).name: "failed",
            Path(BOXED).name: "for review",
        }
    )
    form.leave.setChecked(False)
    ready.table.select([lab / "videos" / BOXED])
    click_on(form.bar.run_button)
    wait_for(lambda: form.message.plain.startswith("1 video: 1 up to date"))
    assert form.message.kind == "info"
    assert set(table_of_run(lab)) == {Path(NEW).name, Path(BOXED).name}  # the row of before stays


def test_a_run_on_a_cluster_tells_what_became_of_each(ready, lab):
    distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    (lab / "videos" / NEW).write_bytes(b"no video")
    ready.table.select([lab / "videos" / NEW, lab / "videos" / BOXED])
    form = ready.run_form
    form.leave.setChecked(False)
    with distributed.LocalCluster(n_workers=1, dashboard_address=None, silence_logs=50) as cluster:
        form.scheduler.setText(cluster.scheduler_address)
        click_on(form.bar.run_button)
        assert set(ready.table.videos.runs.values()) == {"waiting"}
        wait_for(lambda: "Table:" in form.message.plain)
    told = {ready.table.videos.name_of(video): text for video, text in ready.table.videos.runs.items()}
    assert told[NEW].startswith("failed: ")
    assert told[BOXED] == "up to date"
    wait_for(lambda: set(table_of_run(lab)) == {Path(NEW).name, Path(BOXED).name})


def test_a_run_is_cancelled_and_what_waits_is_not_begun(ready, lab):
    videos = [lab / "videos" / name for name in (NEW, REVIEWED, BOXED)]
    ready.table.select(videos)
    form = ready.run_form
    click_on(form.bar.run_button)
    assert set(ready.table.videos.runs.values()) <= {"waiting", "running"}
    wait_for(form.bar.cancel_button.isVisible)
    wait_until_still(form.bar.cancel_button)  # the bar grows as it begins
    click_on(form.bar.cancel_button)
    wait_for(lambda: form.message.plain.startswith("Cancelled"))
    assert "cancelled" in ready.table.videos.runs.values()
    assert not form.run.is_running
    assert form.bar.run_button.isEnabled()


def test_a_window_that_closes_ends_the_process_of_its_run(ready, lab, new_viewer):
    viewer = new_viewer()
    viewer.window.show()
    dock = opened(add_projects(viewer), lab)
    dock.table.select([lab / "videos" / BOXED])
    dock.run_form.until.setCurrentIndex(dock.run_form.until.findData("boxes"))
    dock.run_form.start()
    wait_for(lambda: dock.run_form.run.pid)
    process = psutil.Process(dock.run_form.run.pid)
    viewer.close()
    wait_for(lambda: not process.is_running())


def test_two_videos_of_one_name_need_a_folder_for_results(dock, lab, recorded):
    (lab / "videos" / "day 3").mkdir()
    shutil.copy(recorded, lab / "videos" / "day 3" / "c.mp4")
    opened(dock, lab)
    form = dock.run_form
    form.until.setCurrentIndex(form.until.findData("boxes"))
    dock.table.select([video for video in dock.table.in_order() if video.name == "c.mp4"])
    form.start()
    assert "Choose a results folder" in form.message.plain
    form.take_results(lab / "out")
    wait_for(lambda: dock.project.output_dir == lab / "out")


def test_a_folder_of_plain_videos_takes_a_model_from_elsewhere_and_says_what_is_missing(
    dock, lab, recorded, tmp_path, monkeypatch
):
    """A folder of no model is refused; a list of another project does not keep the choice."""
    plain = tmp_path / "plain"
    plain.mkdir()
    shutil.copy(recorded, plain / "v.mp4")
    opened(dock, plain)
    form = dock.run_form
    dock.tabs.setCurrentWidget(form)
    assert form.why.isVisible()
    assert form.why.text() == NO_DETECTOR
    folders = [plain, lab / "models" / "detector"]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folders.pop(0)))
    click_on(form.detector.browse)
    assert "config.yaml" in form.message.plain
    assert form.detector.path is None
    click_on(form.detector.browse)
    assert not form.message.isVisible()
    assert form.detector.path == lab / "models" / "detector"
    assert form.why.text() == NO_POSE
    form.until.setCurrentIndex(form.until.findData("boxes"))
    assert form.why.text() == NO_VIDEOS
    dock.table.select(dock.table.in_order())
    assert form.bar.run_button.isEnabled()
    assert not form.why.isVisible()
    detector, other = lab / "models" / "detector", tmp_path / "other"
    dock.read_again()
    wait_for(lambda: not dock.reader.is_reading and form.detector.path == detector)
    shutil.copytree(plain, other)
    dock.open_project(other)
    wait_for(lambda: dock.project.data_dir == other and not dock.reader.is_reading)
    assert form.detector.path is None
    assert form.detector.combo.findData(str(detector)) >= 0


def test_the_dock_lets_go(shared_viewer, lab):
    for _ in range(5):
        dock = add_projects(shared_viewer)
        dock.open_project(lab)
        spin(0.05)
        shared_viewer.window.remove_dock_widget(holder_of(dock))
    assert find_projects(shared_viewer) is None
