"""A detector beside the one it was trained on from: which is the better one, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from napari_cropzoom.widgets.controls import note


class ImprovedPage(QWidget):
    """What `cropzoom improve --compare` says, its last line first.

    Object names: ``improved_verdict``, ``improved_told``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.verdict = note("", "improved_verdict")
        self.told = QPlainTextEdit()
        self.told.setObjectName("improved_told")
        self.told.setReadOnly(True)
        self.told.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.told.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.addWidget(self.verdict)
        layout.addWidget(self.told, 1)

    def show_result(self, result: dict[str, Any]) -> None:
        """Show what the stage of the comparison has returned."""
        better, verdict = str(result["better"]), str(result["verdict"])
        before, after = result["shares"]
        which = verdict.replace(better, Path(better).name).rstrip(".")
        self.verdict.setText(
            f"{which}. Box as reviewed: {before:.1%} of the frames "
            f"before, {after:.1%} after. It is chosen in tab Steps; nothing was deleted."
        )
        told = str(result["told"]).removesuffix(verdict).rstrip()
        self.told.setPlainText("\n\n".join(filter(None, (told, str(result["note"])))))
