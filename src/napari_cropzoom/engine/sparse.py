"""Sparsely: a model on every n-th frame first, then on all frames where that is not enough."""

from __future__ import annotations

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage, part_of
from napari_cropzoom.core.sampling.changed import rows_of
from napari_cropzoom.core.sampling.sparse import frames_first, frames_next, interpolated
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.incremental import PreviousResults, whole_frames
from napari_cropzoom.video.video import Video

USUALLY_RUN = 1 / 3
"""Of the frames between the first ones, those that a straight line will not do for."""
USUALLY_MORE = 0.1
"""Of the frames of a later round, those of the rounds after it."""
MOST_ROUNDS = 6
"""Each decodes a part of the video again; the second or third finds next to nothing as a rule."""


class Rounds:
    """Counts the frames of a video once, however many rounds it takes and how few of them are run.

    Nobody knows before a round has ended what the next one is to run. Each therefore counts for as many
    of the frames that are left as its share of the work that is left, by what is usual.

    Parameters
    ----------
    n_frames : int
    """

    def __init__(self, n_frames: int) -> None:
        self._n_frames = n_frames
        self._done = 0.0  # of all, 0 to 1

    def counted(self, stage: Stage[Poses], n_run: int, n_left: int) -> Stage[Poses]:
        """Count a round that runs ``n_run`` frames and leaves ``n_left`` that were never run."""
        to_come = n_left * USUALLY_RUN if self._done == 0 else n_run * USUALLY_MORE
        share = (1 - self._done) * n_run / max(n_run + to_come, 1)
        found = yield from part_of(stage, self._done, share, self._n_frames, "frames")
        self._done += share
        return found


def predict_sparsely(
    engine: Engine, video: Video, every: int, *, batch_size: int | None = None
) -> Stage[Poses]:
    """Find the keypoints in whole frames of a video, looking at some of them only.

    Frames that were run have the keypoints of :meth:`Engine.predict` to the last digit; only these, and
    what a model with temporal context sees beside them, are decoded. Progress counts every frame of the
    video once, see :class:`Rounds`.

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
    run, count = first.copy(), Rounds(video.n_frames)
    previous: PreviousResults | None = None
    for _ in range(MOST_ROUNDS):
        stage = engine.predict(video, batch_size=batch_size, previous=previous, only=todo)
        found = yield from count.counted(stage, int(todo.sum()), int((~run).sum()))
        poses = interpolated(found, run)
        todo = rows_of(frames_next(poses, run, first, size), context) & ~run
        if not todo.any():
            break
        run |= todo
        previous = PreviousResults(boxes, found.xy, found.likelihood)
    yield Progress(video.n_frames, video.n_frames, "frames")
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
