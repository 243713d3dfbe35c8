"""Offers to do to suspects that are alike what a person has just done, or always does."""

from __future__ import annotations

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.inspection.lessons import Offer
from napari_cropzoom.core.words import counted
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.shortcuts_dialog import key_text
from napari_cropzoom.widgets.steps.parts.wrapped_button import WrappedButton

NONE_FITS = "The same correction fits none of the others; nothing has changed."


class OfferButton(WrappedButton):
    """Says what is offered; hidden while nothing is. Object name: ``review_alike``."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("review_alike")
        self.hide()

    def offer(self, offer: Offer | None) -> None:
        """Offer something, or nothing."""
        if offer is not None:
            self.setText(offer.text)
            self.setToolTip(offer.help)
        self.setVisible(offer is not None)

    def take(self, session: Session, offer: Offer | None) -> str:
        """Do what is offered now, as one edit, if it is what the button says; returns what to say of it.

        The button may be pressed again before it says what comes next.

        Raises
        ------
        CropzoomError
            If it cannot be kept; nothing has changed then.
        """
        if offer is None or offer.text != self.text():
            return ""
        edit = offer.edit(session.track)
        if edit is None:
            return NONE_FITS
        session.apply(edit)
        return f"{told_of_many(edit)} {offer.left_out}".rstrip()


def told_of_many(edit: Edit) -> str:
    """What has changed and how to take it back: ``Larger boxes in 12 suspects (115 frames). …``."""
    count = sum(len(change.after) for change in edit.changes)
    label = f"{edit.label[:1].upper()}{edit.label[1:]}"
    return f"{label} ({counted(count, 'frame')}). {key_text('undo')} undoes it."
