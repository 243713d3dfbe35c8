"""Opening video files: what can go wrong, said once."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from napari_cropzoom.core.errors import CropzoomError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".m4v")
"""What the reader opens by drag and drop; anything FFmpeg decodes can be opened by name."""

_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a cover image, not the video
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and yield it with its first video stream, decoding on several threads.

    Raises
    ------
    CropzoomError
        If the file is missing, empty or not a video.
    """
    container = open_container(path)
    try:
        yield container, video_stream(container, path)
    finally:
        container.close()


def open_container(path: Path) -> InputContainer:
    """Open a file with FFmpeg.

    Raises
    ------
    CropzoomError
        If the file is missing, empty or in no format FFmpeg reads.
    """
    try:
        return av.open(str(path), mode="r")
    except FileNotFoundError as error:
        raise CropzoomError(f"{path}: there is no such file. Check the name.") from error
    except (av.FFmpegError, OSError) as error:
        raise CropzoomError(f"{path}: {_why_not_opened(path, error)}") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first video stream, cover images left out; the other streams are not read.

    Raises
    ------
    CropzoomError
        If there is none.
    """
    videos = [s for s in container.streams.video if not int(s.disposition) & _ATTACHED_PICTURE]
    if not videos:
        raise CropzoomError(
            f"{path}: holds no video, only other data such as sound. Choose a video file."
        )
    videos[0].thread_type = "AUTO"
    return videos[0]


def damaged(path: Path, readable: int, total: int) -> CropzoomError:
    """Return the error for a frame that is listed but cannot be decoded."""
    fixed = path.with_name(f"{path.stem}_fixed.mp4")
    return CropzoomError(
        f"{path}: frame {readable} of {total} cannot be decoded; the file is damaged there. "
        "Copy it again from the camera, or keep what is readable with: "
        f"ffmpeg -i {shlex.quote(path.name)} -c:v libx264 -crf 12 {shlex.quote(fixed.name)}"
    )


def _why_not_opened(path: Path, error: Exception) -> str:
    if path.is_dir():
        return "is a folder. Choose a video file."
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as unreadable:
        return f"cannot be read ({unreadable.strerror}). Check its permissions."
    if not head:
        return "is empty (0 bytes). Copy it again from the camera."
    if head[4:8] in _MP4_BOXES:
        return (
            "is cut short: no frame is readable, since the list of frames that ends an MP4 or MOV "
            "is missing. Copy it again from the camera; if the recording itself broke off, rebuild "
            "it with the tool untrunc and a whole video of the same camera."
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"is not a video that FFmpeg can read ({reason}). Choose an MP4, MOV, AVI or MKV."


def tag(packet: Packet[VideoStream]) -> None:
    """Let the frame that comes of a packet carry the packet's decoding time.

    PyAV keeps such tags by identity, so each has to be an object of its own, which small integers
    are not.
    """
    if packet.size:
        packet.opaque = [packet.pts if packet.dts is None else packet.dts]


def decoded(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """Decode a packet; a damaged one gives no frames, as in FFmpeg and OpenCV."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def stamp_of(frame: VideoFrame) -> int:
    """Return the decoding time that ``tag`` gave the frame's packet."""
    if not isinstance(frame.opaque, list):
        raise TypeError("the frame's packet was not tagged")
    return int(frame.opaque[0])
