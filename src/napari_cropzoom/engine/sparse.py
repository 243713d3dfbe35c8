"""Sparsely: a model on every n-th frame first, then on all frames where that is not enough."""

from __future__ import annotations

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.sampling.changed import rows_of
from napari_cropzoom.core.sampling.sparse import frames_first, frames_next, interpolated
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.incremental import PreviousResults, whole_frames
from napari_cropzoom.video.video import Video

MOST_ROUNDS = 6
"""Each decodes a part of the video again; the second or third finds next to nothing as a rule."""


def predict_sparsely(
    engine: Engine, video: Video, every: int, *, batch_size: int | None = None
) -> Stage[Poses]:
    """Find the keypoints in whole frames of a video, looking at some of them only.

    Frames that were run have the keypoints of :meth:`Engine.predict` to the last digit; only these, and
    what a model with temporal context sees beside them, are decoded.

    Parameters
    ----------
    engine : Engine
    video : Video
    every : int
        About how far apart the first frames are; see
        :func:`~napari_cropzoom.core.sampling.sparse.frames_first`.
    batch_size : int or None
        See :meth:`Engine.predict`.

    Returns
    -------
    Poses
        One row a frame; its ``interpolated`` says which were not run.

    Raises
    ------
    CropzoomError
        If ``every`` is less than 1, or as :meth:`Engine.predict`.
    """
    check_every(every)
    boxes, size = whole_frames(video.index), (video.width, video.height)
    context = engine.network.context
    first = frames_first(video.n_frames, every, engine.batch_size(batch_size))
    first = todo = rows_of(first, context)
    run, done = first.copy(), 0
    previous: PreviousResults | None = None
    for _ in range(MOST_ROUNDS):
        stage = engine.predict(video, batch_size=batch_size, previous=previous, only=todo)
        found, done = yield from _after(done, stage)
        poses = interpolated(found, run)
        todo = rows_of(frames_next(poses, run, first, size), context) & ~run
        if not todo.any():
            break
        run |= todo
        previous = PreviousResults(boxes, found.xy, found.likelihood)
    return poses


def check_every(every: int, boxed: bool = False, only_changed: bool = False) -> None:
    """Refuse what cannot be done.

    Raises
    ------
    CropzoomError
        If ``every`` is less than 1, or more than 1 for boxes or for what has changed only.
    """
    if every < 1:
        raise CropzoomError(f"--every: is {every}, and must be 1 (every frame) or more.")
    if every > 1 and boxed:
        raise CropzoomError(
            "--every: is for a detector on whole frames, not for boxes (--bbox_dir). "
            "Leave out one of the two."
        )
    if every > 1 and only_changed:
        raise CropzoomError(
            "--every: is for predicting a whole video, not for --only_changed, which runs what was "
            "interpolated too. Leave out one of the two."
        )


def frames_run(poses: Poses) -> str:
    """``ran 412 of 1200 frames; the others are interpolated``."""
    total = len(poses)
    if poses.interpolated is None:
        return f"ran all {counted(total, 'frame')}: none could be interpolated"
    return (
        f"ran {total - int(poses.interpolated.sum())} of {counted(total, 'frame')}; the others are "
        "interpolated"
    )


def _after(done: int, stage: Stage[Poses]) -> Stage[tuple[Poses, int]]:
    """Run a stage whose frames come after ``done`` others; returns how many are done then as well."""
    total = done
    try:
        while True:
            progress = next(stage)
            total = done + progress.total
            yield Progress(done + progress.done, total, progress.text)
    except StopIteration as end:
        return end.value, total
    finally:
        stage.close()
