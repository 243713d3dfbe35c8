"""Writing figures for print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.words import counted
from napari_cropzoom.export.drawing import Picture
from napari_cropzoom.export.plate import Plate, encoded
from napari_cropzoom.export.plates import Drawn, Scale, frame_plate, timeline_plate, trajectory_plate
from napari_cropzoom.export.targets import check_rows, check_target
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.video.video import Video

KINDS = ("frame", "crop", "trajectory", "timeline")
SUFFIXES = (".png", ".svg")
ARENA_FRAMES = 15
LEAST = 16  # pixels on a side
LARGEST = 20_000  # pixels a side


@dataclass(frozen=True, eq=False)
class Figure:
    """What a figure shows and how large it is.

    Attributes
    ----------
    kind : str
        ``frame``, ``crop`` (the inside of the box), ``trajectory`` or ``timeline``.
    drawn : Drawn
    frame : int
        Of ``frame`` and ``crop``.
    width : float
        Millimetres on paper.
    dpi : float
        Dots an inch of a PNG.
    scale : Scale
    """

    kind: str = "frame"
    drawn: Drawn = field(default_factory=Drawn)
    frame: int = 0
    width: float = 120.0
    dpi: float = 300.0
    scale: Scale = field(default_factory=Scale)


def write_figure(video: Path, output: Path, figure: Figure, *, overwrite: bool = False) -> Stage[Path]:
    """Draw a figure and write it.

    Parameters
    ----------
    video : Path
    output : Path
        ``.png`` in the figure's ``dpi``, or ``.svg``, in which lines are lines and letters letters.
    figure : Figure
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    Path
        ``output``.

    Raises
    ------
    CropzoomError
        If the video cannot be read, what is to be drawn does not fit it, or the file cannot be written or
        is there already.
    """
    check_target(output, SUFFIXES, video, overwrite=overwrite)
    with Video(video) as source:
        plate = yield from plate_of(source, figure)
    if output.suffix.lower() == ".svg":
        content = f'<?xml version="1.0" encoding="UTF-8"?>\n{plate.svg()}\n'.encode()
    else:
        size = max(plate.width, plate.height) / 25.4 * figure.dpi
        if size < LEAST:
            raise CropzoomError(
                f"{output}: would have {size:.1f} pixels on a side, too few to see anything. Give a "
                "larger --width or --dpi."
            )
        if size > LARGEST:
            raise CropzoomError(
                f"{output}: would have {size:.0f} pixels on a side, and {LARGEST} is the most. Give a "
                "smaller --width or --dpi."
            )
        content = encoded(plate.pixels(figure.dpi), dpi=(figure.dpi, figure.dpi))
    with atomic_path(output) as part:
        part.write_bytes(content)
    return output


def plate_of(source: Video, figure: Figure) -> Stage[Plate]:
    """Draw a figure.

    Raises
    ------
    CropzoomError
        If what is to be drawn does not fit the video.
    """
    drawn, n = figure.drawn, source.n_frames
    _check(source, figure)
    if figure.kind in ("frame", "crop"):
        yield Progress(0, 1, "frames")
        image = source.frame(figure.frame)
        is_crop = figure.kind == "crop"
        return frame_plate(image, figure.frame, drawn, figure.width, figure.scale, crop=is_crop)
    assert drawn.boxes is not None
    times = source.times
    if figure.kind == "timeline":
        yield Progress(0, n, "frames")
        return timeline_plate(drawn.boxes, drawn.before, drawn.poses, times, figure.width, figure.scale)
    arena = yield from arena_of(source)
    return trajectory_plate(arena, drawn.boxes, times, figure.width, figure.scale)


def arena_of(source: Video) -> Stage[Picture]:
    """(H, W, 3) the median of a few frames: the arena without what moves in it."""
    images = []
    for number, image in enumerate(_spread(source)):
        images.append(image)
        yield Progress(number + 1, ARENA_FRAMES, "frames of the arena")
    return np.asarray(np.median(np.stack(images), axis=0), np.uint8)


def _spread(source: Video) -> Iterator[Picture]:
    count = min(ARENA_FRAMES, source.n_frames)
    numbers = np.unique(np.linspace(0, source.n_frames - 1, count).astype(np.int64)).tolist()
    for native in source.pick(numbers):
        yield source.to_rgb(native)


def _check(source: Video, figure: Figure) -> None:
    drawn, n = figure.drawn, source.n_frames
    if figure.kind not in KINDS:
        raise CropzoomError(f"Unknown figure {figure.kind!r}; choose one of {', '.join(KINDS)}.")
    if not 0 <= figure.frame < n:
        raise CropzoomError(
            f"{source.path}: there is no frame {figure.frame} of {counted(n, 'frame')}. Give one from "
            f"0 to {n - 1}."
        )
    check_rows(source.path, n, drawn.boxes, drawn.before, drawn.poses)
    if drawn.boxes is None and figure.kind != "frame":
        raise CropzoomError(f"The figure {figure.kind!r} shows the box. Give the boxes with --bbox.")
    if figure.kind == "crop" and drawn.boxes is not None and np.isnan(drawn.boxes[figure.frame]).any():
        raise CropzoomError(
            f"Frame {figure.frame} has no box to show the inside of. Give another --frame."
        )
