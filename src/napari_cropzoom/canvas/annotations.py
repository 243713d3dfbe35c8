"""What is drawn over one frame of the video, by napari's layers and by whatever else draws it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_cropzoom.canvas.caption import caption, when_of
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, FINAL, PROPOSED, LineStyle, box_style, source_word
from napari_cropzoom.review.session import Session

_NOTHING = box_style(Source.MISSING, ANIMAL_COLORS[0])


@dataclass(frozen=True)
class Annotations:
    """The boxes of one frame.

    Attributes
    ----------
    box : Box
        Of the animal that is reviewed; missing if it has none.
    style : LineStyle
        Its animal's colour, and the look that says where it comes from.
    final : Box
        What will be cropped, or a proposal; missing where it is the box itself.
    final_style : LineStyle
    others : tuple of (Box, str)
        Boxes of the other animals that have one, with the colours of their tracks.
    caption : str
    """

    box: Box = MISSING_BOX
    style: LineStyle = _NOTHING
    final: Box = MISSING_BOX
    final_style: LineStyle = _NOTHING
    others: tuple[tuple[Box, str], ...] = ()
    caption: str = "no frame of the video here"


def annotations_at(session: Session, frame: int | None, preview: Box | None = None) -> Annotations:
    """Say what is drawn over a frame, or where there is none.

    ``preview`` is a box that is proposed in place of the final one.
    """
    track, entries = session.track, session.tracks.entries
    if frame is None or frame >= len(track):
        return Annotations()
    box, source = track.box(frame), Source(int(track.source[frame]))
    color = session.tracks.entry.color
    if preview is not None:
        final, final_style = preview, PROPOSED
    else:
        final, final_style = session.final_box(frame), FINAL.in_color(color)
        final = MISSING_BOX if final == box else final
    others = [(t.box(frame), entries[name].color) for name, t in session.tracks.items() if t is not track]
    name = track.name if len(entries) > 1 else ""
    return Annotations(
        box,
        box_style(source, color),
        final,
        final_style,
        tuple(other for other in others if not other[0].is_missing()),
        caption(
            frame,
            len(track),
            when_of(session.video, frame),
            source_word(track, frame),
            name,
            is_damaged=frame in session.video.index.damage,
        ),
    )
