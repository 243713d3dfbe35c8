"""The Cropzoom dock: the steps in order, one open at a time.

Every control has an object name, for tests and for those who drive the window by script. A step's
line is ``<step>_header``, its controls are in ``<step>_body``, its one message is ``<step>_message``;
steps: ``video detect boxes review smooth crop pose export``. Above the steps are ``cropzoom_menu``,
``cropzoom_read_only`` while nothing can be edited, and ``cropzoom_message``.

=========  =============================================================================================
video      ``video_open`` ``video_path`` ``video_progress`` ``video_details``
detect     ``detect_method`` ``detect_model`` ``detect_browse`` ``detect_path`` ``detect_info``
           ``detect_every`` ``detect_setting_<field>`` ``detect_found`` ``detect_use`` ``detect_run``
           ``detect_cancel`` ``detect_progress`` ``detect_status``
boxes      ``boxes_by_ratio`` ``boxes_ratio`` ``boxes_by_size`` ``boxes_size`` ``boxes_anchors``
           ``boxes_use_likelihood`` ``boxes_likelihood`` ``boxes_load`` ``boxes_allow_missing``
           ``boxes_path``
review     ``review_here`` ``review_counts`` ``review_progress`` ``review_amount``
           ``review_count`` ``review_list`` ``review_previous`` ``review_next`` ``review_worst``
           ``review_accept`` ``review_delete`` ``review_fill`` ``review_undo``
           ``review_redo`` ``review_hint`` ``review_pixels_run``
smooth     ``smooth_method`` ``smooth_window`` ``smooth_quantity`` ``smooth_trace`` ``smooth_jitter``
           ``smooth_legend`` ``smooth_fill``
crop       ``crop_path`` ``crop_encoding`` (unfolds ``crop_encoder`` ``crop_preset`` ``crop_crf``)
           ``crop_run`` ``crop_cancel`` ``crop_progress`` ``crop_status`` ``crop_open``
pose       ``pose_model`` ``pose_browse`` ``pose_path`` ``pose_info`` ``pose_source`` ``pose_found``
           ``pose_use`` ``pose_run`` ``pose_cancel`` ``pose_progress`` ``pose_status``
export     ``export_path`` ``export_save`` ``export_copy``
=========  =============================================================================================

File dialogs have ways round them: ``dock["video"].open(path)``, ``dock["detect"].choose_model(path)``,
``dock["boxes"].load(path)``, ``dock["pose"].choose_model(path)``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QDockWidget, QMessageBox, QScrollArea, QVBoxLayout, QWidget

from napari_cropzoom.io.video import VIDEO_SUFFIXES, Video
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import Message
from napari_cropzoom.widgets.dock_menu import DockMenu
from napari_cropzoom.widgets.gl_context import OwnContext
from napari_cropzoom.widgets.section import Section
from napari_cropzoom.widgets.section_boxes import BoxesSection
from napari_cropzoom.widgets.section_crop import CropSection
from napari_cropzoom.widgets.section_detect import DetectSection
from napari_cropzoom.widgets.section_export import ExportSection
from napari_cropzoom.widgets.section_pose import PoseSection
from napari_cropzoom.widgets.section_review import ReviewSection
from napari_cropzoom.widgets.section_smooth import SmoothSection
from napari_cropzoom.widgets.section_video import VideoSection
from napari_cropzoom.widgets.shortcuts import key_text
from napari_cropzoom.widgets.stand_in import StandIn

if TYPE_CHECKING:
    import napari

STEPS: tuple[type[Section], ...] = (
    VideoSection,
    DetectSection,
    BoxesSection,
    ReviewSection,
    SmoothSection,
    CropSection,
    PoseSection,
    ExportSection,
)


class CropzoomDock(QWidget):
    """The steps of the cropzoom pipeline on one video.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers show the session.

    Attributes
    ----------
    bench : Bench
        Session, layers, models; ends with the dock.
    """

    owns_bench = True

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("cropzoom_dock")
        self.setWindowTitle("Cropzoom")
        self.setMinimumWidth(300)
        self.setAcceptDrops(True)
        self.bench = Bench(napari_viewer)
        self.stand_in = StandIn(self.bench, self)
        self._context = OwnContext(napari_viewer, self)
        self._is_closed = self._is_closing = False
        self._watched: QWidget | None = None
        self._resting: QDockWidget | None = None
        self.sections = {step.key: step(self.bench, i) for i, step in enumerate(STEPS, 1)}
        self._shown_last: Section = self["video"]
        self._scroll_later = QTimer(self)
        self._scroll_later.setSingleShot(True)
        self._scroll_later.timeout.connect(self._scroll_to_open)
        self._error_later = QTimer(self)
        self._error_later.setSingleShot(True)
        self._error_later.timeout.connect(self._scroll_to_error)
        self._lay_out()
        for section in self.sections.values():
            section.failed.connect(self._error_later.start)
            section.toggled.connect(lambda wanted, s=section: self.open_step(s.key if wanted else ""))
        self["video"].finished.connect(lambda: self.open_step("detect"))
        self["detect"].finished.connect(self._on_detected)
        self["crop"].finished.connect(lambda: self.open_step("pose"))
        self.bench.session_changed.connect(self._on_session)
        self.bench.changed.connect(self._show_read_only)
        self.bench.session_changed.connect(self._show_read_only)
        self.bench.refused.connect(self._tell)
        self.bench.edited.connect(self.message.clear)
        self.open_step("video")
        self._adopt = QTimer(self)
        self._adopt.setSingleShot(True)
        self._adopt.timeout.connect(self.adopt_layer)
        self._adopt.start()

    def __getitem__(self, key: str) -> Section:
        """Return a step by its key."""
        return self.sections[key]

    def open_step(self, key: str) -> None:
        """Open one step and fold the others; an empty key folds all."""
        for name, section in self.sections.items():
            section.set_open(name == key and not section.missing())
        if key:
            self._shown_last = self.sections[key]
            self._scroll_later.start()

    def adopt_layer(self) -> None:
        """Take the video that napari's reader has opened, if there is one and none is open."""
        if self.bench.session is not None or self._is_closed:
            return
        for layer in list(self.bench.viewer.layers):
            if isinstance(layer.data, Video):
                self.bench.viewer.layers.remove(layer)
                self["video"].take(layer.data)
                return

    def close_session(self) -> None:
        """End the session, the worker's process and every connection; the dock is then dead."""
        if self._is_closed:
            return
        self._is_closed = True
        self._adopt.stop()
        self._watch(None)
        for section in self.sections.values():
            let_go = getattr(section, "let_go", None)
            if let_go is not None:
                let_go()
        self.bench.close()
        self._context.let_go()

    # ---- Qt ------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """End with the dock widget that napari put this into."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._save_quietly()
                self.close_session()
                self.deleteLater()
        elif event.type() == QEvent.Type.Show:
            self._watch(self.window())
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask before a person closes the window on unsaved edits, as napari does for its layers.

        The review ends with the window, so that another window may edit it, though Python goes on.
        """
        if event.type() == QEvent.Type.Close:
            if event.spontaneous() and not self._may_close():
                event.ignore()
                return True
            self.stand_in.end()
            self._is_closing = True
        elif event.type() == QEvent.Type.Hide and self._is_closing and not event.spontaneous():
            self.close_session()  # nobody has objected; it is no mere minimising either
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take videos only."""
        if dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the video."""
        path = dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_step("video")
            self["video"].open(path)

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(3)
        for section in self.sections.values():
            column.addWidget(section)
        column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inner)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.menu = DockMenu(self.bench, self._tell)
        self.read_only, self.message = Message(), Message()
        self.read_only.setObjectName("cropzoom_read_only")
        self.message.setObjectName("cropzoom_message")
        QShortcut(QKeySequence(key_text("help")), self, self.menu.show_shortcuts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.setMenuBar(self.menu)
        layout.addWidget(self.read_only)
        layout.addWidget(self.message)
        layout.addWidget(self._scroll)

    def _scroll_to_open(self) -> None:
        self._scroll.ensureWidgetVisible(self._shown_last.body, 0, 4)
        self._scroll.ensureWidgetVisible(self._shown_last.header, 0, 4)

    def _scroll_to_error(self) -> None:
        self._scroll.ensureWidgetVisible(self._shown_last.message, 0, 4)

    def _on_detected(self) -> None:
        session = self.bench.session
        self.open_step("boxes")
        if session is not None and session.detector_poses is not None and not session.has_boxes:
            self["boxes"].start_from_keypoints()

    def _tell(self, error: Exception) -> None:
        """Show an error of a menu or a key in the step that is open, or above all steps."""
        if self._shown_last.is_open:
            self._shown_last.show_error(error)
        elif self.bench.is_for_person(error):
            self.message.show_error(str(error))
        else:
            raise error

    def _on_session(self) -> None:
        self.message.clear()
        if self.bench.layers is not None:
            self.bench.layers.hurried.connect(self._rest_layer_list)

    def _rest_layer_list(self, is_hurried: bool) -> None:
        """Leave napari's layer list as it is in a quick run of frames.

        It paints every row anew for each event of a layer, as slow as the boxes on the canvas.
        """
        if is_hurried:
            self._resting = self.window().findChild(QDockWidget, "layer list")
        # found before: a dock that is closed has no window any more
        if self._resting is not None and isalive(self._resting):
            self._resting.setUpdatesEnabled(not is_hurried)

    def _show_read_only(self) -> None:
        session = self.bench.session
        self.read_only.show_warning(session.read_only if session else "")

    def _watch(self, window: QWidget | None) -> None:
        if window is self._watched or window is self:
            return
        if self._watched is not None:
            self._watched.removeEventFilter(self)
        self._watched = window
        if window is not None:
            window.installEventFilter(self)

    def _has_unsaved_edits(self) -> bool:
        session = self.bench.session
        return session is not None and session.unsaved and len(session.history) > 0

    def _save_quietly(self) -> None:
        if not self._is_closed and self._has_unsaved_edits() and self._watched is not None:
            self["export"].save()

    def _may_close(self) -> bool:
        if not self._has_unsaved_edits():
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            "Unsaved review",
            "The review has edits that are not saved. Save them?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self["export"].save()
        return answer == buttons.Discard


def dropped(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """Return the video that is dropped, None if it is something else."""
    urls = event.mimeData().urls()
    path = Path(urls[0].toLocalFile()) if len(urls) == 1 else None
    return path if path is not None and path.suffix.lower() in VIDEO_SUFFIXES else None
