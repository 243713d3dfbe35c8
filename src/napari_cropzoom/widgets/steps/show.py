"""Step *Show*: a labeled video, a figure or a report to send to others.

Object names: ``show_product``, ``show_names``, ``show_before``, ``show_theme``, ``show_size``,
``show_speed``, ``show_trail``, ``show_suspects``, ``show_count``, ``show_about``, ``show_run``,
``show_cancel``, ``show_progress``, ``show_status``, ``show_open``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.inspection.inspection import ranked
from napari_cropzoom.core.inspection.posed import told_of_others
from napari_cropzoom.core.inspection.suspect import Suspect, ranges_round
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.export.stages import PRODUCTS, Product, get_product
from napari_cropzoom.files.review_paths import own_place_of, reviewed_csv
from napari_cropzoom.review.keypoints import Kind
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import button, choice, note, row
from napari_cropzoom.widgets.steps.base import Needs
from napari_cropzoom.widgets.steps.job_step import JobStep, told_of_pose, told_of_smoothing
from napari_cropzoom.widgets.steps.parts.counting import count_frames
from napari_cropzoom.widgets.steps.parts.opening import FileOpener

SIZES = {"1": "Full", "0.5": "Half", "0.25": "Quarter"}
SPEEDS = {"0.25": "¼×", "0.5": "½×", "1": "1×", "2": "2×", "4": "4×"}


class ShowStep(JobStep):
    """What to make, make it, open it."""

    key = "show"
    title = "Show"
    help = "Make a labeled video, a figure or a report to send to others."
    place = 90
    needs = Needs.BOXES

    def __init__(self, controller: Controller, number: int) -> None:
        self._made: Path | None = None
        self._made_of: tuple[str, Poses | None] = "", None  # animal, and what the pose model found
        self._output: Path | None = None
        super().__init__(controller, number)

    def build(self) -> None:
        """What, names, run, open."""
        self.product = choice(
            "show_product", "What to make", {each.name: each.label for each in PRODUCTS}
        )
        for place, each in enumerate(PRODUCTS):
            self.product.setItemData(place, each.help, Qt.ItemDataRole.ToolTipRole)
        self.names = QCheckBox("Names of the body parts")
        self.names.setObjectName("show_names")
        self.before = QCheckBox("Raw boxes too, dashed")
        self.before.setObjectName("show_before")
        self.before.setToolTip("As they were before the review, beside the final ones")
        self.about = note("", "show_about")
        self.open_button = button("Open it", "show_open", "With the program that your system has for it")
        for widget in (self.product, self.names, self.before, self._build_of_video(), self.about):
            self.form.addWidget(widget)
        self.add_job_bar("Save boxes and make …", self.run, self.on_done)
        self.form.addWidget(self.open_button)
        self.product.currentIndexChanged.connect(self.update_body)
        self._opener = FileOpener(self)
        self._opener.failed.connect(self.message.show_warning)
        self.open_button.clicked.connect(self.open_made)
        self.controller.selection_changed.connect(self.update_body)

    def _build_of_video(self) -> QWidget:
        """What videos are asked for besides."""
        self.theme = choice(
            "show_theme", "Of what is beside the frame", {"dark": "Dark", "light": "Light"}
        )
        self.only_suspects = QCheckBox("Worst suspects only")
        self.only_suspects.setObjectName("show_suspects")
        self.count = QSpinBox()
        self.count.setObjectName("show_count")
        self.count.setToolTip("How many of them, with half a second before and after each")
        self.count.setRange(1, 999)
        self.count.setValue(5)
        self.size_of = choice("show_size", "Of the picture", SIZES)
        self.speed = choice("show_speed", "How fast it plays", SPEEDS)
        self.speed.setCurrentIndex(self.speed.findData("1"))
        self.trail = QSpinBox()
        self.trail.setObjectName("show_trail")
        self.trail.setToolTip("Frames over which keypoints leave a trail")
        self.trail.setRange(0, 999)
        self.trail.setSpecialValueText("none")
        count_frames(self.trail)
        self._of_video = QWidget()
        column = QVBoxLayout(self._of_video)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(QLabel("Background"), self.theme, stretch=1))
        line = row(QLabel("Size"), self.size_of, QLabel("Speed"), self.speed, stretch=1)
        line.setStretch(3, 1)
        column.addLayout(line)
        column.addLayout(row(QLabel("Trails"), self.trail, stretch=1))
        column.addLayout(row(self.only_suspects, self.count, stretch=1))
        self.only_suspects.toggled.connect(self.update_body)
        self.count.valueChanged.connect(self.update_body)
        return self._of_video

    def _worst(self) -> list[Suspect]:
        """Suspects that the video is to be of, reviewed ones too; none where it is of other frames."""
        session = self.controller.session
        wanted = self.chosen.is_of_frames and self.only_suspects.isChecked()
        if session is None or not wanted or not session.suspects.is_inspected:
            return []
        left, done = session.suspects.entries()
        return ranked([*left, *done])[: self.count.value()]

    def _ranges(self) -> list[tuple[int, int]] | None:
        session = self.controller.session
        if session is None or not (worst := self._worst()):
            return None
        return ranges_round(worst, max(1, round(session.video.fps / 2)), session.n_frames - 1)

    @property
    def chosen(self) -> Product:
        """What is to be made."""
        return get_product(self.product.currentData())

    def update_body(self, *_: object) -> None:
        """Say what it will show."""
        session, chosen = self.controller.session, self.chosen
        if session is None or not self.is_open:
            return
        has_poses = self.keypoints("pose") is not None or self.keypoints("detector") is not None
        self.names.setVisible(has_poses and chosen.shows_keypoints)
        self.before.setVisible(chosen.shows_before)
        self._of_video.setVisible(chosen.is_of_frames)
        has_suspects = session.suspects.is_inspected and any(session.suspects.entries())
        self.only_suspects.setEnabled(has_suspects)
        self.only_suspects.setToolTip("" if has_suspects else "There are no suspects.")
        self.count.setEnabled(has_suspects and self.only_suspects.isChecked())
        selection, worst = self.controller.selection if chosen.is_of_frames else None, self._worst()
        which = f" Of {frames_text(*selection)}, which you selected." if selection else ""
        which = f" Of {counted(len(worst), 'suspect')}, the worst." if worst else which
        told = told_of_pose(session) if chosen.uses_keypoints else ""
        told = told and f"⚠ {told}"
        said = (f"{chosen.help}.{which}", self._told_of_keypoints(), told, told_of_smoothing(session))
        self.about.setText(" ".join(filter(None, said)))
        # as long as the line above says where it is, whatever is chosen to be made next
        self.open_button.setVisible(self._made is not None and not self.job_bar.is_running)

    def _told_of_keypoints(self) -> str:
        """Whose keypoints are drawn, where that is not clear."""
        if not self.chosen.shows_keypoints or self.keypoints("pose") is not None:
            return ""
        if self.keypoints("detector") is None:
            return "There are no keypoints yet."
        return "The keypoints are the detector's: the pose model has not run."

    def keypoints(self, kind: Kind, animal: str | None = None) -> Path | None:
        """File of the keypoints of the current animal, or another; None where none are, or in no file."""
        session = self.controller.session
        if session is None or session.keypoints.about(kind, animal) is None:
            return None
        whose = session.keypoints.animal(animal) if kind == "pose" else ""
        path = self.controller.keypoint_files.get((kind, whose))
        model = self.controller.pose if kind == "pose" else self.controller.detector
        if path is None and model is not None:
            usual, tracks = model.predictions_csv(session.video.path), session.tracks
            own = tracks.entries[tracks.current if animal is None else animal].raw_csv if whose else None
            path = usual if own is None else own_place_of(usual, own)
        return path if path is not None and path.is_file() else None

    def run(self, trust: bool = False) -> None:
        """Ask for a file, save the review and make what was chosen of it."""
        session, chosen = self.controller.session, self.chosen
        if session is None or self.job_bar.is_running:
            return
        if self.controller.is_predicting:
            self.message.show_warning(
                "A model is running, and its keypoints are still to come. Make this when it has ended."
            )
            return
        raw = session.tracks.first.raw_csv
        # not among the recordings, where a project would take it for one
        folder = raw.parent if raw is not None and raw.parent.is_dir() else session.video.path.parent
        start = folder / f"{session.video.path.stem}_{chosen.name}{chosen.suffixes[0]}"
        kinds = ";;".join(f"*{suffix} (*{suffix})" for suffix in chosen.suffixes)
        path, kind = QFileDialog.getSaveFileName(self, chosen.label, str(start), kinds)
        if path:
            suffix = next((each for each in chosen.suffixes if each in kind), chosen.suffixes[0])
            self.make(Path(path) if Path(path).suffix else Path(path + suffix))

    def make(self, output: Path) -> None:
        """Save the review and make what is chosen; a file of that name is replaced."""
        self.message.clear()
        self._made, self._output = None, output
        self.save_then(self._make)

    def _make(self, boxes: Path) -> None:
        session, chosen = self.controller.session, self.chosen
        assert session is not None
        self._made_of = session.current, session.keypoints.get("pose")
        whose = "" if chosen.name == "report" else None  # it is of all animals, and starts from the first
        model = self.controller.pose or self.controller.detector
        args: dict[str, Any] = {
            "product": chosen.name,
            "video": session.video.path,
            "output": self._output,
            "bbox_csv": boxes,
            "name": session.current,
            "others": self._others(),
            "raw_csv": session.tracks.first.raw_csv,
            "preds": self.keypoints("pose", whose),
            "preds_before": self.keypoints("detector", whose),
            "model": None if model is None else model.path,
            "names": self.names.isChecked(),
            "frame": self.controller.frame,
            "frames": self.controller.selection if chosen.is_of_frames else None,
            "ranges": self._ranges(),
            "theme": self.theme.currentData(),
            "before_csv": session.tracks.entries[session.current].raw_csv if self._is_before else None,
            "scale": float(self.size_of.currentData()),
            "speed": float(self.speed.currentData()),
            "trail": self.trail.value(),
        }
        self.run_stage("show", args, chosen.label)

    @property
    def _is_before(self) -> bool:
        return self.chosen.shows_before and self.before.isChecked()

    def _others(self) -> dict[str, dict[str, Path | None]]:
        """Files of the final boxes and of the pose of the other animals, by their names."""
        session = self.controller.session
        assert session is not None
        return {
            entry.track.name: {
                "bbox_csv": reviewed_csv(entry.raw_csv, session.video.path),
                "preds": self.keypoints("pose", entry.track.name),
            }
            for entry in session.tracks.with_boxes
            if entry.raw_csv is not None and entry.track.name != session.current
        }

    def on_done(self, result: dict[str, Any]) -> None:
        """Say where it is, and offer to open it."""
        self._made = Path(result["path"])
        session, n_others = self.controller.session, int(result.get("n_others", 0))
        if session is not None and n_others:
            told = told_of_others(n_others, session.n_frames)
            cure = "Run step Pose, and make it again."
            self.message.show_warning(f"Saved to {self._made}. {told} {cure}")
        else:
            self.message.show_info(f"Saved to {self._made}")
        self.finish(shortened(self._made.name, 26))

    def open_made(self) -> None:
        """Open the file in the program that the system has for it."""
        if self._made is None:
            return
        self._opener.open(self._made)

    def session_changed(self) -> None:
        """Forget what was made of the video before."""
        super().session_changed()
        self._forget_made()

    def _on_edited(self) -> None:
        """What was made is of the boxes before."""
        super()._on_edited()
        self._forget_made()

    def refresh(self) -> None:
        """What was made is of the animal and the keypoints before, once there are others."""
        session = self.controller.session
        animal, poses = self._made_of
        is_of_now = session is None or (session.current == animal and session.pose_poses is poses)
        if self.done_text and not is_of_now:
            self._forget_made()
        super().refresh()

    def _forget_made(self) -> None:
        self._made, self.done_text = None, ""
        self.open_button.hide()
        if not self.job_bar.is_running:
            self.header.set_state("")
