"""Choose a Lightning Pose model folder and run it, or use what it predicted before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QLabel, QMessageBox, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.scores import input_scale, sees_hardly_finer, told_of_scale
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import (
    PathLabel,
    button,
    choice,
    note,
    recent,
    remember,
    row,
    silent,
)


class ModelPicker(QWidget):
    """A model folder: chosen before, near the video, or browsed for; says what the model is.

    Parameters
    ----------
    name : str
        Object names are ``<name>_model``, ``<name>_browse``, ``<name>_path``, ``<name>_info``.
    """

    chosen = Signal(object)
    refused = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model: ModelFolder | None = None
        self._near: tuple[Path, ...] = ()
        self._runtime = ""
        self._scale = self._beside = 0.0
        self._what = ""
        self.combo = choice(f"{name}_model", "A model folder as litpose train writes it")
        self.browse = button("Browse…", f"{name}_browse", "Choose a Lightning Pose model folder")
        self.path_label = PathLabel()
        self.path_label.setObjectName(f"{name}_path")
        self.info = note("", f"{name}_info")
        self.path_label.hide()
        self.info.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row(self.combo, self.browse, stretch=0))
        layout.addWidget(self.path_label)
        layout.addWidget(self.info)
        self._fill(None)
        self.combo.activated.connect(self._on_combo)
        self.browse.clicked.connect(self._on_browse)

    def offer(self, near: Sequence[Path]) -> None:
        """List these folders too, after those chosen before."""
        self._near = tuple(near)
        self._fill(self.model.path if self.model else None)

    @property
    def known(self) -> list[Path]:
        """The folders on the list."""
        before = recent("model")
        return [*before, *(path for path in self._near if path.absolute() not in before)]

    def choose(self, path: Path) -> None:
        """Take a folder; emits ``chosen`` or, if it is no model, ``refused``."""
        try:
            model = ModelFolder.open(path)
        except (CropzoomError, OSError) as error:
            self._fill(self.model.path if self.model else None)
            self.refused.emit(error)
            return
        remember("model", model.path)
        self.show_model(model)
        self.chosen.emit(model)

    def show_model(self, model: ModelFolder | None) -> None:
        """Have a model selected that no person has chosen, or none."""
        self.model = model
        self._fill(model.path if model else None)
        self.path_label.setVisible(model is not None)
        self.info.setVisible(model is not None)
        if model is not None:
            self.path_label.set_path(model.path)
            self.show_runtime(model.description)
            self.info.setToolTip(", ".join(model.keypoint_names))

    def show_runtime(self, runtime: str) -> None:
        """Say how the model runs; once it has run, by which runtime and on which device."""
        self._runtime = runtime
        self._describe()

    def show_given(self, size: tuple[float, float] | None, what: str, beside: float = 0.0) -> float:
        """Say how finely the model sees what it is given.

        Parameters
        ----------
        size : (height, width) or None
            Of what it is given, pixels of the frame; None if there is none yet.
        what : str
            ``frame`` or ``box``.
        beside : float
            Pixels of the frame that one pixel of the detector's input is, 0 if that is not known.

        Returns
        -------
        float
            Pixels of the frame that one pixel of this model's input is, 0 if that is not known.
        """
        self._scale, self._beside, self._what = 0.0, beside, what
        if self.model is not None:
            if size is not None:
                self._scale = input_scale(*size, self.model.image_size)
            self._describe()
        return self._scale

    def _describe(self) -> None:
        assert self.model is not None
        height, width = self.model.image_size
        count = len(self.model.keypoint_names)
        given = f"{width}×{height} px"
        sees = f"input {given}"
        if self._scale:
            sees = f"sees the {self._what} {told_of_scale(self._scale)}, as {given}"
        parts = [counted(count, "keypoint"), sees, self._runtime]
        text = " · ".join(parts)
        if self._scale and self._beside and sees_hardly_finer(self._scale, self._beside):
            text += (
                f". Hardly finer than the detector ({told_of_scale(self._beside)}): "
                "make smaller boxes, or train it with a larger input."
            )
        self.info.setText(text)

    def _fill(self, current: Path | None) -> None:
        with silent([self.combo]):
            self.combo.clear()
            self.combo.addItem("Choose a model…" if current is None else "Other folder…", None)
            for path, name in zip(self.known, told_apart(self.known), strict=True):
                self.combo.addItem(name, str(path))
                self.combo.setItemData(self.combo.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)
            index = self.combo.findData(str(current)) if current else 0
            self.combo.setCurrentIndex(max(index, 0))

    def _on_combo(self, index: int) -> None:
        path = self.combo.itemData(index)
        if path is None:
            self._on_browse()
        elif self.model is None or str(self.model.path) != path:
            self.choose(Path(path))

    def _on_browse(self) -> None:
        start = str(self.model.path.parent) if self.model else ""
        path = QFileDialog.getExistingDirectory(self, "Lightning Pose model folder", start)
        if path:
            self.choose(Path(path))
        else:
            self._fill(self.model.path if self.model else None)


def told_apart(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with as many of those above, in brackets, as tell them apart."""
    named = []
    for path in folders:
        above, alike = 0, [other for other in folders if other.name == path.name and other != path]
        while any(other.parts[-1 - above :] == path.parts[-1 - above :] for other in alike):
            above += 1
        where = "/".join(path.parts[-1 - above : -1])
        named.append(f"{path.name}  ({where})" if alike else path.name)
    return named


class ResultOffer(QWidget):
    """Says that a result is there already and offers it; hidden when there is none.

    Object names are ``<name>_found`` and ``<name>_use``.
    """

    accepted = Signal(object)

    def __init__(self, name: str, what: str) -> None:
        super().__init__()
        self.path: Path | None = None
        self._what = what
        self.label = note("", f"{name}_found")
        self.use = button("Use them", f"{name}_use", "Load the file, compute nothing")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.label)
        layout.addWidget(self.use)
        self.use.clicked.connect(lambda: self.accepted.emit(self.path))
        self.hide()

    def show_file(self, path: Path | None, remark: str = "") -> bool:
        """Offer ``path`` if it is there; returns whether it is."""
        exists = path is not None and path.is_file()
        self.path = path if exists else None
        if path is not None and exists:
            when = datetime.fromtimestamp(path.stat().st_mtime)
            self.label.setText(f"{self._what} from {when:%Y-%m-%d %H:%M} found{remark}.")
            self.setToolTip(str(path))
        self.setVisible(exists)
        return exists


def ask_trust(parent: QWidget, message: str) -> bool:
    """Ask whether a checkpoint may run code of its own; the answer defaults to no."""
    box = QMessageBox(parent)
    box.setObjectName("trust_dialog")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Load this checkpoint?")
    box.setText("This checkpoint would import more than Lightning Pose's own do.")
    box.setInformativeText(
        f"{message}\n\nA checkpoint can run any code on this computer while it is loaded. "
        "Load it only if you know and trust where it comes from."
    )
    load = box.addButton("Load it, I trust it", QMessageBox.ButtonRole.AcceptRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.exec()
    return box.clickedButton() is load


def is_about_trust(job: Any) -> bool:
    """Whether a job failed only because a checkpoint has to be trusted first."""
    return job is not None and job.kind == "user" and "--trust_checkpoint" in job.detail


def scale_of_detector(controller: Controller) -> float:
    """Pixels of the frame that one pixel of the detector's input is; 0 without video or detector."""
    session, detector = controller.session, controller.detector
    if session is None or detector is None:
        return 0.0
    return input_scale(session.video.height, session.video.width, detector.image_size)


def usual_size(controller: Controller) -> tuple[float, float] | None:
    """Median height and width of the boxes, in pixels of the frame; None without boxes."""
    session = controller.session
    if session is None or not session.has_boxes:
        return None
    width, height = np.nanmedian(session.track.boxes[:, 2:], axis=0).tolist()
    return height, width


def show_scales(label: QLabel, controller: Controller) -> None:
    """Say how finely detector and pose model see what they are given, what is known of it."""
    size, pose, whole = usual_size(controller), controller.pose, scale_of_detector(controller)
    said = [f"the detector sees the frame {told_of_scale(whole)}"] if whole else []
    if size and pose is not None:
        said.append(f"the pose model sees the box {told_of_scale(input_scale(*size, pose.image_size))}")
    text = ", ".join(said)
    label.setText(f"{text[:1].upper()}{text[1:]}." if text else "")
    label.setVisible(bool(text))
