"""The three docks of a window: they come together, each in its place, whichever way they are opened.

napari (0.9.2) ignores ``default_dock_area`` and ``tabify`` of a manifest: a widget of a plugin comes
alone, at the right, under the name ``<widget> (<plugin>)``. So the manifest names ways in
(`window.menu_entries`), and places are proposed to napari's settings, where it also keeps the one
that a person has dragged the dock to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from napari import current_viewer
from napari.plugins import menu_item_template
from napari.settings import get_settings
from qtpy.QtCore import Qt, QThread, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.controls import settings
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.gl_context import top_of
from napari_cropzoom.widgets.preview import CropPreview
from napari_cropzoom.widgets.timeline.widget import Timeline
from napari_cropzoom.widgets.window.corners import give_corners
from napari_cropzoom.widgets.window.hides_on_close import HidesOnClose, holder_of
from napari_cropzoom.widgets.window.sizes import keep_sizes
from napari_cropzoom.widgets.window.way_in import WayIn

if TYPE_CHECKING:
    import napari.viewer

PLUGIN = "Cropzoom"
DOCK, TIMELINE, PREVIEW = "Cropzoom", "Timeline", "Crop preview"
KINDS: dict[str, type[QWidget]] = {DOCK: CropzoomDock, TIMELINE: Timeline, PREVIEW: CropPreview}
AREAS = {DOCK: "right", TIMELINE: "bottom", PREVIEW: "bottom"}
SETTLED = 100  # milliseconds in which docks have taken their places
LOOK_EVERY, LOOK_TIMES = 20, 100  # milliseconds, and how often, for a layer that napari is about to add
SHARE = 0.32  # of the height of a low window, for the docks below
_PLACED = "docks/placed"


def find_dock(viewer: napari.viewer.Viewer) -> CropzoomDock | None:
    """Return the viewer's Cropzoom dock if it is open."""
    found = docks_of(viewer).get(DOCK)
    return found if isinstance(found, CropzoomDock) else None


def docks_of(viewer: napari.viewer.Viewer) -> dict[str, QWidget]:
    """Those of the three docks that are there, hidden ones included, by their name in :data:`KINDS`."""
    widgets = list(viewer.window.dock_widgets.values())
    first = {
        name: next((w for w in widgets if isinstance(w, kind)), None) for name, kind in KINDS.items()
    }
    return {name: widget for name, widget in first.items() if widget is not None}


def add_docks(viewer: napari.viewer.Viewer) -> CropzoomDock:
    """Add *Cropzoom* at the right, *Timeline* below the canvas, *Crop preview* beside that; show them.

    Those that are there already, hidden ones included, are shown where they are.
    """
    found = docks_of(viewer)
    for widget in found.values():
        holder = holder_of(widget)
        if holder is not None:
            holder.show()
    for name, widget in _make_missing(viewer, found).items():
        viewer.window.add_dock_widget(widget, name=name, area=AREAS[name])
        _give_height(widget)
    dock = find_dock(viewer)
    assert dock is not None
    if len(found) < len(KINDS):
        _settle_soon(viewer, dock)
    return dock


def with_others(viewer: napari.viewer.Viewer, asked: str) -> QWidget:
    """Return one of the three docks, by name; the others are added where they are missing."""
    _propose_places()
    found = docks_of(viewer)
    made = _make_missing(viewer, found)
    for name, widget in made.items():
        if name != asked:
            viewer.window.add_dock_widget(widget, name=_name_in_menu(name))
            _give_height(widget)
    widgets = {**found, **made}
    dock = widgets[DOCK]
    assert isinstance(dock, CropzoomDock)
    _settle_soon(viewer, dock)
    return widgets[asked]


def settle(viewer: napari.viewer.Viewer) -> None:
    """Put the docks below in order, at the height they want or their share, and fit the picture.

    Where a window becomes larger, Qt leaves docks as low as they had to be before. A view that is moved
    meanwhile is left as it is.
    """
    timeline = docks_of(viewer).get(TIMELINE)
    camera = viewer.scene.camera
    before = (camera.zoom, camera.center)

    def fit() -> None:
        dock = find_dock(viewer)
        if dock is not None and (camera.zoom, camera.center) == before:
            dock.fitting.fit()

    if timeline is None:
        return
    if isinstance(window := top_of(timeline), QMainWindow):
        _order(window, viewer)
        holders = [one for one in window.findChildren(QDockWidget) if one.isAncestorOf(timeline)]
        height = min(timeline.sizeHint().height(), round(SHARE * window.height()))
        heights = [max(height, timeline.minimumHeight())] * len(holders)
        window.resizeDocks(holders, heights, Qt.Orientation.Vertical)
        kept = QTimer(timeline, singleShot=True, interval=SETTLED)
        kept.timeout.connect(lambda: keep_sizes(window))
        kept.start()
    fitted = QTimer(timeline, singleShot=True, interval=SETTLED)  # ends with the window
    fitted.timeout.connect(fit)
    fitted.start()


def take_over_soon(videos: Sequence[Video], then: Callable[[CropzoomDock], object] | None = None) -> None:
    """Have the docks come, and open videos that napari is about to add as layers.

    Where no window shows them soon (a script without one, another thread) nothing happens.

    Parameters
    ----------
    videos : sequence of Video
    then : callable, optional
        Called with the dock once it has opened one of them.
    """
    app = QApplication.instance()
    if app is None or QThread.currentThread() is not app.thread():
        return
    looking = QTimer(app, interval=LOOK_EVERY)
    tries = iter(range(LOOK_TIMES))
    unsay: list[Callable[[], None]] = []

    def look() -> None:
        viewer = _viewer_of(videos)
        if viewer is not None:
            unsay.append(_say_on_canvas(viewer, f"Opening {videos[0].path.name} in Cropzoom …"))
            viewer.dims.set_current_step(0, 0)  # where the dock begins; napari shows the middle
            looking.timeout.disconnect()
            looking.timeout.connect(open_it)
            looking.start(
                SETTLED
            )  # napari lets events through while it opens a file; a script goes on then
        elif next(tries, None) is None:
            looking.deleteLater()

    def open_it() -> None:
        looking.deleteLater()
        for each in unsay:
            each()
        viewer = _viewer_of(videos)
        if viewer is not None and add_docks(viewer)["video"].adopt_layer() and then:
            then(add_docks(viewer))

    looking.timeout.connect(look)
    looking.start()


def is_used_by_person() -> bool:
    """Whether there is a window whose event loop runs: not where a script opens a file by itself."""
    app, thread = QApplication.instance(), QThread.currentThread()
    if app is None or current_viewer() is None or thread is not app.thread():
        return False
    return bool(thread.loopLevel() > 0)


def tell_soon(said: str, after: int = 0) -> None:
    """Have the docks come and say in step *Video* why a file was not opened.

    Parameters
    ----------
    said : str
    after : int
        How many videos are opened at the same time; what is said comes after them.
    """
    app, viewer = QApplication.instance(), current_viewer()
    later = QTimer(app, singleShot=True, interval=LOOK_EVERY + 2 * (SETTLED + LOOK_EVERY) * bool(after))

    def tell() -> None:
        later.deleteLater()
        if viewer is not None and current_viewer() is viewer:
            dock = add_docks(viewer)
            dock.open_step("video")
            dock["video"].show_error(said)

    later.timeout.connect(tell)
    later.start()


def take_files_soon(paths: Sequence[Path]) -> bool:
    """Have the docks come and open boxes once napari has opened the video that came with them.

    Returns
    -------
    bool
        False where there is no window.
    """
    app, viewer = QApplication.instance(), current_viewer()
    if app is None or viewer is None or QThread.currentThread() is not app.thread():
        return False
    later = QTimer(app, singleShot=True, interval=LOOK_EVERY)  # napari is reading now

    def take() -> None:
        later.deleteLater()
        if current_viewer() is viewer:
            add_docks(viewer).drops.gather(list(paths))

    later.timeout.connect(take)
    later.start()
    return True


class WayBeside(WayIn):
    """The way to a dock at the right that comes alone, in one place with *Cropzoom* if that is there."""

    kind: ClassVar[type[QWidget]]

    @classmethod
    def find_in(cls, viewer: napari.viewer.Viewer) -> Any:
        """Return the viewer's dock of this kind if it is there, hidden or not, else None."""
        widgets = viewer.window.dock_widgets.values()
        return next((widget for widget in widgets if isinstance(widget, cls.kind)), None)

    @classmethod
    def show_in(cls, viewer: napari.viewer.Viewer) -> Any:
        """Show the dock, the one that is there or a new one, and return it."""
        found = cls.find_in(viewer)
        if found is None:
            found = cls._make(viewer)
            viewer.window.add_dock_widget(found, name=cls.name, area="right")
        elif (holder := holder_of(found)) is not None:
            holder.show()
            holder.raise_()
        return found

    @classmethod
    def _dock_of(cls, viewer: napari.viewer.Viewer) -> QWidget:
        found: QWidget | None = cls.find_in(viewer)
        return cls._make(viewer) if found is None else found

    @classmethod
    def _make(cls, viewer: napari.viewer.Viewer) -> Any:
        dock = cls.kind(viewer)  # type: ignore[arg-type, unused-ignore]
        dock.setWindowTitle(cls.name)
        HidesOnClose(dock)
        placed = QTimer(dock, singleShot=True, interval=SETTLED)
        placed.timeout.connect(lambda: share_place(viewer, dock))
        placed.start()
        return dock


def share_place(viewer: napari.viewer.Viewer, other: QWidget) -> None:
    """Have a dock in one place with *Cropzoom*, or else with another of ours at its side, as tabs."""
    window, mine = top_of(other), holder_of(other)
    if mine is None or mine.isFloating() or not isinstance(window, QMainWindow):
        return
    names = ("projects_dock", "training_dock")
    ours = [each for each in viewer.window.dock_widgets.values() if each.objectName() in names]
    for widget in (find_dock(viewer), *ours):
        place = None if widget is None or widget is other else holder_of(widget)
        if place is not None and window.dockWidgetArea(mine) == window.dockWidgetArea(place):
            window.tabifyDockWidget(place, mine)
            mine.raise_()
            return


# ---- inside --------------------------------------------------------------------------------------


def _viewer_of(videos: Sequence[Video]) -> napari.viewer.Viewer | None:
    """Return the viewer in front, if it shows the first of videos as a layer."""
    viewer = current_viewer()
    is_there = viewer is not None and any(layer.data is videos[0] for layer in viewer.layers)
    return viewer if is_there else None


def _say_on_canvas(viewer: napari.viewer.Viewer, text: str) -> Callable[[], None]:
    """Write something over the picture; what is returned brings back what was there."""
    overlay = viewer.canvas.overlays.text
    before = overlay.text, overlay.visible
    overlay.text, overlay.visible = text, True

    def unsay() -> None:
        overlay.text, overlay.visible = before

    return unsay


def _make_missing(viewer: napari.viewer.Viewer, found: dict[str, QWidget]) -> dict[str, QWidget]:
    """Make those of the three that are not there, the dock first: the others follow its controller."""
    made: dict[str, QWidget] = {}
    makers: dict[str, Callable[[CropzoomDock], QWidget]] = {
        TIMELINE: lambda dock: Timeline(viewer, dock.controller),
        PREVIEW: lambda dock: CropPreview(viewer, dock.controller),
    }
    dock = found.get(DOCK)
    if dock is None:
        dock = made[DOCK] = CropzoomDock(viewer)
    assert isinstance(dock, CropzoomDock)
    made |= {name: make(dock) for name, make in makers.items() if name not in found}
    for name, widget in made.items():
        widget.setWindowTitle(name)
        HidesOnClose(widget)
    return made


def _give_height(widget: QWidget) -> None:
    """Have the docks at the sides reach down to the bottom."""
    window = top_of(widget)
    if isinstance(window, QMainWindow):
        give_corners(window)


def _propose_places() -> None:
    """Have napari put its plugin's docks where they belong, unless a person has put them elsewhere.

    napari also writes down the place at the right that it gives by itself, so what it says counts only
    once a place was proposed.
    """
    positions = get_settings().application.plugin_widget_positions
    kept = settings()
    is_known = kept.value(_PLACED, "") == "yes"
    for name, area in AREAS.items():
        if not is_known or _name_in_menu(name) not in positions:
            positions[_name_in_menu(name)] = area
    kept.setValue(_PLACED, "yes")


def _name_in_menu(name: str) -> str:
    return str(menu_item_template.format(PLUGIN, name))


def _settle_soon(viewer: napari.viewer.Viewer, dock: CropzoomDock) -> None:
    settled = QTimer(dock, singleShot=True, interval=SETTLED)  # ends with the dock
    settled.timeout.connect(lambda: settle(viewer))
    settled.start()


def _order(window: QMainWindow, viewer: napari.viewer.Viewer) -> None:
    """Have the preview at the right of the timeline, where both are below the canvas."""
    holders = [holder_of(widget) for name, widget in docks_of(viewer).items() if name != DOCK]
    below = Qt.DockWidgetArea.BottomDockWidgetArea
    together = [one for one in holders if one is not None and window.dockWidgetArea(one) == below]
    if len(together) == len(KINDS) - 1 and together[1].x() < together[0].x():
        window.splitDockWidget(*together, Qt.Orientation.Horizontal)
