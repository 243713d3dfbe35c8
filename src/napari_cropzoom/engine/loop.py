"""From the frames of a video to keypoints: decoding, cropping and the network overlapped."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.sampling.batches import FrameBatch, batches
from napari_cropzoom.core.sampling.changed import changed_frames, frames_to_run, frames_to_see, result_of
from napari_cropzoom.detection.background import Prefetch
from napari_cropzoom.engine.incremental import PreviousResults, seen_boxes, whole_frames
from napari_cropzoom.engine.network.executor import BatchPool, OrderedResults
from napari_cropzoom.engine.network.samples import Network, Samples
from napari_cropzoom.engine.pixels import Edge, PixelReader, bilinear_sources, corners
from napari_cropzoom.video.video import Video

Found = tuple[NDArray[np.intp], FloatArray, FloatArray]

CUTTERS = min((os.cpu_count() or 1) // 4, 3)
"""Threads that cut boxes out of frames. Where cores are few the one that decodes does that itself; with
16 and a graphics card it would hold up all others: cutting takes it as long as decoding, or longer."""
BATCHES_AHEAD = 2
FRAMES_TO_COMPARE = 8


def predict_frames(
    network: Network,
    pool: BatchPool,
    video: Video,
    boxes: FloatArray,
    size: tuple[int, int],
    *,
    batch_size: int,
    previous: PreviousResults | None = None,
    only: BoolArray | None = None,
) -> Stage[tuple[FloatArray, FloatArray]]:
    """Find the keypoints in every frame, or in those asked for.

    Parameters
    ----------
    network : Network
    pool : BatchPool
        Threads in which the network runs.
    video : Video
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in whole pixels of the frame, NaN where there is nothing to see; see
        :func:`napari_cropzoom.engine.incremental.seen_boxes`.
    size : (int, int)
        Height and width of the network's image.
    batch_size : int
        Frames given to the network at a time.
    previous : PreviousResults or None
        Results of other boxes, which are taken where they are right for these too.
    only : ndarray, (T,) bool, or None
        Frames to run, whatever has changed; the others are as in ``previous``. None for those that
        changed.

    Returns
    -------
    xy : ndarray, (T, K, 2)
        Pixels of the frame, NaN where there is no box or it was neither run nor predicted before.
    likelihood : ndarray, (T, K)
        0 where there are no such pixels, also in frames that cannot be decoded.

    Raises
    ------
    CropzoomError
        If the video can no longer be read.
    """
    wanted = ~np.isnan(boxes[:, 0])
    if only is not None:
        wanted &= only
    if previous is None or only is not None:
        changed = np.ones(len(boxes), bool)
    else:
        changed = changed_frames(previous.boxes, boxes)
    run = frames_to_run(changed, wanted, network.context)
    numbers = np.flatnonzero(frames_to_see(run, network.context))
    total, done = len(numbers), 0
    found: list[Found] = []
    calls = list(batches(run, batch_size, network.context))
    items = _samples(video, numbers, calls, boxes, size)
    started: OrderedResults[tuple[FloatArray, FloatArray], tuple[NDArray[np.intp], int]] = OrderedResults(
        pool
    )
    with Prefetch(items, BATCHES_AHEAD) as ahead, started:
        yield Progress(0, total, "frames")
        is_over = False
        while not is_over or started:
            if not is_over and not started.is_full:
                item = yield from ahead.take(Progress(done, total, "frames"))
                is_over = item is None
                if item is not None:
                    samples, results, decoded = item
                    started.add(pool.submit(network, samples), (results, decoded))
                continue
            (xy, likelihood), (results, done) = yield from started.take(Progress(done, total, "frames"))
            real = results >= 0
            found.append((results[real], xy[real], likelihood[real]))
            yield Progress(done, total, "frames")
    parts = found[0][1].shape[1] if found else network.n_keypoints
    boxes = boxes.copy()
    boxes[video.index.damage.numbers()] = np.nan
    return _gather(
        found, result_of(len(boxes), network.context), boxes, previous or _nothing(boxes, parts)
    )


def some_frames(video: Path, boxes: FloatArray | None, edge: Edge, size: tuple[int, int]) -> Samples:
    """Return a few frames evenly spread over a video, as the network would see them.

    Parameters
    ----------
    video : Path
    boxes, edge
        See :meth:`napari_cropzoom.engine.engine.Engine.predict`.
    size : (int, int)
        Height and width of the network's image.

    Raises
    ------
    CropzoomError
        If the video is damaged, or there is not one box for every frame.
    """
    with Video(video) as opened:
        seen = seen_boxes(boxes, opened.index, edge)
        if np.isnan(seen).all():
            seen = whole_frames(opened.index)
        there = np.flatnonzero(~np.isnan(seen[:, 0]))
        places = np.linspace(0, len(there) - 1, FRAMES_TO_COMPARE).round().astype(np.intp)
        numbers = there[np.unique(places)].tolist()
        sampler, frames = _Sampler(opened, size), opened.pick(numbers)
        return _joined(
            [
                sampler.sample(number, frame, seen[number])
                for number, frame in zip(numbers, frames, strict=True)
            ]
        )


def _samples(
    video: Video,
    numbers: NDArray[np.intp],
    calls: list[FrameBatch],
    boxes: FloatArray,
    size: tuple[int, int],
) -> Generator[tuple[Samples, NDArray[np.intp], int]]:
    """Yield for each batch its samples, the frames of its results, and how many frames are decoded.

    ``numbers`` are the frames of all batches, in order. Those without a box, which are neighbours of
    others, are black.
    """
    last_use = np.full(len(boxes), -1)
    for call, batch in enumerate(calls):
        last_use[batch.frames[batch.frames >= 0]] = call
    held: dict[int, Samples] = {}
    cut = enumerate(_cut(video, numbers, boxes, size))
    decoded = 0
    for call, batch in enumerate(calls):
        wanted = np.unique(batch.frames[batch.frames >= 0])
        while wanted[-1] not in held:
            place, samples = next(cut)
            held[int(numbers[place])], decoded = samples, place + 1
        filled = np.where(batch.frames < 0, wanted[0], batch.frames)
        yield _joined([held[number] for number in filled.tolist()]), batch.results, decoded
        for number in wanted[last_use[wanted] == call].tolist():
            del held[number]


def _cut(
    video: Video, numbers: NDArray[np.intp], boxes: FloatArray, size: tuple[int, int]
) -> Generator[Samples]:
    """Yield the samples of each frame, in order, made in several threads where there are cores for it."""
    frames = zip(numbers.tolist(), video.pick(numbers.tolist()), strict=True)
    sampler = _Sampler(video, size)
    if CUTTERS < 2:
        for number, frame in frames:
            yield sampler.sample(number, frame, boxes[number])
        return
    waiting: deque[Future[Samples]] = deque()
    pool = ThreadPoolExecutor(CUTTERS, thread_name_prefix="cut")
    try:
        for number, frame in frames:
            waiting.append(pool.submit(sampler.sample, number, frame, boxes[number]))
            if len(waiting) > 2 * CUTTERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Sampler(threading.local):
    """Cuts boxes out of frames, ready to be resized; each thread has a reader of its own."""

    def __init__(self, video: Video, size: tuple[int, int]) -> None:
        self._reader = PixelReader(video.index)
        self._size = size
        self._frame = (video.width, video.height)
        self._damage = video.index.damage

    def sample(self, number: int, frame: VideoFrame, box: FloatArray) -> Samples:
        seen = np.isfinite(box[0]) and number not in self._damage
        x, y, w, h = (int(v) for v in box) if seen else (0, 0, *self._frame)
        if not seen:
            image = np.zeros((1, 1, 3), np.uint8)
        elif (x, y, w, h) == (0, 0, *self._frame):
            image = self._reader.whole(frame)
        else:
            image = self._reader.box(frame, x, y, w, h)
        rows, columns = image.shape[:2]
        return Samples(
            corners(image, self._size)[None],
            bilinear_sources(rows, self._size[0])[1][None],
            bilinear_sources(columns, self._size[1])[1][None],
            np.array([[x, y, h, w]], np.float32),
        )


def _joined(parts: list[Samples]) -> Samples:
    return Samples(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.weights_y for part in parts]),
        np.concatenate([part.weights_x for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def _nothing(boxes: FloatArray, parts: int) -> PreviousResults:
    frames = len(boxes)
    return PreviousResults(boxes, np.full((frames, parts, 2), np.nan), np.zeros((frames, parts)))


def _gather(
    found: list[Found], result_frames: NDArray[np.intp], boxes: FloatArray, previous: PreviousResults
) -> tuple[FloatArray, FloatArray]:
    """Put the results into one row a frame, over the previous ones.

    Each frame takes the result of its ``result_frames``, see
    :func:`napari_cropzoom.core.sampling.changed.result_of`.
    """
    xy, likelihood = previous.xy.copy(), previous.likelihood.copy()
    new = np.zeros(len(boxes), bool)
    new_xy, new_likelihood = np.empty_like(xy), np.empty_like(likelihood)
    for frames, points, chances in found:
        new[frames] = True
        new_xy[frames], new_likelihood[frames] = points, chances
    rows = new[result_frames]
    source = result_frames[rows]
    xy[rows], likelihood[rows] = new_xy[source], new_likelihood[source]
    absent = np.isnan(boxes[:, 0])
    xy[absent], likelihood[absent] = np.nan, 0
    return xy, likelihood
