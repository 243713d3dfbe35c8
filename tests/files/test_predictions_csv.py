from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.csv_table import exact_numbers
from napari_cropzoom.files.predictions_csv import (
    read_predictions,
    read_predictions_table,
    write_predictions,
)

HEAD = "scorer,m,m,m,m,m,m\nbodyparts,a,a,a,b,b,b\ncoords,x,y,likelihood,x,y,likelihood\n"


def poses(n: int = 7) -> Poses:
    rng = np.random.default_rng(0)
    return Poses(("a", "b"), rng.normal(100, 50, (n, 2, 2)), rng.uniform(size=(n, 2)), "heatmap_tracker")


def file_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "v.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_written_as_pandas_writes_and_read_back_exactly(tmp_path):
    path = tmp_path / "v.csv"
    write_predictions(path, poses())
    frame = pd.read_csv(path, header=[0, 1, 2], index_col=0, **exact_numbers())
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert path.read_bytes() == frame.to_csv(lineterminator="\n").encode()
    back = read_predictions(path, 7)
    assert back.names == ("a", "b")
    assert back.scorer == "heatmap_tracker"
    np.testing.assert_array_equal(back.xy, poses().xy)
    np.testing.assert_array_equal(back.likelihood, poses().likelihood)


def test_an_empty_first_row_is_not_lost(tmp_path):
    boxes = poses()
    boxes.xy[0], boxes.likelihood[0] = np.nan, np.nan
    write_predictions(tmp_path / "v.csv", boxes)
    back = read_predictions(tmp_path / "v.csv", 7)
    assert np.isnan(back.xy[0]).all()
    np.testing.assert_allclose(back.xy[1:], boxes.xy[1:])


def test_other_columns_are_kept_but_not_read(tmp_path):
    text = (
        "scorer,m,m,m,m,set\nbodyparts,a,a,a,a,\ncoords,x,y,likelihood,x_posterior_var,\n"
        "labeled-data/i1.png,1.5,2.5,0.5,9.0,train\nlabeled-data/i2.png,3.5,4.5,0.25,8.0,val\n"
    )
    table = read_predictions_table(file_with(tmp_path, text))
    assert table.is_labeled_frames
    assert table.index == ["labeled-data/i1.png", "labeled-data/i2.png"]
    assert table.poses().xy[:, 0].tolist() == [[1.5, 2.5], [3.5, 4.5]]
    table.write(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == text
    moved = table.moved(np.ones((2, 2)), np.ones((2, 2)))
    moved.write(tmp_path / "moved.csv")
    assert (tmp_path / "moved.csv").read_text().splitlines()[
        3
    ] == "labeled-data/i1.png,2.5,3.5,0.5,9.0,train"


def test_labels_without_likelihood_can_be_read(tmp_path):
    text = "scorer,m,m\nbodyparts,a,a\ncoords,x,y\nimg1.png,1,2\nimg2.png,,\n"
    back = read_predictions(file_with(tmp_path, text))
    assert back.xy[0, 0].tolist() == [1, 2]
    assert np.isnan(back.xy[1]).all()
    assert np.isnan(back.likelihood).all()


BAD = {
    "empty": ("", "is empty"),
    "boxes": (",x,y,h,w\n0,1,2,3,4\n1,1,2,3,4\n", "line 1: this is a table of boxes"),
    "short": ("scorer,m\n", "line 1: the first three lines"),
    "several animals": (HEAD.replace("bodyparts", "individuals", 1), "line 2: holds several individuals"),
    "header only": (HEAD, "has a header but no rows"),
    "ragged header": ("scorer,m,m\nbodyparts,a\ncoords,x,y\n0,1,2\n", "line 3"),
    "narrow rows": (HEAD + "0,1,2,3\n", "line 4: has 4 cells, the header has 7"),
    "text": (HEAD + "0,1,2,3,4,5,6\n1,1,two,3,4,5,6\n", "line 5: a y is 'two'"),
    "a gap and a frame of decimals": (HEAD + "0.0,1,2,3,4,5,6\n2.0,1,2,3,4,5,6\n", "line 5: is frame 2"),
    "index overflows": (HEAD + "0,1,2,3,4,5,6\n" + "9" * 30 + ",1,2,3,4,5,6\n", "line 5: is frame 999"),
    "index is infinite": (HEAD + "0,1,2,3,4,5,6\n1e400,1,2,3,4,5,6\n", "line 5: '1e400' is not"),
    "empty index": (HEAD + "0,1,2,3,4,5,6\n,1,2,3,4,5,6\n", "line 5: '' is not the number of a frame"),
    "negative index": (HEAD + "-1,1,2,3,4,5,6\n0,1,2,3,4,5,6\n", "line 4: '-1' is not the number"),
    "half a frame": (HEAD + "0.5,1,2,3,4,5,6\n", "line 4: '0.5' is not the number of a frame"),
    "an image among frames": (
        HEAD + "0,1,2,3,4,5,6\na.png,1,2,3,4,5,6\n",
        "line 5: 'a.png' is not the num",
    ),
    "a number among images": (
        HEAD + "a.png,1,2,3,4,5,6\nb.png,1,2,3,4,5,6\n7,1,2,3,4,5,6\n",
        "line 6: '7' is not the path of an image",
    ),
    "an image without a name": (
        HEAD + "a.png,1,2,3,4,5,6\nb.png,1,2,3,4,5,6\n,1,2,3,4,5,6\n",
        "line 6: '' is not the path of an image",
    ),
    "commas only": (HEAD + ",,,,,,\n,,,,,,\n", "has a header but no rows"),
    "infinite": (HEAD + "0,1,2,3,4,5,6\n1,1,inf,3,4,5,6\n", "line 5: a y is 'inf', more than any video"),
    "huge": (HEAD + "0,1,2,3,-1e300,5,6\n", "line 4: b x is '-1e.300', more than any video"),
    "hundreds of digits": (
        HEAD + f"0,1,-{'9' * 400},3,4,5,6\n",
        "line 4: a y is '-9+.*more than any video",
    ),
    "cut short": (HEAD + "0,1,2,3,4,5,6\n1,1,2", "the last line is cut short"),
    "long row": (HEAD + "0,1,2,3,4,5,6\n1,1,2,3,4,5,6,7\n", "not a table"),
    "two animals": (HEAD.replace("b,b,b", "a,a,a") + "0,1,2,3,4,5,6\n", "line 2: 'a' has 2 columns x"),
    "x alone": ("scorer,m,m,m\nbodyparts,a,a,b\ncoords,x,y,x\n0,1,2,3\n", "line 3: 'b' has no column"),
    "long text": (HEAD + "0,1," + "z" * 500 + ",3,4,5,6\n", r"line 4: a y is 'z{30,76}\.\.\.'"),
    "a cell without end": ('scorer,"' + "z" * 200_000 + '"\nbodyparts,a\ncoords,x\n', "not a table"),
    "many columns": ("scorer" + ",m" * 40_000 + "\nbodyparts\ncoords\n", "40001 columns"),
    "gap": (HEAD + "0,1,2,3,4,5,6\n2,1,2,3,4,5,6\n", "line 5: is frame 2 where frame 1"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path, text, message):
    path = file_with(tmp_path, text)
    with pytest.raises(CropzoomError, match=message) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 320


ROWS = ["0,1,2,.5,4,5,.6", "1,11,12,.5,14,15,.6"]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "\n".join(ROWS),
        HEAD + "\n\n".join(ROWS) + "\n\n",
        HEAD + ",,,,,,\n" + "\n".join(ROWS) + "\n,,,,,,\n,,,,,,\n",
        "\n" + HEAD + "\n" + "\n".join(ROWS),
        HEAD + "0.0,1,2,.5,4,5,.6\n1.000,11,12,.5,14,15,.6\n",
        HEAD + " 0 ,1,2,.5,4,5,.6\n01,11,12,.5,14,15,.6\n",
        HEAD.replace("\n", "\r\n") + "\r\n".join(ROWS),
        HEAD.replace("\n", "\r") + "\r".join(ROWS),
        '"' + HEAD.replace(",", '","').replace("\n", '"\n"').removesuffix('"') + "\n".join(ROWS),
        HEAD.replace("scorer", " Scorer ").replace("\n", ",\n").replace(",\n", "\n") + "\n".join(ROWS),
    ],
    ids=range(10),
)
def test_tables_as_spreadsheets_leave_them(tmp_path, text):
    table = read_predictions_table(file_with(tmp_path, text), 2)
    assert not table.is_labeled_frames
    assert table.index == ["0", "1"]
    assert table.poses().xy.tolist() == [[[1, 2], [4, 5]], [[11, 12], [14, 15]]]
    table.write(tmp_path / "again.csv")
    assert read_predictions(tmp_path / "again.csv", 2).xy.tolist() == table.poses().xy.tolist()


def test_a_row_that_is_empty_but_for_its_number_is_a_frame(tmp_path):
    text = HEAD + ROWS[0] + "\n1,,,,,,\n,,,,,,\n"
    poses = read_predictions(file_with(tmp_path, text), 2)
    assert np.isnan(poses.xy[1]).all()


LABELS = (
    "scorer,,,me,me\nbodyparts,,,a,a\ncoords,,,x,y\n"
    "labeled-data,day 1,img1.png,1,2\nlabeled-data,day 1,img2.png,,\n"
)


@pytest.mark.parametrize(
    "text",
    [
        LABELS,
        LABELS.replace("scorer,,,", "scorer,Unnamed: 1_level_0,Unnamed: 2_level_0,"),
        "\n".join('"' + line.replace(",", '","') + '"' for line in LABELS.splitlines()),
        LABELS.replace(",,,m", ",m")
        .replace(",,,a", ",a")
        .replace(",,,x", ",x")
        .replace("a,day 1,", "a/day 1/"),
    ],
)
def test_labels_of_deeplabcut_have_one_path_an_image(tmp_path, text):
    table = read_predictions_table(file_with(tmp_path, text))
    assert table.is_labeled_frames
    assert table.index == ["labeled-data/day 1/img1.png", "labeled-data/day 1/img2.png"]
    assert table.poses().xy[0].tolist() == [[1, 2]]
    table.write(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text().splitlines()[0] == "scorer,me,me"


def test_labels_in_place_of_the_predictions_of_a_video_are_called_so(tmp_path):
    (tmp_path / "CollectedData.csv").write_text(LABELS)
    with pytest.raises(CropzoomError, match="has 2 labeled images, not 1200 frames of a video"):
        read_predictions(tmp_path / "CollectedData.csv", 1200)


def test_another_number_of_frames_is_refused(tmp_path):
    write_predictions(tmp_path / "v.csv", poses())
    with pytest.raises(CropzoomError, match="has 7 rows but the video has 8 frames"):
        read_predictions(tmp_path / "v.csv", 8)
