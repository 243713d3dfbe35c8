"""Which frames of a video cannot be decoded or are missing, as far as is known, and how that is told."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from napari_cropzoom.core.words import counted, verb

Check = Callable[["Packet[VideoStream]"], bool]

_STRICT = ("hevc", "mjpeg")
"""Decoders that go on over damage and show what comes of it as good, unless they are told to stop."""

_LATE = ("h264", "mpeg4")
"""Decoders whose threads may hand out a damaged picture before it is marked: see `be_wary`."""

_FALSE_ALARMS = 3  # after so many in a file its decoder is no longer told to stop

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_TRAILER = 8  # bytes: size, status and checksum of a slice
_HOLE = b"\0\0\0"
_PADDING = 8  # bytes
_WIDE_HOLE = bytes(64)  # what an arithmetic coder does not write
_RANGES_NAMED = 8
_CROSS = (110, 40, 40)

MPEG_STREAMS = ("mpegts", "mpeg")
"""FFmpeg's names of the containers that have no list of frames: what the damage takes is not counted."""

_STEP_OFF = 0.1  # of a frame's time: clocks of whole milliseconds, and those of cameras
_DRIFT = 0.005  # how far the usual step may be off
_REGULAR = 0.9  # of the steps, at least


class Judged(NamedTuple):
    """Frames ``first`` to ``end`` - 1 whose packets were looked at closely.

    ``place`` is that of their first keyframe in the index's list; -1 is the start of the file.
    """

    first: int
    end: int
    place: int


class Gap(NamedTuple):
    """``frames`` that are missing after frame ``after``."""

    after: int
    frames: int


class Damage:
    """What is known of the damage in a video; shared by all that read it, in any thread.

    Frames are added when they are met: all are known after the whole video has been decoded.

    Attributes
    ----------
    strict : bool
        Whether the decoder is told to refuse damaged packets.
    checked : bool
        Whether the bytes of a packet tell that it is damaged.
    tried : bool
        Whether it is known that the two above suit this file; tried when damage is first met.
    wary : bool
        Whether several threads stop at whatever is odd, so that one thread looks at it: see `be_wary`.
    lock : threading.RLock
        For those who look closely: one at a time.
    gaps : tuple of Gap
        Where frames are missing that the index does not list.
    looks_sound : bool
        Whether the bytes of every packet were looked at when the index was made, and were sound.
    """

    def __init__(self) -> None:
        self.gaps: tuple[Gap, ...] = ()
        self.looks_sound = False
        self.strict, self.checked, self.tried = True, True, False
        self.wary, self._false_alarms = True, 0
        self.lock = threading.RLock()
        self._numbers = frozenset[int]()
        self._judged: tuple[Judged, ...] = ()

    def __contains__(self, number: object) -> bool:
        return number in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, numbers: Iterable[int], judged: Judged | None = None) -> None:
        """Note frames that cannot be decoded, and the range in which there are no others."""
        with self.lock:
            self._numbers = self._numbers.union(numbers)
            if judged is not None:
                self._judged = (*self._judged, judged)

    def false_alarm(self) -> None:
        """Note that what several threads stopped at was sound; after a few times they go on."""
        with self.lock:
            self._false_alarms += 1
            self.wary = self._false_alarms < _FALSE_ALARMS

    def judged_at(self, number: int) -> Judged | None:
        """Return the longest range that was looked at closely and holds a frame; None without one."""
        there = (one for one in self._judged if one.first <= number < one.end)
        return max(there, key=lambda one: one.end, default=None)

    def numbers(self) -> NDArray[np.int64]:
        """Return the numbers known so far, (N,) int64, sorted."""
        return np.array(sorted(self._numbers), np.int64)


def undecodable_text(numbers: NDArray[np.int64], n_frames: int) -> str:
    """Return how many frames of a video cannot be decoded, and which, in one line."""
    ranges = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    named = [f"{one[0]}" if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in ranges[:_RANGES_NAMED]]
    more = ", …" if len(ranges) > _RANGES_NAMED else ""
    return (
        f"{len(numbers)} of {counted(n_frames, 'frame')} cannot be decoded, since the file is damaged "
        "there "
        f"({', '.join(named)}{more})"
    )


def gaps_in(pts: NDArray[np.int64]) -> tuple[Gap, ...]:
    """Return where a stream of constant rate lacks frames; nothing where its rate varies.

    Parameters
    ----------
    pts : (T,) int64
        Presentation times, sorted, in any unit.
    """
    steps = np.diff(pts)
    if len(steps) < 3:
        return ()
    median = float(np.median(steps))
    near = steps[np.abs(steps - median) <= _STEP_OFF * median]
    if median <= 0 or not near.size:
        return ()
    steps = steps / near.mean()
    lengths = np.rint(steps)
    is_whole = (np.abs(steps - lengths) <= np.maximum(_STEP_OFF, _DRIFT * lengths)) & (lengths >= 1)
    if is_whole.mean() < _REGULAR:
        return ()
    places = np.flatnonzero(is_whole & (lengths > 1))
    return tuple(Gap(int(place), int(lengths[place]) - 1) for place in places)


def missing_text(gaps: Sequence[Gap]) -> str:
    """Return how many frames are missing, and where, in one line."""
    total = sum(gap.frames for gap in gaps)
    named = [f"{gap.frames} after frame {gap.after}" for gap in gaps[:_RANGES_NAMED]]
    more = ", …" if len(gaps) > _RANGES_NAMED else ""
    return (
        f"{counted(total, 'frame')} {verb(total, 'are')} missing, by the times of the others: the file "
        f"is damaged there, or the camera left them out ({', '.join(named)}{more})"
    )


def be_strict(context: CodecContext, damage: Damage) -> None:
    """Have a decoder, before it is opened, refuse damaged packets; some say nothing of them otherwise."""
    if damage.strict and context.name in _STRICT:
        context.options = {**context.options, "err_detect": "explode"}


def be_wary(context: CodecContext, damage: Damage) -> None:
    """Have a decoder of several threads, before it is opened, refuse what is to be looked at closely.

    The mark of a picture is read by the thread that hands it out, maybe while another one still decodes
    it. That a packet is refused is told by the thread that decodes it, always.
    """
    be_strict(context, damage)
    if damage.wary and context.name in _LATE:
        context.options = {**context.options, "err_detect": "explode"}


def ends_oddly(packet: Packet[VideoStream], codec: str, damage: Damage) -> bool:
    """Whether a packet ends with so many zeros that it may be cut off, where that is to be looked at."""
    if not damage.wary or codec not in _LATE or packet.size < _PADDING:
        return False
    return not any(memoryview(packet)[-_PADDING:])


def packet_check(codec: str, header: bytes | None) -> Check | None:
    """Return what tells by its bytes whether a packet is sound; None for codecs that have no such form.

    It is for the files whose first packets pass it: some cameras take the formats less strictly.
    """
    if codec == "mjpeg":
        return lambda packet: bytes(memoryview(packet)[:2]) == b"\xff\xd8"
    if codec == "ffv1":
        return has_right_checksums
    if codec in ("mpeg4", "mpeg2video", "mpeg1video"):
        return lambda packet: bytes(memoryview(packet)[:3]) == b"\0\0\1"
    if codec in ("vp8", "vp9", "av1"):
        return lambda packet: bytes(packet).find(_WIDE_HOLE) < 0
    place = {"h264": 4, "hevc": 21}.get(codec)
    if place is None:
        return None
    if not header or header[0] != 1 or len(header) <= place:
        return _has_sound_start_codes
    width = (header[place] & 3) + 1
    return lambda packet: _has_sound_units(bytes(packet), width)


def _has_sound_units(data: bytes, width: int) -> bool:
    """Whether a packet of H.264 or HEVC in MP4 or Matroska is filled by units that can be such.

    Each has its length before it, is not empty, begins with a zero bit and holds no three zeros in a row,
    but for a few that may be padding at its end. (ISO/IEC 14496-15, 5.3.3 and 8.3.3; ITU-T H.264 and
    H.265, 7.4.1.)
    """
    at, end = 0, len(data)
    while at + width < end:
        start = at + width
        at = start + int.from_bytes(data[at:start], "big")
        if not start < at <= end or data[start] & 0x80:
            return False
        if 0 <= data.find(_HOLE, start, at) < at - _PADDING:
            return False
    return at == end


def _has_sound_start_codes(packet: Packet[VideoStream]) -> bool:
    """Whether in a packet of H.264 or HEVC with start codes zeros stand only before those and at the end.

    (ITU-T H.264 and H.265, Annex B.)
    """
    data = bytes(packet)
    if b"\0\0\1" not in data[:64]:
        return False
    at = data.find(_HOLE)
    while at >= 0:
        while at < len(data) and not data[at]:
            at += 1
        if at < len(data) and data[at] != 1:
            return False
        at = data.find(_HOLE, at)
    return True


def has_right_checksums(packet: Packet[VideoStream]) -> bool:
    """Whether the slices of an FFV1 packet, version 3 with checksums, fill it and are undamaged.

    (RFC 9043, 4.9 Slice Footer: the CRC-32 of a slice with its footer is 0.)
    """
    data = bytes(packet)
    end = len(data)
    while end >= _TRAILER:
        size = int.from_bytes(data[end - _TRAILER : end - _TRAILER + 3], "big")
        start = end - _TRAILER - size
        if size == 0 or start < 0 or _checksum(data[start:end]):
            return False
        end = start
    return end == 0


def _checksum(data: bytes) -> int:
    """CRC-32 with the most significant bit first, start value and final mask 0, its bits reversed."""
    return zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF


def black_frame(width: int, height: int, pix_fmt: str) -> VideoFrame:
    """Return a native frame that is black."""
    picture = VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
    return picture.reformat(format=pix_fmt)


def crossed_out(width: int, height: int) -> NDArray[np.uint8]:
    """Return what is shown for a frame that cannot be decoded: a cross, (H, W, 3) uint8, read-only."""
    y, x = np.mgrid[:height, :width]
    down, up = x * height - y * width, (width - 1 - x) * height - y * width
    thick = max(height, width) * max(2.0, min(height, width) / 60)
    image = np.zeros((height, width, 3), np.uint8)
    image[np.minimum(np.abs(down), np.abs(up)) < thick] = _CROSS
    image.flags.writeable = False
    return image
