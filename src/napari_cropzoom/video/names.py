"""File names: those taken for videos, and how FFmpeg takes one for nothing but the name of a file."""

from __future__ import annotations

import os
from pathlib import Path

from napari_cropzoom.core.shell import shell_word

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".3gp", ".flv",
)  # fmt: skip
"""Containers with frame times. Other files that FFmpeg decodes can be opened by `Video` too."""

BARE_STREAMS = (".h264", ".264", ".avc", ".h265", ".265", ".hevc")
"""Without a container there are no frame times, and no keyframe can be found."""


def whole_name(path: Path | str) -> str:
    """Return the absolute name: FFmpeg, OpenCV and moviepy never take it for an address or an option.

    They take ``10:30.mp4`` for an address with the protocol ``10``, and ``-x.mp4`` for an option. Links
    are not followed, and ``..`` stays as it is.
    """
    return os.fspath(Path(path).absolute())


def ffmpeg_word(path: Path | str) -> str:
    """Return a name for a command line of ffmpeg that a person can copy to a shell."""
    name = os.fspath(path)
    relative = not Path(name).is_absolute()
    if relative and (":" in name or name.startswith(("-", "subfile,"))):
        name = f"file:{name}"
    return shell_word(name)
