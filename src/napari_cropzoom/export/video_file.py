"""Writing pictures as a video, at the times of another video's frames."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.crop.encode import Timing
from napari_cropzoom.export.drawing import Picture

if TYPE_CHECKING:
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".gif")
CENTISECOND = Fraction(1, 100)
"""The unit of a GIF's times."""
GIF_RATE = 50  # frames a second that programs show of a GIF
OPTIONS = {"x264-params": "sync-lookahead=0"}
"""A thread that looks ahead makes other bytes now and then, see :mod:`..crop.encode`."""


@dataclass(frozen=True)
class Encoding:
    """How H.264 is written: ``crf`` from 0 (no loss) to 51, and x264's ``preset``."""

    crf: float = 20
    preset: str = "veryfast"


USUAL = Encoding()


class VideoWriter:
    """Encodes pictures at the times of a video.

    Parameters
    ----------
    path : Path
    suffix : str
        ``.mp4`` (H.264) or ``.gif``, in which frames beyond 50 a second are left out.
    timing : Timing
        When each picture is shown.
    speed : float or Fraction
        2 plays twice as fast.
    encoding : Encoding
        Of an MP4.
    """

    def __init__(
        self, path: Path, suffix: str, timing: Timing, speed: float | Fraction, encoding: Encoding
    ) -> None:
        self._path, self._timing, self._gif = path, timing, suffix == ".gif"
        self._options = {**OPTIONS, "crf": f"{encoding.crf:g}", "preset": encoding.preset}
        exact = speed if isinstance(speed, Fraction) else Fraction(str(speed))
        self._time_base = timing.time_base / exact
        self._rate = timing.rate * exact
        with contextlib.ExitStack() as opened:
            self._file = opened.enter_context(path.open("wb+"))
            self._container: Any = av.open(self._file, "w", format="gif" if self._gif else "mp4")
            opened.pop_all()
        self._stream: VideoStream | None = None
        self._graph: Any = None
        self._last = -1

    def write(self, number: int, picture: Picture) -> None:
        """Add a picture; ``number`` counts from the first."""
        tick = int(self._timing.ticks[number])
        if self._gif:
            tick = round(tick * self._time_base * 100)
            if 0 <= self._last > tick - 100 // GIF_RATE:
                return
            self._last = tick
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame.pts = tick
        frame.time_base = CENTISECOND if self._gif else self._time_base
        stream = self._stream or self._begin(frame)
        if self._graph is not None:
            self._graph.push(frame)
            self._mux(stream, self._graph.pull())
        else:
            self._mux(stream, frame)

    def _begin(self, frame: av.VideoFrame) -> VideoStream:
        stream: VideoStream
        if self._gif:
            stream = self._container.add_stream("gif", rate=GIF_RATE)
            stream.pix_fmt = "pal8"
            self._graph = _palette(frame)
        else:
            rate = self._rate.limit_denominator(65535)
            stream = self._container.add_stream("libx264", rate=rate, options=self._options)
            stream.pix_fmt = "yuv420p"
        stream.width, stream.height = frame.width, frame.height
        time_base = CENTISECOND if self._gif else self._time_base
        stream.time_base = stream.codec_context.time_base = time_base
        self._stream = stream
        return stream

    def _mux(self, stream: VideoStream, frame: av.VideoFrame | None) -> None:
        try:
            for packet in stream.encode(frame):
                self._container.mux(packet)
        except av.FFmpegError as error:
            size = f"{stream.width} x {stream.height} pixels"
            raise CropzoomError(
                f"{self._path.name}: FFmpeg could not write pictures of {size} ({brief(error)}). Check "
                "the disk's room, or give a smaller --scale."
            ) from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None and self._stream is not None:
                self._mux(self._stream, None)
                self._container.close()
            else:
                with contextlib.suppress(OSError, av.FFmpegError):  # given up: nobody will see the file
                    self._container.close()


def _palette(frame: av.VideoFrame) -> Any:
    """A filter that gives each picture of a GIF 256 colours of its own."""
    graph: Any = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=CENTISECOND
    )
    split, make = graph.add("split"), graph.add("palettegen", "stats_mode=single")
    use, sink = graph.add("paletteuse", "new=1"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph
