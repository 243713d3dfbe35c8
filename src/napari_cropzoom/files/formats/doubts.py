"""What makes a file doubtful though each of its numbers could be true."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.outside_rows import OutsideRows

SURE = (-0.01, 1.5)
"""Least and highest confidence; some programs count a little above 1."""
FEW_ZEROS = 2
MANY_ANIMALS, FEW_BOXES = 5, 2


def doubts(path: Path, said: OutsideRows) -> tuple[str, ...]:
    """Notes on a confidence that is none, places that are all zeros, and a last line without an end."""
    notes = []
    known = said.confidence[np.isfinite(said.confidence)]
    if len(known) and not SURE[0] <= known.min() <= known.max() <= SURE[1]:
        notes.append(
            f"the confidence goes from {known.min():g} to {known.max():g}, not from 0 to 1: it may be "
            "another column"
        )
    zeros = int(_are_zeros(said).sum())
    if FEW_ZEROS <= zeros < len(said.frame):
        notes.append(
            f"{counted(zeros, 'place')} at exactly 0, 0, which is written for none, or where a file is "
            "damaged: look at these frames"
        )
    if _has_open_end(path):
        notes.append("its last line has no end; if the file was cut short, the last box is wrong")
    return tuple(f"{path.name}: {note}" for note in notes)


def are_pieces(said: OutsideRows, n_frames: int) -> bool:
    """Whether there are many animals with next to no boxes, as where a column is taken for the animal."""
    counts = np.bincount(said.animal)
    counts = counts[counts > 0]
    return (
        len(counts) > MANY_ANIMALS and n_frames > MANY_ANIMALS and float(np.median(counts)) <= FEW_BOXES
    )


def _are_zeros(said: OutsideRows) -> np.ndarray:
    """(N,) bool: rows whose corner, centre or keypoints all lie at the origin."""
    if said.boxes is not None:
        return np.asarray((said.boxes[:, :2] == 0).all(axis=1))
    assert said.keypoints is not None
    return np.asarray((said.keypoints == 0).all(axis=(1, 2)))


def _has_open_end(path: Path) -> bool:
    if path.is_dir() or Content(path).kind != "text":
        return False
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 4), 2)
        return not file.read().rstrip(b"\0 ").endswith((b"\n", b"\r"))
