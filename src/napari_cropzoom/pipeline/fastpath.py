"""From the frames of a video to keypoints: decoding, cropping and the network overlapped."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.changed import changed_frames, frames_to_run, frames_to_see, result_of
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.background import Prefetch, awaited
from napari_cropzoom.pipeline.earlier import Kept
from napari_cropzoom.pipeline.network import CONTEXT, Network, Samples
from napari_cropzoom.pipeline.pixels import PixelReader, corners, taps
from napari_cropzoom.pipeline.progress import Progress, Stage

Found = tuple[NDArray[np.intp], FloatArray, FloatArray]

BATCHES_AHEAD = 2


def predict_frames(
    network: Network,
    pool: ThreadPoolExecutor,
    video: Video,
    boxes: FloatArray,
    size: tuple[int, int],
    *,
    batch_size: int,
    kept: Kept | None = None,
) -> Stage[tuple[FloatArray, FloatArray]]:
    """Find the keypoints in every frame.

    Parameters
    ----------
    network : Network
    pool : ThreadPoolExecutor
        The one thread in which the network runs.
    video : Video
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in whole pixels of the frame, NaN where there is nothing to see; see
        :func:`napari_cropzoom.pipeline.earlier.seen_boxes`.
    size : (int, int)
        Height and width of the network's image.
    batch_size : int
        Frames given to the network at a time.
    kept : Kept or None
        Results of other boxes, which are taken where they are right for these too.

    Returns
    -------
    xy : ndarray, (T, K, 2)
        Pixels of the frame, NaN where there is no box.
    likelihood : ndarray, (T, K)
        0 where there is no box.

    Raises
    ------
    CropzoomError
        If the video is damaged.
    """
    run = np.ones(len(boxes), bool)
    if kept is not None:
        changed = changed_frames(kept.boxes, boxes)
        run = frames_to_run(changed, ~np.isnan(boxes[:, 0]), network.context)
    numbers = np.flatnonzero(frames_to_see(run, network.context))
    total, done = len(numbers), 0
    found: list[Found] = []
    items = _batches(video, numbers, boxes, size, batch_size, network.context)
    with Prefetch(items, BATCHES_AHEAD) as ahead:
        yield Progress(0, total, "frames")
        while (batch := (yield from ahead.take(Progress(done, total, "frames")))) is not None:
            samples, count = batch
            result = pool.submit(network, samples)
            answer = yield from awaited(result, Progress(done, total, "frames"))
            found.append((answer[0][:count], answer[1][:count], answer[2][:count]))
            done = int(np.searchsorted(numbers, samples.frames[-1])) + 1
            yield Progress(done, total, "frames")
    parts = found[0][1].shape[1] if found else int(network.module.num_keypoints)
    result_frames = result_of(len(boxes), network.context)
    return _gather(found, run, result_frames, boxes, kept or _nothing(boxes, parts))


def _batches(
    video: Video,
    numbers: NDArray[np.intp],
    boxes: FloatArray,
    size: tuple[int, int],
    batch_size: int,
    context: bool,
) -> Generator[tuple[Samples, int]]:
    """Yield the frames in order, with the number of results that count, the first ones.

    With temporal context the last four frames come again in the next batch. The last batch is filled
    up by repeating its last frame: with the number of frames the order of the network's sums changes,
    and so would the last digits of a frame that is run among others.

    Frames without a box are left out, or black where their neighbours need them as context. Where
    numbers are missing, results of frames whose neighbours they are mean nothing.
    """
    overlap = CONTEXT if context else 0
    sampler = _Sampler(video, size)
    held: list[Samples] = []
    fresh = 0
    for number, frame in zip(numbers.tolist(), video.pick(numbers.tolist()), strict=True):
        box = boxes[number]
        if context or np.isfinite(box[0]):
            held.append(sampler.sample(number, frame, box))
            fresh += 1
        if fresh and len(held) == batch_size + overlap:
            yield _joined(held), batch_size
            held, fresh = held[len(held) - overlap :], 0
    if fresh:
        count = max(len(held) - overlap, 1)
        yield _joined(held + held[-1:] * (batch_size + overlap - len(held))), count


class _Sampler:
    """Cuts boxes out of frames, ready to be resized."""

    def __init__(self, video: Video, size: tuple[int, int]) -> None:
        self._reader = PixelReader(video.index)
        self._size = size
        self._frame = (video.width, video.height)

    def sample(self, number: int, frame: VideoFrame, box: FloatArray) -> Samples:
        seen = np.isfinite(box[0])
        x, y, w, h = (int(v) for v in box) if seen else (0, 0, *self._frame)
        if not seen:
            image = np.zeros((1, 1, 3), np.uint8)
        elif (x, y, w, h) == (0, 0, *self._frame):
            image = self._reader.whole(frame)
        else:
            image = self._reader.box(frame, x, y, w, h)
        rows, columns = image.shape[:2]
        return Samples(
            np.array([number]),
            corners(image, self._size)[None],
            taps(rows, self._size[0])[1][None],
            taps(columns, self._size[1])[1][None],
            np.array([[x, y, h, w]], np.float32),
        )


def _joined(parts: list[Samples]) -> Samples:
    return Samples(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.weights_y for part in parts]),
        np.concatenate([part.weights_x for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def _nothing(boxes: FloatArray, parts: int) -> Kept:
    frames = len(boxes)
    return Kept(boxes, np.full((frames, parts, 2), np.nan), np.zeros((frames, parts)))


def _gather(
    found: list[Found],
    run: BoolArray,
    result_frames: NDArray[np.intp],
    boxes: FloatArray,
    kept: Kept,
) -> tuple[FloatArray, FloatArray]:
    """Put the results into one row a frame, over those that are kept.

    Only the frames of ``run`` have results that mean something; each frame takes that of its
    ``result_frames``, see :func:`napari_cropzoom.core.changed.result_of`.
    """
    xy, likelihood = kept.xy.copy(), kept.likelihood.copy()
    new = np.zeros(len(boxes), bool)
    new_xy, new_likelihood = np.empty_like(xy), np.empty_like(likelihood)
    for frames, points, trust in found:
        new[frames] = run[frames]
        new_xy[frames], new_likelihood[frames] = points, trust
    rows = new[result_frames]
    source = result_frames[rows]
    xy[rows], likelihood[rows] = new_xy[source], new_likelihood[source]
    absent = np.isnan(boxes[:, 0])
    xy[absent], likelihood[absent] = np.nan, 0
    return xy, likelihood
