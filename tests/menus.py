"""Choose from the menus of a real window with the mouse, for tests to import."""

from __future__ import annotations

from qtpy.QtGui import QAction
from qtpy.QtWidgets import QMainWindow, QMenu, QMenuBar

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
