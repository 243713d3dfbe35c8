"""How far a training is: its curves, epoch, time left and log, and a button that stops it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qtpy.QtCore import QEvent, QTimer, Signal
from qtpy.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.progress import Progress
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.training.background import WATCH_LOG, stop
from napari_cropzoom.engine.training.losses import PIXELS, TRAINING, VALIDATION, Losses
from napari_cropzoom.engine.training.status import FAILED, TrainingStatus
from napari_cropzoom.engine.training.train import LOG
from napari_cropzoom.engine.training.weights import why_ended
from napari_cropzoom.files.parsing import size_of
from napari_cropzoom.jobs import Latest
from napari_cropzoom.jobs.time_left import TimeLeft
from napari_cropzoom.widgets.controls import Message, button, choice, note, row, silent, thin_bar
from napari_cropzoom.widgets.steps.parts.job_bar import seconds
from napari_cropzoom.widgets.training.plots import CurvePlot

MS_BETWEEN_LOOKS = 1000
LOG_BYTES = 20_000  # from its end
LOGS = (LOG, WATCH_LOG, "train_stderr.log", "train_stdout.log")
"""Ours first; the others are those of Lightning Pose's app."""
NAMES = {TRAINING: "training", VALIDATION: "validation"}
Points = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class TrainingLook:
    """What is known of a training at a moment.

    Attributes
    ----------
    folder : Path
    status : TrainingStatus
    is_running : bool
    curves : dict of str to (epochs, values)
        By the name that is shown.
    pixels : float or None
        Pixel error of the frames kept for validation.
    log : str
        The end of it.
    """

    folder: Path
    status: TrainingStatus
    is_running: bool = False
    curves: dict[str, Points] = field(default_factory=dict)
    pixels: float | None = None
    log: str = ""


class Reader:
    """Reads a training's files again and again, in one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._losses = Losses(folder, goes_on=True)

    def look(self) -> TrainingLook:
        """What there is now."""
        status = TrainingStatus.read(self.folder)
        newest = self._losses.latest()
        curves: dict[str, Points] = {}
        if self._losses.curves is not None:
            for tag, name in NAMES.items():
                epochs, values = self._losses.curves.over_epochs(tag)
                if values:
                    curves[name] = list(epochs), list(values)
        pixels = newest.get(PIXELS)
        return TrainingLook(
            self.folder, status, status.is_running, curves, pixels, _end_of_log(self.folder)
        )


def _end_of_log(folder: Path) -> str:
    for name in LOGS:
        path = folder / name
        try:
            size = size_of(path)
            with path.open("rb") as file:
                file.seek(max(0, size - LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            continue
        lines = (line.rpartition("\r")[2].rstrip() for line in text.splitlines())
        return "\n".join(line for line in lines if line)
    return ""


class ProgressPage(QWidget):
    """One training at a time, of those that run or have run.

    Object names: ``progress_which``, ``progress_plot``, ``progress_bar``, ``progress_text``,
    ``progress_stop``, ``progress_log_button``, ``progress_log``, ``progress_message``.

    Attributes
    ----------
    look : TrainingLook or None
        The latest.
    ended : Signal
        A training that was shown running runs no longer: its folder.
    """

    ended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.look: TrainingLook | None = None
        self._reader: Reader | None = None
        self._time_left = TimeLeft()
        self._is_stopping = False
        self._looking = Latest(self._show_look)
        self._stopping = Latest(self._on_stopped, self._on_not_stopped)
        self._timer = QTimer(self)
        self._timer.setInterval(MS_BETWEEN_LOOKS)
        self._timer.timeout.connect(self._ask)
        self._lay_out()
        self._show_nothing()

    @property
    def folder(self) -> Path | None:
        """Of the training that is shown."""
        return None if self._reader is None else self._reader.folder

    @property
    def is_running(self) -> bool:
        """Whether the training that is shown runs."""
        return self.look is not None and self.look.is_running

    def show_trainings(self, folders: Sequence[Path], running: Sequence[Path]) -> None:
        """Offer trainings; one that runs is shown if none was chosen yet."""
        before = self.folder
        known = list(dict.fromkeys([*running, *folders, *([] if before is None else [before])]))
        with silent([self.which]):
            self.which.clear()
            for folder in known:
                self.which.addItem(folder.name, str(folder))
            chosen = before or (running[0] if running else None)
            self.which.setCurrentIndex(self.which.findData(str(chosen)) if chosen else -1)
        self.which.setVisible(bool(known))
        if before is None and running:
            self.watch(running[0])

    def watch(self, folder: Path) -> None:
        """Show a training from now on."""
        self._looking.drop()
        self._reader, self.look = Reader(folder), None
        self._time_left = TimeLeft()
        self._is_stopping = False
        self.message.clear()
        if self.which.findData(str(folder)) < 0:
            with silent([self.which]):
                self.which.addItem(folder.name, str(folder))
        with silent([self.which]):
            self.which.setCurrentIndex(self.which.findData(str(folder)))
        self.which.show()
        self._timer.start()
        self._ask()

    def stop(self) -> None:
        """Ask the training to end after the batch at hand; what it has learned is kept."""
        if self.folder is None or self._is_stopping:
            return
        self._is_stopping = True
        self.stop_button.setEnabled(False)
        self.text.setText("Stopping after the batch at hand …")
        self._stopping.request(stop, self.folder)

    def release(self) -> None:
        """Look no longer; the training goes on."""
        self._timer.stop()
        self._looking.drop()
        self._stopping.drop()

    def showEvent(self, event: QEvent) -> None:
        """Look at once."""
        super().showEvent(event)
        self._ask()

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.which = choice("progress_which", "Trainings of this project")
        self.plot = CurvePlot("progress_plot")
        self.bar = thin_bar("progress_bar")
        self.text = note("", "progress_text")
        self.stop_button = button("Stop", "progress_stop", "After the batch at hand; the model is kept")
        self.log_button = button("Log", "progress_log_button", "What Lightning Pose says")
        self.log_button.setCheckable(True)
        self.log = QPlainTextEdit()
        self.log.setObjectName("progress_log")
        self.log.setReadOnly(True)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.hide()
        self.message = Message()
        self.message.setObjectName("progress_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(4)
        for widget in (self.which, self.text, self.bar):
            layout.addWidget(widget)
        layout.addWidget(self.plot, 2)
        layout.addLayout(row(self.stop_button, self.log_button, stretch=0))
        layout.addWidget(self.log, 3)
        layout.addWidget(self.message)
        layout.addStretch(1)
        self.which.activated.connect(lambda _: self.watch(Path(self.which.currentData())))
        self.stop_button.clicked.connect(self.stop)
        self.log_button.toggled.connect(self.log.setVisible)

    def _show_nothing(self) -> None:
        self.which.hide()
        self.text.setText("No training yet. Start one in tab Train; it is found again here.")
        self.bar.setRange(0, 1)
        for widget in (self.bar, self.plot, self.stop_button, self.log_button):
            widget.setVisible(False)

    def _ask(self) -> None:
        if self._reader is not None and not self._looking.is_running:
            self._looking.request(self._reader.look)

    def _show_look(self, look: TrainingLook) -> None:
        if look.folder != self.folder:
            return
        before, self.look = self.look, look
        self.bar.setVisible(look.is_running)
        self.stop_button.setVisible(look.is_running)
        self.stop_button.setEnabled(not self._is_stopping)
        self.log_button.setVisible(bool(look.log))
        self.plot.setVisible(bool(look.curves))
        progress = look.status.progress
        if look.is_running:
            self.bar.setRange(0, max(progress.total, 0))
            self.bar.setValue(progress.done)
        if not self._is_stopping:
            self.text.setText(self._told(look, progress))
        if before is None or look.curves != before.curves:
            self.plot.show_curves(look.curves)
        if before is None or look.log != before.log:
            self.log.setPlainText(look.log)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())
        if not look.is_running:
            self._timer.stop()
            if before is not None and before.is_running:
                self.ended.emit(look.folder)

    def _told(self, look: TrainingLook, progress: Progress) -> str:
        found = f", {look.pixels:.1f} px off in validation" if look.pixels is not None else ""
        if not look.is_running:
            why = why_ended(look.log) if look.status.status == FAILED and look.log else ""
            told = f"{look.folder.name}: {look.status.told()}{found}"
            return f"{told}. {brief(why, 300)}" if why else told
        if progress.total <= 1:
            return f"{look.folder.name}: starting …"
        left = self._time_left.update(progress.done, progress.total, time.monotonic())
        more = f" · {seconds(left)} left" if left >= 0 else ""
        unit = counted(progress.total, progress.text.removesuffix("s"))
        return f"{look.folder.name}: {progress.done} of {unit}{more}{found}"

    def _on_stopped(self, said: str) -> None:
        self._is_stopping = False
        self.message.show_info(said)
        self._ask()

    def _on_not_stopped(self, error: Exception) -> None:
        self._is_stopping = False
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self.message.show_error(str(error))
        self._ask()
