"""Output never fails for its characters: a console of another code page, a pipe, an odd file name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from napari_cropzoom.core.shell import shell_line
from videos import make_numbered_video

NAMES = ["mouse → box.mp4", "мышь.mp4", "ねずみ 🐁.mp4"]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp932", "utf-8"])
def test_names_outside_the_code_page_are_escaped(tmp_path: Path, encoding: str) -> None:
    first = make_numbered_video(tmp_path / "first.mp4", 4)
    for name in NAMES:
        shutil.copy(first, tmp_path / name)
    first.unlink()
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "napari_cropzoom.cli"]
    output = tmp_path / "→out"
    for arguments in (
        ["detect", tmp_path, "--method", "motion", "--output_dir", output],
        ["info", *(tmp_path / name for name in NAMES)],
        ["info", tmp_path / "не здесь.mp4"],
        ["--help"],
    ):
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, check=False)
        said = done.stderr.decode(encoding, "replace")
        assert "Encode" not in said
        assert "Traceback" not in said
        assert done.returncode == (1 if "info" in arguments and len(arguments) == 2 else done.returncode)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_a_name_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    video = make_numbered_video(tmp_path / "v.mp4", 4)
    odd = os.path.join(os.fsencode(tmp_path), b"\xff.mp4")
    shutil.copy(os.fsencode(video), odd)
    done = subprocess.run(
        [sys.executable, "-m", "napari_cropzoom.cli", "info", odd],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
    )
    assert b"Encode" not in done.stderr
    assert b"\\udcff" in done.stdout + done.stderr


def test_commands_to_copy_suit_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["cropzoom", "crop", r"D:\my data\a'b.mp4", "--bbox_dir", r"C:\plain", "a&b"]
    monkeypatch.setattr(sys, "platform", "linux")
    assert shell_line(["cropzoom", "my data/a.mp4"]) == "cropzoom 'my data/a.mp4'"
    monkeypatch.setattr(sys, "platform", "win32")
    expected = r'''cropzoom crop "D:\my data\a'b.mp4" --bbox_dir C:\plain "a&b"'''
    assert shell_line(words) == expected
