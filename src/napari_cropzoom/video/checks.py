"""What `cropzoom info` says of a video before work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.video.damage import Gap, missing_text, undecodable_text
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.judge import look_closely, note_odd
from napari_cropzoom.video.names import ffmpeg_word, whole_name
from napari_cropzoom.video.video import Video

SPARSE_KEYFRAMES = 300
"""Frames between keyframes from which on stepping back and jumping is felt to be slow."""


_STEP = 500  # frames


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
    undecodable
        Numbers of the frames that cannot be decoded, sorted: all if the check was thorough, else those
        that damaged packets show.
    missing
        Where an MPEG stream lacks frames, by the times of those it lists.
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
    undecodable: tuple[int, ...] = ()
    missing: tuple[Gap, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON knows them, in order; those of lost frames only if there are any."""
        facts = {**asdict(self), "warnings": list(self.warnings)}
        facts["missing"] = [gap._asdict() for gap in self.missing]
        for lost in ("undecodable", "missing"):
            if not facts[lost]:
                del facts[lost]
        return facts


def preflight(
    path: Path | str,
    progress: Callable[[float], None] | None = None,
    *,
    thorough: bool = False,
    index: VideoIndex | None = None,
) -> VideoInfo:
    """Inspect a video: read its packets, decode its first and last frame and what looks damaged.

    Parameters
    ----------
    path
        The video.
    progress
        Called with the fraction done, 0 to 1.
    thorough
        Decode every frame.
    index
        Of this file, if there is one already; frames that cannot be decoded are noted in it.

    Returns
    -------
    VideoInfo
        With ``ok`` False and the reason among ``warnings`` if the file cannot be used.
    """
    path = Path(path)
    try:
        index = VideoIndex.scan(path, progress, look=not thorough) if index is None else index
        with Video(path, index=index) as video:
            video.frame(len(video) - 1)
            _find_damage(index, thorough)
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
        undecodable=tuple(index.damage.numbers().tolist()),
        missing=index.damage.gaps,
    )


def _find_damage(index: VideoIndex, thorough: bool) -> None:
    """Note in the index the frames that cannot be decoded: all, or those whose packets look odd."""
    if not thorough:
        note_odd(index)
    number = 0
    while thorough and number < index.n_frames:
        number = max(number + 1, look_closely(index, number, number + _STEP, is_alarm=False))


def opencv_frame_count(path: Path) -> int | None:
    """Return the frame count OpenCV states for a video; None if it states none."""
    with _qt_settings_kept():
        import cv2
    name = whole_name(path)
    if name.encode(errors="replace") != os.fsencode(name):
        return None  # OpenCV crashes over a name that is not UTF-8
    capture = cv2.VideoCapture(name)
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


def suits_litpose(index: VideoIndex, frames_opencv: int | None = None) -> bool:
    """Return whether `litpose` takes the frames of a video as they are counted here.

    Parameters
    ----------
    index
        Of the video.
    frames_opencv
        See :func:`opencv_frame_count`; None if it states none, or is not known yet.
    """
    counts = (litpose_crop_count(index), frames_opencv)
    return not index.variable_frame_rate and all(n in (None, index.n_frames) for n in counts)


def _warnings(index: VideoIndex, frames_opencv: int | None) -> Iterator[str]:
    if len(index.damage):
        told = undecodable_text(index.damage.numbers(), index.n_frames)
        yield (
            f"{told}. They are black in crops, and get neither box nor keypoints. Copy the file again "
            "from the camera if it is whole there."
        )
    if index.damage.gaps:
        yield (
            f"{missing_text(index.damage.gaps)}. They have no numbers: the frames after a gap are "
            "counted on, as in OpenCV and Lightning Pose, and their times show the gap. Copy the file "
            "again from the camera if it is whole there."
        )
    frames = index.n_frames
    stated = {"the container": index.container_frames, "OpenCV": frames_opencv}
    differing = [f"{who} says {n}" for who, n in stated.items() if n not in (None, frames)]
    if differing:
        yield (
            f"{counted(frames, 'frame')} can be shown, but {' and '.join(differing)}. Boxes and "
            "predictions "
            f"need {counted(frames, 'row')}; where another tool insists on its count, re-encode: "
            f"{_reencode(index, '_clean')}"
        )
    litpose = litpose_crop_count(index)
    if litpose not in (None, frames):
        yield (
            f"`litpose crop` would expect {counted(litpose, 'frame')}, since it rounds duration x "
            "frame rate; "
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
        f"ffmpeg -i {ffmpeg_word(source)} -c:v libx264 -crf 14 -g 30 -bf 0 "
        f"-fps_mode passthrough {ffmpeg_word(target)}"
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
