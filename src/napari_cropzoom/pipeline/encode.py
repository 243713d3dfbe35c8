"""H.264 through ffmpeg: raw pictures in, a video with the source's times out."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError

PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """When each frame is shown.

    Attributes
    ----------
    ticks : ndarray, (T,) int64
        Presentation times in units of ``time_base``, the first 0.
    time_base : Fraction
        Seconds.
    rate : Fraction or None
        Frames per second where it is constant to within a tick.
    """

    ticks: NDArray[np.int64]
    time_base: Fraction
    rate: Fraction | None

    @classmethod
    def from_pts(
        cls, pts: Sequence[int] | NDArray[np.int64], time_base: Fraction, rate: Fraction
    ) -> Timing:
        """Timing of a video from its ordered presentation times and its nominal rate."""
        ticks = np.asarray(pts, np.int64) - int(pts[0])
        order = np.arange(len(ticks))
        ticks = np.maximum.accumulate(ticks - order) + order  # no two frames at one time
        step = 1 / (rate * time_base)
        even = [round(i * step) for i in range(len(ticks))]
        constant = bool((np.abs(ticks - np.array(even)) <= 1).all())
        return cls(ticks, time_base, rate if constant else None)


@dataclass(frozen=True)
class Colour:
    """Numbers of ITU-T H.273, as in the source's header; 2 is "unspecified"."""

    full_range: bool = False
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2

    def bitstream_filter(self) -> list[str]:
        """Options of ffmpeg that write the tags without converting a pixel."""
        if self == Colour():
            return []
        tags = (
            f"video_full_range_flag={int(self.full_range)}:colour_primaries={self.primaries}"
            f":transfer_characteristics={self.transfer}:matrix_coefficients={self.matrix}"
        )
        return ["-bsf:v", f"h264_metadata={tags}"]


class Encoder:
    """A running ffmpeg that takes yuv420p pictures; use :func:`open_encoder`."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], target: Path) -> None:
        self._process, self._log, self._target = process, log, target
        assert process.stdin is not None
        self._stdin = process.stdin

    def write(self, picture: bytes) -> None:
        """Hand over the next picture.

        Raises
        ------
        CropzoomError
            If ffmpeg has stopped; the message ends with what it said last.
        """
        try:
            self._stdin.write(picture)
        except OSError as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Wait until the video is complete.

        Raises
        ------
        CropzoomError
            If ffmpeg reports a failure.
        """
        try:
            self._stdin.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()

    def kill(self) -> None:
        """Stop at once; does nothing to an ffmpeg that has ended."""
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._process.wait()

    def _failure(self) -> CropzoomError:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = lines[-1].strip() if lines else f"exit code {self._process.returncode}"
        return CropzoomError(f"{self._target}: ffmpeg could not write the video: {said}")


class TimedEncoder(Encoder):
    """An encoder whose pictures each carry their time, wrapped in a NUT stream."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        log: IO[bytes],
        path: Path,
        size: tuple[int, int],
        timing: Timing,
    ) -> None:
        super().__init__(process, log, path)
        self._ticks = iter(timing.ticks.tolist())
        self._last_step = int(timing.ticks[-1] - timing.ticks[-2]) if len(timing.ticks) > 1 else 1
        self._time_base = timing.time_base
        self._container = av.open(self._stdin, "w", format="nut")
        self._stream = self._container.add_stream("rawvideo", rate=Fraction(30))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = timing.time_base

    def write(self, picture: bytes) -> None:
        packet = av.Packet(picture)
        packet.stream = self._stream
        packet.time_base = self._time_base
        packet.pts = packet.dts = next(self._ticks)
        packet.is_keyframe = True
        try:
            self._container.mux(packet)
        except (OSError, av.FFmpegError) as error:
            raise self._failure() from error

    def finish(self) -> None:
        try:
            self._container.close()
        except (OSError, av.FFmpegError) as error:
            raise self._failure() from error
        super().finish()


@contextlib.contextmanager
def open_encoder(
    path: Path,
    size: tuple[int, int],
    timing: Timing,
    colour: Colour = Colour(),  # noqa: B008  # frozen
    *,
    preset: str = "medium",
    crf: int = 23,
    target: Path | None = None,
) -> Iterator[Encoder]:
    """Start ffmpeg on a file; it is killed if the block is left before :meth:`Encoder.finish`.

    Parameters
    ----------
    path : Path
        Video to write; its suffix decides the container.
    size : (int, int)
        Even width and height in pixels.
    timing : Timing
    colour : Colour
        Tags to write.
    preset, crf
        Of libx264.
    target : Path, optional
        What to call the file in messages, where ``path`` is temporary.

    Raises
    ------
    CropzoomError
        If ffmpeg cannot be started.
    """
    command = _command(path, size, timing, colour, preset, crf)
    with tempfile.TemporaryFile() as log:
        process = _start(command, log)
        encoder: Encoder | None = None
        try:
            if timing.rate:
                encoder = Encoder(process, log, target or path)
            else:
                encoder = TimedEncoder(process, log, target or path, size, timing)
            yield encoder
        finally:
            if encoder is not None:
                encoder.kill()
            elif process.poll() is None:
                process.kill()
                process.wait()


def _command(
    path: Path, size: tuple[int, int], timing: Timing, colour: Colour, preset: str, crf: int
) -> list[str]:
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", str(timing.rate)]
    timed = ["-f", "nut"]
    ticks = timing.time_base.denominator
    base = f"{timing.time_base.numerator}:{ticks}"
    exact = ["-fps_mode", "passthrough", "-enc_time_base", base, "-video_track_timescale", str(ticks)]
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y",
        *(raw if timing.rate else timed), "-i", "pipe:0",
        "-an", "-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-pix_fmt", "yuv420p",
        *([] if timing.rate else exact), *colour.bitstream_filter(), str(path),
    ]  # fmt: skip


def _start(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
    except OSError as error:
        raise CropzoomError(
            f"{command[0]}: ffmpeg cannot be started ({error.strerror}). Install imageio-ffmpeg again."
        ) from error
