"""Frame, source of its box and time in a corner of the canvas."""

from __future__ import annotations

from napari.components import ViewerModel

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.layers.looks import SOURCE_WORDS

NAME_LENGTH = 20  # letters of an animal's name
_CHANGED = ("text", "visible", "position", "opacity")
_MARGIN = " \u2009"  # napari measures the text a little too short for its background


def time_text(seconds: float) -> str:
    """Minutes, seconds and milliseconds, e.g. ``"01:02.345"``; hours count as minutes."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def shortened(text: str, length: int) -> str:
    """Cut a text down to ``length`` letters, the last of them an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def caption(frame: int, n_frames: int, seconds: float, source: Source, name: str = "") -> str:
    """One line for a frame; ``name`` is that of the animal, where there are several."""
    digits = len(str(n_frames - 1))
    place = f"frame {frame:{digits}d} / {n_frames - 1}"
    name = shortened(name, NAME_LENGTH)
    what = f"{name}{': ' if name else ''}{SOURCE_WORDS[source]}"
    # the time last: in a narrow canvas the line's end is cut off
    return f"{place}   {what}   {time_text(seconds)}{_MARGIN}"


class Caption:
    """napari's text overlay while a video is open; it is put back on closing.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._overlay = viewer.canvas.overlays.text
        self._before = {name: getattr(self._overlay, name) for name in _CHANGED}
        self._overlay.position = "top_left"
        self._overlay.visible = True

    def show(self, frame: int, n_frames: int, seconds: float, source: Source, name: str = "") -> None:
        """Write one line for a frame, see :func:`caption`."""
        self._overlay.text = caption(frame, n_frames, seconds, source, name)

    def rehearse(self) -> None:
        """Write, where it cannot be seen, every letter there may be: each takes long the first time."""
        letters = sorted(set("".join(SOURCE_WORDS.values())) | set("frame0123456789/:.") | {_MARGIN[-1]})
        self._overlay.opacity = 0
        self._overlay.text = "".join(letters)

    def end_rehearsal(self) -> None:
        """Be seen again."""
        self._overlay.opacity = self._before["opacity"]

    def close(self) -> None:
        """Put the overlay back as it was."""
        for name, value in self._before.items():
            setattr(self._overlay, name, value)
