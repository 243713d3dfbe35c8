"""One line for a job whose step is folded: how far it is, a way to the step, and *Cancel*."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QSizePolicy
from superqt import QElidingLabel

from napari_cropzoom.widgets.controls import button
from napari_cropzoom.widgets.steps.parts.job_bar import CANCEL_HELP, JobBar


class RunningJob(QFrame):
    """Keeps a job that runs in reach, whatever step is open; hidden otherwise.

    Object names: ``running_job``, ``running_job_text``, ``running_job_show``, ``running_job_cancel``.

    Attributes
    ----------
    asked : Signal
        Key of the step that a person wants to see.
    """

    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("running_job")
        self._bars: list[tuple[str, str, JobBar]] = []
        self._shown: tuple[str, JobBar] | None = None
        self.text = QElidingLabel()
        self.text.setObjectName("running_job_text")
        self.text.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.show_button = button("Show", "running_job_show", "Open the step that runs")
        self.cancel_button = button("Cancel", "running_job_cancel", CANCEL_HELP)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 4, 2)
        layout.setSpacing(4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.show_button)
        layout.addWidget(self.cancel_button)
        self.show_button.clicked.connect(self._ask)
        self.cancel_button.clicked.connect(self._cancel)
        self.hide()

    def watch(self, key: str, title: str, bar: JobBar) -> None:
        """Show the jobs of a bar while that is out of sight; ``key`` and ``title`` are its step's."""
        self._bars.append((key, title, bar))
        bar.status_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the first job that runs out of sight, if there is one."""
        running = [each for each in self._bars if each[2].is_running]
        hidden = [each for each in running if not each[2].isVisibleTo(self.window())]
        if not hidden:
            self._shown = None
            self.hide()
            return
        key, title, bar = hidden[0]
        self._shown = key, bar
        self.text.setText(f"{title}: {bar.status.text()}")
        self.text.setToolTip(bar.status.text())
        self.cancel_button.setEnabled(not bar.is_cancelling)
        self.show()

    def _ask(self) -> None:
        if self._shown is not None:
            self.asked.emit(self._shown[0])

    def _cancel(self) -> None:
        if self._shown is not None:
            self._shown[1].cancel()
