"""Opening video files: what can go wrong, said once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video.diagnosis import stand_in, why_empty, why_missing, why_not_opened
from napari_cropzoom.video.names import ffmpeg_word, whole_name

_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a cover image, not the video


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
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would be waited for
            raise CropzoomError(f"{path}: {why_missing(path)}")
        return av.open(whole_name(path), mode="r")
    except FileNotFoundError as error:
        raise CropzoomError(f"{path}: {why_missing(path)}") from error
    except (av.FFmpegError, OSError) as error:
        raise CropzoomError(f"{path}: {why_not_opened(path, error)}") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first video stream, cover images left out; the other streams are not read.

    Raises
    ------
    CropzoomError
        If there is none.
    """
    videos = [s for s in container.streams.video if not int(s.disposition) & _ATTACHED_PICTURE]
    if not videos:
        other = "holds no video, only other data such as sound. Choose a video file."
        if not len(container.streams):
            other = why_empty(path)
        raise CropzoomError(f"{path}: {stand_in(path) or other}")
    videos[0].thread_type = "AUTO"
    return videos[0]


def damaged(path: Path, readable: int, total: int) -> CropzoomError:
    """Return the error for a frame that is listed but cannot be decoded."""
    fixed = path.with_name(f"{path.stem}_fixed.mp4")
    return CropzoomError(
        f"{path}: frame {readable} of {total} cannot be decoded; the file is damaged there. "
        "Copy it again from the camera, or keep what is readable with: "
        f"ffmpeg -i {ffmpeg_word(path.name)} -c:v libx264 -crf 12 {ffmpeg_word(fixed.name)}"
    )


def tag(packet: Packet[VideoStream]) -> None:
    """Let the frame that comes of a packet carry the packet's decoding time.

    PyAV keeps such tags by identity, so each has to be an object of its own, which small integers
    are not.
    """
    if packet.size:
        packet.opaque = [packet.pts if packet.dts is None else packet.dts]


def pictures_of(packet: Packet[VideoStream]) -> list[VideoFrame] | None:
    """Decode a packet; None if the decoder refuses it, or one that went in before."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return None


def unreadable(path: Path, error: Exception) -> CropzoomError:
    """Return the error for a file that was readable when it was opened."""
    reason = getattr(error, "strerror", None) or str(error)
    return CropzoomError(
        f"{path}: can no longer be read ({reason}). Check that the drive is still there, and start again."
    )


def stamp_of(frame: VideoFrame) -> int:
    """Return the decoding time that ``tag`` gave the frame's packet."""
    if not isinstance(frame.opaque, list):
        raise TypeError("the frame's packet was not tagged")
    return int(frame.opaque[0])
