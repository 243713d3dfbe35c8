"""Times and flags of a video's packets, and the frame order that follows from them."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.video.container import opened, pictures_of, stamp_of, tag
from napari_cropzoom.video.damage import (
    MPEG_STREAMS,
    Damage,
    Judged,
    be_strict,
    be_wary,
    ends_oddly,
    packet_check,
)
from napari_cropzoom.video.diagnosis import bare_stream, why_empty
from napari_cropzoom.video.names import ffmpeg_word
from napari_cropzoom.video.rationals import time_base_of
from napari_cropzoom.video.truncation import missing_bytes

Report = Callable[[float], None]
Numbers = NDArray[np.int64]
_PACKETS_PER_REPORT = 512
_PLACEHOLDERS = {"mpeg4": 19}
"""Most bytes of a packet for a picture that came in the one before it. (FFmpeg, ``MAX_NVOP_SIZE``.)"""
_TIMELESS = 0.05  # of an MPEG stream's packets: so many may have lost their times to damage


class Packets:
    """Times and flags of all packets of a stream, in the file's order."""

    def __init__(self, codec: str, *, may_lack_times: bool = False) -> None:
        self._may_lack_times, self._timeless = may_lack_times, list[int]()
        self._placeholder = _PLACEHOLDERS.get(codec, 0)
        self.pts = array("q")
        self.dts = array("q")
        self.key = array("b")
        self.discard = array("b")
        self.counts = array("b")
        self.end = 0
        self.pts_missing = False
        self.odd = 0
        self.ends_corrupt = self._is_marked = False
        self.look_sound = True

    def add(self, packet: Packet[VideoStream], path: Path) -> None:
        """Append one packet; raises CropzoomError if it has no time at all.

        What precedes the first keyframe without a time cannot be decoded and is left out, and so is, in
        an MPEG stream, what has lost its time.
        """
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None and not packet.is_keyframe and not any(self.key):
            return
        if pts is None and self._may_lack_times:
            self._timeless.append(len(self.pts))
            return
        if pts is None:
            raise _no_time(path, len(self.pts))
        self.pts_missing |= packet.pts is None
        self.pts.append(pts)
        self.dts.append(pts if packet.dts is None else packet.dts)
        self.key.append(packet.is_keyframe)
        self.discard.append(packet.is_discard)
        self.counts.append(packet.size > self._placeholder)
        self.ends_corrupt = packet.is_corrupt
        self._is_marked |= packet.is_corrupt
        self.end = max(self.end, pts + (packet.duration or 0))

    def refuse_without_times(self, path: Path) -> None:
        """Raise CropzoomError if more packets have no time than damage explains."""
        if len(self._timeless) > _TIMELESS * len(self.pts):
            raise _no_time(path, self._timeless[0])

    def order_unknown(self, container: InputContainer, stream: VideoStream) -> bool:
        """Whether presentation times are missing or, as in AVI, may only count packets.

        FFmpeg makes up those of MPEG-4 in AVI by the kinds of pictures, so one lost shifts others.
        """
        if self.pts_missing or 0 < 2 * self.odd < len(self.pts):
            return True
        in_order = bool(np.all(np.diff(np.asarray(self.pts)) > 0))
        return may_count(container, stream) and in_order

    def refuse_if_cut_short(self, path: Path, stream: VideoStream, rate: Fraction) -> None:
        """Raise CropzoomError if the file ends before its container does and lacks frames."""
        intact = len(self.pts) - int(self.ends_corrupt)
        if intact < 1:
            raise CropzoomError(f"{path}: {why_empty(path)}")
        there, promised = self.end * float(time_base_of(stream)), _promised_end(stream)
        if stream.frames:
            lacking = intact < stream.frames
        else:
            lacking = promised is None or promised - there > 1.5 / rate
        if not (missing_bytes(path) and (self.ends_corrupt or lacking)):
            return
        total = f" of {counted(stream.frames, 'frame')}" if stream.frames else ""
        until = f" of {promised:.2f}" if promised is not None else ""
        fixed = f"{path.stem}_fixed{path.suffix}"
        raise CropzoomError(
            f"{path}: is cut short: only the first "
            f"{intact if total else counted(intact, 'frame')}{total} ({there:.2f}{until} s) "
            "are there. Copy it again from the camera, or keep what is readable with: ffmpeg "
            f"-fflags +discardcorrupt -i {ffmpeg_word(path.name)} -c copy {ffmpeg_word(fixed)}"
        )

    def in_presentation_order(
        self, first_pts: int | None, after_damage: bool = False
    ) -> tuple[Numbers, Numbers]:
        """Return times (T,) and keyframe numbers (K,) of what is shown, from ``first_pts`` on.

        Where that is only the first frame after damage, from the first packet on.
        """
        pts = np.asarray(self.pts, dtype=np.int64)
        shown = ~np.asarray(self.discard, dtype=bool)
        key = np.asarray(self.key, dtype=bool)
        if first_pts is not None:
            if after_damage:
                first_pts = min(first_pts, int(pts[0]))
            shown &= pts >= first_pts
        order = np.argsort(pts[shown], kind="stable")
        pts, key = pts[shown][order], key[shown][order]
        if self._may_lack_times and self._is_marked:  # damage can look like the start of another frame
            is_first = np.diff(pts, prepend=pts[0] - 1) > 0
            pts, key = pts[is_first], key[is_first]
        return pts, np.flatnonzero(key)

    def in_decoded_order(
        self, path: Path, progress: Report | None, damage: Damage
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Decode everything; return times (T,), decoding times (T,) and keyframe numbers (K,).

        The order of frames is only known of those that come out. So from the keyframe before a damaged
        packet to the next none has a number of its own, and all are noted as damaged.
        """
        report = None if progress is None else partial(self._report, progress)
        came, odd, _ = _decoded_stamps(path, damage, False, report)
        if odd or len(came) < sum(self.counts):  # what several threads refuse last they do not tell
            came, odd, reorders = _decoded_stamps(path, damage, True, report)
            damage.wary = bool(odd)  # one thread has seen all of it
            if odd:
                came = self._with_those_lost(came, odd, damage, reorders)
        shown = np.asarray(came, dtype=np.int64)
        keys = np.asarray(self.dts, dtype=np.int64)[np.asarray(self.key, dtype=bool)]
        return np.sort(shown), shown, np.flatnonzero(np.isin(shown, keys))

    def _with_those_lost(
        self, came: list[int], odd: set[int], damage: Damage, reorders: bool
    ) -> list[int]:
        """Return all stamps, those of a group (keyframe to keyframe) with an odd one by the packets."""
        group_of: dict[int, int] = {}
        packets: list[list[int]] = []
        for dts, is_key, counts in zip(self.dts, self.key, self.counts, strict=True):
            if (is_key and dts not in odd) or not packets:  # one damaged may only look like a keyframe
                packets.append([])
            group_of.setdefault(dts, len(packets) - 1)
            if counts:
                packets[-1].append(dts)
        groups: list[list[int]] = [[] for _ in packets]
        for stamp in came:
            groups[group_of.get(stamp, 0)].append(stamp)
        spoilt = {group_of[stamp] for stamp in odd if stamp in group_of}
        everything: list[int] = []
        for place, stamps in enumerate(groups):
            if place in spoilt:
                ordered = sorted({*packets[place], *stamps})
                at = 0 if reorders else next((n for n, stamp in enumerate(ordered) if stamp in odd), 0)
                first, end = len(everything), len(everything) + len(ordered)
                damage.add(range(first + at, end), Judged(first + at, end, -1))
                stamps = ordered
            everything += stamps
        return everything

    def _report(self, progress: Report, done: int) -> None:
        progress(0.5 + 0.5 * min(1.0, done / len(self.pts)))


def may_count(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the times could be mere packet counts: AVI with frames out of order."""
    return "avi" in container.format.name and bool(stream.codec_context.has_b_frames)


def read_packets(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    progress: Report | None,
    *,
    look: bool = False,
) -> Packets:
    """Demux the whole stream; raises CropzoomError if the file cannot be read to its end.

    With ``look`` the bytes of every packet are looked at, for :attr:`Packets.look_sound`.
    """
    codec = stream.codec_context.name if stream.codec_context else ""
    packets = Packets(codec, may_lack_times=container.format.name in MPEG_STREAMS)
    share = 0.5 if may_count(container, stream) else 1.0
    size = max(path.stat().st_size, 1)
    made_up = "avi" in container.format.name and codec == "mpeg4"
    check = packet_check("mpeg4", None) if made_up else None
    look_at = packet_check(codec, stream.codec_context.extradata) if look else None
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            packets.add(packet, path)
            packets.odd += check is not None and not check(packet)
            if packet.is_corrupt or (look_at is not None and packets.look_sound and not look_at(packet)):
                packets.look_sound = False
            if progress is not None and len(packets.pts) % _PACKETS_PER_REPORT == 0:
                progress(share * min(1.0, (packet.pos or 0) / size))
    except av.FFmpegError as error:
        raise CropzoomError(
            f"{path}: cannot be read after frame {len(packets.pts)} ({error.strerror}). "
            "Copy it again from where it was recorded."
        ) from error
    packets.refuse_without_times(path)
    return packets


def _no_time(path: Path, place: int) -> CropzoomError:
    return CropzoomError(
        f"{path}: {bare_stream(path)}"
        if bare_stream(path)
        else f"{path}: packet {place} has no time, so frames cannot be told apart. "
        f"Re-encode it: ffmpeg -i {ffmpeg_word(path.name)} -c:v libx264 -crf 12 fixed.mp4"
    )


def _decoded_stamps(
    path: Path, damage: Damage, closely: bool, report: Callable[[int], None] | None
) -> tuple[list[int], set[int], bool]:
    """Decode everything; return the stamps of what comes out, those of what is odd, and if order changes.

    Unless ``closely``, one packet at a time, those odd only say that there are some.
    """
    stamps: list[int] = []
    odd, unsound, came = set[int](), set[int](), set[int]()
    n_packets = 0
    with opened(path) as (container, stream):
        context = stream.codec_context
        context.copy_opaque = True
        if closely:
            context.thread_count = 1
        (be_strict if closely else be_wary)(context, damage)
        check = packet_check(context.name, context.extradata)
        for packet in container.demux(stream):
            tag(packet)
            if packet.size:
                n_packets += 1
                if check is not None and not check(packet):
                    unsound.add(_stamp_in(packet))
            frames = pictures_of(packet)
            is_odd = not closely and ends_oddly(packet, context.name, damage)
            if frames is None or packet.is_corrupt or is_odd:
                odd.add(_stamp_in(packet))
            for frame in frames or ():
                stamp = stamp_of(frame)
                if frame.is_corrupt:
                    odd.add(stamp)
                if stamp in came:
                    continue  # after damage MPEG-4 can give its last picture twice
                came.add(stamp)
                stamps.append(stamp)
                if report is not None and len(stamps) % _PACKETS_PER_REPORT == 0:
                    report(len(stamps))
        reorders = bool(context.has_b_frames)
    if 2 * len(unsound) > n_packets:
        damage.checked = False
    return stamps, odd | unsound if damage.checked else odd, reorders


def _stamp_in(packet: Packet[VideoStream]) -> int:
    """Return the decoding time of a packet, -1 where it has none, as at the end."""
    stamp = packet.pts if packet.dts is None else packet.dts
    return -1 if stamp is None else stamp


def _promised_end(stream: VideoStream) -> float | None:
    """Return the time in seconds at which the container says the stream ends, None if it cannot."""
    stated = stream.metadata.get("DURATION", "").split(":")
    if len(stated) == 3:
        try:
            hours, minutes, seconds = (float(part) for part in stated)
        except ValueError:
            return None
        return 3600 * hours + 60 * minutes + seconds
    if stream.duration is None or "avi" in stream.container.format.name:
        return None
    return float((max(stream.start_time or 0, 0) + stream.duration) * time_base_of(stream))
