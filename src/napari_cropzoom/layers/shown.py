"""What is shown over one frame of the video, whoever draws it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.layers.looks import FINAL_LOOK, PREVIEW_LOOK, Look
from napari_cropzoom.session import Session


@dataclass(frozen=True)
class Shown:
    """The boxes of one frame.

    Attributes
    ----------
    box : Box
        Of the animal that is reviewed; missing if it has none.
    source : Source
        Where it comes from.
    final : Box
        What will be cropped, or a proposal; missing where it is the box itself.
    final_look : Look
    others : tuple of (Box, str)
        Boxes of the other animals that have one, with the colours of their tracks.
    caption : tuple of (int, int, float, Source, str)
        What :func:`napari_cropzoom.layers.caption.caption` writes.
    """

    box: Box
    source: Source
    final: Box
    final_look: Look
    others: tuple[tuple[Box, str], ...]
    caption: tuple[int, int, float, Source, str]


def shown_at(session: Session, frame: int, preview: Box | None = None) -> Shown:
    """Say what is shown over a frame; ``preview`` is a box that is proposed in place of the final one."""
    track, states = session.track, session.states
    box, source = track.box(frame), Source(int(track.source[frame]))
    if preview is not None:
        final, look = preview, PREVIEW_LOOK
    else:
        final, look = session.final_box(frame), FINAL_LOOK
        final = MISSING_BOX if final == box else final
    others = [(t.box(frame), states[name].color) for name, t in session.tracks.items() if t is not track]
    name = track.name if len(states) > 1 else ""
    return Shown(
        box,
        source,
        final,
        look,
        tuple(other for other in others if not other[0].is_missing()),
        (frame, len(track), session.video.time(frame), source, name),
    )
