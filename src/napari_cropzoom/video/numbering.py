"""Which frame of a video a packet or a decoded picture is, by its time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from napari_cropzoom.video.container import stamp_of
from napari_cropzoom.video.index import VideoIndex


class Numbering:
    """Numbers of packets and of frames; several frames of a video may have one time.

    Parameters
    ----------
    index
        Of the video.
    """

    def __init__(self, index: VideoIndex) -> None:
        self._by_decoding_time = index.by_decoding_time
        stamps = index.stamps
        self._order = np.argsort(stamps, kind="stable") if self._by_decoding_time else None
        self._sorted = stamps if self._order is None else stamps[self._order]

    def find(self, stamp: int | None) -> int | None:
        """Return the number of the first frame with this stamp; None if there is none."""
        found = None if stamp is None else self._find(stamp)
        return None if found is None else found[1]

    def stamp(self, packet: Packet[VideoStream]) -> int | None:
        """Return what a packet's frame is recognised by."""
        return packet.dts if self._by_decoding_time else packet.pts

    def landing(self, packet: Packet[VideoStream]) -> int | None:
        """Return the frame number of a keyframe's packet; None where decoding cannot start.

        Frames shown before it that follow in the file (open GOP) need what lies before it, so they
        are left to the keyframe before.
        """
        stamp = self.stamp(packet)
        if not packet.is_keyframe or stamp is None:
            return None
        found = self._find(stamp)
        if found is None or np.searchsorted(self._sorted, stamp, side="right") - found[0] > 1:
            return None
        return found[1]

    def of_packet(self, packet: Packet[VideoStream], met: set[int]) -> int | None:
        """Return the number of a packet's frame, and add it to those met; None if it is none."""
        stamp = self.stamp(packet)
        if stamp is None or not packet.size or packet.is_discard:
            return None
        number = self._after(stamp, lambda number: number not in met)
        if number is not None:
            met.add(number)
        return number

    def of_frame(self, frame: VideoFrame, last: int) -> int | None:
        """Return a frame's number; None for one that is not in the index or not after ``last``."""
        stamp = stamp_of(frame) if self._by_decoding_time else frame.pts
        if stamp is None:
            return None
        return self._after(stamp, lambda number: number > last)

    def _after(self, stamp: int, is_free: Callable[[int], bool]) -> int | None:
        found = self._find(stamp)
        if found is None:
            return None
        place, number = found
        while not is_free(number):
            place += 1
            if place == len(self._sorted) or self._sorted[place] != stamp:
                return None
            number = self._at(place)
        return number

    def _find(self, stamp: int) -> tuple[int, int] | None:
        """Return place among the sorted stamps, and frame number, of the first with this stamp."""
        place = int(np.searchsorted(self._sorted, stamp))
        if place == len(self._sorted) or self._sorted[place] != stamp:
            return None
        return place, self._at(place)

    def _at(self, place: int) -> int:
        return place if self._order is None else int(self._order[place])
