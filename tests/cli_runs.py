"""The command run as a person runs it, for tests to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from napari_cropzoom.cli import main

N = 24


COMMAND = [sys.executable, "-m", "napari_cropzoom.cli"]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, check=False)


def fails(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What the command says when it fails with 1: one line."""
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("cropzoom: error: ")
    assert said.count("\n") == 1
    return said
