"""What a file is that cannot be read as a video, and what to do about it."""

from __future__ import annotations

import os
from pathlib import Path

from napari_cropzoom.core.shell import shell_word
from napari_cropzoom.video.names import BARE_STREAMS, ffmpeg_word
from napari_cropzoom.video.truncation import has_box, missing_bytes

_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_HEAD = 4096  # bytes
_ANNEX = ".git/annex/objects"


def why_missing(path: Path) -> str:
    """Return why there is no such file, to follow its name."""
    if path.exists():
        return "is a pipe or a device, not a file. Save it as a file, and give that."
    if not path.is_symlink():
        return "there is no such file. Check the name and the folder."
    target = os.fspath(path.readlink()).replace("\\", "/")
    if _ANNEX in target:
        get = f"git annex get {shell_word(path)}"
        return f"is a link of git-annex to content that is not here. Get it: {get}"
    return f"is a link to {_short(target)}, which is not there. Make the link again, or get the file."


def why_not_opened(path: Path, error: Exception) -> str:
    """Return what a file is that cannot be opened as a video, and the cure, to follow its name."""
    if path.is_dir():
        return "is a folder. Choose a video file."
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as unreadable:
        return f"cannot be read ({unreadable.strerror}). Check its permissions."
    if not head:
        return "is empty (0 bytes). Copy it again from the camera."
    stranger = stand_in(path)
    if stranger:
        return stranger
    if head[4:8] in _MP4_BOXES and not has_box(path, b"moov"):
        return (
            "is cut short: no frame is readable, since the list of frames that ends an MP4 or MOV "
            "is missing. Copy it again from the camera; if the recording itself broke off, rebuild "
            "it with the tool untrunc and a whole video of the same camera."
        )
    reason = getattr(error, "strerror", None) or str(error)
    if head[4:8] in _MP4_BOXES:
        return f"is damaged: FFmpeg cannot read it ({reason}). Copy it again from the camera."
    return f"is not a video that FFmpeg can read ({reason}). Choose an MP4, MOV, AVI or MKV."


def stand_in(path: Path) -> str:
    """Return what lies under a video's name instead of the video, and the cure; empty if unknown."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        rest = any(head) or any(file.read(2**20))
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    name = shell_word(path)
    if text.startswith(b"version https://git-lfs"):
        return f"is a pointer of Git LFS, not the video. Get the video: git lfs pull --include {name}"
    if text.startswith(b"/annex/objects/"):
        return f"is a pointer of git-annex, not the video. Get the video: git annex get {name}"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<error")):
        return (
            "is a web page, not a video, saved under this name: often a page that asks to log in. "
            "Download the video again, and look into the file if it is small."
        )
    if head.startswith(b"PK\x03\x04"):
        return "is a ZIP archive, not a video. Unpack it and choose the video in it."
    if not rest:
        return "holds only zeros: the copy or the recording has failed. Copy it again from the camera."
    return ""


def why_empty(path: Path) -> str:
    """Return why a file that FFmpeg opens as a video lists no frame, to follow its name."""
    what = "is cut short: its end is missing" if missing_bytes(path) else "is damaged"
    return f"{what}, and it lists no frame that can be read. Copy it again from the camera."


def bare_stream(path: Path) -> str:
    """Return what to do about a stream without a container, to follow its name; empty for others."""
    if path.suffix.lower() not in BARE_STREAMS:
        return ""
    target = path.with_suffix(".mp4")
    return (
        "is a bare stream without a container, so it holds no frame times. Put it into an MP4, with "
        f"the rate of the camera: ffmpeg -framerate 30 -i {ffmpeg_word(path.name)} "
        f"-c:v libx264 -crf 12 {ffmpeg_word(target.name)}"
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"…{text[-79:]}"
