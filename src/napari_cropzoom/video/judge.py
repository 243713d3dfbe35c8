"""A close look at packets, one at a time: which of them are damaged, and which frames that spoils."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from napari_cropzoom.video.container import opened, pictures_of, tag, unreadable
from napari_cropzoom.video.damage import Judged, be_strict, packet_check
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.numbering import Numbering

PREDICTED = (PictureType.P, PictureType.B)
_DELAY = 40  # packets that go into a decoder before the picture of the first is out, at most
_FIRST, _OTHERS = 8, 2  # packets tried at the start of a file, and at each of three other keyframes


@dataclass
class Group:
    """The packets from one keyframe to the next, in the order of decoding.

    Attributes
    ----------
    key : int
        Number of its first frame.
    follows_damage : bool
        Whether the group before it is damaged.
    numbers : list of int
        Of the packets' frames.
    damaged_from : int or None
        Place of the first damaged packet.
    """

    key: int
    follows_damage: bool = False
    numbers: list[int] = field(default_factory=list)
    damaged_from: int | None = None

    def damage(self, place: int) -> None:
        """Note that a packet is damaged or has no picture; ``place`` may be that of the next one.

        What is shown before the keyframe it follows (open GOP) builds on the group before too; nothing
        after the keyframe builds on it.
        """
        if self.follows_damage and place < len(self.numbers) and self.numbers[place] < self.key:
            return
        if self.damaged_from is None or place < self.damaged_from:
            self.damaged_from = place

    def spoilt(self) -> set[int]:
        """Return the numbers of all that is decoded after damage, to the next keyframe."""
        bad = set[int]() if self.damaged_from is None else set(self.numbers[self.damaged_from :])
        return bad | {n for n in self.numbers if self.follows_damage and n < self.key}


def look_closely(index: VideoIndex, number: int, until: int, *, is_alarm: bool = True) -> int:
    """Find the damaged packets from the keyframe before ``number`` to a sound group after ``until``.

    What is found is noted in ``index.damage``.

    Parameters
    ----------
    index
        Of the video.
    number, until
        Frames.
    is_alarm
        Whether decoding with several threads met something odd, so that these frames are to be decoded
        with one from now on, whatever is found.

    Returns
    -------
    int
        The number of the first frame after what was looked at.

    Raises
    ------
    CropzoomError
        If the file can no longer be read.
    """
    damage = index.damage
    with damage.lock:
        judged = damage.judged_at(number)
        if judged is not None:
            return judged.end
        try_habits(index)
        place, back = int(np.searchsorted(index.keyframes, number, side="right")) - 1, 1
        while True:
            look = _Look(index, max(number, until), place)
            if look.run(number):
                return look.note(is_alarm)
            if place < 0:
                return index.n_frames
            place, back = max(place - back, -1), back * 2


def note_odd(index: VideoIndex) -> None:
    """Look closely round every packet that is damaged by its bytes; reads all, decodes little.

    Reads nothing where :meth:`VideoIndex.scan` has looked at the bytes and found them sound.
    """
    if index.damage.looks_sound:
        return
    numbering, met, odd = Numbering(index), set[int](), list[int]()
    with opened_closely(index, -1) as (stream, packets):
        check = packet_check(index.codec, stream.codec_context.extradata)
        for packet in packets:
            which = numbering.of_packet(packet, met)
            if which is None:
                continue
            if packet.is_corrupt or (index.damage.checked and check is not None and not check(packet)):
                try_habits(index)
                if packet.is_corrupt or index.damage.checked:
                    odd.append(which)
    for number in sorted(odd):
        look_closely(index, number, number)


@contextmanager
def opened_closely(
    index: VideoIndex, place: int
) -> Iterator[tuple[VideoStream, Iterator[Packet[VideoStream]]]]:
    """Open a video from the keyframe at ``place`` of the index on; -1 is its start.

    One thread decodes it: with several a decoder does not say which packet it refuses, or (slices of
    H.264) not at all.
    """
    with opened(index.path) as (container, stream):
        context = stream.codec_context
        context.thread_count = 1
        context.copy_opaque = index.by_decoding_time
        be_strict(context, index.damage)
        packets = _packets(index, container, stream)
        if place >= 0:
            try:
                container.seek(int(index.stamps[index.keyframes[place]]), stream=stream)
            except av.FFmpegError:
                packets = iter(())
        yield stream, packets


def _packets(
    index: VideoIndex, container: InputContainer, stream: VideoStream
) -> Iterator[Packet[VideoStream]]:
    try:
        for packet in container.demux(stream):
            if index.by_decoding_time:
                tag(packet)
            yield packet
    except av.error.InvalidDataError:
        return
    except av.FFmpegError as error:
        raise unreadable(index.path, error) from error


class _Look:
    """One run over packets; to be used once."""

    def __init__(self, index: VideoIndex, until: int, place: int) -> None:
        self._index, self._until, self._place = index, until, place
        self._numbering = Numbering(index)
        self._keys = index.keyframe_set
        self._groups: list[Group] = []
        self._where: dict[int, tuple[Group, int]] = {}
        self._came = set[int]()
        self._begins_bare = False
        self._first = self._end = 0

    def run(self, number: int) -> bool:
        """Look; False if this is no place to begin at for frame ``number``."""
        index, numbering = self._index, self._numbering
        first = 0 if self._place < 0 else None
        end: int | None = None
        met = set[int]()
        with opened_closely(index, self._place) as (stream, packets):
            codec = stream.codec_context
            check = packet_check(codec.name, codec.extradata) if index.damage.checked else None
            is_marked = False
            for packet in packets:
                # FFmpeg marks the frame that it cuts off when damaged bytes come: the one before
                was_marked, is_marked = is_marked, packet.is_corrupt
                if first is None:
                    first = numbering.landing(packet)
                    if first is None:
                        continue
                    if first > number:
                        return False
                which = numbering.of_packet(packet, met)
                if which is not None and which >= first:
                    end = self._ends_before(which)
                    if end is not None:
                        break
                    self._begin(which, packet.is_keyframe)
                    if self._is_hopeless():
                        continue
                else:
                    which = None
                frames = pictures_of(packet)
                is_sound = frames is not None and not is_marked and not was_marked
                if packet.size and check is not None:
                    is_sound = check(packet) and is_sound
                if self._groups and packet.size and not is_sound:  # one without a number spoils the next
                    self._groups[-1].damage(len(self._groups[-1].numbers) - (which is not None))
                self._take(frames or ())
            if end is not None:
                self._take(codec.decode(None))
        if first is None or not self._groups:
            return False
        if self._place >= 0 and not self._has_a_picture_to_begin_with():
            return False
        self._first, self._end = first, max(self._where) + 1 if end is None else end
        return True

    def _begin(self, number: int, is_key: bool) -> None:
        if is_key or not self._groups:
            before = self._groups[-1] if self._groups else None
            self._groups.append(Group(number, before is not None and before.damaged_from is not None))
        group = self._groups[-1]
        self._where[number] = (group, len(group.numbers))
        group.numbers.append(number)

    def _take(self, frames: tuple[VideoFrame, ...] | list[VideoFrame]) -> None:
        for frame in frames:
            number = self._numbering.of_frame(frame, -1)
            if number in self._came:
                number = self._numbering.of_frame(frame, number)
            if number is None or number not in self._where:
                continue
            group, place = self._where[number]
            self._came.add(number)
            is_bare = number == group.key and frame.pict_type in PREDICTED
            self._begins_bare |= is_bare and group is self._groups[0]
            # a keyframe without a picture of its own mends nothing
            if frame.is_corrupt or (is_bare and group.follows_damage):
                group.damage(place)

    def _ends_before(self, number: int) -> int | None:
        """Return where the look may end, before this packet: at a keyframe after a sound group."""
        if len(self._groups) < 2:
            return None
        before, group = self._groups[-2:]
        is_first_after = number > group.key and max(group.numbers) == group.key
        if not is_first_after or group.key <= self._until or group.key not in self._keys:
            return None
        if before.damaged_from is not None or group.damaged_from is not None:
            return None
        return group.key

    def _is_hopeless(self) -> bool:
        """Whether all from here to the next keyframe is spoilt anyway."""
        group = self._groups[-1]
        return group.damaged_from is not None and len(group.numbers) > group.damaged_from + _DELAY

    def _has_a_picture_to_begin_with(self) -> bool:
        group = self._groups[0]
        return group.damaged_from is not None or (group.key in self._came and not self._begins_bare)

    def note(self, is_alarm: bool) -> int:
        """Note what was found; return the number of the first frame after it."""
        before = False
        for group in self._groups:
            group.follows_damage = before
            _lack(group, self._came)
            before = group.damaged_from is not None
        bad = set[int]().union(*(group.spoilt() for group in self._groups))
        if bad or is_alarm:
            self._index.damage.add(bad, Judged(self._first, self._end, self._place))
        return self._end


def _lack(group: Group, came: set[int]) -> None:
    missing = (place for place, number in enumerate(group.numbers) if number not in came)
    place = next(missing, None)
    if place is not None:
        group.damage(place)


def try_habits(index: VideoIndex) -> None:
    """Find out whether the decoder can be strict, and whether packets can be checked.

    There are cameras of whose packets a strict decoder or check refuses most, or every keyframe's. It is
    tried once a file.
    """
    damage, keys = index.damage, len(index.keyframes)
    if damage.tried:
        return
    places = [-1, *sorted({keys // 4, keys // 2, 3 * keys // 4} - {0})] if keys > 3 else [-1]
    refused = [0, 0]  # packets, keyframes
    unsound = [0, 0]
    tried = [0, 0]
    for place in places:
        with opened_closely(index, place) as (stream, packets):
            check = packet_check(stream.codec_context.name, stream.codec_context.extradata)
            has_begun = False
            for packet in islice(packets, _FIRST if place < 0 else _FIRST + _OTHERS):
                has_begun |= packet.is_keyframe
                if not packet.size or not has_begun:
                    continue
                failed = pictures_of(packet) is None
                odd = check is not None and not check(packet)
                for kind in (0, 1) if packet.is_keyframe else (0,):
                    tried[kind] += 1
                    refused[kind] += failed
                    unsound[kind] += odd
    damage.strict = damage.strict and not _is_habit(refused, tried)
    damage.checked = not _is_habit(unsound, tried)
    damage.tried = True


def _is_habit(found: list[int], tried: list[int]) -> bool:
    """Whether half of all packets are odd, or most keyframes where several were tried."""
    return 2 * found[0] > tried[0] or (tried[1] > 2 and 4 * found[1] >= 3 * tried[1])
