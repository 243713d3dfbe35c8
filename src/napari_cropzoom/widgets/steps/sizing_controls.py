"""The controls of step *Boxes* that say how boxes are put round keypoints."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.widgets.controls import note, row, silent, slider

LEAST_RATIO = 1.01


class SizingControls(QWidget):
    """Crop ratio or size, anchor keypoints, least likelihood.

    Object names: ``boxes_by_ratio``, ``boxes_ratio``, ``boxes_by_size``, ``boxes_size``,
    ``boxes_anchors``, ``boxes_use_likelihood``, ``boxes_likelihood``.

    Attributes
    ----------
    changed : Signal
        A person has set something else.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        form = QVBoxLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        self._build_size(form)
        self.anchors = AnchorList()
        form.addWidget(note("Anchor keypoints: the box goes round those with a tick"))
        form.addWidget(self.anchors)
        self.anchors.itemChanged.connect(lambda: self.changed.emit())
        self._build_likelihood(form)

    def settings(self) -> SizingSettings:
        """What the controls say.

        Raises
        ------
        CropzoomError
            If no anchor keypoint is ticked.
        """
        by_ratio = self.by_ratio.isChecked()
        return SizingSettings(
            crop_ratio=round(self.ratio.value(), 2) if by_ratio else None,
            crop_size=None if by_ratio else self.size.value(),
            anchor_keypoints=self.anchors.anchors(),
            min_likelihood=round(self.likelihood.value(), 2) if self.use_likelihood.isChecked() else None,
        )

    def said(self) -> SizingSettings | None:
        """What the controls say, None if that makes no sense."""
        try:
            return self.settings()
        except CropzoomError:
            return None

    def show_settings(self, sizing: SizingSettings, names: tuple[str, ...]) -> None:
        """Set the controls, without `changed`; ``names`` are the keypoints', if they are known."""
        choices = (self.by_ratio, self.by_size, self.use_likelihood)
        with silent((*choices, self.ratio, self.size, self.likelihood)):
            self.by_ratio.setChecked(sizing.crop_ratio is not None)
            self.by_size.setChecked(sizing.crop_size is not None)
            self.ratio.setValue(sizing.crop_ratio or self.ratio.value())
            self.size.setValue(sizing.crop_size or self.size.value())
            self.use_likelihood.setChecked(sizing.min_likelihood is not None)
            self.likelihood.setValue(sizing.min_likelihood or 0.0)
        self._enable_chosen()
        if names:
            self.anchors.list_names(names, sizing.anchor_keypoints)

    # ---- inside --------------------------------------------------------------------------------

    def _build_size(self, form: QVBoxLayout) -> None:
        self.by_ratio = QRadioButton("Crop ratio")
        self.by_ratio.setObjectName("boxes_by_ratio")
        self.by_ratio.setToolTip(
            "Side of the box: 1 is as wide as the anchor keypoints lie apart, 2 twice that"
        )
        self.by_size = QRadioButton("Crop size")
        self.by_size.setObjectName("boxes_by_size")
        self.by_size.setToolTip("The same side in every frame")
        self.by_ratio.setChecked(True)
        self.ratio = slider("boxes_ratio", LEAST_RATIO, 5.0, 2.0)
        self.size = QSpinBox()
        self.size.setObjectName("boxes_size")
        self.size.setRange(2, 10_000)
        self.size.setSingleStep(2)
        self.size.setValue(256)
        self.size.setSuffix(" px")
        self.size.setEnabled(False)
        form.addLayout(row(self.by_ratio, self.ratio, stretch=1))
        form.addLayout(row(self.by_size, self.size, stretch=1))
        self.by_ratio.toggled.connect(self._on_choice)
        self.ratio.valueChanged.connect(lambda: self.changed.emit())
        self.size.valueChanged.connect(lambda: self.changed.emit())

    def _build_likelihood(self, form: QVBoxLayout) -> None:
        self.use_likelihood = QCheckBox("Min. likelihood")
        self.use_likelihood.setObjectName("boxes_use_likelihood")
        self.use_likelihood.setToolTip(
            "Ignore keypoints less likely than this; a frame with none left has no box"
        )
        self.use_likelihood.setChecked(True)
        self.likelihood = slider("boxes_likelihood", 0.0, 1.0, 0.1)
        form.addLayout(row(self.use_likelihood, self.likelihood, stretch=1))
        self.use_likelihood.toggled.connect(self._on_choice)
        self.likelihood.valueChanged.connect(lambda: self.changed.emit())

    def _on_choice(self) -> None:
        self._enable_chosen()
        self.changed.emit()

    def _enable_chosen(self) -> None:
        self.ratio.setEnabled(self.by_ratio.isChecked())
        self.size.setEnabled(self.by_size.isChecked())
        self.likelihood.setEnabled(self.use_likelihood.isChecked())


class AnchorList(QListWidget):
    """The keypoints of a detector; object name ``boxes_anchors``."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("boxes_anchors")
        self.setToolTip("The box is put round the keypoints with a tick")
        self.set_low(False)
        self.setSpacing(1)

    def set_low(self, is_low: bool) -> None:
        """Take less height, or the usual one; it is the same whatever else there is room for."""
        self.setFixedHeight(64 if is_low else 120)

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
