"""Step 1: the video, with what preflight has to say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QMessageBox, QProgressBar

from napari_cropzoom.io.preflight import preflight
from napari_cropzoom.io.video import VIDEO_SUFFIXES, Video, VideoIndex
from napari_cropzoom.jobs import Latest
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import PathLabel, button, note, recent, remember
from napari_cropzoom.widgets.section import Section


class ScanProgress(QObject):
    """Carries the fraction scanned from the thread that scans."""

    fraction = Signal(float)


class VideoSection(Section):
    """Choose a file, or take the layer that napari's reader has opened."""

    key = "video"
    title = "Video"

    def __init__(self, bench: Bench, number: int) -> None:
        self._scanning: Path | None = None
        super().__init__(bench, number)

    def build(self) -> None:
        """File, progress of the scan, details, warnings."""
        self.open_button = button("Open video…", "video_open", "Or drop a file on this dock")
        self.path_label = PathLabel()
        self.path_label.setObjectName("video_path")
        self.bar = QProgressBar()
        self.bar.setObjectName("video_progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.details = note("", "video_details")
        for widget in (self.open_button, self.path_label, self.bar, self.details):
            self.form.addWidget(widget)
        self.open_button.clicked.connect(self.browse)
        self._scan_progress = ScanProgress(self)
        self._scan_progress.fraction.connect(self._on_fraction)
        self._scan = Latest(self._on_scanned, self._on_scan_failed)
        self._check = Latest(self._on_checked, self._on_scan_failed)

    def missing(self) -> str:
        """The first step is always possible."""
        return ""

    def summary(self) -> tuple[str, bool]:
        """``1200 frames · 1280×1024 · 30 fps``."""
        session = self.bench.session
        if self._scanning is not None:
            return f"reading {self._scanning.name} …", False
        if session is None:
            return "", False
        video = session.video
        size = f"{video.width}×{video.height}"
        return f"{video.n_frames} frames · {size} · {video.fps:.4g} fps", True

    def browse(self) -> None:
        """Ask for a file."""
        known = recent("video")
        start = str(known[0].parent) if known else ""
        patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
        path, _ = QFileDialog.getOpenFileName(self, "Open video", start, f"Videos ({patterns});;All (*)")
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Index a video in a thread and start a session on it."""
        if not self._may_leave():
            return
        self.message.clear()
        self._scanning = Path(path)
        self.path_label.set_path(self._scanning)
        self.bar.setValue(0)
        self.bar.show()
        self.open_button.setEnabled(False)
        self._scan.request(scan, self._scanning, self._scan_progress)
        self.refresh()

    def take(self, video: Video) -> None:
        """Start a session on a video that is open already."""
        self._on_scanned(video)

    def let_go(self) -> None:
        """Drop the answers still to come."""
        self._scan.drop()
        self._check.drop()

    def _may_leave(self) -> bool:
        session = self.bench.session
        if session is None or not session.unsaved or not len(session.history):
            return True
        answer = QMessageBox.question(
            self,
            "Unsaved review",
            f"The review of {session.video.path.name} is not saved. Open another video and lose it?",
            QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Discard

    def _on_fraction(self, fraction: float) -> None:
        self.bar.setValue(round(1000 * fraction))

    def _on_scanned(self, video: Video) -> None:
        self._end_scan()
        session = self.bench.open_video(video)
        remember("video", video.path)
        self.path_label.set_path(video.path)
        index = session.video.index
        self.details.setText(f"{index.codec} · {index.pix_fmt} · {video.n_frames / video.fps:.1f} s")
        self._check.request(preflight, video.path)
        self.refresh()
        self.finished.emit()

    def _on_scan_failed(self, error: Exception) -> None:
        self._end_scan()
        session = self.bench.session
        self.path_label.set_path(session.video.path if session else None)
        self.show_error(error)
        self.refresh()

    def _end_scan(self) -> None:
        self._scanning = None
        self.bar.hide()
        self.open_button.setEnabled(True)

    def _on_checked(self, info: Any) -> None:
        session = self.bench.session
        if session is not None and info.warnings and not self.message.plain:
            self.message.show_warning("\n".join(info.warnings))


def scan(path: Path, progress: ScanProgress) -> Video:
    """Open a video; runs in a thread."""
    index = VideoIndex.scan(path, progress.fraction.emit)
    return Video(path, index=index)
