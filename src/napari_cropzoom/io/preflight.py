"""What `cropzoom info` says of a video before work begins."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.video import Video
from napari_cropzoom.io.video_index import VideoIndex

SPARSE_KEYFRAMES = 300
"""Frames between keyframes from which on stepping back and jumping is felt to be slow."""


@dataclass(frozen=True)
class VideoInfo:
    """The verdict on one file; what could not be found out is None.

    Attributes
    ----------
    path
        The file.
    width, height
        Displayed size in pixels.
    fps
        Average frames per second.
    frames
        Frames that can be shown: the number that boxes and predictions must have.
    frames_container
        The count that the container states.
    frames_opencv
        The count that OpenCV states, which Lightning Pose reads a video by.
    variable_frame_rate
        Whether the frames are unevenly spaced.
    keyframe_interval_max
        Most frames from one keyframe to the next.
    warnings
        What is odd, and what to do about it, a sentence or two each.
    ok
        False only if the file cannot be used.
    """

    path: str
    width: int | None
    height: int | None
    fps: float | None
    frames: int | None
    frames_container: int | None
    frames_opencv: int | None
    variable_frame_rate: bool | None
    keyframe_interval_max: int | None
    warnings: tuple[str, ...]
    ok: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON knows them, in order."""
        return {**asdict(self), "warnings": list(self.warnings)}


def preflight(path: Path | str, progress: Callable[[float], None] | None = None) -> VideoInfo:
    """Inspect a video: read its packets once, decode its first and last frame.

    Parameters
    ----------
    path
        The video.
    progress
        Called with the fraction done, 0 to 1.

    Returns
    -------
    VideoInfo
        With ``ok`` False and the reason among ``warnings`` if the file cannot be used.
    """
    path = Path(path)
    try:
        index = VideoIndex.scan(path, progress)
        with Video(path, index=index) as video:
            video.frame(len(video) - 1)
    except CropzoomError as error:
        unknown = (None,) * 8
        return VideoInfo(str(path), *unknown, warnings=(str(error),), ok=False)
    frames_opencv = opencv_frame_count(path)
    return VideoInfo(
        path=str(path),
        width=index.width,
        height=index.height,
        fps=round(float(index.rate), 6),
        frames=index.n_frames,
        frames_container=index.container_frames,
        frames_opencv=frames_opencv,
        variable_frame_rate=index.variable_frame_rate,
        keyframe_interval_max=index.keyframe_interval_max,
        warnings=tuple(_warnings(index, frames_opencv)),
        ok=True,
    )


def opencv_frame_count(path: Path) -> int | None:
    """Return the frame count OpenCV states for a video; None if it states none."""
    with _qt_settings_kept():
        import cv2
    capture = cv2.VideoCapture(str(path))
    try:
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
    return count if count > 0 else None


def litpose_crop_count(index: VideoIndex) -> int | None:
    """Return the frame count `litpose crop` assumes; None if the container states no duration.

    It rounds duration x rate, both as FFmpeg prints them: to hundredths. (Lightning Pose 2.4.3,
    ``utils/cropzoom.py``; moviepy's ``ffmpeg_parse_infos``.)
    """
    if index.container_duration is None:
        return None
    return round(round(index.container_duration, 2) * round(float(index.rate), 2))


def _warnings(index: VideoIndex, frames_opencv: int | None) -> Iterator[str]:
    frames = index.n_frames
    stated = {"the container": index.container_frames, "OpenCV": frames_opencv}
    differing = [f"{who} says {n}" for who, n in stated.items() if n not in (None, frames)]
    if differing:
        yield (
            f"{frames} frames can be shown, but {' and '.join(differing)}. Boxes and predictions "
            f"need {frames} rows; where another tool insists on its count, re-encode: "
            f"{_reencode(index, '_clean')}"
        )
    litpose = litpose_crop_count(index)
    if litpose not in (None, frames):
        yield (
            f"`litpose crop` would expect {litpose} frames, since it rounds duration x frame rate; "
            f"there are {frames}. Use `cropzoom crop`, which counts them."
        )
    if index.variable_frame_rate:
        yield (
            "The frame rate varies. `cropzoom` goes by frame number and is exact; tools that go by "
            "time, `litpose crop` among them, take neighbouring frames."
        )
    if index.keyframe_interval_max > SPARSE_KEYFRAMES:
        yield (
            f"Keyframes are up to {index.keyframe_interval_max} frames apart, so jumping about is "
            f"slow. For quick review make a copy with the same frames: "
            f"{_reencode(index, '_proxy')}"
        )
    if index.rotation:
        yield (
            f"The file says to turn the picture by {index.rotation} degrees clockwise. Width, "
            "height and all boxes are those of the turned picture, as in OpenCV and Lightning Pose."
        )


def _reencode(index: VideoIndex, suffix: str) -> str:
    source, target = index.path, index.path.with_name(f"{index.path.stem}{suffix}.mp4")
    return (
        f"ffmpeg -i {shlex.quote(str(source))} -c:v libx264 -crf 14 -g 30 -bf 0 "
        f"-fps_mode passthrough {shlex.quote(str(target))}"
    )


@contextmanager
def _qt_settings_kept() -> Iterator[None]:
    """Undo what importing OpenCV does to Qt: some of its wheels bring Qt plugins of their own."""
    before = {name: value for name, value in os.environ.items() if name.startswith("QT_")}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("QT_")]:
            if name not in before:
                del os.environ[name]
        os.environ.update(before)
