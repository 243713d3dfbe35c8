"""What the pixels say of where the animal is: evidence for the review, whatever the boxes say.

Background subtraction as in the motion detector, but its candidates are kept as they are: the strongest
few things that stand out from the still background in every frame. A box that stays behind, drifts away
or sits on something else then has nothing in it, or the animal off its middle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.blobs import Background
from napari_cropzoom.detection.motion import MotionSettings, reduction, what_stands_out
from napari_cropzoom.detection.path import Candidates
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, load_arrays
from napari_cropzoom.files.provenance import file_identity
from napari_cropzoom.files.user_data import user_data_folder
from napari_cropzoom.video.video import Video, VideoIndex

LEAST_FRAMES = 3
VERSION = 1
"""To be raised when the same video gives other evidence than before."""
MOST_KEPT_BYTES = 300_000_000
# Gray levels of noise in half of the pixels: more than the sensors of cameras make.
MOST_NOISE = 12.0


class CameraMovesError(CropzoomError):
    """The pixels say nothing of what moves before the camera."""


def pixel_evidence(
    video: Path,
    index: VideoIndex | None = None,
    take: Callable[[Motion], object] | None = None,
    parts: int = 1,
) -> Stage[Motion]:
    """Yield progress over two passes through the video and return what stands out in each frame.

    Parameters
    ----------
    video : Path
    index : VideoIndex, optional
        Takes note of frames that cannot be decoded; nothing stands out in those.
    take : callable, optional
        Is given what was found so far, with nothing in the frames to come, after each part but the last.
    parts : int

    Returns
    -------
    Motion
        Blobs in pixels of the full frame.

    Raises
    ------
    CropzoomError
        If the video cannot be read, or is too short to tell what moves in it.
    CameraMovesError
        If most pixels change over the video.
    """
    with Video(video, index=index) as source:
        if source.n_frames < LEAST_FRAMES:
            raise CropzoomError(
                f"{video}: {counted(source.n_frames, 'frame')}, too few to see motion. Review it without."
            )

        def check(background: Background) -> None:
            if not is_still(background):
                raise CameraMovesError(
                    f"{video}: the camera moves, so the pixels do not show what moves before it. "
                    "The boxes are judged without."
                )

        factor, total = reduction(source.width), source.n_frames
        found, taken = Candidates(source.n_frames), 0
        for progress in what_stands_out(source, MotionSettings(), check=check, into=found):
            yield progress
            part = parts * progress.done // max(progress.total, 1)
            if take is not None and part > taken and found.strength.any():
                taken = part
                take(_as_motion(found, factor))
    yield Progress(total, total, "frames")
    return _as_motion(found, factor)


def is_still(background: Background) -> bool:
    """Whether most pixels stayed as they were over the video, as they do unless the camera moves."""
    return float(np.median(background.noise)) <= MOST_NOISE


def _as_motion(found: Candidates, factor: int) -> Motion:
    return Motion(found.boxes.astype(np.float64) * factor, found.strength.astype(np.float64))


def write_motion(path: Path, motion: Motion) -> None:
    """Write evidence to an ``.npz`` file, for the window that asked a worker for it."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file, boxes=motion.boxes.astype(np.float32), strength=motion.strength.astype(np.float32)
        )


def keep_motion(video: Path, motion: Motion) -> None:
    """Keep evidence of the whole video for the next time, if the user's data folder can be written to.

    What was used longest ago is removed where all of it takes too much room.
    """
    with contextlib.suppress(CropzoomError, OSError):
        path = _kept_file(video)
        write_motion(path, motion)
        kept = sorted(path.parent.glob("*.npz"), key=lambda each: each.stat().st_mtime, reverse=True)
        room = np.cumsum([each.stat().st_size for each in kept]) <= MOST_KEPT_BYTES
        for each, fits in zip(kept[1:], room[1:], strict=True):
            if not fits:
                each.unlink()


def kept_motion(video: Path, n_frames: int) -> Motion | None:
    """What :func:`keep_motion` kept of this very video, by its bytes; None if there is nothing."""
    try:
        path = _kept_file(video)
        motion = read_motion(path, n_frames)
        path.touch()
    except (CropzoomError, OSError):
        return None
    return motion


def _kept_file(video: Path) -> Path:
    about = json.dumps([VERSION, file_identity(video)])
    return user_data_folder() / "pixels" / f"{hashlib.sha256(about.encode()).hexdigest()[:32]}.npz"


def read_motion(path: Path, n_frames: int) -> Motion:
    """Read what :func:`write_motion` wrote.

    Raises
    ------
    CropzoomError
        If the file is not such a file, or belongs to a video of another length.
    """
    try:
        with load_arrays(path) as data:
            boxes, strength = data["boxes"].astype(np.float64), data["strength"].astype(np.float64)
    except UNREADABLE_ARRAYS as error:
        raise CropzoomError(
            f"{path}: no evidence of motion ({brief(error)}). Look at the video again."
        ) from error
    if len(boxes) != n_frames or boxes.shape[:2] != strength.shape or boxes.shape[2:] != (4,):
        raise CropzoomError(
            f"{path}: {counted(len(boxes), 'frame')} of motion, the video has {n_frames}. Look at the "
            "video again."
        )
    return Motion(boxes, strength)
