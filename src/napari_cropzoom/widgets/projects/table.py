"""The videos of a project as a table that is sorted and filtered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QFont, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

from napari_cropzoom.core.words import counted
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.states import STAGES, VideoState

HEADERS = ("Video", "State", "Reviewed", "Why", "Last run")
HELP = (
    "A double click opens a video",
    "The farthest step that was done",
    "Suspects that are settled, of all: told without a look at the pixels, which finds more",
    "What is out of date, or cannot be read",
    "What became of the video in the run below",
)
VIDEO, STATE, REVIEWED, WHY, RUN = range(len(HEADERS))
ANY, LEFT, OUTDATED, TROUBLE = "any", "left", "outdated", "trouble"
FILTERS = {
    ANY: "All videos",
    LEFT: "Suspects left",
    OUTDATED: "Out of date",
    TROUBLE: "Cannot be read",
    **{stage: stage.capitalize() for stage in STAGES},
}
WIDE = 520  # pixels from which the table has room for why
READING = "…"
MOST_IN_FULL = 4  # videos of a folder, whose names are shown in full
SHORT = 4  # letters that are shown though all names have them


class VideoModel(QAbstractTableModel):
    """Videos of a project, their states as far as they are known, and what a run has made of them."""

    def __init__(self) -> None:
        super().__init__()
        self.project: Project | None = None
        self.videos: list[Path] = []
        self.states: dict[Path, VideoState] = {}
        self.runs: dict[Path, str] = {}
        self._names: dict[Path, str] = {}
        self._shown: dict[Path, str] = {}
        self._rows: dict[Path, int] = {}
        self._opened: Path | None = None

    def show_project(self, project: Project | None) -> None:
        """Show the videos of a project; what is known of those that stay is kept."""
        videos = [] if project is None else list(dict.fromkeys(project.videos))
        is_same = project is not None and self.project is not None
        self.project = project
        if is_same and videos == self.videos:
            return
        self.beginResetModel()
        self.videos = videos
        self._rows = {video: row for row, video in enumerate(videos)}
        self._names = short_names(videos)
        self._shown = without_what_all_share(self._names)
        self.states = {video: state for video, state in self.states.items() if video in self._rows}
        self.runs = {video: text for video, text in self.runs.items() if video in self._rows}
        self.endResetModel()

    def take_states(self, states: Iterable[VideoState]) -> None:
        """Show how far videos are."""
        for state in states:
            row = self._rows.get(state.video)
            if row is not None and self.states.get(state.video) != state:
                self.states[state.video] = state
                self._tell(row)

    def take_run(self, video: Path, text: str) -> None:
        """Show how far a run is with a video, or what became of it."""
        if video in self._rows and self.runs.get(video) != text:
            self.runs[video] = text
            self._tell(self._rows[video])

    def name_of(self, video: Path) -> str:
        """Name of a video as seen from the folder that all of them lie in."""
        return self._names.get(video, video.name)

    def mark_opened(self, video: Path | None) -> None:
        """Show which video is open in the window."""
        before, self._opened = self._opened, video
        for each in {before, video}:
            if each is not None and each in self._rows:
                self._tell(self._rows[each])

    def row_of(self, video: Path) -> int | None:
        """Row of a video, None if it is not of the project."""
        return self._rows.get(video)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many videos there are."""
        return 0 if parent is not None and parent.isValid() else len(self.videos)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """See :data:`HEADERS`."""
        return len(HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What the columns are."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return HELP[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text of a cell; what it is sorted by; all that is known in its tooltip."""
        video = self.videos[index.row()]
        state = self.states.get(video)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(video, state, index.column())
        if role == Qt.ItemDataRole.UserRole:
            return self._order(video, state, index.column())
        if role == Qt.ItemDataRole.FontRole and video == self._opened:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            run = [f"last run: {self.runs[video]}"] if video in self.runs else []
            return "\n".join([str(video), *run, *([] if state is None else described(state))])
        return None

    def _text(self, video: Path, state: VideoState | None, column: int) -> str:
        if column == VIDEO:
            return self._shown.get(video, video.name)
        if column == RUN:
            return self.runs.get(video, "").partition(": ")[0]
        if state is None:
            return READING if column == STATE else ""
        if column == STATE:
            return f"⚠ {state.stage}" if state.why else state.stage
        return state.review if column == REVIEWED else state.why

    def _order(self, video: Path, state: VideoState | None, column: int) -> Any:
        if column == VIDEO:
            return self.name_of(video).casefold()
        if column == STATE:
            return -1 if state is None else STAGES.index(state.stage)
        if column == REVIEWED:
            return -1 if state is None or state.suspects_left is None else state.suspects_left
        return self._text(video, state, column).casefold()

    def _tell(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADERS) - 1))


def short_names(videos: Sequence[Path]) -> dict[Path, str]:
    """Names of videos as seen from the folder that all of them lie in, with slashes."""
    try:
        root = os.path.commonpath([video.parent for video in videos])
    except ValueError:  # several drives, or no video
        return {video: video.name for video in videos}
    return {video: os.path.relpath(video, root).replace(os.sep, "/") for video in videos}


def without_what_all_share(names: dict[Path, str]) -> dict[Path, str]:
    """Leave out how the names of a folder all begin and end: what tells them apart needs the room."""
    folders: dict[Path, list[Path]] = {}
    for video in names:
        folders.setdefault(video.parent, []).append(video)
    result = dict(names)
    for videos in folders.values():
        if len(videos) < MOST_IN_FULL:
            continue
        plain = [names[video] for video in videos]
        head = _ends_at_a_word(os.path.commonprefix(plain))
        tail = _ends_at_a_word(os.path.commonprefix([name[len(head) :][::-1] for name in plain]))
        for video, name in zip(videos, plain, strict=True):
            middle = name[len(head) : len(name) - len(tail)]
            if middle:
                result[video] = f"{_dots(head)}{middle}{_dots(tail[::-1])}"
    return result


def _ends_at_a_word(shared: str) -> str:
    return shared[: max((shared.rfind(each) for each in "_-. /"), default=-1) + 1]


def _dots(text: str) -> str:
    return "…" if len(text) > SHORT else text


def described(state: VideoState) -> list[str]:
    """What is known of a video, a line each."""
    lines = []
    if state.n_frames is not None:
        lines.append(counted(state.n_frames, "frame"))
    if state.detected:
        lines.append(f"detected by {', '.join(state.detected)}")
    if state.suspects_left is not None:
        gaps = f", {counted(state.n_missing, 'frame')} without a box" if state.n_missing else ""
        left = counted(state.suspects_left, "suspect")
        lines.append(f"{left} left of {state.suspects}{gaps}, {counted(state.n_edits, 'edit')}")
    made = {"reviewed": state.is_reviewed, "smoothed": state.is_smoothed, "cropped": state.is_cropped}
    if any(made.values()):
        lines.append(", ".join(word for word, is_made in made.items() if is_made))
    if state.posed:
        lines.append(f"pose by {', '.join(state.posed)}")
    return [*lines, *state.problems, *state.outdated]


class Filtered(QSortFilterProxyModel):
    """The rows that have all words of a text in them, and a state that is asked for."""

    def __init__(self, model: VideoModel) -> None:
        super().__init__()
        self._model = model
        self._words: list[str] = []
        self._wanted = ANY
        self.setSortRole(Qt.ItemDataRole.UserRole)
        self.setSourceModel(model)

    def set_words(self, text: str) -> None:
        """Show rows with all of these words."""
        self._words = text.casefold().split()
        self.invalidateFilter()

    def set_wanted(self, wanted: str) -> None:
        """Show rows of a key of :data:`FILTERS`."""
        self._wanted = wanted
        self.invalidateFilter()

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex) -> bool:
        """Whether a row is shown."""
        model = self._model
        state = model.states.get(model.videos[source_row])
        if not self._is_wanted(state):
            return False
        cells = (model.index(source_row, column) for column in range(len(HEADERS)))
        text = " ".join(str(model.data(cell)) for cell in cells).casefold()
        text += " " + model.name_of(model.videos[source_row]).casefold()
        return all(word in text for word in self._words)

    def _is_wanted(self, state: VideoState | None) -> bool:
        if self._wanted == ANY:
            return True
        if state is None:
            return False
        if self._wanted == LEFT:
            return bool(state.suspects_left)
        if self._wanted == OUTDATED:
            return bool(state.outdated)
        return bool(state.problems) if self._wanted == TROUBLE else state.stage == self._wanted


class VideoTable(QTableView):
    """Shows the videos; object name ``projects_videos``.

    Attributes
    ----------
    opened : Signal
        Path of a video that a person wants to open.
    chosen : Signal
        Another selection.
    """

    opened = Signal(object)
    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("projects_videos")
        self.setAccessibleName("Videos of the project")
        self.setTabKeyNavigation(False)  # Tab goes on to what follows, arrows go through the table
        self.videos = VideoModel()
        self.shown = Filtered(self.videos)
        self.setModel(self.shown)
        self.setSortingEnabled(True)
        self.sortByColumn(VIDEO, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(VIDEO, QHeaderView.ResizeMode.Stretch)
        for column, text in ((STATE, "⚠ in review"), (REVIEWED, "Reviewed ▾"), (RUN, "up to date")):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, self.fontMetrics().horizontalAdvance(text) + 8)
        self._has_runs = False
        self._choose_columns()
        self.doubleClicked.connect(self._open)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())

    def resizeEvent(self, event: Any) -> None:
        """Have the columns that there is room for."""
        super().resizeEvent(event)
        self._choose_columns()

    def _choose_columns(self) -> None:
        is_wide = self.width() >= WIDE
        self.setColumnHidden(WHY, not is_wide)
        self.setColumnHidden(RUN, not self._has_runs)
        self.setColumnHidden(REVIEWED, self._has_runs and not is_wide)
        self.horizontalHeader().setSectionResizeMode(WHY, QHeaderView.ResizeMode.Stretch)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the current video with Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def show_project(self, project: Project | None) -> None:
        """Show another project, or the same one again; the selection stays where its videos do."""
        before = self.selected()
        self.videos.show_project(project)
        if before and not self.selected():
            self.select(before)

    def show_runs(self) -> None:
        """Show the column of the run, where there is little room instead of how far the review is."""
        if not self._has_runs:
            self._has_runs = True
            self._choose_columns()

    def in_order(self) -> list[Path]:
        """Videos that are shown, in the order they are shown in."""
        return [self._video(self.shown.index(row, 0)) for row in range(self.shown.rowCount())]

    def selected(self) -> list[Path]:
        """Videos that are selected, in the order they are shown in."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._video(self.shown.index(row, 0)) for row in rows]

    def select(self, videos: Sequence[Path]) -> None:
        """Select videos, as far as they are shown, and scroll to the first."""
        flags = QItemSelectionModel.SelectionFlag
        self.clearSelection()
        for number, video in enumerate(videos):
            row = self.videos.row_of(video)
            index = QModelIndex() if row is None else self.videos.index(row, 0)
            place = self.shown.mapFromSource(index) if index.isValid() else QModelIndex()
            if not place.isValid():
                continue
            self.selectionModel().select(place, flags.Select | flags.Rows)
            if number == 0:
                self.selectionModel().setCurrentIndex(place, flags.NoUpdate)
                self.scrollTo(place)

    def _video(self, index: QModelIndex) -> Path:
        row: int = self.shown.mapToSource(index).row()
        return self.videos.videos[row]

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self._video(index))
