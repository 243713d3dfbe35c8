"""The verdict on good, odd and broken files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.cli.inputs import expand, is_video
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.shell import shell_word
from napari_cropzoom.reader import get_reader
from napari_cropzoom.video.checks import preflight
from napari_cropzoom.video.damage import crossed_out
from napari_cropzoom.video.names import VIDEO_SUFFIXES
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number

KEYS = [
    "path",
    "width",
    "height",
    "fps",
    "frames",
    "frames_container",
    "frames_opencv",
    "variable_frame_rate",
    "keyframe_interval_max",
    "warnings",
    "ok",
]


def test_good_video_has_no_warnings(tmp_path: Path) -> None:
    path = make_numbered_video(tmp_path / "good.mp4", 60)
    info = preflight(path).to_json()
    assert list(info) == KEYS
    assert info == {
        "path": str(path),
        "width": 96,
        "height": 64,
        "fps": 30.0,
        "frames": 60,
        "frames_container": 60,
        "frames_opencv": 60,
        "variable_frame_rate": False,
        "keyframe_interval_max": 12,
        "warnings": [],
        "ok": True,
    }
    assert json.loads(json.dumps(info, allow_nan=False)) == info


def test_variable_frame_rate(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.08, 40)).tolist()
    info = preflight(make_numbered_video(tmp_path / "vfr.mp4", 40, times=times))
    assert info.ok
    assert info.variable_frame_rate
    assert info.frames == 40
    assert any("frame rate varies" in warning for warning in info.warnings)


def test_sparse_keyframes_get_a_command_that_works(tmp_path: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    path = make_numbered_video(tmp_path / "it's sparse.mp4", 310, gop=1000)
    info = preflight(path)
    assert info.keyframe_interval_max == 310
    (warning,) = [w for w in info.warnings if "Keyframes" in w]
    command = "ffmpeg" + warning.split(" ffmpeg")[1]
    environment = {**os.environ, "PATH": str(tmp_path) + os.pathsep + os.environ["PATH"]}
    (tmp_path / "ffmpeg").symlink_to(get_ffmpeg_exe())
    subprocess.run(command, shell=True, env=environment, check=True, capture_output=True)
    with Video(tmp_path / "it's sparse_proxy.mp4") as proxy:
        assert len(proxy) == 310
        assert proxy.index.keyframe_interval_max <= 30
        assert read_number(proxy.frame(309)) == 309


def test_rotation(tmp_path: Path) -> None:
    info = preflight(make_numbered_video(tmp_path / "phone.mov", 20, rotation=90))
    assert (info.width, info.height) == (64, 96)
    assert any("90 degrees clockwise" in warning for warning in info.warnings)


def test_counts_that_disagree(tmp_path: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    source, path = make_numbered_video(tmp_path / "whole.mp4", 60), tmp_path / "cut.mp4"
    arguments = ["-v", "error", "-ss", "0.5", "-i", str(source), "-c", "copy", str(path)]
    subprocess.run([get_ffmpeg_exe(), *arguments], check=True)
    info = preflight(path)
    assert (info.frames, info.frames_container) == (45, info.frames_opencv)
    assert info.frames_container > 45
    assert info.ok
    assert info.warnings[0].startswith("45 frames can be shown, but the container says")


def test_length_that_litpose_crop_refuses(tmp_path: Path) -> None:
    """As in Lightning Pose's example clip: 994 frames at 250 a second last 3.976 s, or 3.98 s rounded."""
    info = preflight(make_numbered_video(tmp_path / "fast.mp4", 994, fps=250))
    assert (info.frames, info.frames_container, info.frames_opencv) == (994, 994, 994)
    assert (info.width, info.height, info.fps, info.ok) == (96, 64, 250.0, True)
    (warning,) = info.warnings
    assert "`litpose crop` would expect 995 frames" in warning


def write_text(path: Path) -> None:
    path.write_text("frame,x,y\n0,1,2\n")


def write_nothing(path: Path) -> None:
    path.touch()


def write_sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux([*stream.encode(frame), *stream.encode(None)])


def write_no_index(path: Path) -> None:
    make_numbered_video(path, 60)
    path.write_bytes(path.read_bytes()[:40_000])


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html><html><head><title>Sign in</title></head><body>mp4</body></html>"


def write_annex_link(path: Path) -> None:
    path.symlink_to(".git/annex/objects/Zz/7K/SHA256E-s91--4d7a.mp4/SHA256E-s91--4d7a.mp4")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(LFS), "pointer of Git LFS.* git lfs pull --include"),
        (lambda path: path.write_bytes(b"/annex/objects/SHA256E-s9--4.mp4\n"), "git annex get"),
        (write_annex_link, "link of git-annex to content that is not here.* git annex get"),
        (lambda path: path.symlink_to("gone.mp4"), "is a link to gone.mp4, which is not there"),
        (lambda path: path.write_bytes(PAGE), "is a web page, not a video"),
        (lambda path: path.write_bytes(b"<?xml version='1.0'?><Error>AccessDenied</Error>"), "web page"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)), "is a ZIP archive"),
        (lambda path: path.write_bytes(bytes(100_000)), "holds only zeros"),
        (write_text, "is not a video"),
        (write_nothing, "is empty"),
        (write_sound, "holds no video"),
        (write_no_index, "is cut short: no frame is readable"),
        (Path.mkdir, "is a folder"),
        (lambda path: None, "no such file"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, write, reason: str) -> None:
    path = tmp_path / "bad.mp4"
    write(path)
    with pytest.raises(CropzoomError, match=reason) as caught:
        Video(path)
    assert str(caught.value).startswith(f"{path}: ")
    info = preflight(path).to_json()
    assert list(info) == KEYS
    assert (info["ok"], info["frames"], info["warnings"]) == (False, None, [str(caught.value)])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "mjpeg.avi", "fast.mp4", "fast.mov"])
def test_cut_short_file_and_its_cure(tmp_path: Path, name: str, share: float) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    path = make_numbered_video(tmp_path / name, 60, **_encoding(name))
    if name.startswith("fast"):
        fast = tmp_path / f"start{path.suffix}"
        arguments = ["-i", str(path), "-c", "copy", "-movflags", "+faststart", str(fast)]
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *arguments], check=True)
        path = fast
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CropzoomError, match=r"is cut short: only the first \d+ ") as caught:
        Video(path)
    command = str(caught.value).split("with: ffmpeg ")[1].split()
    subprocess.run([get_ffmpeg_exe(), *command], cwd=tmp_path, check=True, capture_output=True)
    with Video(tmp_path / command[-1]) as mended:
        numbers = [read_number(image) for image in mended]
    assert len(numbers) > 60 * share * 0.6
    assert numbers[:5] == [0, 1, 2, 3, 4]


def _encoding(name: str) -> dict[str, object]:
    return {"codec": "mjpeg", "pix_fmt": "yuvj420p"} if name.startswith("mjpeg") else {"bframes": 0}


def test_damage_in_the_middle_names_the_frame(tmp_path: Path) -> None:
    path = make_numbered_video(tmp_path / "damaged.avi", 40, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = _nth(bytes(data), b"00dc", 20) + 8
    length = int.from_bytes(data[at - 4 : at], "little")
    data[at : at + length] = bytes(length)
    path.write_bytes(data)
    with Video(path) as video:
        np.testing.assert_array_equal(video.frame(20), crossed_out(96, 64))
        assert [read_number(video.frame(i)) for i in (21, 39, 19)] == [21, 39, 19]
        images = [video.to_rgb(frame) for frame in video.stream()]
        assert not images[20].any()
        assert all(read_number(image) == i for i, image in enumerate(images) if i != 20)
        assert video.index.damage.numbers().tolist() == [20]
    info = preflight(path)
    assert info.undecodable == (20,)
    assert info.warnings[0].startswith(
        "1 of 40 frames cannot be decoded, since the file is damaged there (20)"
    )


def _nth(data: bytes, what: bytes, n: int) -> int:
    at = data.index(b"movi")
    for _ in range(n + 1):
        at = data.index(what, at + 1)
    return at


def test_opencv_leaves_qt_alone(tmp_path: Path) -> None:
    path = make_numbered_video(tmp_path / "v.mp4", 5)
    program = (
        "import os; os.environ['QT_QPA_FONTDIR'] = 'mine'\n"
        "qt = lambda: {k: v for k, v in os.environ.items() if k.startswith('QT_')}\n"
        "before = qt()\n"
        "from napari_cropzoom.video.checks import preflight\n"
        f"assert preflight({str(path)!r}).ok\n"
        "assert qt() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["bare.h264", "bare.264", "-x:y.H265"])
def test_a_bare_stream_gets_a_command_that_works(tmp_path: Path, name: str) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    codec = "libx265" if "5" in name else "libx264"
    source, path = make_numbered_video(tmp_path / "a.mp4", 20, codec=codec), tmp_path / name
    kind = "hevc" if "5" in name else "h264"
    arguments = ["-v", "error", "-i", str(source), "-c", "copy", "-f", kind, str(path)]
    subprocess.run([get_ffmpeg_exe(), *arguments], check=True)
    with pytest.raises(CropzoomError, match="bare stream") as caught:
        Video(path)
    with pytest.raises(CropzoomError) as by_command:
        expand([path])
    assert str(by_command.value) == str(caught.value)
    command = shlex.split(str(caught.value).split(" ffmpeg ")[1])
    subprocess.run([get_ffmpeg_exe(), *command], cwd=tmp_path, check=True, capture_output=True)
    with Video(path.with_suffix(".mp4")) as video:
        assert [read_number(image) for image in video] == list(range(20))


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_what_the_window_opens_the_commands_take(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    path.touch()
    assert is_video(path)
    assert expand([path], csv=False) == expand([tmp_path], csv=False) == [path]
    assert get_reader(str(path)) is not None


def test_git_gets_the_name_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What FFmpeg needs before a name with a colon is no part of it for git."""
    monkeypatch.chdir(tmp_path)
    name = "-a b.mp4" if sys.platform == "win32" else "10:30.mp4"
    Path(name).write_bytes(LFS)
    with pytest.raises(CropzoomError) as caught:
        Video(Path(name))
    assert str(caught.value).endswith(f"git lfs pull --include {shell_word(name)}")
