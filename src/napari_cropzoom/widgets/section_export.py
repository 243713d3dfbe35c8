"""Step 8: save the review, and go on in the shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from qtpy.QtWidgets import QApplication

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.session_store import review_dir, reviewed_csv
from napari_cropzoom.widgets.controls import PathLabel, button, note
from napari_cropzoom.widgets.section import Section


class ExportSection(Section):
    """Save the reviewed boxes and copy the commands that take them up."""

    key = "export"
    title = "Export"

    def build(self) -> None:
        """Save, where to, commands."""
        self.save_button = button("Save review", "export_save", "Boxes, settings and all edits")
        self.path_label = PathLabel()
        self.path_label.setObjectName("export_path")
        self.commands = note("", "export_commands")
        self.copy_button = button("Copy commands", "export_copy", "For a shell with litpose or cropzoom")
        self.form.addWidget(note("The raw boxes stay as they are; the reviewed ones go beside them:"))
        for widget in (self.path_label, self.save_button, self.copy_button, self.commands):
            self.form.addWidget(widget)
        self.save_button.clicked.connect(self.save)
        self.copy_button.clicked.connect(self.copy)

    def missing(self) -> str:
        """There is nothing to save without boxes."""
        session = self.bench.session
        return "" if session and session.has_boxes else "Make, load or draw boxes first."

    def summary(self) -> tuple[str, bool]:
        """A dot while something is not saved."""
        session = self.bench.session
        if session is None or not session.has_boxes:
            return "", False
        return ("● not saved", False) if session.unsaved else ("saved", True)

    def update_body(self) -> None:
        """Show where the review goes."""
        session = self.bench.session
        if session is not None and session.raw_csv is not None:
            self.path_label.set_path(reviewed_csv(session.raw_csv, session.video.path))
        self.copy_button.setToolTip("\n".join(self.lines()))

    def save(self) -> bool:
        """Write the review; returns whether that worked."""
        session = self.bench.session
        if session is None:
            return False
        try:
            path = session.save()
        except (CropzoomError, OSError) as error:
            self.show_error(error)
            return False
        self.message.show_info(f"Saved to {path.parent}")
        self.refresh()
        return True

    def lines(self) -> list[str]:
        """Commands that go on with the reviewed boxes, as far as the models are known."""
        session = self.bench.session
        if session is None or session.raw_csv is None:
            return []
        video, boxes = session.video.path, review_dir(session.raw_csv)
        detector = self.bench.detector.path if self.bench.detector else Path("DETECTOR_FOLDER")
        pose = self.bench.pose.path if self.bench.pose else Path("POSE_FOLDER")
        review = ["cropzoom", "review", video, "--bbox", session.raw_csv]
        return [
            command("litpose", "crop", detector, video, "--bbox_dir", boxes),
            command("litpose", "predict", pose, video, "--bbox_dir", boxes),
            command(*review),
        ]

    def copy(self) -> None:
        """Put the commands on the clipboard."""
        text = "\n".join(self.lines())
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)
            self.message.show_info("Copied; the same lines work with cropzoom in place of litpose.")


def command(*words: object) -> str:
    """Return one line for a shell, quoted."""
    return shlex.join(str(word) for word in words)
