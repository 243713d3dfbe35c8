"""From a chosen or dropped file to boxes in the review: read, asked for, taken in.

Shown while a file is read. Object names: ``import_status``, ``import_progress``, ``import_cancel``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import shortened
from napari_cropzoom.files.formats.importing import Understood
from napari_cropzoom.files.formats.registry import dialog_filter
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.review.importing import (
    ReadyImport,
    add_animals,
    begin,
    free_place,
    make_ready,
    replace_boxes,
)
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import button, note, row, thin_bar
from napari_cropzoom.widgets.exchange.dropped import Kind, kind_of, reviewed_by
from napari_cropzoom.widgets.exchange.exporting import facts_of
from napari_cropzoom.widgets.exchange.import_dialog import ImportDialog, Wanted
from napari_cropzoom.widgets.exchange.reading import Reading

NO_VIDEO = "is shown over its video. Open that first, or drop both together."


class BoxImport(QWidget):
    """Takes files of boxes of any program, one after the other.

    Parameters
    ----------
    controller : Controller
    load : callable
        Takes a table of ours, and whether it is the detector's.

    Attributes
    ----------
    coming : Signal
        A dialog is about to open, whichever step is.
    told, taken : Signal
        What a person should know; it is in the review now.
    failed : Signal
        Sends an exception.
    dialog : ImportDialog or None
        Open now.
    """

    coming = Signal()
    told = Signal(str)
    taken = Signal(str)
    failed = Signal(object)

    def __init__(self, controller: Controller, load: Callable[[Path], object]) -> None:
        super().__init__()
        self.dialog: ImportDialog | None = None
        self._controller, self._load = controller, load
        self._path: Path | None = None
        self._left: list[Path] = []
        self._reading = Reading(self)
        self._reading.done.connect(self._on_read)
        self._reading.failed.connect(self._on_failed)
        self._status = note("", "import_status")
        self._bar = thin_bar("import_progress")
        self._bar.setRange(0, 0)
        self._cancel = button("Cancel", "import_cancel", "Stop reading; nothing has changed")
        self._cancel.clicked.connect(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row(self._status, self._cancel, stretch=0))
        layout.addWidget(self._bar)
        self.hide()

    def browse(self) -> None:
        """Ask for a file of boxes."""
        session = self._controller.session
        start = session.raw_csv or session.video.path if session else None
        folder = str(start.parent) if start else ""
        path, _ = QFileDialog.getOpenFileName(self, "Load boxes", folder, dialog_filter())
        if path:
            self.open([Path(path)])

    def open(self, paths: list[Path]) -> None:
        """Take files in; of several tables of ours each is an animal."""
        self.cancel()
        self._left = list(paths)
        self._next(is_first=True)

    def cancel(self) -> None:
        """Read nothing more; an open dialog is closed."""
        self._left.clear()
        self._reading.cancel()
        self.hide()
        if self.dialog is not None:
            self.dialog.reject()

    def go_on(self) -> None:
        """Take the next of several files, once a table of ours was loaded."""
        self._next()

    def offer(self, found: Understood) -> None:
        """Show what a layer would become."""
        self.cancel()
        self.coming.emit()
        self._path = found.path
        self._on_read(found)

    def release(self) -> None:
        """End what runs, as the dock closes."""
        self.cancel()
        self._reading.release()

    # ---- inside --------------------------------------------------------------------------------

    def _next(self, *, is_first: bool = False) -> None:
        if not self._left:
            return
        path, session = self._left.pop(0), self._controller.session
        if session is None:
            self._left.clear()
            self.failed.emit(CropzoomError(f"{path}: {NO_VIDEO}"))
            return
        try:
            kind = kind_of(path)
            if kind is Kind.JOURNAL:
                self._load(reviewed_by(path))
            elif kind is Kind.TABLE and is_first:
                self._load(path)
            else:
                self._read(path, session)
        except CropzoomError as error:
            self.failed.emit(error)

    def _read(self, path: Path, session: Session) -> None:
        self._path = path
        self._status.setText(f"Reading {shortened(path.name, 40)} …")
        self.show()
        self._reading.start(path, facts_of(session), None, None)

    def _on_read(self, found: Understood) -> None:
        self.hide()
        dialog = self.dialog or self._open_dialog()
        if dialog is not None:
            dialog.show_found(found)

    def _on_failed(self, error: Exception) -> None:
        self.hide()
        if not self._controller.is_for_person(error):
            self._left.clear()
            self.failed.emit(error)
            return
        dialog = self.dialog or self._open_dialog()
        if dialog is not None:
            dialog.show_trouble(error)

    def _open_dialog(self) -> ImportDialog | None:
        session, path = self._controller.session, self._path
        if session is None or path is None:
            return None
        dialog = self.dialog = ImportDialog(
            path, session, facts_of(session), self._results(session), self
        )
        dialog.reread.connect(self._reread)
        dialog.wanted.connect(lambda wanted: self._take(session, wanted))
        dialog.finished.connect(self._on_closed)
        dialog.open()
        return dialog

    def _reread(self, format_name: str | None, cm_per_pixel: float | None) -> None:
        session, path = self._controller.session, self._path
        if session is not None and path is not None:
            self._reading.start(path, facts_of(session), format_name, cm_per_pixel)

    def _on_closed(self, result: int) -> None:
        self.dialog = None
        self._reading.cancel()
        if not result:
            self._next()

    def _take(self, session: Session, wanted: Wanted) -> None:
        if self._controller.session is not session or self._path is None:
            return
        name, video = self._path.name, session.video.path
        results = self._results(session)
        done = partial(self._done, name)
        if wanted.where == "own":
            self.told.emit(f"Writing the boxes of {shortened(name, 40)} …")
            run_in_thread(
                make_ready, wanted.tracks, results, wanted.format_name, video, session.frame_size,
                on_done=lambda ready: self._begin(session, ready, done), on_error=self.failed.emit,
            )  # fmt: skip
            return
        try:
            if wanted.where == "add":
                done(add_animals(session, wanted.tracks))
            else:
                place = free_place(results, wanted.format_name, video)
                label = f"Boxes of {shortened(name, 40)}"
                done(replace_boxes(session, wanted.tracks[0], label, place))
        except (CropzoomError, OSError) as error:
            self.failed.emit(error)

    def _results(self, session: Session) -> Path:
        return self._controller.results or session.video.path.parent

    def _begin(self, session: Session, ready: ReadyImport, done: Callable[[str], object]) -> None:
        if self._controller.session is session:
            try:
                done(begin(session, ready))
            except (CropzoomError, OSError) as error:
                self.failed.emit(error)

    def _done(self, name: str, said: str) -> None:
        self.taken.emit(f"Boxes of {shortened(name, 40)} taken in. {said}".strip())
        self._next()
