from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import (
    read_bbox_csv,
    read_labeled_bbox,
    read_metadata,
    write_bbox_csv,
    write_metadata,
)

TWO = [[1.0, 2.0, 40.0, 30.0], [-5.0, 6.0, 80.0, 70.0]]  # x, y, w, h


def file_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "v_bbox.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    "text",
    [
        ",x,y,h,w\n0,1,2,30,40\n1,-5,6,70,80\n",
        "x,y,h,w\n1,2,30,40\n-5,6,70,80\n",
        "h,w,y,x\n30,40,2,1\n70,80,6,-5",
        "\ufeff X , Y ,W,H\r\n1,2,40,30\r\n-5,6,80,70\r\n\r\n",
        ",x,y,h,w\n0,1.0,2,3e1,40.00\n1, -5,6,70,80\n",
        "frame,x,y,h,w\n1,-5,6,70,80\n0,1,2,30,40\n",
        ",frame,x,y,h,w,confidence\n7,1,-5,6,70,80,.9\n3,0,1,2,30,40,.1\n",
        "index,x,y,w,h\n0,1,2,40,30\n1,-5,6,80,70\n",
        '"","x","y","h","w"\n"0","1","2","30","40"\n"1","-5","6","70","80"\n',
    ],
)
def test_every_layout_reads_as_x_y_w_h(tmp_path, text):
    assert read_bbox_csv(file_with(tmp_path, text), 2).tolist() == TWO


BAD = {
    "empty file": ("", "is empty"),
    "only blank lines": ("\n\n  \n", "is empty"),
    "header only": (",x,y,h,w\n", "no boxes"),
    "no width": (",x,y,h\n0,1,2,3\n", r"line 1: no column w\b"),
    "semicolons": ("x;y;h;w\n1;2;3;4\n", "separated by commas"),
    "no header": ("0,1,2,30,40\n1,2,3,30,40\n", "line 1: no column x, y, h, w"),
    "a column twice": ("x,x,y,h,w\n1,1,2,3,4\n", "line 1: the column x occurs twice"),
    "unknown column": ("x,y,h,w,angle\n1,2,3,4,5\n", "line 1: unknown column 'angle'"),
    "text": ("x,y,h,w\n1,2,30,40\n1,two,30,40\n", "line 3: y is 'two'"),
    "infinite": ("x,y,h,w\n1,2,30,inf\n", "line 2: w is 'inf'"),
    "nan": ("x,y,h,w\n1,2,30,40\nnan,2,30,40\n", r"line 3: no value for x\b"),
    "empty cell": ("x,y,h,w\n1,2,30,40\n1,2,,40\n", r"line 3: no value for h\b"),
    "blank line": ("x,y,h,w\n1,2,30,40\n\n1,2,30,40\n", "line 3: no value for x, y, w, h"),
    "no width to speak of": ("x,y,h,w\n1,2,30,40\n1,2,30,0\n", r"line 3: .*no area \(w = 0, h = 30\)"),
    "negative height": ("x,y,h,w\n1,2,-30,40\n", r"line 2: .*no area"),
    "normalised": ("x,y,h,w\n.1,.2,.5,.25\n", "normalised"),
    "duplicate frame": ("frame,x,y,h,w\n0,1,2,30,40\n0,1,2,30,40\n", "line 3: frame 0 occurs twice"),
    "negative frame": (
        "frame,x,y,h,w\n0,1,2,30,40\n-1,1,2,30,40\n",
        "line 3: '-1' is not a frame number",
    ),
    "half a frame": ("frame,x,y,h,w\n0.5,1,2,30,40\n", "line 2: '0.5' is not a frame number"),
    "gap": ("frame,x,y,h,w\n0,1,2,30,40\n3,1,2,30,40\n", "frame 1 has no row"),
    "from 1": (",x,y,h,w\n1,1,2,30,40\n2,1,2,30,40\n", "frame 0 has no row"),
    "images": (",x,y,h,w\na/img1.png,1,2,30,40\n", "line 2: 'a/img1.png' is not a frame number"),
    "long row": ("x,y,h,w\n1,2,30,40,5\n", "not a table"),
    "huge": ("x,y,h,w\n1,2,30,40\n1e300,2,30,40\n", "line 3: x is 1e.300"),
    "a side of 2e9": ("x,y,h,w\n1,2,30,2000000000\n", "line 2: w is 2e.09"),
    "all fractions": ("x,y,h,w\n" + ".1,.2,.5,1.25\n" * 9, "normalised"),
    "clock": ("time,x,y,h,w\n0.033,1,2,30,40\n", "line 2: '0.033' .* the column 'time'"),
    "clock of the day": (",x,y,h,w\n10:30:00,1,2,30,40\n", "line 2: '10:30:00' is not a frame number"),
    "a frame far off": ("frame,x,y,h,w\n0,1,2,30,40\n150000000,1,2,30,40\n", "frame"),
    "id": ("id,x,y,h,w\n7,1,2,30,40\n7,1,2,30,40\n", "frame 7 occurs twice"),
    "spreadsheet error": ("x,y,h,w\n1,2,#REF!,40\n", "line 2: h is '#REF!'"),
    "long cell": ("x,y,h,w\n1,2," + "z" * 500 + ",40\n", r"line 2: h is 'z{30,76}\.\.\.'"),
    "no frame number": ("frame,x,y,h,w\n,1,2,30,40\n", "line 2: '' is not a frame number"),
    "many columns": ("x,y,h,w" + "," * 40_000, "40004 columns"),
    "open quote": ('x,y,h,w\n"1,2,30,40\n', "not a table"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path, text, message):
    path = file_with(tmp_path, text)
    with pytest.raises(CropzoomError, match=message) as caught:
        read_bbox_csv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 320


@pytest.mark.parametrize("name", [n for n in BAD if n not in ("gap", "from 1", "blank line", "nan")])
def test_allowing_gaps_allows_nothing_else(tmp_path, name):
    text, message = BAD[name]
    with pytest.raises(CropzoomError, match=message):
        read_bbox_csv(file_with(tmp_path, text), allow_missing=True)


@pytest.mark.parametrize(
    ("data", "message"), [(b"\x00\x01\x02", "not text"), (b"\xff\xfe\x00x", "not text")]
)
def test_binary_files_are_refused(tmp_path, data, message):
    path = tmp_path / "v_bbox.csv"
    path.write_bytes(data)
    with pytest.raises(CropzoomError, match=message):
        read_bbox_csv(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(CropzoomError, match="no such file"):
        read_bbox_csv(tmp_path / "none.csv")
    with pytest.raises(CropzoomError, match="is a folder"):
        read_bbox_csv(tmp_path)


def test_missing_frames_are_nan_when_allowed(tmp_path):
    gap = file_with(tmp_path, "frame,x,y,h,w\n3,1,2,30,40\n1,5,6,70,80\n2,,,,\n")
    boxes = read_bbox_csv(gap, 6, allow_missing=True)
    assert np.flatnonzero(~np.isnan(boxes[:, 0])).tolist() == [1, 3]
    assert boxes[3].tolist() == [1, 2, 40, 30]
    dense = file_with(tmp_path, "x,y,h,w\n,,,\n1,2,30,40\n,,,\n")
    assert np.isnan(read_bbox_csv(dense, 3, allow_missing=True)[:, 0]).tolist() == [True, False, True]


def test_rows_that_a_spreadsheet_leaves_empty_are_no_rows(tmp_path):
    text = ",x,y,h,w\n0,1,2,30,40\n\n1,-5,6,70,80\n,,,,\n,,,,\n"
    assert read_bbox_csv(file_with(tmp_path, text)).tolist() == TWO
    assert read_bbox_csv(file_with(tmp_path, text), 2, allow_missing=True).tolist() == TWO
    bare = file_with(tmp_path, "x,y,h,w\n1,2,30,40\n-5,6,70,80\n,,,\n,,,\n")
    assert read_bbox_csv(bare, 2).tolist() == TWO
    assert len(read_bbox_csv(bare, 4, allow_missing=True)) == 4


BAD_CELLS = [
    "inf,2,30,40",
    "1e300,2,30,40",
    "1,2,2e9,40",
    "1,2,,40",
    "1,two,30,40",
    "1,2,30,0",
    "9e9,9,9,9",
]


@pytest.mark.parametrize("row", BAD_CELLS)
def test_a_person_sees_the_good_rows_and_is_told_of_the_bad(tmp_path, row):
    path = file_with(tmp_path, f"x,y,h,w\n1,2,30,40\n{row}\n-5,6,70,80\n{row}\n")
    notes: list[str] = []
    boxes = read_bbox_csv(path, 4, allow_missing=True, faults="skip", notify=notes.append)
    assert boxes[[0, 2]].tolist() == TWO
    assert np.isnan(boxes[[1, 3]]).all()
    assert len(notes) == 1
    assert notes[0].startswith(
        "v_bbox.csv: 2 of 4 rows hold no box that can be used and count as missing"
    )
    assert "line 3: " in notes[0]
    with pytest.raises(CropzoomError, match="line 3: "):
        read_bbox_csv(path, 4, allow_missing=True)


def test_a_row_without_a_frame_number_is_left_out_for_a_person(tmp_path):
    path = file_with(tmp_path, "frame,x,y,h,w\n0,1,2,30,40\nlast,1,2,30,40\n1,-5,6,70,80\n")
    notes: list[str] = []
    boxes = read_bbox_csv(path, 3, allow_missing=True, faults="skip", notify=notes.append)
    assert boxes[:2].tolist() == TWO
    assert np.isnan(boxes[2]).all()
    assert "1 of 3 rows" in notes[0]


def test_a_table_without_one_good_row_is_refused_for_a_person_too(tmp_path):
    path = file_with(tmp_path, "x,y,h,w\ninf,2,30,40\n,,,\n")
    with pytest.raises(CropzoomError, match="line 2: x is 'inf'"):
        read_bbox_csv(path, 2, allow_missing=True, faults="skip")


def test_boxes_are_compared_with_the_size_of_the_frame(tmp_path):
    path = file_with(tmp_path, "x,y,h,w\n" + "100,80,40,40\n" * 9 + "9000,80,40,40\n")
    assert len(read_bbox_csv(path)) == 10
    with pytest.raises(CropzoomError, match=r"line 11: .* outside a frame of 640 x 480"):
        read_bbox_csv(path, frame_size=(640, 480))
    with pytest.raises(CropzoomError, match="outside the frame of 64 x 48"):
        read_bbox_csv(path, 10, allow_missing=True, faults="skip", frame_size=(64, 48))
    notes: list[str] = []
    options = {"allow_missing": True, "faults": "skip", "notify": notes.append}
    assert np.isnan(read_bbox_csv(path, 10, frame_size=(640, 480), **options)[9]).all()
    assert "1 of 10 rows" in notes[0]


@pytest.mark.parametrize("frame", [150_000_000, 2_147_483_647])
def test_a_frame_number_asks_for_no_memory(tmp_path, frame):
    path = file_with(tmp_path, f"frame,x,y,h,w\n0,1,2,30,40\n{frame},1,2,30,40\n")
    tracemalloc.start()
    with pytest.raises(CropzoomError, match=f"line 3: frame {frame} is far beyond"):
        read_bbox_csv(path, allow_missing=True)
    with pytest.raises(CropzoomError, match="frame 1 has no row"):
        read_bbox_csv(path)
    with pytest.raises(CropzoomError, match=f"line 3: there is no frame {frame}"):
        read_bbox_csv(path, 600, allow_missing=True)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_what_is_no_box_is_not_written(tmp_path):
    path = tmp_path / "v_bbox.csv"
    for value in (np.inf, 1e300, -1e12):
        with pytest.raises(CropzoomError, match="row 1"):
            write_bbox_csv(path, np.array([[1.0, 2, 3, 4], [value, 2, 3, 4]]))
    assert not path.exists()


def test_frames_without_a_row_are_missing_only_where_the_table_can_mean_it(tmp_path):
    named = file_with(tmp_path, "frame,x,y,h,w\n0,1,2,30,40\n1,-5,6,70,80\n")
    assert np.isnan(read_bbox_csv(named, 3, allow_missing=True)[:, 0]).tolist() == [False, False, True]
    gaps = file_with(tmp_path, ",x,y,h,w\n1,1,2,30,40\n2,-5,6,70,80\n")
    assert np.isnan(read_bbox_csv(gaps, 4, allow_missing=True)[:, 0]).tolist() == [
        True,
        False,
        False,
        True,
    ]
    for text in (",x,y,h,w\n0,1,2,30,40\n1,-5,6,70,80\n", "x,y,h,w\n1,2,30,40\n-5,6,70,80\n"):
        with pytest.raises(
            CropzoomError, match=r"has 2 boxes but the video has 5 frames.*column `frame`"
        ):
            read_bbox_csv(file_with(tmp_path, text), 5, allow_missing=True)


def test_wrong_number_of_rows_says_both(tmp_path):
    path = file_with(tmp_path, ",x,y,h,w\n0,1,2,30,40\n1,1,2,30,40\n")
    with pytest.raises(CropzoomError, match=r"has 2 boxes but the video has 3 frames.*differ by one"):
        read_bbox_csv(path, 3)
    with pytest.raises(CropzoomError, match="has 2 boxes but the video has 9 frames"):
        read_bbox_csv(path, 9)
    with pytest.raises(CropzoomError, match="there is no frame 1: the video has 1 frame,"):
        read_bbox_csv(path, 1, allow_missing=True)


@settings(max_examples=50, deadline=None)
@given(
    boxes=arrays(np.int64, st.tuples(st.integers(1, 30), st.just(4)), elements=st.integers(2, 100_000)),
    missing=st.lists(st.integers(0, 29)),
)
def test_written_as_pandas_writes_and_read_back(tmp_path_factory, boxes, missing):
    path = tmp_path_factory.mktemp("round") / "v_bbox.csv"
    boxes[:, :2] -= 50_000
    write_bbox_csv(path, boxes.astype(float))
    table = pd.DataFrame(boxes[:, [0, 1, 3, 2]], columns=list("xyhw"))
    assert path.read_bytes() == table.to_csv(lineterminator="\n").encode()
    gaps = boxes.astype(float)
    gaps[[row for row in missing if row < len(boxes)]] = np.nan
    write_bbox_csv(path, gaps)
    np.testing.assert_array_equal(read_bbox_csv(path, len(boxes), allow_missing=True), gaps)


def test_labelled_frames_keep_their_image_paths(tmp_path):
    path = tmp_path / "bbox.csv"
    images = ["labeled-data/a, b/img1.png", "labeled-data/c/img2.png"]
    write_bbox_csv(path, np.array(TWO), images)
    table = pd.DataFrame(np.array(TWO, int)[:, [0, 1, 3, 2]], index=images, columns=list("xyhw"))
    assert path.read_bytes() == table.to_csv(lineterminator="\n").encode()
    names, boxes = read_labeled_bbox(path)
    assert names == images
    assert boxes.tolist() == TWO
    write_bbox_csv(path, np.array(TWO), images[:1] * 2)
    with pytest.raises(CropzoomError, match=r"line 3: .* occurs twice"):
        read_labeled_bbox(path)


def test_halves_round_to_even_as_litpose_rounds(tmp_path):
    path = tmp_path / "v_bbox.csv"
    write_bbox_csv(path, np.array([[0.5, 1.5, 10.5, 11.5]]))
    assert path.read_text() == ",x,y,h,w\n0,0,2,12,10\n"


def test_metadata_has_litposes_bytes(tmp_path):
    assert read_metadata(tmp_path) == {}
    write_metadata(tmp_path, "median", 5, tmp_path / "raw")
    content = {"method": "median", "window": 5, "source": str((tmp_path / "raw").resolve())}
    assert (tmp_path / "metadata.json").read_text() == json.dumps(content, indent=2)
    assert read_metadata(tmp_path) == content
    for text in ("{", "[1]", "[" * 100_000):
        (tmp_path / "metadata.json").write_text(text)
        with pytest.raises(CropzoomError, match=r"metadata\.json"):
            read_metadata(tmp_path)
