"""The dock *Projects*: a table of the videos of a project, with how far each is.

Object names: ``projects_open``, ``projects_recent``, ``projects_again``, ``projects_path``,
``projects_empty``, ``projects_filter``, ``projects_wanted``, ``projects_videos``,
``projects_models``, ``projects_count``, ``projects_details``, ``projects_previous``, ``projects_next``,
``projects_message``; those of the run are in :mod:`.run_form`. File dialogs have ways round them:
``dock.open_project(folder)``, ``dock.open_video(path)``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.words import counted
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.states import VideoState
from napari_cropzoom.widgets.controls import (
    CutLabel,
    Message,
    PathLabel,
    breakable,
    button,
    choice,
    delayed,
    note,
    recent,
    row,
)
from napari_cropzoom.widgets.projects.models import ModelTable
from napari_cropzoom.widgets.projects.opening import VideoOpener
from napari_cropzoom.widgets.projects.project_dock import ProjectDock
from napari_cropzoom.widgets.projects.reading import ProjectReader
from napari_cropzoom.widgets.projects.run_form import RunForm
from napari_cropzoom.widgets.projects.table import FILTERS, VideoTable, described
from napari_cropzoom.widgets.shortcuts_dialog import key_text
from napari_cropzoom.widgets.window.second_press import SecondPress

if TYPE_CHECKING:
    import napari.viewer

EMPTY = (
    "Open the folder of a Lightning Pose project, or any folder with videos in it. Each video is listed "
    "with how far it is: detected, boxes, reviewed, cropped, posed. A double click opens it for review."
)
SECONDS_BETWEEN = 5.0  # in which coming back to the window reads the project once
DETAIL_LINES = 4


class ProjectsDock(ProjectDock):
    """Every video of a project with how far it is.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Whose *Cropzoom* dock opens the videos.

    Attributes
    ----------
    project : Project or None
    table : VideoTable
    models : ModelTable
    reader : ProjectReader
    opener : VideoOpener
    training_asked : Signal
        The dock *Training* is to come, with this project.
    """

    training_asked = Signal()

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("projects_dock")
        self.setWindowTitle("Projects")
        self._again_later = delayed(self, self.read_again, 300)
        self._read_at = 0.0
        self._is_missed = False  # what came while the project was read
        self.reader = ProjectReader(self)
        self._lay_out()
        SecondPress(self).watch(self)
        self.reader.found.connect(self._on_found)
        self.reader.states.connect(self._on_states)
        self.reader.ended.connect(self._on_read)
        self.reader.failed.connect(self._on_failed)
        self.opener = VideoOpener(napari_viewer, self)
        self.opener.shown.connect(self._on_shown)
        self.opener.saved.connect(lambda _: self._again_later.start())
        self.opener.asked.connect(self.go)
        self._show_state()

    # ---- for a person and for scripts ----------------------------------------------------------

    def open_video(self, video: Path) -> None:
        """Open a video of the project for review."""
        if self.project is None:
            return
        self.opener.open(self.project, video, self.table.videos.states.get(video))

    def go(self, direction: int) -> None:
        """Open the next video (1) or the one before (-1), in the order of the table."""
        videos = self.table.in_order()
        if not videos:
            self.message.show_warning("No video is listed. Open a project, or show all videos.")
            return
        current = self.opener.current
        if current in videos:
            place = videos.index(current) + direction
            if not 0 <= place < len(videos):
                end = "last" if direction > 0 else "first"
                self.message.show_info(f"{videos[place - direction].name} is the {end} one on the list.")
                return
        else:
            place = 0 if direction > 0 else len(videos) - 1
        self.message.clear()
        self.open_video(videos[place])

    def close_project(self) -> None:
        """Let go of everything that runs."""
        self.reader.stop()
        self.run_form.release()
        self._again_later.stop()
        super().close_project()

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.open_button = button(
            "Open project…", "projects_open", "A Lightning Pose project, or a folder"
        )
        self.recent = button("Recent", "projects_recent", "Open one of the projects opened before")
        self.recent.setMenu(QMenu(self.recent))
        self.recent.menu().aboutToShow.connect(self._fill_recent)
        self.again = button("Read again", "projects_again", "Look for new videos, and for what was made")
        self.training = button("Training…", "projects_training", "Train detector and pose model")
        self.path_label = PathLabel()
        self.path_label.setObjectName("projects_path")
        self.empty = note(EMPTY, "projects_empty")
        self.filter = QLineEdit()
        self.filter.setObjectName("projects_filter")
        self.filter.setPlaceholderText("Find in names and states")
        self.filter.setClearButtonEnabled(True)
        self.wanted = choice("projects_wanted", "Which videos are shown", FILTERS)
        self.table, self.models = VideoTable(), ModelTable()
        self.run_form = RunForm()
        self.run_form.run.told.connect(self._on_run)
        self.run_form.run.finished_one.connect(lambda _: self._again_later.start())
        self.run_form.results_changed.connect(self.read_again)
        self.count = CutLabel(1, "projects_count")
        self.details = CutLabel(DETAIL_LINES, "projects_details")
        self.previous = button("◀ Previous video", "projects_previous", _help("previous video"))
        self.next = button("Next video ▶", "projects_next", _help("next video"))
        self.message = Message()
        self.message.setObjectName("projects_message")
        videos = QWidget()
        column = QVBoxLayout(videos)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        narrow = QHBoxLayout()
        narrow.addWidget(self.filter, 3)
        narrow.addWidget(self.wanted, 2)
        column.addLayout(narrow)
        column.addWidget(self.table, 1)
        column.addWidget(self.count)
        column.addWidget(self.details)
        column.addLayout(row(self.previous, self.next))
        self.tabs = QTabWidget()
        self.tabs.setObjectName("projects_tabs")
        self.tabs.addTab(videos, "Videos")
        self.tabs.addTab(self.models, "Models")
        self.tabs.addTab(self.run_form, "Run")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(row(self.open_button, self.recent, self.training, stretch=0))
        layout.addLayout(row(self.path_label, self.again, stretch=0))
        for widget in (self.empty, self.message):
            layout.addWidget(widget)
        layout.addWidget(self.tabs, 1)
        layout.addStretch(0)
        self._spare = layout.count() - 1
        self.open_button.clicked.connect(self.browse)
        self.again.clicked.connect(self.read_again)
        self.training.clicked.connect(self.training_asked)
        self.filter.textChanged.connect(self._on_filter)
        self.wanted.currentIndexChanged.connect(self._on_filter)
        self.table.opened.connect(self._on_double_click)
        self.table.chosen.connect(self._show_details)
        self.previous.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))

    def _show_state(self) -> None:
        """Show what there is to show: the table, or what to do."""
        has_project = self.project is not None
        self.empty.setVisible(self._folder is None)
        self.tabs.setVisible(has_project)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.setStretch(self._spare, 0 if has_project else 1)
        self.again.setVisible(has_project)
        self.training.setVisible(has_project)
        self.recent.setEnabled(bool(recent("project")))
        self._show_count()
        self._show_details()

    def _read(self, folder: Path) -> None:
        self._read_at = time.monotonic()
        self.reader.read(folder)
        self._show_count()

    def _look_again(self) -> None:
        self.opener.follow()
        if self.reader.is_reading:
            self._is_missed = True
        elif time.monotonic() - self._read_at > SECONDS_BETWEEN:
            self.read_again()

    def _on_found(self, project: Project) -> None:
        self.take_project(project)
        self.table.show_project(project)
        self.models.show_project(project)
        self.run_form.show_project(project)
        self.tabs.setTabText(0, f"Videos ({len(self.table.videos.videos)})")
        self.tabs.setTabText(1, f"Models ({len(project.models)})")
        if project.notes:
            self.message.show_warning("\n".join(project.notes))
        elif self.message.kind == "error":
            self.message.clear()
        self._show_state()

    def _on_states(self, states: Sequence[VideoState]) -> None:
        self.table.videos.take_states(states)
        self._show_count()
        self._show_details()

    def _on_read(self) -> None:
        self._read_at = time.monotonic()
        if self._is_missed:
            self._is_missed = False
            self._again_later.start()
        self._show_count()

    def _on_double_click(self, video: Path) -> None:
        self.open_video(video)
        self.opener.raise_dock()

    def _on_filter(self) -> None:
        self.table.shown.set_words(self.filter.text())
        self.table.shown.set_wanted(self.wanted.currentData())
        self._show_count()

    def _on_shown(self, video: Path | None) -> None:
        """Mark and select the video that is open now."""
        self.table.videos.mark_opened(video)
        if video is not None and video in self.table.in_order():
            self.table.select([video])

    def _show_count(self) -> None:
        videos, shown = self.table.videos, self.table.shown.rowCount()
        total, known = len(videos.videos), len(videos.states)
        parts = [f"{shown} of {counted(total, 'video')}" if shown < total else counted(total, "video")]
        if self.reader.is_reading and known < total:
            parts.append(f"reading {known} of {total} …")
        else:
            outdated = sum(bool(state.outdated) for state in videos.states.values())
            left = sum(bool(state.suspects_left) for state in videos.states.values())
            parts += [f"{left} with suspects left"] if left else []
            parts += [f"{outdated} out of date"] if outdated else []
        self.count.setText(", ".join(parts))
        for each in (self.previous, self.next):
            each.setEnabled(shown > 0)

    def _on_run(self, video: Path, text: str) -> None:
        self.table.show_runs()
        self.table.videos.take_run(video, text)
        self._show_details()

    def _show_details(self) -> None:
        chosen = self.table.selected()
        self.run_form.show_videos(chosen)
        states = self.table.videos.states
        if len(chosen) == 1 and chosen[0] in states:
            state = states[chosen[0]]
            lines = described(state)
            trouble = [*state.problems, *state.outdated]
            told = [*trouble, *(line for line in lines if line not in trouble)]
            run = self.table.videos.runs.get(chosen[0])
            told = [*([f"last run {run}"] if run else []), *told]
            about = "; ".join(told) or "nothing was made of it yet"
            self.details.setText(breakable(f"{self.table.videos.name_of(chosen[0])}: {about}"))
        else:
            self.details.setText(f"{counted(len(chosen), 'video')} selected" if chosen else "")

    def _fill_recent(self) -> None:
        menu = self.recent.menu()
        menu.clear()
        for path in recent("project"):
            action = menu.addAction(f"{path.name}  ({path.parent})".replace("&", "&&"))
            action.triggered.connect(lambda _=False, path=path: self.open_project(path))


def _help(name: str) -> str:
    shortcut = next(each for each in SHORTCUTS if each.name == name)
    return f"{shortcut.description}, in the order of the table ({key_text(name)})"
