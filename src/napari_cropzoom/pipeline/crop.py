"""Cut the animal out of every frame: frame i with box i, at frame i's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import av
import numpy as np

from napari_cropzoom.core.boxes import FloatArray, as_boxes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import crop_size
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.video import Video
from napari_cropzoom.pipeline.encode import PRESETS, Colour, Encoder, Timing, open_encoder
from napari_cropzoom.pipeline.planes import SUBSAMPLING, CropSpec, UInt8Array, crop_rgb, crop_yuv
from napari_cropzoom.pipeline.progress import Progress, Stage
from napari_cropzoom.pipeline.side_file import CropRecord, record_path, write_side_file

REPORT_EVERY = 0.2  # seconds
EDGES = ("pad", "clamp")
FULL_RANGE = 2  # AVCOL_RANGE_JPEG
UNSPECIFIED = 2


def crop_video(
    video: Path,
    boxes: FloatArray,
    output: Path,
    *,
    size: tuple[int, int] | None = None,
    preset: str = "medium",
    crf: int = 23,
    edge: str = "pad",
    side_file: bool = True,
) -> Stage[Path]:
    """Write the crop of a video, H.264 in yuv420p, and the record that makes remapping exact.

    Parameters
    ----------
    video : Path
        Full-frame video of T frames.
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, rounded to whole ones. A box that is not as large as the crop is
        resized, bilinearly.
    output : Path
        Cropped video; its record is written beside it with the suffix ``.json``.
    size : (int, int), optional
        Even width and height of the crop; by default the even median of the boxes' sides, as
        ``litpose crop`` chooses it.
    preset, crf
        Of libx264.
    edge : {"pad", "clamp"}
        Outside the frame the crop is black, or the box is cut off at the frame's edge.
    side_file : bool
        Whether to write the record.

    Returns
    -------
    Path
        ``output``.

    Raises
    ------
    CropzoomError
        If a frame has no box, the number of boxes is not that of the frames, or writing fails.
    """
    _check_options(preset, crf, edge, size)
    with Video(video) as source:
        boxes = _whole_boxes(video, boxes, source.n_frames)
        if edge == "clamp":
            boxes = clamp(boxes, source.width, source.height)
        size = size or crop_size(boxes)
        with atomic_path(output) as part:
            start = partial(open_encoder, part, preset=preset, crf=crf, target=output)
            yield from _write(source, boxes, size, start)
            record_path(output).unlink(missing_ok=True)  # of an older crop
        rate = float(source.index.rate)
    if side_file:
        write_side_file(record_path(output), CropRecord(video.name, boxes, size, rate))
    return output


def clamp(boxes: FloatArray, width: int, height: int) -> FloatArray:
    """Boxes cut off at the edges of the frame; one that lies outside keeps its nearest pixel."""
    corner = np.clip(boxes[:, :2], 0, [width - 1, height - 1])
    end = np.clip(boxes[:, :2] + boxes[:, 2:], corner + 1, [width, height])
    return np.hstack([corner, end - corner])


def _write(
    source: Video,
    boxes: FloatArray,
    size: tuple[int, int],
    start: Callable[..., AbstractContextManager[Encoder]],
) -> Stage[None]:
    """Decode, crop and encode every frame."""
    index = source.index
    timing = Timing.from_pts(index.pts, index.time_base, index.rate)
    frames = iter(source.stream(0, source.n_frames))
    first = next(frames)
    cropper = Cropper(source, first, boxes, size)
    reported = time.monotonic()
    yield Progress(0, len(boxes))
    with start(size, timing, cropper.colour) as encoder:
        number = -1
        for number, frame in enumerate(_chain(first, frames)):
            encoder.write(cropper.crop(number, frame))
            now = time.monotonic()
            if now - reported >= REPORT_EVERY:
                reported = now
                yield Progress(number + 1, len(boxes))
        if number + 1 != len(boxes):
            raise CropzoomError(
                f"{index.path}: only {number + 1} of {len(boxes)} frames can be decoded. "
                "Copy the video again "
                "from where it was recorded."
            )
        encoder.finish()
    yield Progress(len(boxes), len(boxes))


class Cropper:
    """Crops the frames of one video, from their planes where these are 8-bit and upright.

    Attributes
    ----------
    colour : Colour
        Tags the crops need to look like the source.
    """

    def __init__(
        self, source: Video, first: av.VideoFrame, boxes: FloatArray, size: tuple[int, int]
    ) -> None:
        self._source, self._size = source, size
        self._boxes: list[list[int]] = boxes.astype(int).tolist()
        self._format = first.format.name
        self._native = self._format in SUBSAMPLING and source.index.rotation == 0
        self.colour = _colour(first) if self._native else Colour()
        self._black = 0 if self.colour.full_range else 16

    def crop(self, number: int, frame: av.VideoFrame) -> bytes:
        """Raw yuv420p picture of frame ``number``."""
        x, y, w, h = self._boxes[number]
        spec = CropSpec((x, y, w, h), self._size)
        same = (frame.format.name, frame.width, frame.height) == (
            self._format,
            self._source.width,
            self._source.height,
        )
        if self._native and same:
            luma, u, v = (_array(plane) for plane in frame.planes)
            return crop_yuv((luma, u, v), self._format, spec, self._black)
        return crop_rgb(self._source.to_rgb(frame), spec)


def _array(plane: av.video.plane.VideoPlane) -> UInt8Array:
    """A frame's plane without copying, its padding left out."""
    flat = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # a buffer
    return flat.reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _colour(frame: av.VideoFrame) -> Colour:
    full = frame.format.name.startswith("yuvj") or frame.color_range == FULL_RANGE
    tags = (getattr(frame, name, UNSPECIFIED) for name in ("color_primaries", "color_trc", "colorspace"))
    primaries, transfer, matrix = (int(tag) for tag in tags)
    return Colour(full, primaries, transfer, matrix)


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest


def _whole_boxes(video: Path, boxes: FloatArray, n_frames: int) -> FloatArray:
    if len(boxes) != n_frames:
        raise CropzoomError(
            f"{video}: has {n_frames} frames but there are {len(boxes)} boxes. Give one box a frame."
        )
    missing = np.isnan(boxes).any(axis=1)
    if missing.any():
        raise CropzoomError(
            f"{video}: frame {int(missing.argmax())} has no box ({int(missing.sum())} frames have none). "
            "Fill the gaps in `cropzoom review`."
        )
    whole = np.rint(boxes)
    whole[:, 2:] = np.maximum(whole[:, 2:], 1)
    return as_boxes(whole)


def _check_options(preset: str, crf: int, edge: str, size: tuple[int, int] | None) -> None:
    if preset not in PRESETS:
        raise CropzoomError(f"Unknown preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    if not 0 <= crf <= 51:
        raise CropzoomError(f"The quality crf must be from 0 (lossless) to 51, not {crf}.")
    if edge not in EDGES:
        raise CropzoomError(f"Unknown edge {edge!r}; choose one of {', '.join(EDGES)}.")
    if size is not None and (size[0] % 2 or size[1] % 2 or min(size) < 2):
        raise CropzoomError(f"The size of a crop must be even, not {size[0]} x {size[1]}.")
