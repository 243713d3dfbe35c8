"""Nothing half-written, neither a file nor a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_folder, atomic_path, check_writable, put_in_place


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
        pytest.raises(
            CropzoomError, match=r"out: cannot be written, since .*out is a file, not a folder"
        ),
        atomic_folder(tmp_path / "out") as part,
    ):
        (part / "a.txt").write_text("new")
    with (
        pytest.raises(CropzoomError, match=r"a: cannot be written, since .*out is a file, not a folder"),
        atomic_path(tmp_path / "out" / "b" / "a"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_one_file_that_cannot_be_put_in_place_stops_no_other(tmp_path: Path) -> None:
    made, out = tmp_path / "made", tmp_path / "out"
    made.mkdir()
    names = ["v.csv", "v_a.csv", "v_b.csv", "v_c.csv"]
    for name in names:
        (made / name).write_text(name)
    for name in ("v_a.csv", "v_b.csv"):
        (out / name).mkdir(parents=True)  # where a file is to go
    with pytest.raises(CropzoomError, match=r"v_a\.csv: cannot be written.*v_b\.csv: cannot be written"):
        put_in_place([made / name for name in names], out)
    assert sorted(path.name for path in out.iterdir()) == names
    assert (out / "v.csv").read_text() == "v.csv"
    assert (out / "v_c.csv").read_text() == "v_c.csv"


def test_where_the_first_cannot_be_put_in_place_none_is(tmp_path: Path) -> None:
    for name in ("v.csv", "v_a.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "out" / "v.csv").mkdir(parents=True)
    with pytest.raises(CropzoomError, match=r"v\.csv: cannot be written"):
        put_in_place([tmp_path / "v.csv", tmp_path / "v_a.csv"], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v.csv"]


def test_a_name_that_is_too_long_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(CropzoomError, match=r"name is too long\. Rename the video"):
        check_writable(tmp_path / f"{'a' * 260}.csv")
