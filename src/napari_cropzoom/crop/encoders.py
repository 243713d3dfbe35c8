"""Which H.264 encoders there are, how each is told the quality, and which of them work here."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from napari_cropzoom.core.children import no_console
from napari_cropzoom.core.errors import CropzoomError

SOFTWARE = "libx264"
PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
TUNES = ("ssim", "none")
HIGHEST_CRF = 51
FEW_BYTES = ["-trellis", "1", "-rc-lookahead", "20"]
"""What slower presets have too: a tenth of the bytes for a tenth of the time (``benchmarks/crop.py``)."""

SECONDS_TO_PROBE = 20
_WHO = re.compile(r"^\[[^]]*\] ")  # "[h264_nvenc @ 0x55..] " before what ffmpeg says


@dataclass(frozen=True)
class Hardware:
    """An encoder in a graphics chip.

    Attributes
    ----------
    maker : str
        Whose chip.
    quality : str
        ffmpeg options; ``{crf}`` is where the quality goes, ``{percent}`` where 100 is the best.
    before, filters : str
        Options before the input, and what uploads the picture.
    """

    maker: str
    quality: str
    before: str = ""
    filters: str = ""


RENDER_NODE = "/dev/dri/renderD128"
HARDWARE = {
    "h264_nvenc": Hardware("NVIDIA", "-rc vbr -b:v 0 -cq {crf}"),
    "h264_videotoolbox": Hardware("Apple", "-q:v {percent}"),
    "h264_qsv": Hardware("Intel", "-global_quality {crf}"),
    "h264_vaapi": Hardware("VA-API", "-qp {crf}", f"-vaapi_device {RENDER_NODE}", "format=nv12,hwupload"),
    "h264_amf": Hardware("AMD", "-rc cqp -qp_i {crf} -qp_p {crf}"),
}  # fmt: skip
ENCODERS = (SOFTWARE, *HARDWARE)


@dataclass(frozen=True)
class EncoderSettings:
    """How a crop is encoded.

    Attributes
    ----------
    encoder : str
        One of ``ENCODERS``.
    preset : str
        Of libx264; encoders in hardware take no notice.
    crf : float
        Quality, 0 to 51, lower is better; libx264's crf, and for hardware what comes nearest.
    tune : {"ssim", "none"}
        libx264 is faithful to the pixels (``ssim``) or to the eye, as by its own default (``none``).
    """

    encoder: str = SOFTWARE
    preset: str = "veryfast"
    crf: float = 22.5
    tune: str = "ssim"

    def check(self) -> None:
        """Refuse what no encoder understands.

        Raises
        ------
        CropzoomError
            Naming the value and what there is to choose from.
        """
        for name, chosen, known in (
            ("encoder", self.encoder, ENCODERS),
            ("preset", self.preset, PRESETS),
            ("tune", self.tune, TUNES),
        ):
            if chosen not in known:
                raise CropzoomError(f"Unknown {name} {chosen!r}; choose one of {', '.join(known)}.")
        if not 0 <= self.crf <= HIGHEST_CRF:
            raise CropzoomError(
                f"The quality crf must be from 0 (lossless) to {HIGHEST_CRF}, not {self.crf}."
            )

    def before_input(self) -> list[str]:
        """Options of ffmpeg that open the device."""
        return HARDWARE[self.encoder].before.split() if self.encoder in HARDWARE else []

    def options(self) -> list[str]:
        """Options of ffmpeg that choose encoder and quality."""
        start = ["-c:v", self.encoder]
        if self.encoder == SOFTWARE:
            tune = [] if self.tune == "none" else ["-tune", self.tune]
            if self.tune != "none" and self.preset == "veryfast":
                tune += FEW_BYTES
            return [*start, "-preset", self.preset, *tune, "-crf", f"{self.crf:g}", "-pix_fmt", "yuv420p"]
        chip = HARDWARE[self.encoder]
        percent = round(100 * (1 - self.crf / HIGHEST_CRF))
        quality = chip.quality.format(crf=round(self.crf), percent=max(percent, 1)).split()
        upload = ["-vf", chip.filters] if chip.filters else ["-pix_fmt", "yuv420p"]
        return [*upload, *start, *quality, "-bf", "0"]


def check_works(encoder: str) -> None:
    """Refuse an encoder that does not work on this machine, found out by encoding a few pictures.

    Raises
    ------
    CropzoomError
        With what ffmpeg said, and what to choose instead.
    """
    said = "" if encoder == SOFTWARE else probe(encoder)
    if said:
        raise CropzoomError(
            f"The encoder {encoder} does not work on this machine ({said}). "
            f"Choose {SOFTWARE}, which always does."
        )


def working_encoders() -> tuple[str, ...]:
    """Return the encoders that work on this machine; takes a second the first time."""
    with ThreadPoolExecutor(len(HARDWARE)) as pool:
        said = list(pool.map(probe, HARDWARE))
    return (SOFTWARE, *(name for name, why in zip(HARDWARE, said, strict=True) if not why))


@cache
def probe(encoder: str) -> str:
    """Encode a few pictures; return why that failed, in one line, or nothing."""
    import imageio_ffmpeg

    settings = EncoderSettings(encoder)
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *settings.before_input(),
        "-f", "lavfi", "-i", "testsrc2=size=512x512:rate=30", "-frames:v", "8",
        *settings.options(), "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "pipe:1",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_TO_PROBE, check=False,
            **no_console(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no answer in {SECONDS_TO_PROBE} s"
    except OSError as error:
        return f"ffmpeg cannot be started: {error.strerror}"
    if done.returncode == 0 and done.stdout:
        return ""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return _WHO.sub("", lines[0].strip()) if lines else f"exit code {done.returncode}"
