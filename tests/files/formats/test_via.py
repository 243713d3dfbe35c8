"""VIA tracks: many rows at once or one by one, the same comes out, and what is wrong has its line."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside.via import AT_ONCE, HEADER, Via
from napari_cropzoom.files.formats.outside_rows import BoxesOut, VideoFacts

N = 2 * AT_ONCE + 30
VIDEO = VideoFacts("clip.mp4", 640, 480, N, 30.0)
ROW = re.compile(r'""x"": ([\d.]+)')


@pytest.fixture
def lines(tmp_path):
    """A file of two animals, the second not in all frames, as lines."""
    t = np.arange(N, dtype=np.float64)
    first = np.column_stack([t / 4, t / 8 + 0.125, np.full(N, 60.5), np.full(N, 40.0)])
    second = first + np.array([100, 50, 0, 0])
    second[5:9] = np.nan
    path = tmp_path / "whole.csv"
    Via().write(path, BoxesOut({"white": first, "brown": second}, VIDEO))
    return path.read_text().splitlines()


def tracks(tmp_path, lines):
    path = tmp_path / "tracks.csv"
    path.write_text("\n".join(lines) + "\n")
    return {each.name: each.boxes for each in read_outside(path, VIDEO).settled.tracks}


def test_rows_that_are_not_as_usual_say_the_same(tmp_path, lines):
    usual = tracks(tmp_path, lines)
    assert list(usual) == ["white", "brown"]
    odd = [
        ROW.sub(r'""x"": ""\1""', line) if place % 700 == 3 else line for place, line in enumerate(lines)
    ]
    assert odd != lines
    odd[AT_ONCE + 5 : AT_ONCE + 5] = [
        "# a remark",
        "",
        ",".join(["a_1.png", "0", "{}", "0", "0", "{}", "{}"]),
    ]
    for name, boxes in tracks(tmp_path, odd).items():
        np.testing.assert_array_equal(boxes, usual[name])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('"{""name"": ""polygon""}"', "the region is a polygon, not a rect"),
        ('"{""name"": ""rect"""', "region_shape_attributes is not JSON"),
        ('"{},1,{}"', "region_shape_attributes is not JSON"),
        ("[]", "region_shape_attributes is not a JSON object"),
    ],
)
def test_a_wrong_cell_among_many_is_told_by_its_line(tmp_path, lines, cell, message):
    number = AT_ONCE + 40
    head = lines[number - 1].split(',"{""name')[0]
    lines[number - 1] = f'{head},{cell},"{{""track"": 0}}"'
    with pytest.raises(CropzoomError, match=f"line {number}: .*{message}"):
        tracks(tmp_path, lines)


def test_cells_in_another_order_are_found_by_their_names(tmp_path, lines):
    import pandas as pd

    usual = tracks(tmp_path, lines)
    path = tmp_path / "tracks.csv"
    path.write_text("\n".join(lines) + "\n")
    pd.read_csv(path)[list(reversed(HEADER))].to_csv(path, index=False)
    for track in read_outside(path, VIDEO).settled.tracks:
        np.testing.assert_array_equal(track.boxes, usual[track.name])
