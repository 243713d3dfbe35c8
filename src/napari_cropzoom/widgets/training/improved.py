"""A detector beside the one it was trained on from: which is the better one, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QTableWidgetItem, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import brief
from napari_cropzoom.projects.review_labels.improving import ALL_VIDEOS
from napari_cropzoom.widgets.controls import note
from napari_cropzoom.widgets.training.errors import results_table

COLUMNS = {
    "Video": "Reviewed videos whose boxes of the old detector were corrected",
    "Frames": "Those that count: not the ones that became labels",
    "Before": "Share of the frames in which the old detector's box lies as reviewed",
    "After": "Share of the frames in which the new detector's box lies as reviewed",
    "Suspects": "Of the old detector's boxes → of the new one's",
}
MOST_OF_NOTES = 200  # letters; there may be one for every video


class ImprovedPage(QWidget):
    """What `cropzoom improve --compare` says, its last line first.

    Object names: ``improved_verdict``, ``improved_table``, ``improved_more``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.verdict, self.more = note("", "improved_verdict"), note("", "improved_more")
        self.table = results_table("improved_table", tuple(COLUMNS))
        for column, tip in enumerate(COLUMNS.values()):
            self.table.horizontalHeaderItem(column).setToolTip(tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.addWidget(self.verdict)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.more)

    def show_result(self, result: dict[str, Any]) -> None:
        """Show what the stage of the comparison has returned."""
        better, verdict = str(result["better"]), str(result["verdict"])
        before, after = result["shares"]
        which = verdict.replace(better, Path(better).name).rstrip(".")
        self.verdict.setText(
            f"{which}. Box as reviewed: {before:.1%} of the frames "
            f"before, {after:.1%} after. It is chosen in tab Steps; nothing was deleted."
        )
        on_labels = str(result["on_labels"])
        told, notes = f"{on_labels[:1].upper()}{on_labels[1:]}.", str(result["note"])
        self.more.setText(" ".join(filter(None, (told, notes and brief(notes, MOST_OF_NOTES)))))
        self.more.setToolTip(notes)
        self.table.setRowCount(len(result["rows"]))
        for number, each in enumerate(result["rows"]):
            shares = [f"{agree / max(each['frames'], 1):.1%}" for agree in each["agree"]]
            old, new = each["suspects"]
            name = "all" if each["video"] == ALL_VIDEOS else str(each["video"])
            cells = (name, str(each["frames"]), *shares, f"{old} → {new}")
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(number, column, item)
