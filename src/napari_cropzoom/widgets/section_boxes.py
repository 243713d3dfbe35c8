"""Step 3: boxes round the detector's keypoints, from a file, or drawn by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.jobs import Latest
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import PathLabel, button, note, row
from napari_cropzoom.widgets.section import Section

DEBOUNCE_MS = 150
LEAST_RATIO = 1.01


class BoxesSection(Section):
    """Crop ratio or size, anchor keypoints, likelihood threshold; changing one shows at once."""

    key = "boxes"
    title = "Boxes"

    def __init__(self, bench: Bench, number: int) -> None:
        self._names: tuple[str, ...] = ()
        self._raw_csv: Path | None = None
        super().__init__(bench, number)
        bench.frame_changed.connect(self._forget_preview)

    def build(self) -> None:
        """From keypoints above, from a file below."""
        self.keypoints = QWidget()
        form = QVBoxLayout(self.keypoints)
        form.setContentsMargins(0, 0, 0, 0)
        self._build_size(form)
        self._build_anchors(form)
        self._build_likelihood(form)
        self.no_keypoints = note("No detector keypoints: load boxes from a file or draw them.")
        self.load_button = button("Load boxes…", "boxes_load", "CSV with columns x, y, h, w")
        self.allow_missing = QCheckBox("Allow frames without a box")
        self.allow_missing.setObjectName("boxes_allow_missing")
        self.file_label = PathLabel()
        self.file_label.setObjectName("boxes_path")
        for widget in (
            self.keypoints, self.no_keypoints, self.load_button, self.allow_missing, self.file_label
        ):  # fmt: skip
            self.form.addWidget(widget)
        self.load_button.clicked.connect(self.browse)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(DEBOUNCE_MS)
        self._wait.timeout.connect(self.create)
        self._latest = Latest(self._on_boxes, self.show_error)

    def _build_size(self, form: QVBoxLayout) -> None:
        self.by_ratio = QRadioButton("Crop ratio")
        self.by_ratio.setObjectName("boxes_by_ratio")
        self.by_ratio.setToolTip("Side of the box in spans of the anchor keypoints")
        self.by_size = QRadioButton("Crop size")
        self.by_size.setObjectName("boxes_by_size")
        self.by_size.setToolTip("The same side in every frame")
        self.by_ratio.setChecked(True)
        self._choice = QButtonGroup(self)
        self._choice.addButton(self.by_ratio)
        self._choice.addButton(self.by_size)
        self.ratio = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.ratio.setObjectName("boxes_ratio")
        self.ratio.setRange(LEAST_RATIO, 5.0)
        self.ratio.setDecimals(2)
        self.ratio.setSingleStep(0.05)
        self.ratio.setValue(2.0)
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
        self.ratio.valueChanged.connect(self._on_change)
        self.size.valueChanged.connect(self._on_change)

    def _build_anchors(self, form: QVBoxLayout) -> None:
        self.anchors = QListWidget()
        self.anchors.setObjectName("boxes_anchors")
        self.anchors.setToolTip("Keypoints the box is put round; those without a tick do not count")
        self.anchors.setMaximumHeight(120)
        self.anchors.setSpacing(1)
        form.addWidget(note("Anchor keypoints"))
        form.addWidget(self.anchors)
        self.anchors.itemChanged.connect(self._on_change)

    def _build_likelihood(self, form: QVBoxLayout) -> None:
        self.use_likelihood = QCheckBox("Min. likelihood")
        self.use_likelihood.setObjectName("boxes_use_likelihood")
        self.use_likelihood.setToolTip(
            "Ignore keypoints less likely than this; a frame with none left has no box"
        )
        self.use_likelihood.setChecked(True)
        self.likelihood = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.likelihood.setObjectName("boxes_likelihood")
        self.likelihood.setRange(0.0, 1.0)
        self.likelihood.setDecimals(2)
        self.likelihood.setSingleStep(0.05)
        self.likelihood.setValue(0.1)
        line: QHBoxLayout = row(self.use_likelihood, self.likelihood, stretch=1)
        form.addLayout(line)
        self.use_likelihood.toggled.connect(self._on_choice)
        self.likelihood.valueChanged.connect(self._on_change)

    # ---- state ---------------------------------------------------------------------------------

    def summary(self) -> tuple[str, bool]:
        """``1200 boxes, 14 missing``."""
        session = self.bench.session
        if session is None or not session.has_boxes:
            return "", False
        missing = session.track.n_missing
        text = f"{session.n_frames - missing} boxes"
        return f"{text}, {missing} missing" if missing else text, True

    def session_changed(self) -> None:
        """Nothing is carried over to another video."""
        super().session_changed()
        self._wait.stop()
        self._latest.drop()
        self._names = ()
        self.anchors.clear()
        self.file_label.set_path(None)

    def update_body(self) -> None:
        """Show the keypoints' controls only if there are keypoints."""
        session = self.bench.session
        poses = session.detector_poses if session else None
        self.keypoints.setVisible(poses is not None)
        self.no_keypoints.setVisible(poses is None)
        self.file_label.set_path(session.raw_csv if session and session.has_boxes else None)
        if poses is not None and poses.names != self._names:
            self._names = poses.names
            self._list_anchors(poses.names, session.sizing if session else None)

    def settings(self) -> SizingSettings:
        """What the controls say.

        Raises
        ------
        CropzoomError
            If no anchor keypoint is ticked.
        """
        items = [self.anchors.item(i) for i in range(self.anchors.count())]
        ticked = tuple(i.text() for i in items if i.checkState() == Qt.CheckState.Checked)
        if items and not ticked:
            raise CropzoomError("No anchor keypoint is ticked; tick the ones the box is to go round.")
        by_ratio = self.by_ratio.isChecked()
        return SizingSettings(
            crop_ratio=round(self.ratio.value(), 2) if by_ratio else None,
            crop_size=None if by_ratio else self.size.value(),
            anchor_keypoints=() if len(ticked) == len(items) else ticked,
            min_likelihood=round(self.likelihood.value(), 2) if self.use_likelihood.isChecked() else None,
        )

    # ---- from keypoints ------------------------------------------------------------------------

    def start_from_keypoints(self) -> None:
        """Take the boxes that lie beside the predictions, or make some as the controls say."""
        session, detector = self.bench.session, self.bench.detector
        if session is None or detector is None or session.detector_poses is None:
            return
        self.update_body()
        existing = detector.bbox_csv(session.video.path)
        if existing.is_file():
            self.load(existing, source=Source.DETECTED)
        else:
            self.create()

    def create(self) -> None:
        """Put boxes round the keypoints of every frame, in a thread."""
        session, detector = self.bench.session, self.bench.detector
        if session is None or session.detector_poses is None:
            return
        try:
            settings = self.settings()
        except CropzoomError as error:
            self.show_error(error)
            return
        self.message.clear()
        video = session.video.path
        drawn = self.bench.drawn_csv(video)
        self._raw_csv = detector.bbox_csv(video) if detector else drawn
        self._latest.request(make, session, session.detector_poses, settings)

    def _on_boxes(self, made: tuple[Any, Any, Any, SizingSettings]) -> None:
        session, poses, boxes, settings = made
        if session is self.bench.session and self._raw_csv is not None:
            how: dict[str, Any] = {"sizing": settings, "interpolated": poses.interpolated}
            session.set_raw(boxes, self._raw_csv, Source.DETECTED, **how)
            self._forget_preview()

    def _on_choice(self) -> None:
        by_ratio = self.by_ratio.isChecked()
        self.ratio.setEnabled(by_ratio)
        self.size.setEnabled(not by_ratio)
        self.likelihood.setEnabled(self.use_likelihood.isChecked())
        self._on_change()

    def _on_change(self, *_: object) -> None:
        session, layers = self.bench.session, self.bench.layers
        if session is None or layers is None or session.detector_poses is None:
            return
        try:
            layers.preview_box(session.size_box(self.settings(), self.bench.frame))
            self.message.clear()
        except CropzoomError as error:
            self.show_error(error)
        self._wait.start()

    def _forget_preview(self, *_: object) -> None:
        if self.bench.layers is not None and not self._wait.isActive():
            self.bench.layers.preview_box(None)

    def _list_anchors(self, names: tuple[str, ...], sizing: SizingSettings | None) -> None:
        self.anchors.blockSignals(True)
        self.anchors.clear()
        ticked = sizing.anchor_keypoints if sizing and sizing.anchor_keypoints else names
        for name in names:
            item = QListWidgetItem(name, self.anchors)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in ticked else Qt.CheckState.Unchecked)
        self.anchors.blockSignals(False)

    # ---- from a file ---------------------------------------------------------------------------

    def browse(self) -> None:
        """Ask for a CSV."""
        session = self.bench.session
        start = str(session.raw_csv.parent) if session and session.raw_csv else ""
        path, _ = QFileDialog.getOpenFileName(self, "Load boxes", start, "Boxes (*.csv);;All (*)")
        if path:
            self.load(Path(path))

    def load(self, path: Path, source: Source = Source.IMPORTED) -> None:
        """Take the boxes of a CSV, read in a thread."""
        allow = self.allow_missing.isChecked() or source == Source.DETECTED
        self.message.show_info(f"Reading {path.name} …")

        def loaded(said: str) -> None:
            session = self.bench.session
            self._show_sizing(session.sizing if session else None)
            self.message.show_info(said or f"Loaded the boxes of {path.name}.")

        self.bench.load_boxes(path, source, allow, loaded, self.show_error)

    def _show_sizing(self, sizing: SizingSettings | None) -> None:
        """Set the controls to what the loaded boxes were made with, without making them anew."""
        if sizing is None:
            return
        choices = (self.by_ratio, self.by_size, self.use_likelihood)
        controls = (*choices, self.ratio, self.size, self.likelihood)
        for control in controls:
            control.blockSignals(True)
        self.by_ratio.setChecked(sizing.crop_ratio is not None)
        self.by_size.setChecked(sizing.crop_size is not None)
        self.ratio.setValue(sizing.crop_ratio or self.ratio.value())
        self.size.setValue(sizing.crop_size or self.size.value())
        self.use_likelihood.setChecked(sizing.min_likelihood is not None)
        self.likelihood.setValue(sizing.min_likelihood or 0.0)
        for control in controls:
            control.blockSignals(False)
        self.ratio.setEnabled(sizing.crop_ratio is not None)
        self.size.setEnabled(sizing.crop_size is not None)
        self.likelihood.setEnabled(sizing.min_likelihood is not None)
        if self._names:
            self._list_anchors(self._names, sizing)


def make(session: Any, poses: Any, settings: SizingSettings) -> tuple[Any, Any, Any, SizingSettings]:
    """Return the session asked for, the keypoints, boxes round them and the settings; for a thread."""
    return session, poses, boxes_from_keypoints(poses, settings), settings
