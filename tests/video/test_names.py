"""Any name that a disk can hold is that of a file: for FFmpeg, for OpenCV, and in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video.checks import preflight
from napari_cropzoom.video.names import ffmpeg_word
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number

PLAIN = [
    "a b.mp4", "50%.mp4", "img%04d.mp4", "%d.mp4", "-x.mp4", "--json.mp4", "маус 🐭.mp4", "e\u0301.mp4",
    "it's #1 & 2.mp4", "[a].mp4", "..mp4", "$HOME;.mp4", "https.mp4",
]  # fmt: skip
NOT_ON_WINDOWS = [
    "2024-05-01T10:30:00.mp4", "rec-10:30/clip.mp4", "file:x.mp4", "http:x.mp4", "pipe:0.mp4", "C:.mp4",
    "concat:a|b.mp4", "subfile,,start,0,end,9,,:x.mp4", "crypto:x/a.mp4", "a?*.mp4", 'q"<b>.mp4',
    "two\nlines.mp4", ":.mp4", "data:,.mp4",
]  # fmt: skip
NAMES = PLAIN if sys.platform == "win32" else [*PLAIN, *NOT_ON_WINDOWS]
if sys.platform == "linux":
    NAMES.append(os.fsdecode(b"caf\xe9.mp4"))  # no UTF-8


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_numbered_video(tmp_path_factory.mktemp("names") / "a.mp4", 12).read_bytes()


@pytest.fixture(params=NAMES, ids=ascii)
def name(
    request: pytest.FixtureRequest, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A video's relative name; the folder it lies in is the current one."""
    monkeypatch.chdir(tmp_path)
    path = Path(request.param)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_reads_and_seeks(name: Path) -> None:
    with Video(name) as video:
        assert [read_number(video.frame(i)) for i in (11, 0, 5)] == [11, 0, 5]
        assert len(list(video.stream(3))) == 9


def test_checks_find_the_same_file(name: Path) -> None:
    info = preflight(name)
    assert (info.ok, info.frames, info.warnings) == (True, 12, ())
    assert info.frames_opencv == (None if "\udce9" in name.name else 12)  # OpenCV takes only UTF-8


def test_a_command_in_a_message_finds_it_in_a_shell(name: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    if sys.platform == "win32":
        pytest.skip("the shell of Windows quotes otherwise")
    target = name.with_name(f"{name.stem}_fixed.mp4")
    command = f"'{get_ffmpeg_exe()}' -v error -i {ffmpeg_word(name)} -c copy {ffmpeg_word(target)}"
    subprocess.run(command, shell=True, check=True)
    with Video(target) as video:
        assert len(video) == 12


def test_a_missing_file_of_such_a_name_is_missing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("10:30.mp4", "http:x.mp4", "-.mp4", "%04d.mp4"):
        with pytest.raises(CropzoomError, match="no such file"):
            Video(Path(name))


def test_cut_short_is_said_only_where_it_is(content: bytes, tmp_path: Path) -> None:
    """A list of frames that is there and damaged is damage, whatever the file begins with."""
    path = tmp_path / "a.mp4"
    at = content.index(b"moov")
    path.write_bytes(content[: at + 4] + bytes(len(content) - at - 4))
    with pytest.raises(CropzoomError, match="damaged") as damaged:
        Video(path)
    assert "cut short" not in str(damaged.value)
    path.write_bytes(content[: at + 400])
    with pytest.raises(CropzoomError, match="cut short"):
        Video(path)
