"""A list of keypoints, of which those with a tick are put a box round."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.widgets.controls import silent


class AnchorList(QListWidget):
    """The keypoints of a detector; object name ``boxes_anchors``."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("boxes_anchors")
        self.setToolTip("The box is put round the keypoints with a tick")
        self.setMaximumHeight(120)
        self.setSpacing(1)

    def list_names(self, names: tuple[str, ...], ticked: tuple[str, ...]) -> None:
        """Show other keypoints, some with a tick; all if none is named."""
        with silent([self]):
            self.clear()
            for name in names:
                item = QListWidgetItem(name, self)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                is_on = name in (ticked or names)
                item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)

    def anchors(self) -> tuple[str, ...]:
        """Those with a tick, none if all have one.

        Raises
        ------
        CropzoomError
            If no keypoint is ticked.
        """
        items = [self.item(i) for i in range(self.count())]
        ticked = tuple(i.text() for i in items if i.checkState() == Qt.CheckState.Checked)
        if items and not ticked:
            raise CropzoomError("No anchor keypoint is ticked. Tick those that the box is put round.")
        return () if len(ticked) == len(items) else ticked
