"""Nothing half-written, neither a file nor a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_folder, atomic_path


class Stopped(Exception):
    pass


def stop_half_way(target: Path) -> None:
    with atomic_folder(target) as part:
        (part / "a.txt").write_text("new")
        raise Stopped


def test_a_folder_is_filled_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with atomic_folder(target) as part:
        (part / "sub").mkdir()
        (part / "sub" / "a.txt").write_text("new")
        assert not target.exists()
    (target / "b.txt").write_text("kept")
    with atomic_folder(target) as part:
        (part / "sub").mkdir()
        (part / "sub" / "a.txt").write_text("newer")
        assert (target / "sub" / "a.txt").read_text() == "new"
    assert (target / "sub" / "a.txt").read_text() == "newer"
    assert (target / "b.txt").read_text() == "kept"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        stop_half_way(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_taken_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with (
        pytest.raises(CropzoomError, match=r"out: cannot be written"),
        atomic_folder(tmp_path / "out") as part,
    ):
        (part / "a.txt").write_text("new")
    with pytest.raises(CropzoomError, match="cannot be written"), atomic_path(tmp_path / "out" / "a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
