"""What a file of another program would become, shown and asked before anything is taken in.

Object names: ``import_dialog``, ``import_format``, ``import_animals``, ``import_pictures``,
``import_first_frame``, ``import_unit``, ``import_corner``, ``import_by_ratio``, ``import_ratio``,
``import_by_size``, ``import_size``, ``import_scale``, ``import_where``, ``import_folder``,
``import_message``, ``import_ok``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.files.formats.asking import OpenQuestions, ask, in_window, needs_size
from napari_cropzoom.files.formats.importing import Understood, told_of_track
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.files.formats.to_tracks import ImportedTrack
from napari_cropzoom.jobs import Latest
from napari_cropzoom.review.importing import Where, folder_for
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controls import Message, choice, note, silent
from napari_cropzoom.widgets.exchange.answers import Answers
from napari_cropzoom.widgets.exchange.pictures import Pictures, color_of

SWATCH = 12
SIZE = (900, 640)
HIGHEST_LIST = 130
READING = "Reading …"


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a person takes in.

    Attributes
    ----------
    format_name : str
    tracks : tuple of ImportedTrack
    where : {"own", "replace", "add"}
    """

    format_name: str
    tracks: tuple[ImportedTrack, ...]
    where: Where


class ImportDialog(QDialog):
    """Format, animals, answers, pictures; nothing is written before *Import*.

    Parameters
    ----------
    path : Path
    session : Session
    video : VideoFacts
    results : Path
        Folder that imported boxes go into.
    parent : QWidget

    Attributes
    ----------
    reread : Signal
        The file is to be read otherwise: name of a format or None, and cm per pixel or None.
    wanted : Signal
        Sends a :class:`Wanted`.
    """

    reread = Signal(object, object)
    wanted = Signal(object)

    def __init__(
        self, path: Path, session: Session, video: VideoFacts, results: Path, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("import_dialog")
        self.setWindowTitle(f"Boxes of {shortened(path.name, 60)}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE)
        self._video, self._session, self._results = video, session, results
        self._found: Understood | None = None
        self._asked: OpenQuestions | None = None
        self._latest = Latest(self._on_asked, self._on_failed)
        self.format = choice("import_format", "What the file is; recognised by its content")
        for place, each in enumerate(OUTSIDE):
            self.format.addItem(each.label, each.name)
            self.format.setItemData(place, each.help, Qt.ItemDataRole.ToolTipRole)
        self.format.setPlaceholderText("not recognised: choose …")
        self.format.setCurrentIndex(-1)
        self.animals = QListWidget()
        self.animals.setObjectName("import_animals")
        self.animals.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self.animals.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.animals.setMaximumHeight(HIGHEST_LIST)
        self.pictures = Pictures(session.video)
        self.message = Message()
        self.message.setObjectName("import_message")
        self.where = choice("import_where", "Nothing that is there is lost in any case")
        self._offer_places(session)
        self.answers = Answers(self.format, self.where, path)
        self.buttons = QDialogButtonBox()
        self.ok = self.buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setObjectName("import_ok")
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.addLayout(self.answers)
        self._title = note("Animals")
        for widget in (self._title, self.animals):
            layout.addWidget(widget)
        layout.addWidget(self.pictures, 1)
        layout.addWidget(self.message)
        layout.addWidget(self.buttons)
        self.format.activated.connect(self._reread)
        self.answers.scale.editingFinished.connect(self._reread)
        self.answers.changed.connect(self._ask)
        self.animals.itemChanged.connect(self._show_ticked)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._show_state()

    def show_found(self, found: Understood) -> None:
        """Show what a file says."""
        is_new = self._found is None or found.format is not self._found.format
        self._found = found
        with silent([self.format]):
            if self.format.findData(found.format.name) < 0:  # no file
                self.format.addItem(found.format.label, found.format.name)
                self.format.setEnabled(False)
            self.format.setCurrentIndex(self.format.findData(found.format.name))
        self.answers.show_found(found, self._video, is_new=is_new)
        self._ask()

    def show_trouble(self, error: Exception) -> None:
        """Say why a file cannot be read as it was asked for."""
        self._found = self._asked = None
        self._latest.drop()
        self.answers.show_scale(self.format.currentData() == "trex")
        self._fill(())
        self.message.show_error(in_window(str(error)))
        self._show_state()

    def done(self, result: int) -> None:
        """Let go of what runs."""
        self._latest.drop()
        self.pictures.release()
        super().done(result)

    def accept(self) -> None:
        """Hand over what is ticked, if all that is open was said."""
        tracks = tuple(self._ticked())
        if not self.ok.isEnabled() or self._found is None:
            return
        wanted = Wanted(self._found.format.name, tracks, self.where.currentData())
        super().accept()
        self.wanted.emit(wanted)

    # ---- inside --------------------------------------------------------------------------------

    def _offer_places(self, session: Session) -> None:
        current = shortened(session.current, 18)  # the whole line is seen
        if session.has_boxes:
            self.where.addItem(f"in place of {current}'s boxes (can be undone)", "replace")
            self.where.addItem("as more animals of this review", "add")
        self.where.addItem("as a review of their own", "own")

    def _reread(self, *_: object) -> None:
        if self.format.currentData() is not None:
            self.message.show_info(READING)
            self.reread.emit(self.format.currentData(), self.answers.scale.value() or None)

    def _options(self) -> ImportOptions:
        options = self.answers.options()
        if self._found is not None and not needs_size(self._found.said):
            options = replace(options, crop_size=None, crop_ratio=None)
        return options

    def _ask(self) -> None:
        if self._found is not None:
            self._latest.request(ask, self._found, self._video, self._options())

    def _on_asked(self, asked: OpenQuestions) -> None:
        self._asked = asked
        self.answers.show_asked(asked)
        if asked.imported is None:
            self._fill(())
            self.message.show_error(asked.trouble)
        else:
            self._fill(asked.imported.settled.tracks)
            notes = [in_window(each) for each in asked.imported.notes if not _is_asked(each, asked)]
            self.message.show_info("\n".join(notes))
        self._show_folder()
        self._show_state()

    def _on_failed(self, error: Exception) -> None:
        self.show_trouble(error)

    def _fill(self, tracks: tuple[ImportedTrack, ...]) -> None:
        before = [self.animals.item(row) for row in range(self.animals.count())]
        off = {each.data(Qt.ItemDataRole.UserRole) for each in before if not _is_ticked(each)}
        with silent([self.animals]):
            self.animals.clear()
            for place, track in enumerate(tracks):
                item = QListWidgetItem(told_of_track(track), self.animals)
                pixmap = QPixmap(SWATCH, SWATCH)
                pixmap.fill(color_of(place))
                item.setIcon(QIcon(pixmap))
                item.setData(Qt.ItemDataRole.UserRole, track.name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                is_on = track.name not in off
                item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
        length = counted(self._video.n_frames, "frame")
        self._title.setText(f"{counted(len(tracks), 'animal')} in a video of {length}")
        self._propose_place()
        self._show_ticked()

    def _propose_place(self) -> None:
        """One animal goes in the place of the one that is shown; several have a review of their own."""
        if self.where.count() > 1 and not self.where.property("chosen"):
            several = self.animals.count() > 1
            self.where.setCurrentIndex(self.where.findData("own" if several else "replace"))

    def _show_folder(self) -> None:
        """Say where the boxes will lie."""
        folder = None
        if self._found is not None:
            where, name = self.where.currentData(), self._found.format.name
            folder = folder_for(self._session, where, self._results, name)
        self.answers.show_folder(folder)

    def _ticked(self) -> list[ImportedTrack]:
        if self._asked is None or self._asked.imported is None:
            return []
        tracks = self._asked.imported.settled.tracks
        rows = range(min(self.animals.count(), len(tracks)))
        return [tracks[row] for row in rows if _is_ticked(self.animals.item(row))]

    def _show_ticked(self, *_: object) -> None:
        ticked = self._ticked()
        names = [track.name for track in self._asked.imported.settled.tracks] if ticked else []  # type: ignore[union-attr]
        self.pictures.show_tracks(ticked, [color_of(names.index(track.name)) for track in ticked])
        self._show_state()

    def _show_state(self) -> None:
        asked, n_ticked = self._asked, len(self._ticked())
        is_sound = asked is not None and not asked.is_open and n_ticked > 0
        too_many = self.where.currentData() == "replace" and n_ticked > 1
        self.ok.setEnabled(is_sound and not too_many)
        why = ""
        if asked is not None and asked.imported is not None:
            if asked.is_open:
                why = "Choose what is marked first."
            elif n_ticked == 0:
                why = "Tick an animal first."
            elif too_many:
                why = "One animal at a time can take the place of another."
        self.ok.setToolTip(why)
        self.answers.show_why(why)


def _is_ticked(item: QListWidgetItem) -> bool:
    return bool(item.checkState() == Qt.CheckState.Checked)


def _is_asked(line: str, asked: OpenQuestions) -> bool:
    """Whether a note is about what the dialog asks anyway."""
    return asked.corner.is_open and "--format centre" in line
