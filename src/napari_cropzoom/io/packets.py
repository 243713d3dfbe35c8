"""Times and flags of a video's packets, and the frame order that follows from them."""

from __future__ import annotations

import shlex
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.truncation import missing_bytes
from napari_cropzoom.io.video_file import decoded, opened, stamp_of, tag

Report = Callable[[float], None]
Numbers = NDArray[np.int64]
_PACKETS_PER_REPORT = 512


class Packets:
    """Times and flags of all packets of a stream, in the file's order."""

    def __init__(self) -> None:
        self.pts = array("q")
        self.dts = array("q")
        self.key = array("b")
        self.discard = array("b")
        self.end = 0
        self.pts_missing = False
        self.corrupt = False

    def add(self, packet: Packet[VideoStream], path: Path) -> None:
        """Append one packet; raises CropzoomError if it has no time at all.

        What precedes the first keyframe without a time cannot be decoded and is left out.
        """
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None and not packet.is_keyframe and not any(self.key):
            return
        if pts is None:
            raise CropzoomError(
                f"{path}: packet {len(self.pts)} has no time, so frames cannot be told apart. "
                f"Re-encode it: ffmpeg -i {shlex.quote(path.name)} -c:v libx264 -crf 12 fixed.mp4"
            )
        self.pts_missing |= packet.pts is None
        self.pts.append(pts)
        self.dts.append(pts if packet.dts is None else packet.dts)
        self.key.append(packet.is_keyframe)
        self.discard.append(packet.is_discard)
        self.corrupt |= packet.is_corrupt
        self.end = max(self.end, pts + (packet.duration or 0))

    def order_unknown(self, container: InputContainer, stream: VideoStream) -> bool:
        """Whether presentation times are missing or, as in AVI, may only count packets."""
        if self.pts_missing:
            return True
        in_order = bool(np.all(np.diff(np.asarray(self.pts)) > 0))
        return may_count(container, stream) and in_order

    def refuse_if_cut_short(self, path: Path, stream: VideoStream, rate: Fraction) -> None:
        """Raise CropzoomError if the file ends before its container does and lacks frames."""
        intact = len(self.pts) - int(self.corrupt)
        if intact < 1:
            raise CropzoomError(f"{path}: holds no frames. Copy it again from the camera.")
        there, promised = self.end * float(stream.time_base or 1), _promised_end(stream)
        if stream.frames:
            lacking = intact < stream.frames
        else:
            lacking = promised is None or promised - there > 1.5 / rate
        if not (self.corrupt or (lacking and missing_bytes(path))):
            return
        total = f" of {stream.frames}" if stream.frames else ""
        until = f" of {promised:.2f}" if promised is not None else ""
        fixed = f"{path.stem}_fixed{path.suffix}"
        raise CropzoomError(
            f"{path}: is cut short: only the first {intact}{total} frames ({there:.2f}{until} s) "
            "are there. Copy it again from the camera, or keep what is readable with: ffmpeg "
            f"-fflags +discardcorrupt -i {shlex.quote(path.name)} -c copy {shlex.quote(fixed)}"
        )

    def in_presentation_order(self, first_pts: int | None) -> tuple[Numbers, Numbers]:
        """Return times (T,) and keyframe numbers (K,) of what is shown, from ``first_pts`` on."""
        pts = np.asarray(self.pts, dtype=np.int64)
        shown = ~np.asarray(self.discard, dtype=bool)
        if first_pts is not None:
            shown &= pts >= first_pts
        order = np.argsort(pts[shown], kind="stable")
        key = np.asarray(self.key, dtype=bool)[shown][order]
        return pts[shown][order], np.flatnonzero(key)

    def in_decoded_order(self, path: Path, progress: Report | None) -> tuple[Numbers, Numbers, Numbers]:
        """Decode everything; return times (T,), decoding times (T,) and keyframe numbers (K,)."""
        stamps = array("q")
        for stamp in _decoded_stamps(path):
            stamps.append(stamp)
            if progress is not None and len(stamps) % _PACKETS_PER_REPORT == 0:
                progress(0.5 + 0.5 * len(stamps) / len(self.pts))
        shown = np.asarray(stamps, dtype=np.int64)
        keys = np.asarray(self.dts, dtype=np.int64)[np.asarray(self.key, dtype=bool)]
        return np.sort(shown), shown, np.flatnonzero(np.isin(shown, keys))


def may_count(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the times could be mere packet counts: AVI with frames out of order."""
    return "avi" in container.format.name and bool(stream.codec_context.has_b_frames)


def read_packets(container: InputContainer, stream: VideoStream, progress: Report | None) -> Packets:
    """Demux the whole stream; raises CropzoomError if the file cannot be read to its end."""
    path = Path(container.name)
    packets = Packets()
    share = 0.5 if may_count(container, stream) else 1.0
    size = max(path.stat().st_size, 1)
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            packets.add(packet, path)
            if progress is not None and len(packets.pts) % _PACKETS_PER_REPORT == 0:
                progress(share * min(1.0, (packet.pos or 0) / size))
    except av.FFmpegError as error:
        raise CropzoomError(
            f"{path}: cannot be read after frame {len(packets.pts)} ({error.strerror}). "
            "Copy it again from where it was recorded."
        ) from error
    return packets


def _decoded_stamps(path: Path) -> Iterator[int]:
    with opened(path) as (container, stream):
        stream.codec_context.copy_opaque = True
        for packet in container.demux(stream):
            tag(packet)
            for frame in decoded(packet):
                yield stamp_of(frame)


def _promised_end(stream: VideoStream) -> float | None:
    """Return the time in seconds at which the container says the stream ends, None if it cannot."""
    stated = stream.metadata.get("DURATION", "").split(":")
    if len(stated) == 3:
        try:
            hours, minutes, seconds = (float(part) for part in stated)
        except ValueError:
            return None
        return 3600 * hours + 60 * minutes + seconds
    if stream.duration is None or stream.time_base is None:
        return None
    if "avi" in stream.container.format.name:
        return None
    return float((max(stream.start_time or 0, 0) + stream.duration) * stream.time_base)
