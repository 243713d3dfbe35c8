"""Tables as the spreadsheets of any country write them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from outside_tables import boxes_of, read, rows, write


def germanised(text, separator, decimal=",", before=""):
    """A table as another spreadsheet writes it."""
    lines = [[cell.replace(".", decimal) for cell in line.split(",")] for line in text.splitlines()]
    if separator == ",":
        lines = [[f'"{cell}"' if "," in cell else cell for cell in cells] for cells in lines]
    return before + "".join(separator.join(cells) + "\r\n" for cells in lines)


SPREADSHEETS = pytest.mark.parametrize(
    ("marks", "encoding"),
    [
        ((";",), "utf-8"),
        (("\t",), "utf-16"),
        ((";", ",", "sep=;\r\n"), "utf-8-sig"),
        ((",", ".", "sep=,\r\n"), "utf-8"),
        ((",", ".", '"sep=,"\r\n'), "utf-16"),
        ((",",), "utf-8"),
    ],
    ids=["semicolon", "utf16_tab", "sep_semicolon", "sep_comma", "sep_quoted", "quoted_decimals"],
)


@SPREADSHEETS
def test_tables_of_any_spreadsheet_are_read(tmp_path, marks, encoding):
    values = [(frame, "m.1", 10.5 + frame, 20.25, 30, 40.5) for frame in range(10)]
    path = tmp_path / "boxes.csv"
    path.write_bytes(germanised(rows("frame,id,left,top,w,h", values), *marks).encode(encoding))
    np.testing.assert_array_equal(
        boxes_of(read(path)), [[10.5 + frame, 20.25, 30, 40.5] for frame in range(10)]
    )


@SPREADSHEETS
def test_keypoints_of_any_spreadsheet_are_read(tmp_path, marks, encoding):
    values = [(frame, 100.5, 200.25, 0.75, 140.5, 220.25, 0.75) for frame in range(10)]
    text = "scorer,a,a,a,a,a,a\nbodyparts,n,n,n,t,t,t\ncoords" + 2 * ",x,y,likelihood" + "\n"
    text += "".join(",".join(map(str, row)) + "\n" for row in values)
    plain = boxes_of(read(write(tmp_path, text, "plain.csv"), crop_ratio=2.0))
    path = tmp_path / "german.csv"
    path.write_bytes(germanised(text, *marks).encode(encoding))
    found = read(path, crop_ratio=2.0)
    np.testing.assert_array_equal(boxes_of(found), plain)
    assert found.settled.tracks[0].confidence[0] == 0.75


@SPREADSHEETS
def test_tracks_of_any_spreadsheet_are_read(tmp_path, marks, encoding):
    lines = [f"{f + 1},1,{10.5 + f},20.5,30,40,0.75,-1,-1,-1" for f in range(10)]
    path = tmp_path / "mot.txt"
    path.write_bytes(germanised("\n".join(lines), *marks).encode(encoding))
    found = read(path)
    np.testing.assert_array_equal(boxes_of(found), [[10.5 + f, 20.5, 30, 40] for f in range(10)])
    assert found.settled.tracks[0].confidence[9] == 0.75
    path = tmp_path / "trajectories.csv"
    text = rows("time,x1,y1", [(f / 4, 100.5, 200.5) for f in range(10)])
    path.write_bytes(germanised(text, *marks).encode(encoding))
    found = read(path, crop_size=60)
    assert found.format.name == "idtracker"
    np.testing.assert_array_equal(boxes_of(found)[9], [70.5, 170.5, 60, 60])


def test_the_line_of_a_fault_counts_what_a_spreadsheet_is_told(tmp_path):
    path = write(tmp_path, "sep=;\nframe;x;y;w;h\n0;1;2;3;4\n1;a;2;3;4\n")
    with pytest.raises(CropzoomError, match="line 4: x is 'a'"):
        read(path)
    path = write(tmp_path, "frame,x,y,w,h\n0,1,2,3,4\n,,,,\n1.5,1,2,3,4\n")
    with pytest.raises(CropzoomError, match=r"line 4: 1\.5 is not the number of a frame"):
        read(path)
