"""The dock's menus: edits by name with a list to jump back in, animals, help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import (
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

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.layers.caption import shortened
from napari_cropzoom.layers.keys import redo, undo
from napari_cropzoom.session import Session
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.shortcuts import ShortcutsDialog, key_text

SWATCH = 15  # pixels
NAME_LENGTH = 28  # letters of an animal's name in the sentences of a menu


class DockMenu(QMenuBar):
    """Edit, Animals, Help; each menu is made when it opens.

    Parameters
    ----------
    bench : Bench
    tell : callable
        Shows an error in the dock.

    Attributes
    ----------
    ask_name, ask_color, ask_file : callable
        Ask a person; given as attributes for those who drive the window by script.
    """

    def __init__(self, bench: Bench, tell: Callable[[Exception], object]) -> None:
        super().__init__()
        self.setObjectName("cropzoom_menu")
        self.setNativeMenuBar(False)
        self.bench = bench
        self._tell = tell
        self.ask_name = self._ask_name
        self.ask_color = self._ask_color
        self.ask_file = self._ask_file
        self.edit_menu = self._menu("Edit", "menu_edit", self._fill_edit)
        self.animals_menu = self._menu("Animals", "menu_animals", self._fill_animals)
        self.help_menu = self._menu("Help", "menu_help", self._fill_help)

    def show_history(self) -> None:
        """List every edit, and go back or on to the one that is chosen."""
        session = self.bench.session
        if session is not None:
            dialog = HistoryDialog(session, self)
            dialog.chosen = lambda count: self._do(lambda: session.go_to_edit(count))
            dialog.show()

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

    def _fill_edit(self, menu: QMenu) -> None:
        session = self.bench.session
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

    def _fill_animals(self, menu: QMenu) -> None:
        session, layers = self.bench.session, self.bench.layers
        if session is None or layers is None:
            menu.addAction("Open a video first").setEnabled(False)
            return
        for name, state in session.states.items():
            is_current = name == session.current
            action = menu.addAction(swatch(state.color, is_chosen=is_current), name)
            action.setCheckable(True)
            action.setChecked(is_current)
            action.triggered.connect(lambda _=False, name=name: self._do(session.select_track, name))
        menu.addSeparator()
        here = shortened(session.current, NAME_LENGTH)
        self._add(menu, "Add an animal …", self._add_animal)
        self._add(menu, "Add an animal from a file …", self._add_from_file)
        self._add(menu, f"Rename {here} …", self._rename)
        self._add(menu, f"Colour of {here} …", self._recolor)
        removable = session.current != next(iter(session.states))
        remove = self._add(menu, f"Remove {here}", self._remove)
        remove.setEnabled(removable)
        others = [name for name in session.states if name != session.current]
        if others:
            menu.addSeparator()
        for name in others:
            frame, end = layers.frame, session.n_frames - 1
            text = f"Swap with {shortened(name, NAME_LENGTH)}"
            self._add(menu, f"{text} from frame {frame} on", session.swap, name, frame, end)
            if self.bench.selection is not None:
                first, last = self.bench.selection
                self._add(menu, f"{text} in frames {first} to {last}", session.swap, name, first, last)

    def _fill_help(self, menu: QMenu) -> None:
        action = menu.addAction(f"Keys\t{key_text('help')}")
        action.triggered.connect(self.show_shortcuts)

    def _add(self, menu: QMenu, text: str, act: Callable[..., object], *args: object) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False: self._do(act, *args))
        return action

    # ---- doing ---------------------------------------------------------------------------------

    def _do(self, act: Callable[..., object], *args: object) -> None:
        try:
            act(*args)
        except (CropzoomError, OSError) as error:
            self._tell(error)

    def _step(self, what: str) -> None:
        session, layers = self.bench.session, self.bench.layers
        if session is not None and layers is not None:
            self._do(undo if what == "undo" else redo, session, layers)

    def _add_animal(self) -> None:
        session = self.bench.session
        name = self.ask_name("Add an animal", "Name", f"animal {len(session.states) + 1}")
        if name:
            session.add_track(name)

    def _add_from_file(self) -> None:
        session = self.bench.session
        path = self.ask_file()
        if path is not None:
            name = self.ask_name("Add an animal", "Name", path.parent.name)
            if name:
                session.load_track(name, path)

    def _rename(self) -> None:
        session = self.bench.session
        name = self.ask_name("Rename", "Name", session.current)
        if name:
            session.rename_track(session.current, name)

    def _recolor(self) -> None:
        session = self.bench.session
        color = self.ask_color(session.state.color)
        if color:
            session.set_color(session.current, color)

    def _remove(self) -> None:
        session = self.bench.session
        session.remove_track(session.current)

    def _ask_name(self, title: str, label: str, proposal: str) -> str:
        name, agreed = QInputDialog.getText(self, title, label, text=proposal)
        return name.strip() if agreed else ""

    def _ask_color(self, color: str) -> str:
        chosen = QColorDialog.getColor(QColor(color), self, "Colour of the animal's boxes")
        return chosen.name() if chosen.isValid() else ""

    def _ask_file(self) -> Path | None:
        session = self.bench.session
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
        self.list.blockSignals(True)
        self.list.clear()
        for count in range(len(labels) - 1, -1, -1):
            item = QListWidgetItem(f"{count}   {labels[count]}", self.list)
            item.setData(Qt.ItemDataRole.UserRole, count)
            if count > len(history):
                item.setForeground(self.palette().placeholderText())
                item.setToolTip("undone")
        self.list.setCurrentRow(len(labels) - 1 - len(history))
        self.list.blockSignals(False)

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
