"""How the crop is encoded: a line that unfolds; the choice is kept between sessions."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QToolButton, QVBoxLayout, QWidget

from napari_cropzoom.crop.encoders import (
    ENCODERS,
    HARDWARE,
    HIGHEST_CRF,
    PRESETS,
    SOFTWARE,
    EncoderSettings,
    working_encoders,
)
from napari_cropzoom.jobs import ThreadHandle, run_in_thread
from napari_cropzoom.widgets.controls import choice, settings


class EncodingBox(QWidget):
    """Encoder, preset and quality; folded at first.

    A graphics chip's encoder is offered only if it encoded a few pictures when the line was first
    unfolded, or if it was chosen before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._probing: ThreadHandle | None = None
        self.toggle = QToolButton()
        self.toggle.setObjectName("crop_encoding")
        self.toggle.setCheckable(True)
        self.toggle.setAutoRaise(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.setToolTip("Encoder, preset and quality of the cropped video")
        self.body = QWidget()
        self.encoder = choice(
            "crop_encoder",
            "libx264 works everywhere; a graphics chip's encoder is listed if it works here",
            {SOFTWARE: SOFTWARE},
        )
        self.preset = choice(
            "crop_preset",
            "libx264's preset: slower gives smaller files of the same quality",
            {preset: preset for preset in PRESETS},
        )
        self.quality = QDoubleSpinBox()
        self.quality.setObjectName("crop_crf")
        self.quality.setRange(0, HIGHEST_CRF)
        self.quality.setDecimals(1)
        self.quality.setSingleStep(0.5)
        self.quality.setToolTip("crf: 0 is lossless, 18 looks almost the same, 23 is usual")
        form = QFormLayout(self.body)
        form.setContentsMargins(12, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Encoder", self.encoder)
        form.addRow("Preset", self.preset)
        form.addRow("Quality (crf)", self.quality)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.toggle)
        layout.addWidget(self.body)
        self._load()
        self.toggle.toggled.connect(self._set_open)
        self.encoder.currentTextChanged.connect(self._changed)
        self.preset.currentTextChanged.connect(self._changed)
        self.quality.valueChanged.connect(self._changed)
        self._set_open(False)

    def chosen(self) -> dict[str, Any]:
        """Arguments of the stage ``crop``."""
        return {
            "encoder": self.encoder.currentText(),
            "preset": self.preset.currentText(),
            "crf": self.quality.value(),
        }

    def release(self) -> None:
        """Drop the answer of which encoders work, if it is still to come."""
        if self._probing is not None:
            self._probing.ignore()

    def _load(self) -> None:
        stored = stored_encoding()
        if stored.encoder in HARDWARE:
            self.encoder.addItem(stored.encoder)
        self.encoder.setCurrentText(stored.encoder)
        self.preset.setCurrentText(stored.preset)
        self.quality.setValue(stored.crf)

    def _changed(self) -> None:
        for name, value in self.chosen().items():
            settings().setValue(f"crop/{name}", value)
        self._show_text()

    def _set_open(self, is_open: bool) -> None:
        self.body.setVisible(is_open)
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._show_text()
        if is_open and self._probing is None:
            self._probing = run_in_thread(working_encoders, on_done=self._offer)

    def _offer(self, encoders: tuple[str, ...]) -> None:
        for encoder in encoders:
            if self.encoder.findText(encoder) < 0:
                self.encoder.addItem(encoder)

    def _show_text(self) -> None:
        is_software = self.encoder.currentText() == SOFTWARE
        self.preset.setEnabled(is_software)
        middle = f", {self.preset.currentText()}" if is_software else ""
        self.toggle.setText(
            f"Encoding: {self.encoder.currentText()}{middle}, crf {self.quality.value():g}"
        )


def stored_encoding() -> EncoderSettings:
    """How crops are encoded, as chosen in this session or before."""
    usual, stored = EncoderSettings(), settings()
    encoder = str(stored.value("crop/encoder", usual.encoder))
    preset = str(stored.value("crop/preset", usual.preset))
    try:
        crf = float(stored.value("crop/crf", usual.crf))
    except (TypeError, ValueError):  # the file was edited by a person
        crf = usual.crf
    return EncoderSettings(
        encoder if encoder in ENCODERS else usual.encoder,
        preset if preset in PRESETS else usual.preset,
        crf if 0 <= crf <= HIGHEST_CRF else usual.crf,
    )
