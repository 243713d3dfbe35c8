"""What the pixels say of where the animal is: evidence for the review, whatever the boxes say.

Background subtraction as in the motion detector, but its candidates are kept as they are: the strongest
few things that stand out from the still background in every frame. A box that stays behind, drifts away
or sits on something else then has nothing in it, or the animal off its middle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.evidence import Motion
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.motion import MotionSettings, find_candidates, learn_background, reduction
from napari_cropzoom.pipeline.progress import Progress, Stage

LEAST_FRAMES = 3


def pixel_evidence(video: Path) -> Stage[Motion]:
    """Yield progress over two passes through the video and return what stands out in each frame.

    Returns
    -------
    Motion
        Blobs in pixels of the full frame.

    Raises
    ------
    CropzoomError
        If the video cannot be read, or is too short to tell what moves in it.
    """
    with Video(video) as source:
        if source.n_frames < LEAST_FRAMES:
            raise CropzoomError(
                f"{video}: {source.n_frames} frames are too few to see motion. Review it without."
            )
        background = yield from learn_background(source)
        candidates = yield from find_candidates(source, background, MotionSettings())
        factor = reduction(source.width)
        total = 2 * source.n_frames
    yield Progress(total, total, "frames")
    return Motion(candidates.boxes.astype(np.float64) * factor, candidates.strength.astype(np.float64))


def write_motion(path: Path, motion: Motion) -> None:
    """Write evidence to an ``.npz`` file, for the window that asked a worker for it."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file, boxes=motion.boxes.astype(np.float32), strength=motion.strength.astype(np.float32)
        )


def read_motion(path: Path, n_frames: int) -> Motion:
    """Read what :func:`write_motion` wrote.

    Raises
    ------
    CropzoomError
        If the file is not such a file, or belongs to a video of another length.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            boxes, strength = data["boxes"].astype(np.float64), data["strength"].astype(np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise CropzoomError(
            f"{path}: no evidence of motion ({error}). Look at the video again."
        ) from error
    if len(boxes) != n_frames or boxes.shape[:2] != strength.shape or boxes.shape[2:] != (4,):
        raise CropzoomError(
            f"{path}: {len(boxes)} frames of motion, the video has {n_frames}. Look at the video again."
        )
    return Motion(boxes, strength)
