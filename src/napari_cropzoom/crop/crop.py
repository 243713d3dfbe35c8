"""Cut the animal out of every frame: frame i with box i, at frame i's own time."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

from napari_cropzoom.core.boxes import FloatArray, as_boxes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import bad_rows, why_bad
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.smoothing.finalize import crop_size
from napari_cropzoom.core.smoothing.sizing import told_of_small
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.crop.encode import THREADS, Colour, GroupFormat, Timing, ffmpeg_build
from napari_cropzoom.crop.encoders import SOFTWARE, EncoderSettings, check_works
from napari_cropzoom.crop.join import EncodedGroups, GroupedVideo, StreamsDiffer, failure
from napari_cropzoom.crop.planes import SUBSAMPLING, CropSpec, Picture, black_picture, crop_rgb, crop_yuv
from napari_cropzoom.crop.record import (
    CropRecord,
    Fingerprint,
    Making,
    content_fingerprint,
    read_side_file,
    record_path,
    source_fingerprint,
    write_side_file,
)
from napari_cropzoom.detection.background import Prefetch, awaited
from napari_cropzoom.files.atomic import FileInUseError, atomic_path, check_free, naming, take_away
from napari_cropzoom.video.damage import undecodable_text
from napari_cropzoom.video.planes import plane_array
from napari_cropzoom.video.video import Video

REPORT_EVERY = 0.2  # seconds
EDGES = ("pad", "clamp")
FULL_RANGE = 2  # AVCOL_RANGE_JPEG
UNSPECIFIED = 2
PICTURES_AHEAD = 8
PICTURES = 1
"""To be raised when the same boxes give other pixels: old groups and new ones must not mix."""


@dataclass(frozen=True)
class Cropped:
    """What a crop came to.

    Attributes
    ----------
    video : Path
    groups : int
        Groups of pictures in the video.
    encoded : int
        How many of them were encoded; the others are those of the crop that was there before.
    doubt : str
        What a person should know of the boxes.
    undecodable : str
        Which frames are black since they could not be decoded; empty if none.
    """

    video: Path
    groups: int
    encoded: int
    doubt: str = ""
    undecodable: str = ""

    @property
    def note(self) -> str:
        """What a person is told: how much was encoded, if not all, and what is odd with the boxes."""
        some = f"{self.encoded} of {counted(self.groups, 'group')}"
        again = f"re-encoded {some} of pictures, the others are unchanged"
        told = ["" if self.encoded == self.groups else again, self.undecodable, self.doubt]
        return "; ".join(filter(None, told))


def crop_video(
    video: Path,
    boxes: FloatArray,
    output: Path,
    *,
    size: tuple[int, int] | None = None,
    encoding: EncoderSettings = EncoderSettings(),  # noqa: B008  # frozen
    edge: str = "pad",
    side_file: bool = True,
    encode_all: bool = False,
    parts: Sequence[EncodedGroups] = (),
) -> Stage[Cropped]:
    """Write the crop of a video, H.264 in yuv420p, and the record that makes remapping exact.

    Where the crop is there already, and its record says that it was made of the same video in the same
    way, only the groups of pictures whose boxes have changed are encoded. The file is the same, byte
    for byte, as if all were: every group is encoded for itself, always.

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
    encoding : EncoderSettings
        Encoder and quality.
    edge : {"pad", "clamp"}
        Outside the frame the crop is black, or the box is cut off at the frame's edge.
    side_file : bool
        Whether to write the record.
    encode_all : bool
        Whether to encode all groups even if some need not be.
    parts : sequence of EncodedGroups
        Groups that :func:`napari_cropzoom.crop.parts.crop_part` has encoded of these boxes.

    Raises
    ------
    FileInUseError
        If the crop or its record is open in another program; one opened meanwhile stays, and the new
        crop is kept under another name, with a record of its own.
    CropzoomError
        If a frame has no box, the number of boxes is not that of the frames, the encoder does not work
        here, or writing fails.
    """
    _check_options(encoding, edge, size)
    with naming(record_path(output)):
        check_free(record_path(output))
    made, in_use = output, None
    with Video(video) as source:
        work = CropWork.of(source, boxes, size, encoding, edge)
        boxes, size = work.boxes, work.size
        before = source_fingerprint(video)
        kept = set() if encode_all else unchanged_groups(work, output, before)
        parts = [part for part in parts if dict(part.made_with) == work.made_with]
        for part in parts:
            source.index.damage.add(part.undecodable)
        if len(kept) < work.n_groups:
            try:
                yield from _write(work, output, kept, parts)
            except StreamsDiffer:
                kept = set()
                yield from _write(work, output, kept, ())
            except FileInUseError as error:
                if error.kept is None:
                    raise
                made, in_use = error.kept, error
        else:
            yield Progress(len(boxes), len(boxes))
        lost = source.index.damage.numbers()
        told = undecodable_text(lost, source.n_frames) if len(lost) else ""
    if side_file:
        making = Making(work.made_with, before, content_fingerprint(made))
        told_of = float(source.index.rate), making, tuple(lost.tolist())
        write_side_file(record_path(made), CropRecord(video.name, boxes, size, *told_of))
    else:
        take_away(record_path(made))
    if in_use is not None:
        also = f" Rename {record_path(made).name} along with it." if side_file else ""
        raise FileInUseError(f"{in_use}{also}", made)
    return Cropped(output, work.n_groups, work.n_groups - len(kept), told_of_small(boxes), told)


class CropWork:
    """One video to be cropped: what is to be done, and what decides on the bytes of the result.

    Attributes
    ----------
    made_with : dict
        Settings, and versions of all that cuts, decodes and encodes.
    n_groups : int
        Groups of pictures of the result.
    """

    def __init__(
        self, source: Video, boxes: FloatArray, size: tuple[int, int], encoding: EncoderSettings
    ) -> None:
        index = source.index
        self.source, self.boxes, self.size = source, boxes, size
        self.timing = Timing.from_pts(index.pts, index.time_base, index.rate)
        self.cropper = Cropper(source, _first_good_frame(source), boxes, size)
        self.form = GroupFormat(size, self.timing.rate, self.cropper.colour, encoding)
        self.n_groups = -(-len(boxes) // self.form.group)
        self.made_with = {
            **asdict(encoding),
            "group": self.form.group,
            "threads": THREADS,
            "pictures": PICTURES,
            "ffmpeg": ffmpeg_build(),
            "decoder": f"PyAV {av.__version__}",
        }

    @classmethod
    def of(
        cls,
        source: Video,
        boxes: FloatArray,
        size: tuple[int, int] | None,
        encoding: EncoderSettings,
        edge: str,
    ) -> CropWork:
        """Work on boxes as they come; the arguments are those of :func:`crop_video`."""
        boxes = _whole_boxes(source, boxes)
        if edge == "clamp":
            boxes = clamp(boxes, source.width, source.height)
        return cls(source, boxes, size or crop_size(boxes), encoding)

    def frames(self, kept: set[int]) -> list[tuple[int, int]]:
        """Runs of frames, first and end, that are not in the groups ``kept``."""
        runs: list[tuple[int, int]] = []
        for group in range(self.n_groups):
            if group in kept:
                continue
            first, end = group * self.form.group, min((group + 1) * self.form.group, len(self.boxes))
            if runs and runs[-1][1] == first:
                first = runs.pop()[0]
            runs.append((first, end))
        return runs

    def pictures(self, kept: set[int]) -> Generator[Picture]:
        """Pictures of the frames that are not in the groups ``kept``, in order."""
        for first, end in self.frames(kept):
            stream = self.source.stream(first, end)
            for number, frame in enumerate(stream, first):
                yield self.cropper.crop(number, frame)


def unchanged_groups(work: CropWork, output: Path, source: Fingerprint) -> set[int]:
    """Groups of an older crop that can stay; none unless everything but boxes is the same."""
    record_file = record_path(output)
    if work.form.settings.encoder != SOFTWARE or not (output.is_file() and record_file.is_file()):
        return set()
    try:
        record = read_side_file(record_file)
        making = record.making
        same = (
            making is not None
            and record.size == work.size
            and record.boxes.shape == work.boxes.shape
            and dict(making.encoding) == work.made_with
            and making.source == source
            and making.video == content_fingerprint(output)
        )
    except (CropzoomError, OSError):
        return set()
    if not same:
        return set()
    changed = np.flatnonzero((record.boxes != work.boxes).any(axis=1)) // work.form.group
    kept = set(range(work.n_groups)) - set(changed.tolist())
    lost = (number for number in record.undecodable if number // work.form.group in kept)
    work.source.index.damage.add(lost)  # which nobody will meet again
    return kept


def _write(work: CropWork, output: Path, kept: set[int], parts: Sequence[EncodedGroups]) -> Stage[None]:
    """Write every group, but encode only those that are neither ``kept`` nor in ``parts``."""
    made = {number for part in parts for number in part.groups}
    new = partial(GroupedVideo, old=output, kept=kept - made, parts=parts)
    try:
        with (
            atomic_path(output, outdated=record_path(output)) as part,
            new(part, work.form, work.timing, output) as written,
        ):
            yield from encode(work, written, kept | made)
    except av.FFmpegError as error:
        raise failure(output, error) from error


def encode(work: CropWork, written: GroupedVideo, kept: set[int]) -> Stage[None]:
    """Decode, crop and encode every frame but those of the groups ``kept``, and complete the file."""
    total = sum(end - first for first, end in work.frames(kept))
    progress = Progress(0, total)
    yield progress
    with (
        Prefetch(work.pictures(kept), PICTURES_AHEAD) as pictures,
        ThreadPoolExecutor(1, thread_name_prefix="writer") as writer,
    ):
        reported = time.monotonic()
        try:
            for done in range(1, total + 1):
                picture = yield from pictures.take(progress)
                assert picture is not None
                yield from awaited(writer.submit(written.write, picture), progress)
                progress = Progress(done, total)
                now = time.monotonic()
                if now - reported >= REPORT_EVERY:
                    reported = now
                    yield progress
            yield from awaited(writer.submit(written.finish), progress)
            yield Progress(total, total)  # the last: who stops here finds neither crop nor record
        except BaseException:
            written.kill()  # the writer's thread may be waiting for a slow encoder
            raise


def clamp(boxes: FloatArray, width: int, height: int) -> FloatArray:
    """Boxes cut off at the edges of the frame; one that lies outside keeps its nearest pixel."""
    corner = np.clip(boxes[:, :2], 0, [width - 1, height - 1])
    end = np.clip(boxes[:, :2] + boxes[:, 2:], corner + 1, [width, height])
    return np.hstack([corner, end - corner])


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

    def crop(self, number: int, frame: av.VideoFrame) -> Picture:
        """Raw yuv420p picture of frame ``number``; black for one that cannot be decoded."""
        if number in self._source.index.damage:
            return black_picture(self._size, self._black)
        x, y, w, h = self._boxes[number]
        spec = CropSpec((x, y, w, h), self._size)
        same = (frame.format.name, frame.width, frame.height) == (
            self._format,
            self._source.width,
            self._source.height,
        )
        if self._native and same:
            luma, u, v = (plane_array(plane) for plane in frame.planes)
            return crop_yuv((luma, u, v), self._format, spec, self._black)
        return crop_rgb(self._source.to_rgb(frame), spec)


def _colour(frame: av.VideoFrame) -> Colour:
    full = frame.format.name.startswith("yuvj") or frame.color_range == FULL_RANGE
    tags = (getattr(frame, name, UNSPECIFIED) for name in ("color_primaries", "color_trc", "colorspace"))
    primaries, transfer, matrix = (int(tag) for tag in tags)
    return Colour(full, primaries, transfer, matrix)


def _first_good_frame(source: Video) -> av.VideoFrame:
    """The first frame that can be decoded, whose format is that of the video."""
    for number, frame in enumerate(source.stream()):
        if number not in source.index.damage:
            return frame
    raise CropzoomError(f"{source.path}: not one frame can be decoded. Copy it again from the camera.")


def _whole_boxes(source: Video, boxes: FloatArray) -> FloatArray:
    """Boxes in whole pixels, one a frame; a frame that cannot be decoded may be without."""
    video, n_frames = source.path, source.n_frames
    if len(boxes) != n_frames:
        raise CropzoomError(
            f"{video}: has {counted(n_frames, 'frame')} but there {verb(len(boxes), 'are')} "
            f"{counted(len(boxes), 'box')}. Give one box a frame."
        )
    missing = np.isnan(boxes).any(axis=1)
    without = np.flatnonzero(missing).tolist()
    for number, _ in zip(without, source.pick(without), strict=True):
        if number not in source.index.damage:
            n = int(missing.sum())
            raise CropzoomError(
                f"{video}: frame {number} has no box ({counted(n, 'frame')} {verb(n, 'have')} none). "
                "Fill the gaps in `cropzoom review`."
            )
    if missing.all():
        raise CropzoomError(f"{video}: no frame has a box. Make the boxes again.")
    there = np.flatnonzero(~missing)
    nearest = there[np.clip(np.searchsorted(there, np.arange(n_frames), side="right") - 1, 0, None)]
    boxes = boxes[nearest]
    bad = bad_rows(boxes, (source.width, source.height))
    if bad.any():
        frame = int(bad.argmax())
        why = why_bad(boxes[frame], (source.width, source.height))
        raise CropzoomError(f"{video}: frame {frame}: {why}")
    whole = np.rint(boxes)
    whole[:, 2:] = np.maximum(whole[:, 2:], 1)
    return as_boxes(whole)


def _check_options(encoding: EncoderSettings, edge: str, size: tuple[int, int] | None) -> None:
    encoding.check()
    check_works(encoding.encoder)
    if edge not in EDGES:
        raise CropzoomError(f"Unknown edge {edge!r}; choose one of {', '.join(EDGES)}.")
    if size is not None and (size[0] % 2 or size[1] % 2 or min(size) < 2):
        raise CropzoomError(f"The size of a crop must be even, not {size[0]} x {size[1]}.")
