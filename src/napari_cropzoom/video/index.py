"""What is in a video file and in which order, from one pass over its packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.video.container import opened, pictures_of
from napari_cropzoom.video.damage import MPEG_STREAMS, Damage, be_strict, gaps_in, packet_check
from napari_cropzoom.video.packets import read_packets
from napari_cropzoom.video.rationals import is_uneven, stated_rate, time_base_of

_PATIENCE = 1000  # packets that a strict decoder may refuse before the first frame


@dataclass(frozen=True, eq=False, repr=False)
class VideoIndex:
    """Every frame of a video in presentation order: frame number = rank of its time.

    Attributes
    ----------
    path
        The file.
    pts : (T,) int64
        Presentation times in units of ``time_base``, sorted.
    stamps : (T,) int64
        What each frame is recognised by when it comes out of the decoder: ``pts``, or the decoding
        times of its packets where the container has no usable presentation times (AVI).
    time_base
        Seconds per unit.
    keyframes : (K,) int64
        Frame numbers that decoding can start at, sorted.
    width, height
        Size as displayed, that is after ``rotation``, in pixels.
    rotation
        Clockwise turn from coded to displayed picture: 0, 90, 180 or 270 degrees.
    rate
        Average frames per second.
    codec, pix_fmt
        FFmpeg's names.
    container_frames
        The frame count the container states; None where it states none.
    container_duration
        The duration in seconds the container states; None where it states none.
    damage
        Frames that cannot be decoded, as far as is known: all, once the video has been decoded.
    """

    path: Path
    pts: NDArray[np.int64]
    stamps: NDArray[np.int64]
    time_base: Fraction
    keyframes: NDArray[np.int64]
    width: int
    height: int
    rotation: int
    rate: Fraction
    codec: str
    pix_fmt: str
    container_frames: int | None = None
    container_duration: float | None = None
    damage: Damage = field(default_factory=Damage)

    def __repr__(self) -> str:
        frames = counted(len(self.pts), "frame")
        return f"<VideoIndex of {self.path.name}: {frames} of {self.width}x{self.height}>"

    @classmethod
    def scan(
        cls,
        path: Path | str,
        progress: Callable[[float], None] | None = None,
        *,
        look: bool = False,
    ) -> VideoIndex:
        """Read all packets of the first video stream once, decoding only the first frame.

        An AVI with B-frames does not record their order; only there everything is decoded.

        Parameters
        ----------
        path
            The video.
        progress
            Called with the fraction done, 0 to 1. What it raises stops the scan.
        look
            Look at the bytes of the packets too, for who wants to know of damage before decoding: see
            :func:`.judge.note_odd`.

        Raises
        ------
        CropzoomError
            If the file is missing, empty, not a video, cut short or cannot be decoded.
        """
        path = Path(path)
        with opened(path) as (container, stream):
            packets = read_packets(path, container, stream, progress, look=look)
            nominal = _nominal_rate(stream)
            container_frames = stream.frames or None
            duration = None if container.duration is None else container.duration / av.time_base
            packets.refuse_if_cut_short(path, stream, nominal)
            codec = stream.codec_context.name
            time_base = time_base_of(stream)
            reordered = packets.order_unknown(container, stream)
            kind = container.format.name
        damage = Damage()
        damage.looks_sound = look and packets.look_sound
        first, after_damage = _first_frame(path, damage)
        if reordered:
            pts, stamps, keyframes = packets.in_decoded_order(path, progress, damage)
        else:
            pts, keyframes = packets.in_presentation_order(first.pts, after_damage)
            stamps = pts
        if kind in MPEG_STREAMS:
            damage.gaps = gaps_in(pts)
        if kind == "mpeg":  # after a seek a frame can get its neighbour's time: read from the start on
            keyframes = keyframes[:1]
        rotation = round(-first.rotation / 90) % 4 * 90
        size = (first.width, first.height)
        width, height = size if rotation % 180 == 0 else size[::-1]
        if progress is not None:
            progress(1.0)
        return cls(
            path=path,
            pts=pts,
            stamps=stamps,
            time_base=time_base,
            keyframes=keyframes,
            width=width,
            height=height,
            rotation=rotation,
            rate=_average_rate(pts, time_base, nominal),
            codec=codec,
            pix_fmt=first.format.name,
            container_frames=container_frames,
            container_duration=duration,
            damage=damage,
        )

    @cached_property
    def keyframe_set(self) -> frozenset[int]:
        """The numbers of ``keyframes``."""
        return frozenset(self.keyframes.tolist())

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return len(self.pts)

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in pixels before the picture is turned."""
        turned = self.rotation % 180 == 90
        return (self.height, self.width) if turned else (self.width, self.height)

    @property
    def by_decoding_time(self) -> bool:
        """Whether frames are recognised by their packet's decoding time, not by their own."""
        return self.stamps is not self.pts

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds after the first frame, (T,) float64."""
        return np.asarray((self.pts - self.pts[0]) * float(self.time_base), np.float64)

    def time(self, frame: int) -> float:
        """Seconds of one frame after the first."""
        return float((self.pts[frame] - self.pts[0]) * float(self.time_base))

    @property
    def variable_frame_rate(self) -> bool:
        """Whether frames are unevenly spaced by more than 2 % and the clock's rounding."""
        return is_uneven(self.pts, self.time_base)

    @property
    def keyframe_interval_max(self) -> int:
        """Most frames from one keyframe to the next, or to the end of the video."""
        edges = np.unique(np.concatenate([[0], self.keyframes, [self.n_frames]]))
        return int(np.diff(edges).max())


def _first_frame(path: Path, damage: Damage) -> tuple[VideoFrame, bool]:
    """Return the first frame that can be decoded, and whether damage was met before it."""
    after_damage = False
    with opened(path) as (container, stream):
        codec = stream.codec_context
        be_strict(codec, damage)
        is_sound = packet_check(codec.name, codec.extradata)
        for count, packet in enumerate(container.demux(stream)):
            frames = pictures_of(packet)
            if frames is None or (packet.size and is_sound is not None and not is_sound(packet)):
                after_damage = True
            for frame in frames or ():
                return frame, after_damage
            if count > _PATIENCE:
                break
    if damage.strict:
        damage.strict = False
        return _first_frame(path, damage)
    raise CropzoomError(
        f"{path}: not one frame can be decoded. Copy it again from where it was recorded."
    )


def _nominal_rate(stream: VideoStream) -> Fraction:
    """Return the stated rate, freed of Matroska's rounding to nanoseconds a frame."""
    rate = stated_rate(stream)
    for exact in (Fraction(round(rate)), Fraction(round(rate) * 1000, 1001)):
        if exact and abs(rate - exact) < exact / 100_000:
            return exact
    return rate


def _average_rate(pts: NDArray[np.int64], time_base: Fraction, nominal: Fraction) -> Fraction:
    """Return the stated rate where the frame times bear it out to 1 %, else the measured one."""
    span = int(pts[-1] - pts[0])
    if span <= 0:
        return nominal
    measured = (len(pts) - 1) / (span * time_base)
    if abs(measured - nominal) < nominal / 100:
        return nominal
    return measured.limit_denominator(1001)
