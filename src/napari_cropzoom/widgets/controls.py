"""Small controls that several steps share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from qtpy.QtCore import QObject, QSettings, Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)
from superqt import QElidingLabel, QLabeledDoubleSlider

RECENT_LENGTH = 8
RESULTS_KEPT = 1000  # videos
_BAR = {"error": "213, 94, 0", "warning": "227, 182, 23", "info": "86, 180, 233"}
_SIGN = {"error": "⚠  ", "warning": "⚠  ", "info": ""}


class Message(QLabel):
    """One message in a coloured frame that reads on dark and on light; hidden while empty."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = ""
        self.plain = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.hide()

    def show_error(self, text: str) -> None:
        """Show what went wrong and what to do."""
        self._show("error", text)

    def show_warning(self, text: str) -> None:
        """Show what a person should know."""
        self._show("warning", text)

    def show_info(self, text: str) -> None:
        """Show what happened."""
        self._show("info", text)

    def clear(self) -> None:
        """Show nothing."""
        self.kind = self.plain = ""
        self.setText("")
        self.hide()

    def _show(self, kind: str, text: str) -> None:
        if not text:
            self.clear()
            return
        self.kind, self.plain = kind, text
        color = _BAR[kind]
        self.setStyleSheet(
            f"Message {{ border: 1px solid rgb({color}); border-left: 4px solid rgb({color});"
            f" background: rgba({color}, 40); padding: 5px; }}"
        )
        self.setText(f"{_SIGN[kind]}{breakable(text)}")
        self.setAccessibleName(f"{kind}: {text}")
        self.setVisible(True)


def breakable(text: str) -> str:
    """Let long paths wrap: a zero-width space after each separator."""
    for separator in ("/", "\\", "_"):
        text = text.replace(separator, f"{separator}\u200b")
    return text


class PathLabel(QElidingLabel):
    """A path, shortened in the middle, whole in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_path(self, path: Path | None, prefix: str = "") -> None:
        """Show a path, or nothing."""
        self.path = path
        self.setText(f"{prefix}{path}" if path else "")
        self.setToolTip(str(path) if path else "")


def delayed(parent: QObject, slot: Callable[[], object], milliseconds: int = 0) -> QTimer:
    """Return a timer whose ``start`` has ``slot`` called once, however often it was started meanwhile."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer


@contextmanager
def silent(controls: Iterable[QObject]) -> Iterator[None]:
    """Let code set controls without their signals, as if no person had changed them."""
    held = [(control, control.blockSignals(True)) for control in controls]
    try:
        yield
    finally:
        for control, was_blocked in held:
            control.blockSignals(was_blocked)


def choice(name: str, tooltip: str = "", items: Mapping[str, str] | None = None) -> QComboBox:
    """Return a list to choose from, with an object name; ``items`` is label by value."""
    made = QComboBox()
    made.setObjectName(name)
    made.setToolTip(tooltip)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    for value, label in (items or {}).items():
        made.addItem(label, value)
    return made


def slider(name: str, low: float, high: float, value: float) -> QLabeledDoubleSlider:
    """Return a slider in steps of 0.05, with an object name."""
    made = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    made.setObjectName(name)
    made.setRange(low, high)
    made.setDecimals(2)
    made.setSingleStep(0.05)
    made.setValue(value)
    return made


def thin_bar(name: str) -> QProgressBar:
    """Return a progress bar without text, with an object name."""
    bar = QProgressBar()
    bar.setObjectName(name)
    bar.setTextVisible(False)
    bar.setFixedHeight(8)
    return bar


def button(text: str, name: str, tooltip: str = "") -> QPushButton:
    """Return a push button with an object name."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(tooltip)
    return made


def row(*widgets: QWidget, stretch: int = -1) -> QHBoxLayout:
    """Return widgets side by side; ``stretch`` is the place of the one that grows."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for place, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if place == stretch else 0)
    return layout


def note(text: str = "", name: str = "") -> QLabel:
    """Return a wrapped line of text that never makes the dock wider."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setObjectName(name)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def recent(kind: str) -> list[Path]:
    """Paths chosen before that still exist, newest first; ``kind`` is ``video`` or ``model``."""
    stored = settings().value(f"recent/{kind}", [])
    paths = [stored] if isinstance(stored, str) else list(stored or [])
    return [Path(path) for path in paths if Path(path).exists()]


def remember(kind: str, path: Path) -> None:
    """Put a path first among the recent ones."""
    others = [known for known in recent(kind) if known.resolve() != path.resolve()]
    paths = [path.absolute(), *others]  # a link's own name: it may lead into a store of contents
    settings().setValue(f"recent/{kind}", [str(each) for each in paths[:RECENT_LENGTH]])


def results_of(video: Path) -> Path | None:
    """Folder that a person chose for what is made of a video; None for the usual places."""
    folder = _all_results().get(str(video.absolute()))
    return Path(folder) if folder else None


def remember_results(video: Path, folder: Path | None) -> None:
    """Keep the folder for the next time this video is opened; None forgets it."""
    known = _all_results()
    known.pop(str(video.absolute()), None)
    if folder is not None:
        known[str(video.absolute())] = str(folder.absolute())
    settings().setValue("results", json.dumps(dict(list(known.items())[-RESULTS_KEPT:])))


def _all_results() -> dict[str, str]:
    try:
        known = json.loads(str(settings().value("results", "{}")))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def settings() -> QSettings:
    """Return where small conveniences are kept between sessions."""
    return QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-cropzoom", "napari-cropzoom"
    )
