"""`cropzoom import_bbox`: boxes of another program become raw boxes, and how it read them is said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import write_model_config
from gui_events import needs_display
from napari_cropzoom.cli import main
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from videos import make_numbered_video

N = 12


@pytest.fixture(scope="module")
def video_path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=(320, 240))


def mot(path: Path, rows) -> Path:
    path.write_text("".join(f"{f},{k},{x},{y},{w},{h},{c},-1,-1,-1\n" for f, k, x, y, w, h, c in rows))
    return path


@pytest.fixture
def two(tmp_path):
    """Two animals, the second absent in frames 3 to 5, in MOTChallenge's format."""
    rows = [(f + 1, 1, 10 + f, 20, 30.4, 40.6, 0.75) for f in range(N)]
    rows += [(f + 1, 2, 60 + f, 20, 30, 40, 0.5) for f in range(N) if not 3 <= f <= 5]
    return mot(tmp_path / "results", rows)


def run(*words):
    return main([str(word) for word in words])


def test_every_animal_gets_the_file_that_litpose_reads(video_path, two, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("import_bbox", two, "--video", video_path, "--output_dir", out) == 0
    stem = video_path.stem
    text = (out / "animal_2" / f"{stem}_bbox.csv").read_text().splitlines()
    assert text[:5] == [",x,y,h,w", "0,60,20,40,30", "1,61,20,40,30", "2,62,20,40,30", "3,,,,"]
    assert len(text) == N + 1
    first = read_bbox_csv(out / "animal_1" / f"{stem}_bbox.csv", N)
    np.testing.assert_allclose(first, [[10 + f, 20, 30, 41] for f in range(N)])
    with (out / "animal_2" / f"{stem}_bbox_confidence.csv").open(newline="") as file:
        assert [row["confidence"] for row in csv.DictReader(file)] == ["0.5"] * 3 + [""] * 3 + ["0.5"] * 6
    said = capsys.readouterr().out
    for words in (
        "results: MOTChallenge, 2 animals",
        "frames: numbered from 1",
        "x, y are the top-left corner, in pixels",
        "animal_2: 9 boxes in 12 frames, missing in 3 to 5; confidence 0.50 to 0.50",
        "3 frames have no box",
    ):
        assert words in said


def test_one_animal_lies_in_the_folder_itself_and_is_known_to_be_of_the_video(video_path, two, tmp_path):
    out = tmp_path / "out"
    assert run("import_bbox", two, "--video", video_path, "--output_dir", out, "--track", "1") == 0
    path = out / f"{video_path.stem}_bbox.csv"
    assert len(read_bbox_csv(path, N)) == N
    assert (
        json.loads(path.with_name(f"{path.stem}_made_of.json").read_text())["made_of"]["name"]
        == video_path.name
    )


def test_boxes_of_another_video_are_not_replaced_unless_told_to(video_path, two, tmp_path, capsys):
    out = tmp_path / "out"
    other = make_numbered_video(tmp_path / video_path.name, N, size=(320, 256))
    words = ("import_bbox", two, "--output_dir", out, "--track", "1", "--video")
    assert run(*words, other) == 0
    assert run(*words, video_path) == 1
    assert "was made of another file" in capsys.readouterr().err
    assert run(*words, video_path, "--overwrite") == 0


@pytest.mark.parametrize(
    "there",
    [
        ",x,y,h,w\n" + "".join(f"{f},{10 + f + (f == 4)},20,41,30\n" for f in range(N)),
        "my own notes\n",
    ],
    ids=["corrected", "no_table"],
)
def test_other_boxes_that_are_there_are_kept_unless_told_to(video_path, two, tmp_path, capsys, there):
    path = tmp_path / f"{video_path.stem}_bbox.csv"
    path.write_text(there)
    words = ("import_bbox", two, "--video", video_path, "--output_dir", tmp_path, "--track", "1")
    assert run(*words) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for word in (str(path), "other boxes than animal_1", "--overwrite", "another --output_dir"):
        assert word in error
    assert path.read_text() == there
    assert run(*words, "--overwrite") == 0
    assert path.read_text() != there


def test_a_table_is_never_imported_over_itself(video_path, tmp_path, capsys):
    """As centres, a second time would shift them by another half."""
    boxes = tmp_path / f"{video_path.stem}_bbox.csv"
    boxes.write_text(before := "frame,x,y,w,h\n" + "".join(f"{f},60,60,40,30\n" for f in range(N)))
    words = ("import_bbox", boxes, "--video", video_path, "--output_dir", tmp_path)
    assert run(*words, "--format", "centre", "--overwrite") == 1
    assert "is the file that is imported. Give another --output_dir." in capsys.readouterr().err
    assert boxes.read_text() == before


def test_one_animal_does_not_take_the_place_of_another(video_path, two, tmp_path, capsys):
    words = ("import_bbox", two, "--video", video_path, "--output_dir", tmp_path / "out", "--track")
    assert run(*words, "1") == 0
    before = (path := tmp_path / "out" / f"{video_path.stem}_bbox.csv").read_bytes()
    assert run(*words, "1") == 0
    assert run(*words, "2") == 1
    assert "holds other boxes than animal_2" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_none_of_several_animals_is_written_where_one_cannot_be(video_path, two, tmp_path):
    out = tmp_path / "out"
    path = out / "animal_2" / f"{video_path.stem}_bbox.csv"
    path.parent.mkdir(parents=True)
    path.write_text(",x,y,h,w\n" + "".join(f"{f},1,1,20,20\n" for f in range(N)))
    words = ("import_bbox", two, "--video", video_path, "--output_dir", out)
    assert run(*words) == 1
    assert not (out / "animal_1").exists()
    assert run(*words, "--overwrite") == 0
    assert run(*words) == 0


def test_one_gap_is_told_in_the_singular(video_path, tmp_path, capsys):
    rows = [(f + 1, 1, 10 + f, 20, 30, 40, 0.75) for f in range(N) if f != 3]
    words = ("--video", video_path, "--output_dir", tmp_path / "out")
    assert run("import_bbox", mot(tmp_path / "results", rows), *words) == 0
    assert "1 frame has no box, fill it in `cropzoom review`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "encoding", "fault"),
    [
        (";x;y;h;w\n{}", "utf-8", "separated by commas, not semicolons"),
        ("\tx\ty\th\tw\n{}", "utf-8", "separated by commas, not tabs"),
        ("sep=,\n,x,y,h,w\n{}", "utf-8", "line 1: is 'sep=,', for a spreadsheet"),
        (",x,y,h,w\n{}", "utf-8", "line 2: x is '10,4', with a comma"),
        (",x,y,h,w\n{}", "utf-16", "is not text in UTF-8, but in UTF-16"),
    ],
    ids=["semicolons", "tabs", "sep", "decimal_comma", "utf16"],
)
@pytest.mark.parametrize("verb", ["flags", "crop", pytest.param("review", marks=needs_display)])
def test_a_table_of_a_spreadsheet_is_sent_to_import_bbox(
    video_path, tmp_path, capsys, verb, text, encoding, fault
):
    folder = tmp_path / "boxes"
    folder.mkdir()
    path = folder / f"{video_path.stem}_bbox.csv"
    mark = next((each for each in ";\t" if each in text), ",")
    x = '"10,4"' if "with a comma" in fault else 10
    body = "".join(mark.join(map(str, (f, x, 20, 40, 30))) + "\n" for f in range(N))
    path.write_bytes(text.format(body).encode(encoding))
    model = write_model_config(tmp_path / "model", ("nose", "tail"), tmp_path)
    words = {
        "flags": ("flags", path, "--video", video_path),
        "crop": ("crop", model, video_path, "--bbox_dir", folder),
        "review": ("review", video_path, "--bbox", path),
    }
    assert run(*words[verb]) == 1
    error = capsys.readouterr().err
    for word in (path.name, fault, "`cropzoom import_bbox`"):
        assert word in error
    out = ("--output_dir", tmp_path / "out", "--format", "csv")
    assert run("import_bbox", path, "--video", video_path, *out) == 0
    there = read_bbox_csv(tmp_path / "out" / path.name, N)
    np.testing.assert_array_equal(there, [[10, 20, 30, 40]] * N)


def test_points_ask_for_a_size_in_one_line(video_path, tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text("frame,x,y\n" + "".join(f"{f},100,90\n" for f in range(N)))
    words = ("import_bbox", path, "--video", video_path, "--output_dir", tmp_path / "out")
    assert run(*words) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Say how large the boxes are to be: --crop_size N" in error
    assert not (tmp_path / "out").exists()
    assert run(*words, "--crop_size", "40") == 0
    boxes = read_bbox_csv(tmp_path / "out" / f"{video_path.stem}_bbox.csv", N)
    np.testing.assert_allclose(boxes, [[80, 70, 40, 40]] * N)


def test_the_format_can_be_overruled_and_doubt_is_said(video_path, tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("frame,x,y,w,h\n" + "".join(f"{f},100,90,40,30\n" for f in range(2, N)))
    words = ("import_bbox", path, "--video", video_path, "--output_dir", tmp_path / "out")
    assert run(*words, "--format", "centre") == 0
    said = capsys.readouterr()
    assert "note: a.csv: frames 2 to 11 of a video of 12 frames can be numbered from 0 or 1" in said.err
    assert "x, y are the centre" in said.out
    boxes = read_bbox_csv(tmp_path / "out" / f"{video_path.stem}_bbox.csv", N, allow_missing=True)
    np.testing.assert_allclose(boxes[2], [80, 75, 40, 30])
    assert run(*words, "--format", "mot") == 1
    assert "MOTChallenge has 6 to 10" in capsys.readouterr().err


def test_an_animal_whose_name_no_folder_can_have_gets_another(video_path, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "frame,id,x,y,w,h\n"
        + "".join(f"{f},{k},100,90,40,30\n" for f in range(N) for k in ("../up", "b"))
    )
    out = tmp_path / "out"
    assert run("import_bbox", path, "--video", video_path, "--output_dir", out) == 0
    assert sorted(each.name for each in out.iterdir()) == ["b", "up"]


def test_wrong_flags_are_wrong_usage(video_path, two, tmp_path):
    for more in (
        ["--format", "none"],
        ["--crop_size", "4", "--crop_ratio", "2"],
        ["--cm_per_pixel", "0"],
    ):
        with pytest.raises(SystemExit) as left:
            run("import_bbox", two, "--video", video_path, "--output_dir", tmp_path, *more)
        assert left.value.code == 2
