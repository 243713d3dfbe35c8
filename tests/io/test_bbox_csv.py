from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.bbox_csv import (
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
    "blank line": (",x,y,h,w\n0,1,2,30,40\n\n1,1,2,30,40\n", "line 3: no value for x, y, w, h"),
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
    "open quote": ('x,y,h,w\n"1,2,30,40\n', "not a table"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path, text, message):
    path = file_with(tmp_path, text)
    with pytest.raises(CropzoomError, match=message) as caught:
        read_bbox_csv(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


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


def test_wrong_number_of_rows_says_both(tmp_path):
    path = file_with(tmp_path, ",x,y,h,w\n0,1,2,30,40\n1,1,2,30,40\n")
    with pytest.raises(CropzoomError, match=r"has 2 boxes but the video has 3 frames.*differ by one"):
        read_bbox_csv(path, 3)
    with pytest.raises(CropzoomError, match="has 2 boxes but the video has 9 frames"):
        read_bbox_csv(path, 9)
    with pytest.raises(CropzoomError, match="there is no frame 1: the video has 1 frames"):
        read_bbox_csv(path, 1, allow_missing=True)


@settings(max_examples=50)
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
    for text in ("{", "[1]"):
        (tmp_path / "metadata.json").write_text(text)
        with pytest.raises(CropzoomError, match=r"metadata\.json"):
            read_metadata(tmp_path)
