"""H.264 through ffmpeg, a group of pictures at a time: raw pictures in, a small MP4 out."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.children import no_console
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.encoders import SOFTWARE, EncoderSettings
from napari_cropzoom.crop.planes import Picture
from napari_cropzoom.video.rationals import is_uneven

GROUP = 120
"""Frames between keyframes: each group is encoded for itself, so that one can be made again."""

HARDWARE_GROUP = 3000
"""Opening a graphics chip takes longer, and its groups are not made again one by one."""

THREADS = 4
"""Of libx264, whatever the machine has, since its result depends on their number."""

SAME_EVERY_TIME = ["-x264-params", "sync-lookahead=0"]
"""No thread that looks ahead: now and then (7 of 1,000 groups on a busy machine) it is late, and the
pictures come out in other bytes. Without it they come out as they nearly always do with it."""

PIPE_BYTES = 2**20
_F_SETPIPE_SZ = 1031  # Linux: fcntl.F_SETPIPE_SZ, which Python names only there


@dataclass(frozen=True)
class Timing:
    """When each frame is shown.

    Attributes
    ----------
    ticks : ndarray, (T,) int64
        Presentation times in units of ``time_base``, the first 0.
    time_base : Fraction
        Seconds.
    rate : Fraction
        Frames per second, nominal or on average.
    constant : bool
        Whether frame n is shown at n / rate, to within a tick of the source.
    """

    ticks: NDArray[np.int64]
    time_base: Fraction
    rate: Fraction
    constant: bool

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
        if not is_uneven(ticks, time_base) and (np.abs(ticks - np.array(even)) <= 1).all():
            return cls(order, 1 / rate, rate, True)
        return cls(ticks, time_base, rate, False)


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


@dataclass(frozen=True)
class GroupFormat:
    """What all groups of one crop have in common.

    Attributes
    ----------
    size : (int, int)
        Even width and height in pixels.
    rate : Fraction
        Nominal frames per second, which the encoder's bit rate control goes by.
    colour : Colour
        Tags to write.
    settings : EncoderSettings
    """

    size: tuple[int, int]
    rate: Fraction
    colour: Colour
    settings: EncoderSettings

    @property
    def group(self) -> int:
        """Frames in a group, the last one apart."""
        return GROUP if self.settings.encoder == SOFTWARE else HARDWARE_GROUP

    def command(self) -> list[str]:
        """The ffmpeg that encodes one group: one keyframe, the first picture, and none after it."""
        width, height = self.size
        closed = ["-g", str(self.group), "-sc_threshold", "0", "-threads", str(THREADS), *SAME_EVERY_TIME]
        return [
            imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y",
            *self.settings.before_input(), "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-s", f"{width}x{height}", "-r", str(self.rate), "-i", "pipe:0", "-an",
            *self.settings.options(), *(closed if self.settings.encoder == SOFTWARE else closed[:2]),
            *self.colour.bitstream_filter(),
            "-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "pipe:1",
        ]  # fmt: skip


class GroupEncoder:
    """A running ffmpeg that takes the yuv420p pictures of one group.

    Parameters
    ----------
    form : GroupFormat
    target : Path
        What to call the file in messages.

    Raises
    ------
    CropzoomError
        If ffmpeg cannot be started.
    """

    def __init__(self, form: GroupFormat, target: Path) -> None:
        self._target = target
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        try:
            self._process = _start(form.command(), self._log.fileno())
        except BaseException:
            self._log.close()
            raise
        assert self._process.stdin is not None
        self._stdin = self._process.stdin
        self._made = b""
        self._reader = threading.Thread(target=self._read, name="ffmpeg's output", daemon=True)
        self._reader.start()
        self.written = 0

    def write(self, picture: Picture) -> None:
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
        self.written += 1

    def end(self) -> None:
        """Say that there are no more pictures; ffmpeg works on.

        Raises
        ------
        CropzoomError
            If ffmpeg has stopped.
        """
        try:
            self._stdin.close()
        except OSError as error:
            raise self._failure() from error

    def result(self) -> bytes:
        """Wait for ffmpeg to finish and return the group as a fragmented MP4.

        Raises
        ------
        CropzoomError
            If ffmpeg reports a failure.
        """
        self._reader.join()
        if self._process.wait() != 0 or not self._made:
            raise self._failure()
        self.close()
        return self._made

    def kill(self) -> None:
        """Stop ffmpeg at once; does nothing to one that has ended."""
        if self._process.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """Stop at once and let go of everything."""
        self.kill()
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._made = self._process.stdout.read()

    def _failure(self) -> CropzoomError:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = lines[-1].strip() if lines else f"exit code {self._process.returncode}"
        return CropzoomError(f"{self._target}: ffmpeg could not write the video: {said}")


def ffmpeg_build() -> str:
    """Name and size of the ffmpeg that encodes; imageio-ffmpeg's has its version in the name."""
    program = Path(shutil.which(imageio_ffmpeg.get_ffmpeg_exe()) or "")
    return f"{program.name} {program.stat().st_size}"


def _start(command: list[str], log: int) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            start_new_session=True,
            **no_console(),
        )
    except OSError as error:
        raise CropzoomError(
            f"{command[0]}: ffmpeg cannot be started ({error.strerror}). Install imageio-ffmpeg again."
        ) from error
    if sys.platform == "linux" and process.stdin is not None:
        import fcntl

        with contextlib.suppress(OSError):  # more than this person may have: the usual pipe does too
            fcntl.fcntl(process.stdin, _F_SETPIPE_SZ, PIPE_BYTES)
    return process
