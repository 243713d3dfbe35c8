"""Offers the reviews of a video that are there already."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cropzoom.review.finding import FoundReview
from napari_cropzoom.widgets.controls import breakable, button, note

MOST_OFFERED = 3


class FoundReviews(QWidget):
    """What each review holds, and a button that goes on with it; hidden where there is none.

    Object names: ``video_reviews``, ``video_review_<n>`` and ``video_review_use_<n>``, from 0.

    Attributes
    ----------
    chosen : Signal
        The :class:`FoundReview` to go on with.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("video_reviews")
        self.found: tuple[FoundReview, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 4, 0, 0)
        self._column.setSpacing(4)
        self.hide()

    def show_reviews(self, found: Sequence[FoundReview], *, is_offered: bool = True) -> None:
        """Offer these, the first as what is likely to be wanted; if not yet, it is for who shows this."""
        self.found = tuple(found[:MOST_OFFERED])
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, review in enumerate(self.found):
            label = note(breakable(review.describe()), f"video_review_{number}")
            label.setToolTip(str(review.raw_csv))
            use = button("Go on with this review", f"video_review_use_{number}", str(review.raw_csv))
            use.clicked.connect(lambda _=False, review=review: self.chosen.emit(review))
            self._column.addWidget(label)
            self._column.addWidget(use)
        self.setVisible(bool(self.found) and is_offered)
