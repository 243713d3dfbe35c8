"""Native frames of a video, each with its number, from any place on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from napari_cropzoom.video.container import (
    damaged,
    open_container,
    pictures_of,
    tag,
    unreadable,
    video_stream,
)
from napari_cropzoom.video.damage import Judged, be_wary, black_frame, ends_oddly, packet_check
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.judge import PREDICTED, look_closely, opened_closely
from napari_cropzoom.video.numbering import Numbering

_CHEAPER_THAN_A_SEEK = 8  # frames


class DamageMet(Exception):
    """Something is wrong with the packets from the last keyframe on; what, is to be looked at closely."""


class HeldBack:
    """Frames that come out of a decoder before all those that were decoded before them have.

    A frame is told to be damaged only when it comes out, and one that builds on it may come out earlier
    (B-frames). So each waits until the last frame that was decoded before it is out.
    """

    def __init__(self) -> None:
        self._until: dict[int, int] = {}
        self.last = -(2**63)
        self._waiting: deque[tuple[int, int, VideoFrame]] = deque()

    def sent(self, stamp: int) -> None:
        """Note that the packet of a frame goes into the decoder; stamps grow from frame to frame."""
        if stamp > self.last:
            self.last = stamp
        else:
            self._until[stamp] = self.last

    def came(self, stamp: int, number: int, frame: VideoFrame) -> Iterator[tuple[int, VideoFrame]]:
        """Yield the frames, in order, that wait no longer now that ``frame`` is out."""
        waiting, until = self._waiting, self._until.pop(stamp, stamp)
        if not waiting and until <= stamp:
            yield number, frame
            return
        waiting.append((until, number, frame))
        while waiting and waiting[0][0] <= stamp:
            _, ready, image = waiting.popleft()
            yield ready, image

    def rest(self) -> Iterator[tuple[int, VideoFrame]]:
        """Yield the frames that still wait, at the end of the video."""
        while self._waiting:
            _, number, frame = self._waiting.popleft()
            yield number, frame


class FrameDecoder:
    """One open file that hands out ``(frame number, frame)`` in presentation order.

    Frames are decoded by several threads until anything is wrong. Then the packets from the keyframe
    before it to the next sound group are looked at closely (`look_closely`). A damaged frame, and what
    builds on it up to the next keyframe, comes out black and is noted in ``index.damage``.

    Not safe from several threads; every thread takes its own or holds a lock.

    Parameters
    ----------
    index
        Of the file to open.

    Raises
    ------
    CropzoomError
        If the file has gone.
    """

    def __init__(self, index: VideoIndex) -> None:
        self.index = index
        self._numbering = Numbering(index)
        self._black: VideoFrame | None = None
        self._last = self._out = -1
        self._fed = -1
        self._container, self._stream = self._open()
        self._frames = self._read_on(from_start=True)

    @property
    def position(self) -> int:
        """Number of the frame that comes next, unless it cannot be decoded."""
        return self._last + 1

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._frames.close()
        self._container.close()

    def read(self) -> tuple[int, VideoFrame] | None:
        """Decode the next frame; None at the end of the video."""
        return next(self._frames, None)

    def next_frame(self, frame: int) -> VideoFrame:
        """Return ``frame``: by decoding on if it comes next, else as ``frames_to`` does.

        Raises
        ------
        CropzoomError
            If the frame cannot be decoded.
        """
        if frame != self.position:
            (last,) = deque(self.frames_to(frame), maxlen=1)  # the passed ones are let go one by one
            return last[1]
        found = self.read()
        if found is None or found[0] != frame:
            raise damaged(self.index.path, frame, self.index.n_frames)
        return found[1]

    def frames_to(self, frame: int) -> Iterator[tuple[int, VideoFrame]]:
        """Decode from the cheapest place, yielding what is passed and, last, ``frame`` itself.

        Goes on from the present position where no nearer keyframe lies between, else seeks. Where
        decoding cannot start at the keyframe, or the container's seek lands too late, an earlier
        keyframe is tried, and in the end the start of the file.

        Raises
        ------
        CropzoomError
            If the frame cannot be decoded even from the start of the file.
        """
        place = int(np.searchsorted(self.index.keyframes, frame, side="right")) - 1
        keyframe = int(self.index.keyframes[place]) if place >= 0 else 0
        ahead = frame - self.position
        if not 0 <= ahead <= frame - keyframe + _CHEAPER_THAN_A_SEEK:
            self._seek(place)
        back = 1
        while True:
            for number, image in self._frames:
                if number > frame:
                    break
                yield number, image
                if number == frame:
                    return
            if place < 0:
                self._rewind()
                raise damaged(self.index.path, frame, self.index.n_frames)
            place, back = max(place - back, -1), back * 2
            self._seek(place)

    def _seek(self, place: int) -> None:
        """Go to the keyframe at ``place`` in the index's list; -1 is the start of the file."""
        self._frames.close()
        damage = self.index.damage
        if self._tainted or self._told != (damage.strict, damage.wary) or self._has_met_damage():
            self._reopen()
        if place < 0 or not self._go_to(place):
            self._rewind()
            return
        self._last = int(self.index.keyframes[place]) - 1
        self._frames = self._read_on(from_start=False)

    def _has_met_damage(self) -> bool:
        """Whether anything is wrong with what the decoder was given but has not shown yet.

        After that H.264 may add what was left of a broken block to the next picture, also after a seek.
        """
        try:
            return any(frame.is_corrupt for frame in self._stream.codec_context.decode(None))
        except av.FFmpegError:
            return True

    def _go_to(self, place: int) -> bool:
        stamp = int(self.index.stamps[self.index.keyframes[place]])
        try:
            self._container.seek(stamp, stream=self._stream)
        except av.FFmpegError:
            return False
        return True

    def _rewind(self) -> None:
        """Open the file afresh: the only way back to its first packet in every container."""
        self._frames.close()
        self._reopen()
        self._last = -1
        self._frames = self._read_on(from_start=True)

    def _reopen(self) -> None:
        self._container.close()
        self._container, self._stream = self._open()

    def _open(self) -> tuple[InputContainer, VideoStream]:
        container = open_container(self.index.path)
        stream = video_stream(container, self.index.path)
        stream.codec_context.copy_opaque = self.index.by_decoding_time
        damage = self.index.damage
        self._told, self._tainted = (damage.strict, damage.wary), False
        be_wary(stream.codec_context, damage)
        return container, stream

    def _read_on(self, from_start: bool) -> Generator[tuple[int, VideoFrame]]:
        """Yield all frames from the present place in the file on, those that are damaged black."""
        damage, n_frames = self.index.damage, self.index.n_frames
        judged = damage.judged_at(self._last + 1)
        if judged is None:
            try:
                yield from self._decode(from_start)
                return
            except DamageMet:
                pass
        while self._last + 1 < n_frames:
            judged = damage.judged_at(self._last + 1)
            if judged is None:
                look_closely(self.index, self._last + 1, self._fed)
                judged = damage.judged_at(self._last + 1)
                if judged is not None and not any(n in damage for n in range(judged.first, judged.end)):
                    damage.false_alarm()
            if judged is None:
                raise damaged(self.index.path, self._last + 1, n_frames)
            yield from self._read_judged(judged)
            onward = self._last + 1
            self._fed = -1
            if onward == n_frames or damage.judged_at(onward) is not None:
                continue
            self._reopen()
            place = int(np.searchsorted(self.index.keyframes, onward, side="right")) - 1
            try:
                for number, frame in self._decode(False) if place >= 0 and self._go_to(place) else ():
                    if number >= onward:
                        yield number, frame
            except DamageMet:
                pass
            self._last = max(self._last, onward - 1)

    def _read_judged(self, judged: Judged) -> Iterator[tuple[int, VideoFrame]]:
        """Yield the frames of a range that was looked at; only the good ones are decoded.

        Each run of them is decoded from a keyframe of its own: see `_has_met_damage`.
        """
        damage = self.index.damage
        while self._last + 1 < judged.end:
            if self._last + 1 in damage:
                yield self._given(self._last + 1, None)
                continue
            place = int(np.searchsorted(self.index.keyframes, self._last + 1, side="right")) - 1
            for start in (place, judged.place):  # where decoding can begin, or where the look began
                before = self._last
                yield from self._read_run(start, judged)
                if self._last > before:
                    break
            else:
                damage.add([self._last + 1])

    def _read_run(self, place: int, judged: Judged) -> Iterator[tuple[int, VideoFrame]]:
        """Yield frames from the next on, up to one that is damaged, or a keyframe after damage."""
        damage, keys = self.index.damage, self.index.keyframe_set
        first = int(self.index.keyframes[place]) if place >= 0 else 0
        for number, frame in self._decode_closely(place):
            if number in damage:
                continue
            if number != self._last + 1:
                return
            yield self._given(number, frame)
            if number + 1 == judged.end or number + 1 in damage:
                return
            if number + 1 in keys and any(n in damage for n in range(first, number)):
                return

    def _decode_closely(self, place: int) -> Iterator[tuple[int, VideoFrame]]:
        """Yield what comes from a keyframe on, decoded as `look_closely` does."""
        landed = 0 if place < 0 else None
        with opened_closely(self.index, place) as (_, packets):
            for packet in packets:
                if landed is None:
                    landed = self._numbering.landing(packet)
                    if landed is None:
                        continue
                    if landed > self._last + 1:
                        return
                for frame in pictures_of(packet) or ():
                    number = self._numbering.of_frame(frame, self._last)
                    if number is not None:
                        yield number, frame

    def _decode(self, from_start: bool) -> Generator[tuple[int, VideoFrame]]:
        """Decode with several threads; raises DamageMet where anything is wrong."""
        held, numbering, damage = HeldBack(), self._numbering, self.index.damage
        by_decoding_time = self.index.by_decoding_time
        check = packet_check(self.index.codec, self._stream.codec_context.extradata)
        if not damage.checked:
            check = None
        landed = 0 if from_start else None
        trusted = from_start
        self._out = self._last
        try:
            for packet in self._packets():
                if landed is None:
                    landed = numbering.landing(packet)
                    if landed is None:
                        continue
                    if landed > self._last + 1:
                        return
                    self._last = self._out = landed - 1
                if by_decoding_time:
                    tag(packet)
                if packet.size:
                    stamp = packet.pts if not by_decoding_time else numbering.find(packet.dts)
                    if stamp is not None:
                        held.sent(stamp)
                    if packet.is_corrupt or (check is not None and not check(packet)):
                        raise DamageMet
                    if ends_oddly(packet, self.index.codec, damage):
                        raise DamageMet
                frames = pictures_of(packet)
                if frames is None and not trusted:
                    return  # a keyframe before it may do
                if frames is None:
                    raise DamageMet
                for frame in frames:
                    number = numbering.of_frame(frame, self._out)
                    if number is None:
                        continue
                    if not trusted and (number != landed or frame.pict_type in PREDICTED):
                        return  # no picture of its own: intra refresh, which is whole only later
                    if frame.is_corrupt or number != self._out + 1:
                        raise DamageMet
                    trusted = True
                    self._out = number
                    stamp = number if by_decoding_time else frame.pts
                    for ready in held.came(number if stamp is None else stamp, number, frame):
                        yield self._given(*ready)
            for ready in held.rest():
                yield self._given(*ready)
            if trusted and self._last + 1 < self.index.n_frames:
                raise DamageMet
        except DamageMet:
            fed = held.last if by_decoding_time else numbering.find(held.last)
            self._fed = self.index.n_frames - 1 if fed is None else fed
            self._tainted = True
            raise

    def _given(self, number: int, frame: VideoFrame | None) -> tuple[int, VideoFrame]:
        """Return a frame as it is handed out: black if it is damaged."""
        self._last = number
        if frame is not None and number not in self.index.damage:
            return number, frame
        if self._black is None:
            width, height = self.index.coded_size
            self._black = black_frame(width, height, self.index.pix_fmt)
        return number, self._black

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        try:
            yield from self._container.demux(self._stream)
        except av.error.InvalidDataError:
            return  # the frames that are then missing are reported by who asks for them
        except av.FFmpegError as error:
            raise unreadable(self.index.path, error) from error
