"""The dock's menus: edits by name with a list to jump back in, animals, keypoints, napari, help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QPoint, Qt, Signal
from qtpy.QtGui import QAction, QColor, QIcon, QKeyEvent, QPainter, QPen, QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QInputDialog,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QMenuBar,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.canvas.shortcuts import redo, undo
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import shortened
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import delayed, silent
from napari_cropzoom.widgets.exchange.handing import ExchangeMenu
from napari_cropzoom.widgets.gl_context import canvas_near
from napari_cropzoom.widgets.keypoint_menu import KeypointMenu
from napari_cropzoom.widgets.shortcuts_dialog import ShortcutsDialog, key_text

SWATCH = 15  # pixels
NAME_LENGTH = 28  # letters of an animal's name in the sentences of a menu


class DockMenu(QMenuBar):
    """Edit, Animals, Keypoints, Help; each menu is made when it opens.

    Parameters
    ----------
    controller : Controller
    show_error : callable
        Shows an error in the dock.

    Attributes
    ----------
    ask_name, ask_color, ask_file, ask_folder : callable
        Ask a person; given as attributes for those who drive the window by script.
    tour_asked : Signal
        *Help > Tour* was chosen.
    """

    tour_asked = Signal()

    def __init__(self, controller: Controller, show_error: Callable[[Exception], object]) -> None:
        super().__init__()
        self.setObjectName("cropzoom_menu")
        self.setNativeMenuBar(False)
        self.controller = controller
        self._show_error = show_error
        self._leave_later = delayed(self, self._leave)
        self.ask_name = self._ask_name
        self.ask_color = self._ask_color
        self.ask_file = self._ask_file
        self.ask_folder = self._ask_folder
        self.edit_menu = self._menu("&Edit", "menu_edit", self._fill_edit)
        controller.session_changed.connect(self._on_session)
        self.animals_menu = self._menu("&Animals", "menu_animals", self._fill_animals)
        self.keypoint_menu = KeypointMenu(controller, show_error, self)
        self.addMenu(self.keypoint_menu)
        self.napari_menu = ExchangeMenu(controller, self._do, self)
        self.addMenu(self.napari_menu)
        self.help_menu = self._menu("Help", "menu_help", self._fill_help)
        for menu in (self.edit_menu, self.animals_menu, self.keypoint_menu, self.help_menu):
            menu.aboutToHide.connect(self._leave_later.start)

    def show_history(self) -> None:
        """List every edit; choosing one goes back or forward to it."""
        session = self.controller.session
        if session is not None:
            dialog = HistoryDialog(session, self)
            dialog.chosen = lambda count: self._do(lambda: session.go_to_edit(count))
            dialog.show()

    def ask_swap(self) -> None:
        """Offer the swaps of animals in a menu over the canvas, for the key."""
        session, layers, canvas = self.controller.session, self.controller.layers, canvas_near(self)
        if session is None or layers is None or canvas is None:
            return
        menu = QMenu(self)
        menu.setObjectName("menu_swap")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._add_swaps(menu, session, layers)
        menu.setActiveAction(menu.actions()[0])
        menu.popup(canvas.mapToGlobal(canvas.rect().center()))

    def show_shortcuts(self) -> None:
        """Show the table of keys."""
        ShortcutsDialog(self).show()

    # ---- menus ---------------------------------------------------------------------------------

    def _menu(self, title: str, name: str, fill: Callable[[QMenu], None]) -> QMenu:
        menu = self.addMenu(title)
        menu.setObjectName(name)
        menu.aboutToShow.connect(lambda: self._refill(menu, fill))
        self._refill(menu, fill)
        return menu

    @staticmethod
    def _refill(menu: QMenu, fill: Callable[[QMenu], None]) -> None:
        menu.clear()
        fill(menu)

    def _on_session(self) -> None:
        if self.controller.layers is not None:
            self.controller.layers.swap_asked.connect(self.ask_swap)

    def _fill_edit(self, menu: QMenu) -> None:
        session = self.controller.session
        undo = session.history.undo_label if session else None
        redo = session.history.redo_label if session else None
        for what, label in (("undo", undo), ("redo", redo)):
            text = f"{what.capitalize()}: {label}" if label else what.capitalize()
            action = menu.addAction(f"{text}\t{key_text(what)}")
            action.setEnabled(label is not None)
            action.triggered.connect(lambda _=False, what=what: self._step(what))
        menu.addSeparator()
        history = menu.addAction("History …")
        history.setEnabled(session is not None and bool(session.history.every))
        history.triggered.connect(self.show_history)
        keep = menu.addAction("Keep the review in another folder …")
        keep.setEnabled(session is not None and session.raw_csv is not None)
        keep.triggered.connect(lambda _=False: self._do(self._keep_elsewhere))

    def _fill_animals(self, menu: QMenu) -> None:
        session, layers = self.controller.session, self.controller.layers
        if session is None or layers is None:
            menu.addAction("Open a video first").setEnabled(False)
            return
        for name, entry in session.tracks.entries.items():
            is_current = name == session.current
            action = menu.addAction(swatch(entry.color, is_chosen=is_current), name)
            action.setCheckable(True)
            action.setChecked(is_current)
            action.triggered.connect(lambda _=False, name=name: self._do(session.select_track, name))
        menu.addSeparator()
        here = shortened(session.current, NAME_LENGTH)
        self._add(menu, "Add an animal …", self._add_animal, session)
        self._add(menu, "Add an animal from a file …", self._add_from_file, session)
        self._add(menu, f"Rename {here} …", self._rename, session)
        self._add(menu, f"Colour of {here} …", self._recolor, session)
        remove = self._add(menu, f"Remove {here}", session.remove_track, session.current)
        remove.setEnabled(session.current != next(iter(session.tracks)))
        if len(session.tracks) > 1:
            menu.addSeparator()
        self._add_swaps(menu, session, layers)

    def _add_swaps(self, menu: QMenu, session: Session, layers: LayerSet) -> None:
        for name in (each for each in session.tracks if each != session.current):
            frame, end = layers.frame, session.n_frames - 1
            text = f"Swap with {shortened(name, NAME_LENGTH)}"
            self._add(menu, f"{text} from frame {frame} on", session.swap, name, frame, end)
            if layers.selection_here is not None:
                first, last = layers.selection_here
                self._add(menu, f"{text} in {frames_text(first, last)}", session.swap, name, first, last)

    def _fill_help(self, menu: QMenu) -> None:
        action = menu.addAction(f"Keys\t{key_text('help')}")
        action.triggered.connect(self.show_shortcuts)
        tour = menu.addAction("Tour")
        tour.triggered.connect(lambda _=False: self.tour_asked.emit())

    def _add(self, menu: QMenu, text: str, act: Callable[..., object], *args: object) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False: self._do(act, *args))
        return action

    def _leave(self) -> None:
        """Let go of the keys once no menu is open: Qt keeps them for the bar until a second Esc."""
        if self.hasFocus() and QApplication.activePopupWidget() is None:
            escape, none = Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier
            QApplication.sendEvent(self, QKeyEvent(QEvent.Type.KeyPress, escape, none))

    # ---- doing ---------------------------------------------------------------------------------

    def _do(self, act: Callable[..., object], *args: object) -> None:
        try:
            act(*args)
        except (CropzoomError, OSError) as error:
            self._show_error(error)

    def _step(self, what: str) -> None:
        session, layers = self.controller.session, self.controller.layers
        if session is not None and layers is not None:
            self._do(undo if what == "undo" else redo, session, layers)

    def _add_animal(self, session: Session) -> None:
        name = self.ask_name("Add an animal", "Name", f"animal {len(session.tracks) + 1}")
        if name:
            session.add_track(name)

    def _add_from_file(self, session: Session) -> None:
        path = self.ask_file()
        if path is not None:
            name = self.ask_name("Add an animal", "Name", path.parent.name)
            if name:
                said = session.load_track(name, path)
                if said:
                    self._show_error(CropzoomError(said))

    def _rename(self, session: Session) -> None:
        name = self.ask_name("Rename", "Name", session.current)
        if name:
            session.rename_track(session.current, name)

    def _recolor(self, session: Session) -> None:
        color = self.ask_color(session.tracks.entry.color)
        if color:
            session.set_color(session.current, color)

    def _keep_elsewhere(self) -> None:
        folder, session = self.ask_folder(), self.controller.session
        if folder is not None and session is not None:
            session.keep_in(folder)

    def _ask_name(self, title: str, label: str, proposal: str) -> str:
        name, agreed = QInputDialog.getText(self, title, label, text=proposal)
        return name.strip() if agreed else ""

    def _ask_color(self, color: str) -> str:
        chosen = QColorDialog.getColor(QColor(color), self, "Colour of the animal's boxes")
        return chosen.name() if chosen.isValid() else ""

    def _ask_folder(self) -> Path | None:
        return Path(chosen) if (chosen := QFileDialog.getExistingDirectory(self, "Folder")) else None

    def _ask_file(self) -> Path | None:
        session = self.controller.session
        start = str(session.raw_csv.parent) if session and session.raw_csv else ""
        kinds = "Boxes (*.csv);;All (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Boxes of another animal", start, kinds)
        return Path(path) if path else None


class HistoryDialog(QDialog):
    """Every edit of a session, newest first; a click brings back the state after it."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("history_dialog")
        self.setWindowTitle("History")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(380, 420)
        self.session = session
        self.chosen: Callable[[int], object] = session.go_to_edit
        self.list = QListWidget()
        self.list.setObjectName("history_list")
        self.list.setUniformItemSizes(True)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        for each in close.buttons():
            each.setAutoDefault(False)  # Enter goes to the chosen edit
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)
        layout.addWidget(close)
        self._fill()
        self.list.itemActivated.connect(self._go)
        self.list.itemClicked.connect(self._go)
        session.history_changed.connect(self._fill)
        session.closed.connect(self._on_closed)

    def done(self, result: int) -> None:
        """Let go of the session."""
        self.session.history_changed.disconnect(self._fill, missing_ok=True)
        self.session.closed.disconnect(self._on_closed, missing_ok=True)
        super().done(result)

    def _on_closed(self) -> None:
        self.reject()

    def _fill(self) -> None:
        history = self.session.history
        labels = ["raw boxes", *(edit.label for edit in history.every)]
        with silent([self.list]):
            self.list.clear()
            for count in range(len(labels) - 1, -1, -1):
                item = QListWidgetItem(f"{count}   {labels[count]}", self.list)
                item.setData(Qt.ItemDataRole.UserRole, count)
                if count > len(history):
                    item.setForeground(self.palette().placeholderText())
                    item.setToolTip("undone")
            self.list.setCurrentRow(len(labels) - 1 - len(history))

    def _go(self, item: QListWidgetItem) -> None:
        count = item.data(Qt.ItemDataRole.UserRole)
        if count != len(self.session.history):
            self.chosen(count)


def swatch(color: str, *, is_chosen: bool = False) -> QIcon:
    """Return a square of a colour, with a tick if it is the chosen one: a menu shows icon or tick."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(QColor(color))
    if is_chosen:
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dark = QColor(color).lightnessF() > 0.5
        painter.setPen(QPen(Qt.GlobalColor.black if dark else Qt.GlobalColor.white, 2))
        painter.drawPolyline([QPoint(3, 8), QPoint(6, 11), QPoint(12, 3)])
        painter.end()
    return QIcon(pixmap)
