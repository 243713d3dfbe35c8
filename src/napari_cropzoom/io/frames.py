"""Native frames of a video, each with its number, from any place on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from napari_cropzoom.io.video_file import (
    damaged,
    decoded,
    open_container,
    stamp_of,
    tag,
    video_stream,
)
from napari_cropzoom.io.video_index import VideoIndex

_CHEAPER_THAN_A_SEEK = 8  # frames
_PREDICTED = (PictureType.P, PictureType.B)


class FrameDecoder:
    """One open file that hands out ``(frame number, frame)`` in presentation order.

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
        stamps = index.stamps
        self._order = np.argsort(stamps, kind="stable") if index.by_decoding_time else None
        self._sorted = stamps if self._order is None else stamps[self._order]
        self._last = -1
        self._frames = self._decode(from_start=True)
        self._container, self._stream = self._open()

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
        if place < 0:
            self._rewind()
            return
        stamp = int(self.index.stamps[self.index.keyframes[place]])
        self._frames.close()
        try:
            self._container.seek(stamp, stream=self._stream)
        except av.FFmpegError:
            self._rewind()
            return
        self._last = int(self.index.keyframes[place]) - 1
        self._frames = self._decode(from_start=False)

    def _rewind(self) -> None:
        """Open the file afresh: the only way back to its first packet in every container."""
        self.close()
        self._container, self._stream = self._open()
        self._last = -1
        self._frames = self._decode(from_start=True)

    def _open(self) -> tuple[InputContainer, VideoStream]:
        container = open_container(self.index.path)
        stream = video_stream(container, self.index.path)
        stream.codec_context.copy_opaque = self.index.by_decoding_time
        return container, stream

    def _decode(self, from_start: bool) -> Generator[tuple[int, VideoFrame]]:
        landed = 0 if from_start else None
        trusted = from_start
        for packet in self._packets():
            if landed is None:
                landed = self._landing(packet)
                if landed is None:
                    continue
                self._last = landed - 1
            if self.index.by_decoding_time:
                tag(packet)
            for frame in decoded(packet):
                number = self._number(frame)
                if number is None:
                    continue
                if not trusted and (number != landed or frame.pict_type in _PREDICTED):
                    return  # no picture of its own: intra refresh, which is whole only later
                trusted = True
                self._last = number
                yield number, frame

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError:
            return  # the frames that are then missing are reported by whoever wants them

    def _landing(self, packet: Packet[VideoStream]) -> int | None:
        """Return the frame number of a keyframe's packet; None where decoding cannot start.

        Frames shown before it that follow in the file (open GOP) need what lies before it, so they
        are left to the keyframe before.
        """
        if not packet.is_keyframe:
            return None
        stamp = packet.dts if self.index.by_decoding_time else packet.pts
        if stamp is None:
            return None
        found = self._find(stamp)
        if found is None or np.searchsorted(self._sorted, stamp, side="right") - found[0] > 1:
            return None
        return found[1]

    def _number(self, frame: VideoFrame) -> int | None:
        """Return a frame's number; None for one that is not in the index or came out before."""
        stamp = stamp_of(frame) if self.index.by_decoding_time else frame.pts
        found = None if stamp is None else self._find(stamp)
        if found is None:
            return None
        place, number = found
        while number <= self._last and place + 1 < len(self._sorted):
            place += 1
            if self._sorted[place] != stamp:
                break
            number = place if self._order is None else int(self._order[place])
        return number if number > self._last else None

    def _find(self, stamp: int) -> tuple[int, int] | None:
        """Return place among the sorted stamps, and frame number, of the first with this stamp."""
        place = int(np.searchsorted(self._sorted, stamp))
        if place == len(self._sorted) or self._sorted[place] != stamp:
            return None
        return place, place if self._order is None else int(self._order[place])


class RgbConverter:
    """Native frames to displayed RGB, with the same pixels as OpenCV's decoder.

    OpenCV converts to BGR by swscale's bicubic path and turns the picture as the file says. More
    than 8 bits a sample are dithered differently towards RGB than towards BGR, hence the detour
    there. (OpenCV, ``modules/videoio/src/cap_ffmpeg_impl.hpp``; compared in the tests.)

    Not safe from several threads: it keeps swscale's state between frames.
    """

    def __init__(self, index: VideoIndex) -> None:
        self._quarter_turns = index.rotation // 90
        turned = self._quarter_turns % 2 == 1
        self._width = index.height if turned else index.width
        self._height = index.width if turned else index.height
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return the displayed picture, (H, W, 3) uint8 RGB, contiguous."""
        deep = frame.format.components[0].bits > 8
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="bgr24" if deep else "rgb24",
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        image = converted.to_ndarray()
        if deep:
            image = image[..., ::-1]
        image = np.rot90(image, -self._quarter_turns)
        return np.ascontiguousarray(image, dtype=np.uint8)
