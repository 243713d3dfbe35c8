from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.predictions_csv import read_predictions, read_predictions_table, write_predictions

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
    frame = pd.read_csv(path, header=[0, 1, 2], index_col=0, float_precision="round_trip")
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert path.read_bytes() == frame.to_csv(lineterminator="\n").encode()
    back = read_predictions(path, 7)
    assert back.names == ("a", "b")
    assert back.scorer == "heatmap_tracker"
    np.testing.assert_allclose(back.xy, poses().xy, rtol=1e-15)
    np.testing.assert_allclose(back.likelihood, poses().likelihood, rtol=1e-15)


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
    moved = table.with_xy(table.poses().xy + 1)
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
    "boxes": (",x,y,h,w\n0,1,2,3,4\n1,1,2,3,4\n", "line 1: the first three lines"),
    "short": ("scorer,m\n", "line 1: the first three lines"),
    "several animals": (HEAD.replace("bodyparts", "individuals", 1), "line 2: holds several individuals"),
    "header only": (HEAD, "has a header but no rows"),
    "ragged header": ("scorer,m,m\nbodyparts,a\ncoords,x,y\n0,1,2\n", "line 3"),
    "narrow rows": (HEAD + "0,1,2,3\n", "line 4: has 4 cells where the header has 7"),
    "text": (HEAD + "0,1,2,3,4,5,6\n1,1,two,3,4,5,6\n", "line 5: a y is 'two'"),
    "gap": (HEAD + "0,1,2,3,4,5,6\n2,1,2,3,4,5,6\n", "line 5: is frame 2 where frame 1"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path, text, message):
    path = file_with(tmp_path, text)
    with pytest.raises(CropzoomError, match=message) as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)


def test_another_number_of_frames_is_refused(tmp_path):
    write_predictions(tmp_path / "v.csv", poses())
    with pytest.raises(CropzoomError, match="has 7 rows but the video has 8 frames"):
        read_predictions(tmp_path / "v.csv", 8)
