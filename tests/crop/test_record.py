"""The record of a crop: one written by the version before, and files that are no record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.record import read_side_file, write_side_file

OLD = Path(__file__).resolve().parents[1] / "data" / "cropped_0.1.json"


def test_a_record_of_the_version_before_is_read_and_written_again_the_same(tmp_path):
    record = read_side_file(OLD)
    assert (record.source, record.size, record.fps) == ("blobs.mp4", (82, 82), 30.0)
    np.testing.assert_array_equal(record.boxes[[0, 19]], [[20, 10, 80, 80], [39, 10, 84, 84]])
    assert record.making is not None
    assert record.making.encoding["crf"] == 22.5
    write_side_file(tmp_path / "new.json", record)
    assert json.loads((tmp_path / "new.json").read_text()) == json.loads(OLD.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "newer cropzoom"),
        ({"boxes": [[1, 2]]}, "Boxes must have the shape"),
        ({"fps": "x"}, "not the record"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_cure(tmp_path, change, message):
    path = tmp_path / "cropped_v.json"
    path.write_text(json.dumps({**json.loads(OLD.read_text()), **change}))
    with pytest.raises(CropzoomError, match=message):
        read_side_file(path)
