"""Files of every format are recognised and read, and what is not a table is rewritten to one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import check_made_of, record_path, sign
from napari_cropzoom.files.formats.outside_rows import BoxesOut, VideoFacts
from napari_cropzoom.files.formats.registry import (
    EXPORTS,
    FORMATS,
    as_table,
    dialog_filter,
    format_of,
    get_export,
    read_boxes,
)
from napari_cropzoom.files.predictions_csv import write_predictions

BOXES = np.array([[10.0, 20, 30, 40], [11, 21, 30, 40], [12, 22, 30, 40]])


@pytest.fixture
def poses() -> Poses:
    xy = np.random.default_rng(0).uniform(50, 200, (3, 4, 2))
    return Poses(("a", "b", "c", "d"), xy, np.ones((3, 4)))


@pytest.mark.parametrize("each", [*FORMATS, *EXPORTS], ids=lambda each: each.name)
def test_each_names_itself(each):
    assert each.name.isidentifier()
    assert each.label[0].isupper()
    assert len(each.help) > 10
    assert all(pattern.startswith("*.") for pattern in each.patterns)


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_dialogs_offer_each_format(each):
    assert all(pattern in dialog_filter() for pattern in each.patterns)


def test_a_table_is_read_and_stays_where_it_is(tmp_path):
    path = tmp_path / "v_bbox.csv"
    write_bbox_csv(path, BOXES)
    assert format_of(path).name == "table"
    np.testing.assert_array_equal(read_boxes(path, 3), BOXES)
    assert as_table(path, tmp_path, tmp_path / "v.mp4", 3) == path


def test_boxes_are_put_round_the_keypoints_of_a_predictions_file(tmp_path, poses):
    path = tmp_path / "v.csv"
    write_predictions(path, poses)
    wanted = boxes_from_keypoints(poses, SizingSettings())
    assert format_of(path).name == "keypoints"
    np.testing.assert_allclose(read_boxes(path, 3), wanted)
    table = as_table(path, tmp_path, tmp_path / "v.mp4", 3)
    assert table == tmp_path / "bboxes_keypoints" / "v_bbox.csv"
    np.testing.assert_array_equal(read_bbox_csv(table), np.rint(wanted))


def test_keypoints_of_another_video_are_not_made_boxes_of_this_one(tmp_path, poses):
    path, video, other = tmp_path / "v.csv", tmp_path / "v.mp4", tmp_path / "day2" / "v.mp4"
    other.parent.mkdir()
    video.write_bytes(b"one")
    other.write_bytes(b"two, of another day")
    write_predictions(path, poses)
    sign(path, video)
    table = as_table(path, tmp_path, video, 3)
    assert check_made_of(table, video)
    with pytest.raises(CropzoomError, match=r"v\.csv: was made of another file"):
        as_table(path, tmp_path, other, 3)
    record_path(path).unlink()  # nothing says so any more, but of what it would replace
    before = table.read_bytes()
    with pytest.raises(CropzoomError, match=r"v_bbox\.csv: was made of another file"):
        as_table(path, tmp_path, other, 3)
    assert table.read_bytes() == before


def test_quoted_headers_are_recognised(tmp_path, poses):
    path = tmp_path / "v.csv"
    write_predictions(path, poses)
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join([*('"' + line.replace(",", '","') + '"' for line in lines[:3]), *lines[3:]])
    )
    assert format_of(path).name == "keypoints"
    assert len(read_boxes(path, 3)) == 3
    path.write_text('"x","y","h","w"\n1,2,30,40\n')
    assert format_of(path).name == "table"


def test_keypoints_are_checked_as_boxes_are(tmp_path, poses):
    path = tmp_path / "v.csv"
    poses.xy[1] *= [[20], [1], [1], [1]]
    write_predictions(path, poses)
    with pytest.raises(CropzoomError, match=r"frame 1: the box .* outside a frame of 320 x 240"):
        read_boxes(path, 3, frame_size=(320, 240))
    notes: list[str] = []
    options = {"allow_missing": True, "faults": "skip", "notify": notes.append}
    assert np.isnan(read_boxes(path, 3, frame_size=(320, 240), **options)[:, 0]).tolist() == [0, 1, 0]
    assert "is a table of keypoints, not of boxes" in notes[0]
    assert "1 of 3 frames has no box that can be used" in notes[1]


def test_frames_without_keypoints_are_refused_unless_they_may_be_missing(tmp_path, poses):
    poses.xy[1] = np.nan
    path = tmp_path / "v.csv"
    write_predictions(path, poses)
    with pytest.raises(CropzoomError, match=r"frame 1 has no keypoint .*cropzoom review"):
        read_boxes(path, 3)
    assert np.isnan(read_boxes(path, 3, allow_missing=True)[1]).all()


@pytest.mark.parametrize("content", [b"", b"nothing of this\n1,2\n", b"\xff\xfe\x00"])
def test_what_no_format_recognises_is_refused_in_the_words_of_the_table(tmp_path, content):
    path = tmp_path / "v.csv"
    path.write_bytes(content)
    with pytest.raises(CropzoomError, match=r"v\.csv: "):
        read_boxes(path)


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(CropzoomError, match="there is no such file"):
        read_boxes(tmp_path / "none.csv")


def test_a_table_that_is_exported_can_be_read_again(tmp_path):
    path = tmp_path / "v.csv"
    get_export("table").write(path, BoxesOut({"mouse": BOXES}, VideoFacts("v.mp4", 320, 240, 3, 30.0)))
    np.testing.assert_array_equal(read_boxes(path, 3), BOXES)


def test_an_unknown_export_names_the_known():
    with pytest.raises(CropzoomError, match="There is no export 'x'"):
        get_export("x")
