"""Choose from the menus of a real window with the mouse, for tests to import."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QApplication, QDialog, QInputDialog, QLineEdit, QMainWindow, QMenu, QMenuBar

from gui_events import hands, spin, wait_for


def choose(window: QMainWindow, *titles: str) -> None:
    """Click through the menus of a window's bar, e.g. ``"Plugins", "Cropzoom", "Timeline"``."""
    window.raise_()
    menu: QMenuBar | QMenu = window.menuBar()
    for title in titles:
        action = action_of(menu, title)
        place = menu.mapToGlobal(menu.actionGeometry(action).center())
        hands().move(place.x() - 1, place.y())
        hands().move(place.x(), place.y())
        spin(0.1)
        hands().click()
        spin(0.1)
        below = action.menu()
        if below is not None:
            wait_for(below.isVisible)
            menu = below


def action_of(menu: QMenuBar | QMenu, title: str) -> QAction:
    """The entry of a menu with a title."""
    found = [one for one in menu.actions() if one.text().replace("&", "") == title]
    assert found, [one.text() for one in menu.actions()]
    return found[0]


def choose_entry(menu: QMenu, text: str) -> None:
    """Open a menu of the dock with the mouse and click the entry that begins so."""
    bar = menu.parentWidget()
    place = bar.mapToGlobal(bar.actionGeometry(menu.menuAction()).center())
    hands().move(place.x(), place.y())
    hands().click()
    wait_for(menu.isVisible)
    spin(0.05)
    action = next(each for each in menu.actions() if each.text().startswith(text))
    assert action.isEnabled(), text
    place = menu.mapToGlobal(menu.actionGeometry(action).center())
    hands().move(place.x(), place.y())
    spin(0.05)
    hands().click()
    wait_for(lambda: not menu.isVisible())
    spin(0.05)


def texts(menu: QMenu) -> list[str]:
    """What a menu offers, its lines left out."""
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions() if action.text()]


def dialog(kind: type[QDialog]) -> QDialog | None:
    """The newest dialog of a kind that is on the screen."""
    found = [
        each for each in QApplication.topLevelWidgets() if isinstance(each, kind) and each.isVisible()
    ]
    return found[-1] if found else None


def type_when_asked(text: str) -> None:
    """Answer the next question for a name by the keyboard."""

    def answer() -> None:
        asked = dialog(QInputDialog)
        if asked is None:
            QTimer.singleShot(50, answer)
            return
        asked.findChild(QLineEdit).setText(text)
        asked.accept()

    QTimer.singleShot(50, answer)
