"""Groups of pictures joined to one video: encoded just now, or copied from an older file."""

from __future__ import annotations

import contextlib
import io
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.encode import GroupEncoder, GroupFormat, Timing
from napari_cropzoom.crop.planes import Picture
from napari_cropzoom.video.names import whole_name

FINISHING = 2  # groups whose encoders may still be at work when the next one begins
B_FRAME_DELAY = 2  # packets that x264's B-frames, one of them a reference, come too early at most
_MP4 = (".mp4", ".mov", ".m4v")


@dataclass(frozen=True, eq=False)
class EncodedGroups:
    """Some groups of a crop, encoded by themselves.

    Attributes
    ----------
    groups : tuple of int
        Their numbers, sorted.
    video : Path
        An MP4 of these groups, one after the other.
    made_with : mapping
        See :attr:`napari_cropzoom.crop.crop.CropWork.made_with`.
    undecodable : tuple of int
        Frames that cannot be decoded, as far as they were met.
    """

    groups: tuple[int, ...]
    video: Path
    made_with: Mapping[str, Any]
    undecodable: tuple[int, ...]


class StreamsDiffer(CropzoomError):
    """New groups do not fit the old ones; the whole video has to be encoded."""


class GroupedVideo:
    """Writes a video group by group, in order; a context manager.

    Parameters
    ----------
    path : Path
        Video to write; its suffix decides the container.
    form : GroupFormat
    timing : Timing
        Of all T frames.
    target : Path
        What to call the file in messages, where ``path`` is temporary.
    old : Path, optional
        An older version of the video, written by this class with the same format and timing.
    kept : collection of int
        Numbers of the groups to copy from it.
    parts : sequence of EncodedGroups
        Groups to take from there.
    """

    def __init__(
        self,
        path: Path,
        form: GroupFormat,
        timing: Timing,
        target: Path,
        *,
        old: Path | None = None,
        kept: Collection[int] = (),
        parts: Sequence[EncodedGroups] = (),
    ) -> None:
        self._form, self._timing, self._target = form, timing, target
        self._open = contextlib.ExitStack()
        self._joiner = self._open.enter_context(Joiner(path, timing))
        self._made: dict[int, tuple[EncodedGroups, int]] = {
            number: (part, place) for part in parts for place, number in enumerate(part.groups)
        }
        self._part: EncodedGroups | None = None
        self._part_groups: OldGroups | None = None
        self._kept = frozenset(kept)
        self._old: OldGroups | None = None
        if old and kept:
            self._old = self._open.enter_context(contextlib.closing(OldGroups(old, form.group)))
        self._encoders: deque[GroupEncoder] = deque()
        self._next = 0  # group to be joined
        self._n_groups = -(-len(timing.ticks) // form.group)

    def write(self, picture: Picture) -> None:
        """Take the next picture of those groups that are not copied.

        Raises
        ------
        CropzoomError
            If ffmpeg fails.
        """
        if not self._encoders or self._encoders[-1].written == self._form.group:
            self._end_group()
            self._encoders.append(GroupEncoder(self._form, self._target))
        self._encoders[-1].write(picture)

    def finish(self) -> None:
        """Wait for the encoders and complete the file.

        Raises
        ------
        CropzoomError
            If ffmpeg fails.
        StreamsDiffer
            If new groups cannot be joined to old ones.
        """
        if self._encoders:
            self._encoders[-1].end()
        while self._next < self._n_groups:
            self._join()
        self._open.close()

    def kill(self) -> None:
        """End the encoders, so that a thread in `write` or `finish` fails instead of waiting for them."""
        for encoder in list(self._encoders):
            encoder.kill()

    def __enter__(self) -> GroupedVideo:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for encoder in self._encoders:
            encoder.close()
        self._open.close()

    def _end_group(self) -> None:
        if self._encoders:
            self._encoders[-1].end()
        while len(self._encoders) >= FINISHING:
            self._join()

    def _join(self) -> None:
        first = self._next * self._form.group
        n_frames = min(self._form.group, len(self._timing.ticks) - first)
        if self._next in self._made:
            part, place = self._made[self._next]
            groups = self._groups_of(part)
            self._joiner.add(groups.stream, groups.group(place), first, n_frames)
        elif self._next in self._kept and self._old is not None:
            self._joiner.add(self._old.stream, self._old.group(self._next), first, n_frames)
        else:
            made = self._encoders[0].result()
            self._encoders.popleft()
            with av.open(io.BytesIO(made), "r") as container:
                stream = container.streams.video[0]
                self._joiner.add(stream, _packets(container, stream), first, n_frames)
        self._next += 1

    def _groups_of(self, part: EncodedGroups) -> OldGroups:
        """Open a part, until the next one is."""
        if self._part is not part or self._part_groups is None:
            if self._part_groups is not None:
                self._part_groups.close()
            self._part, self._part_groups = part, OldGroups(part.video, self._form.group)
            self._open.callback(self._part_groups.close)
        return self._part_groups


class OldGroups:
    """The packets of a video that `GroupedVideo` wrote, group by group, forward only."""

    def __init__(self, path: Path, group: int) -> None:
        self._container = av.open(whole_name(path), "r")
        self.stream = self._container.streams.video[0]
        self._packets = _packets(self._container, self.stream)
        self._group, self._next = group, 0

    def group(self, number: int) -> Iterator[Packet[VideoStream]]:
        """Packets of one group; those of the groups before it are passed over."""
        skipped = (number - self._next) * self._group
        self._next = number + 1
        return islice(self._packets, skipped, skipped + self._group)

    def close(self) -> None:
        """Close the file."""
        self._packets.close()
        self._container.close()


class Joiner:
    """Writes packets of closed groups one group after the other, at the frames' own times."""

    def __init__(self, path: Path, timing: Timing) -> None:
        self._timing = timing
        self._frames = 0
        steps = np.diff(timing.ticks)
        last = int(steps[-1]) if len(steps) else 1
        self._steps = [*steps.tolist(), last]
        self._delay = min(B_FRAME_DELAY, len(timing.ticks) - 1)
        options = {}
        if path.suffix.lower() in _MP4:
            options["write_btrt"] = "0"  # a bit rate taken over from whichever group comes first
            if not timing.constant:
                options["video_track_timescale"] = str(timing.time_base.denominator)
        with contextlib.ExitStack() as opened:
            # ours: FFmpeg leaves a file open whose first bytes it cannot write
            self._file = opened.enter_context(path.open("wb+"))
            self._container = av.open(self._file, "w", options=options)
            opened.pop_all()
        self._stream: VideoStream | None = None

    def add(
        self, source: VideoStream, packets: Iterator[Packet[VideoStream]], first: int, n_frames: int
    ) -> None:
        """Write the packets of a group, which begins with frame ``first``, without decoding them.

        Raises
        ------
        StreamsDiffer
            If the group's header is not that of the groups before it, or its frames are not ``n_frames``.
        """
        stream = self._fitting(source)
        group = list(packets)
        if len(group) != n_frames or first != self._frames:
            raise StreamsDiffer(f"ffmpeg made {len(group)} pictures of {n_frames} from frame {first} on.")
        shown = np.argsort(np.argsort([packet.pts or 0 for packet in group], kind="stable"))
        for place, packet in enumerate(group):
            frame = first + int(shown[place])
            packet.stream = stream
            packet.time_base = self._timing.time_base
            packet.pts = int(self._timing.ticks[frame])
            packet.dts = self._decoded_at(first + place)
            packet.duration = self._steps[frame]
            self._container.mux(packet)
        self._frames += n_frames

    def __enter__(self) -> Joiner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is None or self._frames < len(self._timing.ticks):
            for each in (self._container, self._file):
                with contextlib.suppress(OSError, av.FFmpegError):  # given up: nobody will see the file
                    each.close()
            return
        with self._file:
            self._container.close()

    def _fitting(self, source: VideoStream) -> VideoStream:
        if self._stream is None:
            self._stream = self._container.add_stream_from_template(source)
            self._stream.time_base = self._timing.time_base
            self._header = source.codec_context.extradata
        elif source.codec_context.extradata != self._header:
            raise StreamsDiffer("ffmpeg made groups of pictures that do not fit together.")
        return self._stream

    def _decoded_at(self, place: int) -> int:
        """Decoding time of the packet at ``place``: that of the frame shown ``delay`` frames before."""
        ticks = self._timing.ticks
        if place >= self._delay:
            return int(ticks[place - self._delay])
        return int(ticks[0] - ticks[self._delay] + ticks[place])


def _packets(container: InputContainer, stream: VideoStream) -> Generator[Packet[VideoStream]]:
    return (packet for packet in container.demux(stream) if packet.size)


def failure(target: Path, error: Exception) -> CropzoomError:
    """What to tell a person when the joined file cannot be written."""
    return CropzoomError(
        f"{target}: cannot be written ({error}). Check that the folder is writable and the disk has room."
    )
