"""The Cropzoom dock: the steps in order, one open at a time.

Every control has an object name, for tests and for those who drive the window by script; the module of
a step lists those of its controls. Above the steps are ``cropzoom_menu``, ``cropzoom_read_only`` while
nothing can be edited, and ``cropzoom_message``; below them ``cropzoom_undone``.

File dialogs have ways round them: ``dock["video"].open(path)``, ``dock["detect"].choose_model(path)``,
``dock["boxes"].load(path)``, ``dock["pose"].choose_model(path)``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from qtpy.QtWidgets import QDockWidget, QSplitter, QVBoxLayout, QWidget

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import shortened
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.control_guard import ControlGuard
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import Message, delayed
from napari_cropzoom.widgets.dock_menu import DockMenu
from napari_cropzoom.widgets.gl_context import OwnContext, canvas_near, top_of
from napari_cropzoom.widgets.memory import ReviewMemory
from napari_cropzoom.widgets.questions import may_leave
from napari_cropzoom.widgets.resuming import FIRST, Resuming
from napari_cropzoom.widgets.running_job import Foot, RunningJob
from napari_cropzoom.widgets.shortcuts_dialog import act_on_key, key_text
from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.detect import DetectStep
from napari_cropzoom.widgets.steps.job_step import JobStep
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar
from napari_cropzoom.widgets.steps.registry import STEPS
from napari_cropzoom.widgets.tour.tour import Tour
from napari_cropzoom.widgets.undone_line import UndoneLine
from napari_cropzoom.widgets.views.other_views import OtherViews
from napari_cropzoom.widgets.window.drops import Drops
from napari_cropzoom.widgets.window.fitting import Fitting
from napari_cropzoom.widgets.window.layer_care import LostLayers, SaveKey
from napari_cropzoom.widgets.window.scrolling import ScrollingUnderBar
from napari_cropzoom.widgets.window.step_list import StepList
from napari_cropzoom.widgets.window.tab_order import put_after

if TYPE_CHECKING:
    import napari


LOW = 760  # pixels of the dock's height below which its lines are close together
TIGHT = 560  # and below which steps do without room that they keep free


class CropzoomDock(QWidget):
    """The steps of the cropzoom pipeline on one video.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The viewer whose layers show the session.

    Attributes
    ----------
    controller : Controller
        Session, layers, models; ends with the dock.
    """

    owns_controller = True

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("cropzoom_dock")
        self.setWindowTitle("Cropzoom")
        self.setMinimumWidth(300)
        self.controller = Controller(napari_viewer)
        self._save_key = SaveKey(self.controller, self._show_saved, self._show_error)
        self.fitting = Fitting(napari_viewer, self)
        self._context = OwnContext(napari_viewer, self)
        self._is_closed = self._is_closing = self._is_behind = False
        self._watched: QWidget | None = None
        self._tour: Tour | None = None
        self._refusal = ""  # of the canvas, as long as it is shown
        self._animal: tuple[Session | None, str] = (None, "")  # that was last seen
        self.steps: dict[str, Step] = {}
        self.drops = Drops(self, self.steps, self.open_step, self.controller)
        self._scroll_later = delayed(self, self._scroll_to_open)
        self._error_later = delayed(self, self._scroll_to_error)
        self._arrange_later = delayed(self, self._arrange)
        self._canvas_later = delayed(self, self._watch_canvas)
        self._guard = ControlGuard(lambda: self.controller.layers, self)
        self._lay_out()
        for number, step in enumerate(STEPS, 1):
            self.add_step(step(self.controller, number))
        self._last_opened = self[STEPS[0].key]
        Resuming(self.controller, self.steps, self.open_step)
        self._memory = ReviewMemory(self.controller)
        OtherViews(self.controller, self.steps)
        self.controller.session_changed.connect(self._on_session)
        self.controller.changed.connect(self._show_read_only)
        self.controller.changed.connect(self._open_for_no_boxes)
        self.controller.session_changed.connect(self._show_read_only)
        self.controller.refused.connect(self._show_refusal)
        for worked in (
            self.controller.edited,
            self.controller.frame_changed,
            self.controller.selection_changed,
        ):
            worked.connect(self._forget_refusal)
        self.controller.edited.connect(self.message.clear)
        self.controller.edited.connect(self._note_step)
        self.controller.stepped.connect(self._show_step_of)
        self.open_step(self._last_opened.key)

    def __getitem__(self, key: str) -> Step:
        """Return a step by its key."""
        return self.steps[key]

    def add_step(self, step: Step) -> None:
        """Put a step below the others."""
        self.steps[step.key] = step
        self._list.add(step)
        self._guard.watch(step)
        for bar in step.findChildren(JobBar):
            self.running_job.watch(step.key, step.title, bar)
        if isinstance(step, DetectStep):
            step.job_bar.status_changed.connect(partial(self._show_detecting, step.job_bar))
        step.failed.connect(self._error_later.start)
        step.told.connect(self._undone.add)
        step.message.changed.connect(lambda: self._say_of_folded(step))
        step.toggled.connect(lambda wanted: self.open_step(step.key if wanted else ""))
        step.finished.connect(lambda: self._on_finished(step.key))

    def open_step(self, key: str) -> None:
        """Open one step and fold the others; an empty key folds all."""
        for name, step in self.steps.items():
            step.set_open(name == key and not step.missing())
        self._arrange()
        self._arrange_later.start()  # some of what it holds takes its size then
        self.running_job.refresh()
        if key:
            self._last_opened = self.steps[key]
            self._scroll_later.start()
            self._note_step()

    def begin_tour(self) -> Tour:
        """Lead a person through the steps, from the first."""
        self._end_tour()
        self._tour = tour = Tour(self)
        tour.ended.connect(self._forget_tour)
        tour.begin()
        return tour

    def close_session(self) -> None:
        """End the session, the worker's process and every connection; the dock is then dead."""
        if self._is_closed:
            return
        self._is_closed = True
        self._end_tour()
        self._watch(None)
        for step in self.steps.values():
            step.release()
        self.controller.close()
        self.fitting.let_go()
        self._context.let_go()

    # ---- Qt ------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Have the lines of the steps lower where the dock is low."""
        super().resizeEvent(event)
        self._list.set_low(self.height() < LOW)
        for step in self.steps.values():
            step.header.set_low(self.height() < LOW)
            step.set_tight(self.height() < TIGHT)
        self._arrange_later.start()

    def event(self, event: QEvent) -> bool:
        """End with the dock widget that napari put this into."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self._save_unasked()
                self.close_session()
                self.deleteLater()
        elif event.type() == QEvent.Type.Show:
            self._watch(top_of(self))  # not a dock that floats, which may be hidden
            self._canvas_later.start()
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask before a person closes the window while the file of final boxes is not up to date.

        The review ends with the window, so another window may edit it, though Python goes on.
        """
        if event.type() == QEvent.Type.Close:
            # napari's menu and keys close the window itself, a script (Viewer.close) its canvas first.
            is_asked = event.spontaneous() or canvas_near(self) is not None
            if is_asked and not may_leave(self, self.controller.session, self._show_error):
                event.ignore()
                return True
            self._is_closing = True
        elif event.type() == QEvent.Type.Hide and self._is_closing and not event.spontaneous():
            self.close_session()  # nothing has refused, and the window is not only minimised
        return bool(super().eventFilter(watched, event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key does on the canvas, where no control has a use for it."""
        if self.controller.layers is None or not act_on_key(event, self.controller.layers):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Do what the key of a tool has shown while it was down."""
        if self.controller.layers is not None:
            act_on_key(event, self.controller.layers)
        super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files that a step can open."""
        self.drops.take(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Have the file opened in its step."""
        self.drops.take(event)

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._list = StepList()
        self._scroll = ScrollingUnderBar(self._list)
        self.menu = DockMenu(self.controller, self._show_error)
        self.menu.tour_asked.connect(self.begin_tour)
        self.read_only, self.message = Message(), Message()
        self.read_only.setObjectName("cropzoom_read_only")
        self.message.setObjectName("cropzoom_message")
        QShortcut(QKeySequence(key_text("help")), self, self.menu.show_shortcuts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.setMenuBar(self.menu)
        layout.addWidget(self.read_only)
        lost = LostLayers(self.controller)
        lost.returned.connect(lambda: self.open_step(self._last_opened.key))
        self._guard.watch(lost)
        layout.addWidget(lost)
        layout.addWidget(self.message)
        self._undone = UndoneLine(self.controller)
        self.running_job = RunningJob()
        self.running_job.asked.connect(self.open_step)
        self.running_job.unseen.connect(self._tell_status)
        layout.addWidget(self._scroll)
        layout.addWidget(Foot(self._undone, self.running_job))

    def _arrange(self) -> None:
        self._list.arrange(self._scroll.maximumViewportSize())

    def _watch_canvas(self) -> None:
        canvas = canvas_near(self)
        if canvas is None or self._is_closed:
            return
        window = canvas.window()
        for each in (canvas, window, *window.findChildren(QSplitter), *window.findChildren(QDockWidget)):
            self._guard.watch_keys(each)
        put_after(canvas, self)

    def _scroll_to_open(self) -> None:
        self._scroll.ensureWidgetVisible(self._last_opened.body, 0, 4)
        self._scroll.ensureWidgetVisible(self._last_opened.header, 0, 4)

    def _scroll_to_error(self) -> None:
        self._scroll.ensureWidgetVisible(self._last_opened.message, 0, 4)

    def _on_finished(self, key: str) -> None:
        """Open the step that a finished one names; not if a person has left the job for another step."""
        next_key = self[key].next_key
        if not next_key:
            return
        is_elsewhere = any(one.is_open for one in self.steps.values() if one.key != key)
        before = self._is_behind  # of a step whose work has had this one finish as well
        self._is_behind = before or (is_elsewhere and isinstance(self[key], JobStep))
        if not self._is_behind:
            self.open_step(next_key)
        self[next_key].start_after(key)
        self._is_behind = before

    def _show_step_of(self, edit: Edit, _is_redo: bool) -> None:
        """Open the step that has the controls of a setting which was undone or done again, and say so."""
        for step in self.steps.values():
            if step.edits is None or not isinstance(edit, step.edits):
                continue
            if not step.is_open and not step.missing():
                self.open_step(step.key)
                self._undone.add(f"See step {step.title}.")

    def _show_detecting(self, bar: JobBar) -> None:
        """Have the steps that wait for boxes say how far the detector is."""
        for step in self.steps.values():
            step.show_detecting(bar.short if bar.is_running else "")

    def _say_of_folded(self, step: Step) -> None:
        """Say at the foot what a folded step says: a key may have asked for it."""
        if step.message.plain and not step.is_open:
            is_bad = step.message.kind in ("error", "warning")
            self._undone.note(f"{'⚠ ' if is_bad else ''}{step.message.plain}")

    def _tell_status(self, said: str) -> None:
        if self.controller.layers is not None:
            self.controller.layers.tell(said)

    def _open_for_no_boxes(self) -> None:
        """Open the step that makes boxes where none is open and there are none: of an added animal."""
        self.running_job.refresh()  # its step may have folded for want of boxes
        session, boxes = self.controller.session, self["boxes"]
        before, self._animal = self._animal, (session, session.current if session else "")
        if session is None or session.has_boxes or any(step.is_open for step in self.steps.values()):
            return
        is_other = before[0] is session and before != self._animal
        if not boxes.missing() and (is_other or self._last_opened.missing() == Needs.BOXES.value):
            self.open_step(boxes.key)

    def _show_reason(self) -> None:
        """Open the step that says why a frame is a suspect, for one that a person has just asked for."""
        if not self["review"].is_open:
            self.open_step("review")

    def _show_error(self, error: Exception) -> None:
        """Show an error of a menu or a key in the step that is open, or above all steps."""
        if self._last_opened.is_open:
            self._last_opened.show_error(error)
        elif self.controller.is_for_person(error):
            self.message.show_error(str(error))
        else:
            raise error

    def _show_refusal(self, error: Exception) -> None:
        self._show_error(error)
        self._refusal = str(error)

    def _forget_refusal(self, *_: object) -> None:
        """What the canvas refused is no matter once something has worked."""
        said, self._refusal = self._refusal, ""
        for message in (self.message, *(step.message for step in self.steps.values())) if said else ():
            if message.plain == said:
                message.clear()

    def _end_tour(self) -> None:
        if self._tour is not None:
            self._tour.leave()

    def _forget_tour(self) -> None:
        self._tour = None

    def _note_step(self) -> None:
        """Have the review go on in this step when the video is opened again; not before step Review."""
        step = self._last_opened
        if step.is_open and step.place >= self[FIRST].place:
            self._memory.note_step(step.key)

    def _show_saved(self, path: Path) -> None:
        """Say it in the line at the foot, whose room is kept."""
        self._undone.tell(f"Review saved: {shortened(path.name, 24)}", f"Review saved: {path}")

    def _on_session(self) -> None:
        self.message.clear()
        if self.controller.session is not None:
            self.fitting.fit()
        if self.controller.layers is not None:
            self.controller.layers.reason_asked.connect(self._show_reason)

    def _show_read_only(self) -> None:
        session = self.controller.session
        self.read_only.show_warning(session.read_only if session else "")

    def _watch(self, window: QWidget | None) -> None:
        if window is self._watched or window is self:
            return
        if self._watched is not None:
            self._watched.removeEventFilter(self)
            self._watched.removeEventFilter(self._save_key)
        self._watched = window
        if window is not None:
            window.installEventFilter(self)
            window.installEventFilter(self._save_key)
            self.drops.watch(window)

    def _save_unasked(self) -> None:
        session = self.controller.session
        if self._is_closed or self._watched is None or session is None:
            return
        if session.unsaved and len(session.history):
            try:
                session.save()
            except (CropzoomError, OSError) as error:
                self._show_error(error)
