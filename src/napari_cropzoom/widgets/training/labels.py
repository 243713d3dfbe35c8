"""Labels made by review, image by image: dragged to their places, accepted or rejected.

Object names: ``labels_told``, ``labels_here``, ``labels_keypoints``, ``labels_accept``,
``labels_reject``, ``labels_previous``, ``labels_next``, ``labels_undo``, ``labels_redo``,
``labels_unseen``, ``labels_close``, ``labels_message``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_cropzoom.canvas.label_points import KEYS, LabelPoints
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.jobs import Latest
from napari_cropzoom.projects.label_images import read_image
from napari_cropzoom.projects.review_labels.label_review import LabelReview, Verdict, write_label_table
from napari_cropzoom.projects.review_labels.record import with_review
from napari_cropzoom.widgets.controls import Message, button, delayed, grid_of, note, row, silent
from napari_cropzoom.widgets.docks import find_dock
from napari_cropzoom.widgets.questions import may_leave

if TYPE_CHECKING:
    import napari.viewer

EMPTY = (
    "Shows the labels that were made of corrected frames, the least sure first: drag "
    "keypoints to their places, and accept or reject each image. Start it in tab Steps."
)
_BUTTONS = (
    ("accept", "Accept", "The keypoints are right; go on"),
    ("reject", "Reject", "Leave this image out of the training; go on"),
    ("previous", "◀ Previous", "The image before"),
    ("next", "Next ▶", "The next image"),
    ("undo", "Undo", "Take the last act back, in an earlier window too"),
    ("redo", "Redo", "Do it again"),
)
_SAID = {
    Verdict.NOTHING: "not looked at yet",
    Verdict.ACCEPTED: "<b>accepted</b>",
    Verdict.REJECTED: "<b>rejected</b>",
}
_table = threading.Lock()  # one write after the other


class LabelsPage(QWidget):
    """Shows one image after the other in the viewer, and keeps what a person says at once.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer

    Attributes
    ----------
    review : LabelReview or None
        The labels that are looked at.
    layers : LabelPoints or None
    current : str or None
        The image that is shown; None while one is read.
    changed : Signal
        The table to train on was written.
    """

    changed = Signal()

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.review: LabelReview | None = None
        self.layers: LabelPoints | None = None
        self.current: str | None = None
        self._viewer = napari_viewer
        self._stop_soon = delayed(self, self.stop)
        self._order: list[str] = []
        self._is_table_old = False
        self._reading = Latest(self._on_read, self._fail)
        self._picturing = Latest(self._on_picture, self._fail)
        self._writing = Latest(self._on_written, self._fail, pause=100)
        self._lay_out()
        self._refresh()

    def open(self, labels: Path) -> None:
        """Read the labels made by review of a project, and show the least sure that nobody has seen."""
        self.stop()
        self.message.clear()
        self._reading.request(LabelReview.read, labels)

    def stop(self) -> None:
        """Give the viewer back; everything said is kept."""
        for latest in (self._reading, self._picturing, self._writing):
            latest.drop()
        review, layers = self.review, self.layers
        self.review = self.layers = self.current = None
        if layers is not None:
            layers.close()
        if review is not None:
            review.close()
            if self._is_table_old:
                self._try(lambda: _write(review.labels))
                self._on_written(None)
        self._refresh()

    def do(self, what: str) -> None:
        """Do what a button or a key asks for, a value of :data:`.KEYS`."""
        review, layers, image = self.review, self.layers, self.current
        if review is None or layers is None or image is None:
            return
        if what in ("next", "previous"):
            self._go(1 if what == "next" else -1)
        elif what == "hide":
            self._hide(layers.under)
        elif what in ("undo", "redo"):
            self._try(lambda: self._after(review.undo() if what == "undo" else review.redo()))
        else:
            said = Verdict.ACCEPTED if what == "accept" else Verdict.REJECTED
            self._try(lambda: self._say(review, image, said))

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.told, self.here = note("", "labels_told"), note("", "labels_here")
        self.keypoints = QListWidget()
        self.keypoints.setObjectName("labels_keypoints")
        self.keypoints.setToolTip("A tick: visible. Delete hides the keypoint under the mouse")
        keys = {what: key for key, what in reversed(KEYS.items())}
        self.buttons = {
            name: button(text, f"labels_{name}", f"{tip}  ({_qt(keys[name])})")
            for name, text, tip in _BUTTONS
        }
        self.unseen = QCheckBox("Train on those not looked at too")
        self.unseen.setObjectName("labels_unseen")
        self.unseen.setToolTip("Otherwise they are left out of the table until they are accepted")
        self.close_button = button("Close", "labels_close", "Give the viewer back; all is kept")
        self.message = Message()
        self.message.setObjectName("labels_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(4)
        layout.addWidget(self.told)
        layout.addWidget(self.here)
        layout.addWidget(self.keypoints, 1)
        layout.addLayout(grid_of([*self.buttons.values()], 2))
        layout.addLayout(row(self.unseen, self.close_button, stretch=0))
        layout.addWidget(self.message)
        for name, made in self.buttons.items():
            made.clicked.connect(lambda _=False, name=name: self.do(name))
        self.close_button.clicked.connect(self.stop)
        self.unseen.toggled.connect(self._on_unseen)
        self.keypoints.itemChanged.connect(self._on_tick)
        for key, what in KEYS.items():
            if what != "hide":  # which is about what lies under the mouse
                shortcut = QShortcut(QKeySequence(_qt(key)), self, lambda what=what: self.do(what))
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.setAutoRepeat(False)

    def _on_read(self, review: LabelReview) -> None:
        """Take the viewer, and show the first."""
        if not review.made:
            self.message.show_info(f"{with_review(review.labels).name} has no labels made by review.")
            return
        dock = find_dock(self._viewer)
        if dock is not None:
            if not may_leave(dock, dock.controller.session, self._fail):
                return
            dock.controller.close_session()
        self.review, self._order = review, review.by_doubt()
        self.layers = LabelPoints(self._viewer, review.names)
        self.layers.moved.connect(self._on_moved)
        self.layers.asked.connect(self.do)
        self.layers.ended.connect(self._on_ended)
        self._try(review.start)
        if review.read_only:
            self.message.show_warning(review.read_only)
        self._fill_list(review)
        self._show(self._unseen_after(self._order[-1]) or self._order[0])

    def _on_ended(self) -> None:
        self._stop_soon.start()

    def _show(self, image: str) -> None:
        review = self.review
        if review is not None:
            self.current = None
            self._picturing.request(_picture, image, review.labels.parent / image)

    def _on_picture(self, read: tuple[str, NDArray[np.uint8], str]) -> None:
        image, picture, trouble = read
        review, layers = self.review, self.layers
        if review is None or layers is None:
            return
        self.current = image
        layers.show(picture, _places(review, image), review.found[image].box)
        if trouble:
            self.message.show_error(trouble)
        self._refresh()

    def _go(self, by: int) -> None:
        self.message.clear()
        if self.current is not None:
            place = self._order.index(self.current) + by
            self._show(self._order[place % len(self._order)])

    def _unseen_after(self, image: str) -> str | None:
        """The next image that nobody has looked at, from the beginning after the last."""
        assert self.review is not None
        place, made = self._order.index(image), self.review.made
        others = [*self._order[place + 1 :], *self._order[: place + 1]]
        return next((each for each in others if made[each].said is Verdict.NOTHING), None)

    def _say(self, review: LabelReview, image: str, said: Verdict) -> None:
        review.say(image, said)
        following = self._unseen_after(image)
        self._after(following)
        if following is None:
            name = with_review(review.labels).name
            self.message.show_info(
                f"All are looked at: {review.counts.told()}, in {name}. Train the detector again in tab "
                "Steps, or with `cropzoom improve … --train`."
            )

    def _hide(self, keypoint: int | None) -> None:
        review, image = self.review, self.current
        if keypoint is None:
            self.message.show_info("Point at the keypoint that is not visible, and press Delete.")
        elif review is not None and image is not None:
            self._try(lambda: self._place(review, image, keypoint, None))

    def _on_tick(self, item: QListWidgetItem) -> None:
        review, image, keypoint = self.review, self.current, self.keypoints.row(item)
        if review is not None and image is not None:
            is_visible = item.checkState() == Qt.CheckState.Checked
            place = review.place_of(image, review.names[keypoint]) if is_visible else None
            self._try(lambda: self._place(review, image, keypoint, place))

    def _on_moved(self, keypoint: int, x: float, y: float) -> None:
        review, image = self.review, self.current
        if review is not None and image is not None:
            self._try(lambda: self._place(review, image, keypoint, (x, y)))

    def _place(
        self, review: LabelReview, image: str, keypoint: int, place: tuple[float, float] | None
    ) -> None:
        review.place(image, review.names[keypoint], place)
        self._after(image)

    def _on_unseen(self, is_taken: bool) -> None:
        review = self.review
        if review is not None:
            self._try(lambda: self._take_unseen(review, is_taken))

    def _take_unseen(self, review: LabelReview, is_taken: bool) -> None:
        review.take_unseen(is_taken)
        self._after(None)

    def _after(self, image: str | None) -> None:
        """Have the table follow what was said, and show an image."""
        review, layers = self.review, self.layers
        assert review is not None
        assert layers is not None
        self.message.clear()
        self._is_table_old = True
        self._writing.request(_write, review.labels)
        if image is not None and image == self.current:
            layers.show_places(_places(review, image))
        elif image is not None:
            self._show(image)
        self._refresh()

    def _on_written(self, _: object) -> None:
        self._is_table_old = False
        self.changed.emit()

    def _try(self, act: Callable[[], object]) -> None:
        """Do something, or say why it cannot be done and show what is there."""
        try:
            act()
        except (CropzoomError, OSError) as error:
            self._fail(error)
            if self.review is not None and self.layers is not None and self.current is not None:
                self.layers.show_places(_places(self.review, self.current))
            self._refresh()

    def _fail(self, error: Any) -> None:
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self.message.show_error(str(error))

    # ---- what is shown -------------------------------------------------------------------------

    def _fill_list(self, review: LabelReview) -> None:
        with silent([self.keypoints]):
            self.keypoints.clear()
            for name in review.names:
                item = QListWidgetItem(name)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                self.keypoints.addItem(item)

    def _refresh(self) -> None:
        review, image = self.review, self.current
        is_open = review is not None
        for widget in (self.here, self.keypoints, self.unseen, self.close_button, *self.buttons.values()):
            widget.setVisible(is_open)
        if review is None:
            self.told.setText(EMPTY)
            return
        counts = review.counts
        self.told.setText(f"<b>{counts.told()}</b>")
        can = not review.read_only
        for name in ("accept", "reject"):
            self.buttons[name].setEnabled(can)
        self.buttons["undo"].setEnabled(can and bool(review.past))
        self.buttons["redo"].setEnabled(can and bool(review.future))
        with silent([self.unseen, self.keypoints]):
            self.unseen.setEnabled(can and counts.unseen > 0)
            self.unseen.setChecked(review.takes_unseen)
            self.keypoints.setEnabled(can)
            if image is None:
                return
            label, found = review.made[image], review.found[image]
            place = self._order.index(image) + 1
            self.here.setText(
                f"{place} of {len(self._order)}: {image.removeprefix('labeled-data/')}, "
                f"{_SAID[label.said]}. Its box was corrected ({_bare(found.why)})."
            )
            for number, name in enumerate(review.names):
                item = self.keypoints.item(number)
                is_visible = name in label.xy
                item.setCheckState(Qt.CheckState.Checked if is_visible else Qt.CheckState.Unchecked)
                sure = f"  {found.likelihoods[name]:.2f}" if name in found.likelihoods else ""
                item.setText(f"{name}{sure}" if is_visible else f"{name}{sure}  not visible")


def _bare(why: str) -> str:
    """A kind of reason without what stands for its numbers."""
    return why.replace("… times ", "").replace(" …", "").strip()


def _places(review: LabelReview, image: str) -> FloatArray:
    """(K, 2), NaN where a keypoint is not visible."""
    xy = review.made[image].xy
    return np.array([xy.get(name, (np.nan, np.nan)) for name in review.names], np.float64).reshape(-1, 2)


def _picture(image: str, file: Path) -> tuple[str, NDArray[np.uint8], str]:
    """An image, or a black pixel and why it cannot be read; runs in a thread."""
    try:
        return image, read_image(file), ""
    except CropzoomError as error:
        return image, np.zeros((1, 1, 3), np.uint8), str(error)


def _write(labels: Path) -> None:
    with _table:
        write_label_table(labels)


def _qt(key: str) -> str:
    return key.replace("Control", "Ctrl").replace("-", "+")
