"""Keys of the table as they are pressed and let go, on the canvas and in the widgets round it."""

from __future__ import annotations

from collections.abc import Callable, Generator

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.key_bindings import KeymapProvider, coerce_keybinding

from napari_cropzoom.canvas.shortcuts import SHORTCUTS, Canvas, Shortcut, perform
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.review.session import Session


class KeyPresses:
    """Does what keys do; that of a tool shows what it would do while it is down, and does it once up.

    They act on the canvas whichever layer is the active one. The bindings of a person's layer go first,
    and so does what a person bound to the viewer before.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    session : Session
    canvas : Canvas
    """

    def __init__(self, viewer: ViewerModel, session: Session, canvas: Canvas) -> None:
        self._viewer, self._session, self._canvas = viewer, session, canvas
        self._held: Shortcut | None = None
        self._edit: Edit | None = None
        self._handlers = {
            coerce_keybinding(one.key): self._handler(one)
            for one in SHORTCUTS
            if one.function is not None
        }
        for key, handler in self._handlers.items():
            viewer.keymap.setdefault(key, handler)

    def bind(self, layer: Layer) -> None:
        """Have the table go before a layer's own bindings; ends with the layer."""
        for key, handler in self._handlers.items():
            layer.bind_key(key, handler)

    def acts(self, key: str) -> bool:
        """Whether a key of the table acts on the canvas now, and no other binding goes first."""
        layer, wanted = self._viewer.layers.selection.active, coerce_keybinding(key)
        keymaps = [self._viewer.keymap]
        if layer is not None:
            keymaps = [
                layer.keymap,
                *(getattr(one, "class_keymap", {}) for one in type(layer).__mro__),
                *keymaps,
            ]
        # napari lets ... stand for every other key
        first = next((keymap[one] for keymap in keymaps for one in (wanted, ...) if one in keymap), None)
        return first is self._handlers[wanted]

    def close(self) -> None:
        """Show nothing any more and let go of the viewer."""
        self.forget()
        for key, handler in self._handlers.items():
            if self._viewer.keymap.get(key) is handler:
                del self._viewer.keymap[key]

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

    def _handler(self, shortcut: Shortcut) -> Callable[[KeymapProvider], Generator[None]]:
        def act(provider: KeymapProvider) -> Generator[None]:
            self.press(shortcut)
            yield
            self.release(shortcut)

        return act
