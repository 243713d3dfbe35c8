"""Keys of the table as they are pressed and let go, on the canvas and in the widgets round it."""

from __future__ import annotations

from collections.abc import Callable, Generator

from napari.layers import Layer

from napari_cropzoom.canvas.shortcuts import SHORTCUTS, Canvas, Shortcut, perform
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.review.session import Session


class KeyPresses:
    """Does what keys do; that of a tool shows what it would do while it is down, and does it once up.

    Parameters
    ----------
    session : Session
    canvas : Canvas
    """

    def __init__(self, session: Session, canvas: Canvas) -> None:
        self._session, self._canvas = session, canvas
        self._held: Shortcut | None = None
        self._edit: Edit | None = None

    def bind(self, layer: Layer) -> None:
        """Have the table act while a layer is the active one; ends with the layer."""
        for shortcut in SHORTCUTS:
            if shortcut.function is not None:
                layer.bind_key(shortcut.key, self._handler(shortcut))

    def press(self, shortcut: Shortcut) -> None:
        """Act on a key that is down."""
        self.forget()
        if shortcut.edit is None:
            if shortcut.function is not None:
                perform(shortcut.function, self._session, self._canvas)
            return
        try:
            edit = shortcut.edit(self._session, self._canvas)
        except CropzoomError as error:
            self._canvas.refuse(error)
            return
        self._held, self._edit = shortcut, edit
        self._canvas.proposed.emit(edit)
        self._canvas.tell(f"{edit.label[:1].upper()}{edit.label[1:]}")

    def release(self, shortcut: Shortcut) -> None:
        """Act on a key that is up."""
        edit = self._edit
        if shortcut is not self._held or edit is None:
            return
        self.forget()
        if edit.fits(self._session.tracks):
            perform(lambda session, _canvas: session.apply(edit), self._session, self._canvas)
        else:
            self._canvas.tell("The boxes have changed while the key was held; press it again.")

    def forget(self) -> None:
        """Show nothing any more, as when the release of a key went elsewhere."""
        if self._held is not None:
            self._held = self._edit = None
            self._canvas.proposed.emit(None)

    def _handler(self, shortcut: Shortcut) -> Callable[[Layer], Generator[None]]:
        def act(layer: Layer) -> Generator[None]:
            self.press(shortcut)
            yield
            self.release(shortcut)

        return act
