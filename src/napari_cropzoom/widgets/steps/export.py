"""Step *Export*: save the review and copy the commands that use it.

Object names: ``export_path``, ``export_state``, ``export_save``, ``export_format``, ``export_file``,
``export_greyed``, ``export_copy``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.review_paths import reviewed_csv
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import PathLabel, button, choice, note, row
from napari_cropzoom.widgets.exchange.exporting import (
    BOXES,
    GREYED,
    help_of,
    labels,
    missing,
    pattern_of,
    to_export,
)
from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.job_step import told_of_gaps, told_of_pose, told_of_smoothing
from napari_cropzoom.widgets.steps.parts.commands import commands, why_cropzoom

STATES = {
    OnDisk.NOTHING: ("● not saved", False),
    OnDisk.OTHER: ("● saved file differs", False),
    OnDisk.SAME: ("saved", True),
}
NOTES = {
    OnDisk.NOTHING: "No such file yet. The edits are kept in any case; other programs read this file.",
    OnDisk.OTHER: "This file holds other boxes than those shown here. Save to bring it up to date.",
    OnDisk.SAME: "This file holds the boxes shown here.",
}

BOTH = "the same lines work with cropzoom in place of litpose."
NO_ANIMAL_IN_FILE = "the file has filled boxes there"


class ExportStep(Step):
    """Save the reviewed boxes and copy the commands that use them."""

    key = "export"
    title = "Export"
    help = "Save the reviewed boxes and copy the commands that use them."
    place = 80
    needs = Needs.BOXES
    is_for_images = True

    def __init__(self, controller: Controller, number: int) -> None:
        self._is_saving = False
        super().__init__(controller, number)

    def build(self) -> None:
        """Save, where to, commands."""
        self.save_button = button("Save review", "export_save", "Boxes, settings and all edits")
        self.path_label = PathLabel()
        self.path_label.setObjectName("export_path")
        self.state = note("", "export_state")
        self.copy_button = button("Copy commands", "export_copy", "For a shell with litpose or cropzoom")
        self.form.addWidget(note("The raw boxes stay as they are; the reviewed ones go beside them:"))
        self.format = choice("export_format", "", labels())
        for place in range(self.format.count()):
            name = self.format.itemData(place)
            self.format.setItemData(place, help_of(name), Qt.ItemDataRole.ToolTipRole)
            self.format.model().item(place).setEnabled(not missing(name))
        self.file_button = button(
            "Export …",
            "export_file",
            "The final boxes of all animals, or the keypoints, for another program",
        )
        for widget in (self.path_label, self.state, self.save_button):
            self.form.addWidget(widget)
        self.form.addLayout(row(self.format, self.file_button, stretch=0))
        self.greyed = note(GREYED if any(map(missing, labels())) else "", "export_greyed")
        self.form.addWidget(self.greyed)
        self.form.addWidget(self.copy_button)
        self.format.currentIndexChanged.connect(self.update_body)
        self.file_button.clicked.connect(self.browse)
        self.save_button.clicked.connect(self.save)
        self.copy_button.clicked.connect(self.copy)

    def summary(self) -> tuple[str, bool]:
        """What the file on disk holds; a dot while that is not what is shown."""
        session = self.controller.session
        if session is None or not session.has_boxes:
            return "", False
        if self._is_saving:
            return "saving …", False
        return STATES[session.on_disk]

    def session_changed(self) -> None:
        """A save of the video before no longer matters here."""
        super().session_changed()
        self._is_saving = False

    def set_open(self, is_open: bool) -> None:
        """Look at the disk again: another program may have written there."""
        super().set_open(is_open)
        if is_open:
            self.header.set_state(*self.summary())

    def update_body(self, *_: object) -> None:
        """Show where the review goes, and what is there."""
        session = self.controller.session
        if session is None or session.raw_csv is None:
            return
        self.path_label.set_path(reviewed_csv(session.raw_csv, session.video.path))
        said = (
            NOTES[session.on_disk],
            told_of_gaps(session, NO_ANIMAL_IN_FILE),
            told_of_smoothing(session),
            "" if self.format.currentData() in BOXES else told_of_pose(session),
        )
        self.state.setText(" ".join(filter(None, said)))
        for each in (self.format, self.file_button, self.copy_button):
            each.setVisible(session.video.images is None)
        self.greyed.setVisible(bool(self.greyed.text()) and session.video.images is None)
        self.save_button.setEnabled(not self._is_saving)
        self.copy_button.setEnabled(not self._is_saving)
        self.copy_button.setText("Save and copy commands" if session.unsaved else "Copy commands")
        self.copy_button.setToolTip("\n".join(self.lines()))

    def save(self) -> None:
        """Write the review in a thread."""
        self._write(self._say_saved)

    def _say_saved(self, path: Path, told: str) -> None:
        self.message.show_info(". ".join(filter(None, (f"Saved to {path.parent}", told))))

    def browse(self) -> None:
        """Ask for a file, or a folder where the format is one, and export to it."""
        session = self.controller.session
        if session is None:
            return
        label, pattern = self.format.currentText(), pattern_of(self.format.currentData())
        if pattern:
            start = session.video.path.with_name(
                pattern.replace("*", f"{session.video.path.stem}_export")
            )
            kinds = f"{label} ({pattern});;All (*)"
            path, _ = QFileDialog.getSaveFileName(self, label, str(start), kinds)
        else:
            path = QFileDialog.getExistingDirectory(self, label, str(session.video.path.parent))
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Write boxes or keypoints in the chosen format, in a thread."""
        session = self.controller.session
        if session is None:
            return
        self.message.clear()
        name = self.format.currentData()
        told = "" if name in BOXES else told_of_pose(session, "Run step Pose, and export again.")
        try:
            write = to_export(session, name, path)
        except CropzoomError as error:
            self.show_error(error)
            return

        def done(written: Path) -> None:
            if told:
                self.message.show_warning(f"Exported to {written}. {told}")
            else:
                self.message.show_info(f"Exported to {written}")

        run_in_thread(write, on_done=done, on_error=self.show_error)

    def lines(self) -> list[str]:
        """Commands that use the reviewed boxes, see :func:`.parts.commands.commands`."""
        return commands(self.controller)

    def copy(self) -> None:
        """Put the commands on the clipboard, once the boxes they use are on disk."""
        session = self.controller.session
        if session is not None and session.unsaved:
            self._write(lambda _path, _told: self._copy())
        else:
            self._copy()

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is None:
            return
        clipboard.setText("\n".join(self.lines()))
        why = why_cropzoom(self.controller)
        works_with = f"they are for cropzoom, {why}." if why else BOTH
        self.message.show_info(f"Copied; {works_with}")

    def _write(self, then: Callable[[Path, str], object]) -> None:
        """Write the review in a thread, then go on with the file and what a person should know of it."""
        session = self.controller.session
        if session is None or self._is_saving:
            return
        self.message.clear()
        try:
            pending = session.to_save()
        except CropzoomError as error:
            self.show_error(error)
            return
        self._is_saving = True
        self.refresh()

        def written(_: object) -> None:
            if self.controller.session is session:
                self._is_saving = False
                then(session.mark_saved(pending), pending.told)
                self.refresh()

        def failed(error: Exception) -> None:
            if self.controller.session is session:
                self._is_saving = False
                self.refresh()
                self.show_error(error)

        run_in_thread(pending.write, on_done=written, on_error=failed)
