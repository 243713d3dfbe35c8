"""From the frames of a video to keypoints: decoding, cropping and the network overlapped."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.background import Prefetch, awaited
from napari_cropzoom.pipeline.network import CONTEXT, Network, Samples
from napari_cropzoom.pipeline.pixels import Edge, PixelReader, corners, crop_boxes, taps
from napari_cropzoom.pipeline.progress import Progress, Stage

FloatArray = NDArray[np.float64]

BATCHES_AHEAD = 2


def predict_frames(
    network: Network,
    pool: ThreadPoolExecutor,
    video: Video,
    boxes: FloatArray | None,
    size: tuple[int, int],
    *,
    batch_size: int,
    edge: Edge,
) -> Stage[tuple[FloatArray, FloatArray]]:
    """Find the keypoints in every frame.

    Parameters
    ----------
    network : Network
    pool : ThreadPoolExecutor
        The one thread in which the network runs.
    video : Video
    boxes : ndarray, (T, 4) or None
        ``x, y, w, h`` in pixels of the frame, NaN where the animal is not; None for whole frames.
    size : (int, int)
        Height and width of the network's image.
    batch_size : int
        Frames given to the network at a time.
    edge : {"pad", "clamp"}
        See :func:`napari_cropzoom.pipeline.pixels.crop_boxes`.

    Returns
    -------
    xy : ndarray, (T, K, 2)
        Pixels of the frame, NaN where there is no box.
    likelihood : ndarray, (T, K)
        0 where there is no box.

    Raises
    ------
    CropzoomError
        If there is not one box for every frame, or the video is damaged.
    """
    total = video.n_frames
    if boxes is not None:
        if boxes.shape != (total, 4):
            raise CropzoomError(
                f"{video.path}: has {total} frames, and there are {len(boxes)} boxes. "
                "Make the boxes again for this video."
            )
        boxes = crop_boxes(boxes, video.width, video.height, edge)
    found: list[tuple[NDArray[np.intp], FloatArray, FloatArray]] = []
    items = _batches(video, boxes, size, batch_size, network.context)
    done = 0
    with Prefetch(items, BATCHES_AHEAD) as ahead:
        yield Progress(0, total, "frames")
        while (samples := (yield from ahead.take(Progress(done, total, "frames")))) is not None:
            result = pool.submit(network, samples)
            found.append((yield from awaited(result, Progress(done, total, "frames"))))
            done = int(samples.frames[-1]) + 1
            yield Progress(done, total, "frames")
    return _gather(found, total, boxes, network)


def _batches(
    video: Video,
    boxes: FloatArray | None,
    size: tuple[int, int],
    batch_size: int,
    context: bool,
) -> Generator[Samples]:
    """Yield the frames in order; with temporal context the last four come again in the next batch.

    Frames without a box are left out, or black where their neighbours need them as context.
    """
    overlap = CONTEXT if context else 0
    sampler = _Sampler(video, size)
    whole = np.array([0, 0, video.width, video.height], float)
    held: list[Samples] = []
    fresh = 0
    for number, frame in enumerate(video.stream()):
        box = whole if boxes is None else boxes[number]
        if context or np.isfinite(box[0]):
            held.append(sampler.sample(number, frame, box))
            fresh += 1
        if fresh and len(held) == batch_size + overlap:
            yield _joined(held)
            held, fresh = held[len(held) - overlap :], 0
    if fresh:
        held += [held[-1]] * (overlap + 1 - len(held))
        yield _joined(held)


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


def _gather(
    found: list[tuple[NDArray[np.intp], FloatArray, FloatArray]],
    total: int,
    boxes: FloatArray | None,
    network: Network,
) -> tuple[FloatArray, FloatArray]:
    """Put the results into one row a frame.

    The first and last two frames of a network with temporal context have no result of their own and
    repeat their neighbour's, as in Lightning Pose.
    """
    parts = found[0][1].shape[1] if found else int(network.module.num_keypoints)
    xy, likelihood = np.full((total, parts, 2), np.nan), np.zeros((total, parts))
    for frames, points, trust in found:
        xy[frames], likelihood[frames] = points, trust
    if network.context and found:
        first = min(CONTEXT // 2, total - 1)
        last = max(total - 1 - CONTEXT // 2, first)
        xy[:first], likelihood[:first] = xy[first], likelihood[first]
        xy[last + 1 :], likelihood[last + 1 :] = xy[last], likelihood[last]
    if boxes is not None:
        absent = np.isnan(boxes[:, 0])
        xy[absent], likelihood[absent] = np.nan, 0
    return xy, likelihood
