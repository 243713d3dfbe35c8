"""What cannot be taken is told plainly, with the file and the place in it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from outside_tables import read, write


def test_an_unknown_file_is_told_the_names_that_format_takes(tmp_path):
    with pytest.raises(
        CropzoomError, match=r"name it with --format: keypoints, via, idtracker, csv, mot,"
    ):
        read(write(tmp_path, "hello\nworld\n", "a.dat"))


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_cut_tiff_is_told_plainly(tmp_path, share, caplog):
    import tifffile

    whole = tmp_path / "whole.tif"
    masks = np.zeros((10, 480, 640), np.uint8)
    masks[:, 100:130, 200:240] = 1
    tifffile.imwrite(whole, masks, photometric="minisblack", compression="zlib", rowsperstrip=480)
    assert len(read(whole).settled.tracks) == 1
    data = whole.read_bytes()
    path = tmp_path / "cut.tif"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CropzoomError, match="cut short") as raised:
        read(path)
    assert "tifffile" not in str(raised.value)
    assert caplog.text == ""


def test_damaged_lzma_in_a_tiff_is_told_plainly(tmp_path):
    import tifffile

    path = tmp_path / "masks.tif"
    masks = np.zeros((10, 480, 640), np.uint8)
    masks[:, 100:130, 200:240] = 1
    tifffile.imwrite(path, masks, photometric="minisblack", compression="lzma", rowsperstrip=480)
    assert len(read(path).settled.tracks) == 1
    with tifffile.TiffFile(path) as file:
        where = file.pages[4].aspage().dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[where : where + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(CropzoomError, match="damaged or cut short"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("frame,x,y,w,h\n", "has a header but no rows"),
        ("frame,x,y,w,h\n0,,,,\n1,,,,\n", "holds no box and no point"),
        ("frame,x,y,w,h\n0,a,2,3,4\n", "line 2: x is 'a', not a number"),
        ("frame,x,y,w,h\n0.5,1,2,3,4\n", "line 2: 0.5 is not the number of a frame"),
        ("frame,x,y,w,h\n0,1,2,1e9,4\n", "frame 0"),
        ("hello\nworld\n", "no known format"),
        ("[]", "no known format"),
        ('[project]\nname = "mouse"\n', r"no known format\. "),  # it begins like JSON
        ('{"images": [], "annotations": []}', "has no annotations"),
        (
            '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1}]}',
            "has no frame number",
        ),
        ("<?xml version='1.0'?><annotations></annotations>", "has no track"),
        ("scorer,a,a\nbodyparts,b,b\ncoords,x,y\n", "has a header but no rows"),
    ],
)
def test_what_holds_nothing_or_no_numbers_is_an_error_in_words(tmp_path, text, message):
    with pytest.raises(CropzoomError, match=message) as raised:
        read(write(tmp_path, text, "a.dat"), crop_size=None)
    assert str(tmp_path) in str(raised.value)


def test_entities_in_xml_are_refused(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    text = f"<?xml version='1.0'?>{bomb}<annotations><track label='&b;'></track></annotations>"
    with pytest.raises(CropzoomError, match="document type"):
        read(write(tmp_path, text, "a.xml"))


def test_a_folder_without_anything_known_is_said_so(tmp_path):
    with pytest.raises(CropzoomError, match="no known format"):
        read(tmp_path)
    with pytest.raises(CropzoomError, match="there is no such file"):
        read(tmp_path / "none.csv")


def test_a_format_named_wrongly_names_the_known(tmp_path):
    with pytest.raises(CropzoomError, match="Choose one of: keypoints, "):
        read(write(tmp_path, "frame,x,y,w,h\n0,1,2,3,4\n"), "tables")
