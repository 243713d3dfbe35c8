from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.crop.record import CropRecord, Making, read_side_file, record_path, write_side_file
from napari_cropzoom.crop.remap import remap_predictions
from napari_cropzoom.files.bbox_csv import write_bbox_csv, write_metadata
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import read_predictions, write_predictions
from napari_cropzoom.files.review_paths import save_final

N = 40
NOT_ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="no such names or links there")


@pytest.fixture
def made_up() -> tuple[np.ndarray, np.ndarray]:
    """(N, 2, 2) keypoints in the full frame, and boxes that change in place and size."""
    rng = np.random.default_rng(5)
    boxes = np.column_stack(
        [
            rng.integers(-50, 900, N),
            rng.integers(-50, 700, N),
            2 * rng.integers(40, 90, N),
            2 * rng.integers(40, 90, N),
        ]
    ).astype(float)
    points = boxes[:, None, :2] + boxes[:, None, 2:] * rng.uniform(0, 1, (N, 2, 2))
    return points, boxes


def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Predictions under the pose model, boxes and crop under the detector, as usual."""
    preds = tmp_path / "pose" / "video_preds" / "cropped_v.csv"
    bbox = tmp_path / "detector" / "video_preds" / "v_bbox.csv"
    return preds, bbox, tmp_path / "detector" / "cropped_videos" / "cropped_v.mp4"


def write_crop_predictions(
    path: Path, points: np.ndarray, boxes: np.ndarray, size: tuple[int, int]
) -> None:
    in_crop = (points - boxes[:, None, :2]) * np.array(size) / boxes[:, None, 2:]
    write_predictions(path, Poses(("a", "b"), in_crop, np.full((N, 2), 0.5)))


def test_exact_with_boxes_that_change(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, bbox)
    assert result.path == preds.with_name("remapped_cropped_v.csv")
    assert result.note == ""
    back = read_predictions(result.path)
    np.testing.assert_allclose(back.xy, points, atol=1e-6)
    assert (back.likelihood == 0.5).all()


def test_frames_that_were_black_in_the_crop_get_no_keypoints(tmp_path, made_up):
    """Whatever a model made of the black: NaN and likelihood 0."""
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    record = CropRecord("v.mp4", boxes, (120, 90), 30.0, undecodable=(0, 7, 8))
    write_side_file(record_path(crop), record)
    assert read_side_file(record_path(crop)).undecodable == (0, 7, 8)
    result = remap_predictions(preds, bbox)
    assert "3 frames could not be decoded" in result.note
    back, lost = read_predictions(result.path), [0, 7, 8]
    kept = np.delete(np.arange(N), lost)
    assert np.isnan(back.xy[lost]).all()
    assert not back.likelihood[lost].any()
    np.testing.assert_allclose(back.xy[kept], points[kept], atol=1e-6)
    assert (back.likelihood[kept] == 0.5).all()


@pytest.mark.parametrize("given", ["reviewed", "raw"])
@pytest.mark.parametrize("has_record", [True, False])
def test_frames_without_an_animal_get_no_keypoints(tmp_path, made_up, given, has_record):
    """As in the full video; the crop shows a box filled from its neighbours there."""
    points, boxes = made_up
    boxes[:, 2:] = 120, 90
    preds, raw, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(raw, boxes)
    summary = {"absent": [4, 5, N - 1, N, "x"]}
    reviewed = save_final(raw, Path("v.mp4"), boxes, SmoothingSettings(), summary)
    if has_record:
        write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, reviewed if given == "reviewed" else raw)
    assert "3 frames without an animal" in result.note
    back, absent = read_predictions(result.path), [4, 5, N - 1]
    assert np.isnan(back.xy[absent]).all()
    assert not back.likelihood[absent].any()
    kept = np.delete(np.arange(N), absent)
    np.testing.assert_allclose(back.xy[kept], points[kept], atol=1e-6)


def test_the_review_of_another_video_says_nothing(tmp_path, made_up):
    points, boxes = made_up
    preds, raw, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    reviewed = save_final(raw, Path("w.mp4"), boxes, SmoothingSettings(), {"absent": [4]})
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, reviewed)
    assert result.note == ""
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)


def test_the_boxes_of_the_crop_win_over_the_ones_given(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    raw = boxes.copy()
    raw[3:6, 0] += 20
    write_bbox_csv(bbox, raw)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, bbox)
    assert "differs in 3 frames" in result.note
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)


def test_images_are_found_whichever_way_their_slashes_lean(tmp_path):
    images = ["labeled-data/v/img1.png", "labeled-data/v/img2.png"]
    preds, bbox = tmp_path / "predictions.csv", tmp_path / "bbox.csv"
    write_predictions(preds, Poses(("a",), np.full((2, 1, 2), 3.0), np.ones((2, 1))), images)
    boxes = np.array([[10.0, 20, 40, 40], [50, 60, 40, 40]])
    write_bbox_csv(bbox, boxes[::-1], [image.replace("/", "\\") for image in images[::-1]])
    back = read_predictions(remap_predictions(preds, bbox).path)
    assert back.xy[:, 0].tolist() == [[13, 23], [53, 63]]


def test_what_is_derived_from_a_coordinate_goes_with_it(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    names = [
        "x",
        "y",
        "likelihood",
        "x_ens_median",
        "y_ens_median",
        "x_ens_var",
        "y_posterior_var",
        "x_odd",
    ]
    in_crop = (points[:, 0] - boxes[:, :2]) * [120, 90] / boxes[:, 2:]
    median, one = in_crop + 1, np.ones(N)
    columns = [*in_crop.T, 0.5 * one, *median.T, 4 * one, 9 * one, 7 * one]
    preds.parent.mkdir(parents=True)
    header = pd.MultiIndex.from_product([["eks"], ["a"], names], names=["scorer", "bodyparts", "coords"])
    pd.DataFrame(np.column_stack(columns), columns=header).to_csv(preds)
    write_bbox_csv(bbox, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, bbox)
    assert result.note == "left in pixels of the crop: 'x_odd'"
    back = pd.read_csv(result.path, header=[0, 1, 2], index_col=0)["eks"]["a"]
    scale = boxes[:, 2:] / [120, 90]
    np.testing.assert_allclose(back[["x", "y"]], points[:, 0])
    np.testing.assert_allclose(back[["x_ens_median", "y_ens_median"]], points[:, 0] + scale)
    np.testing.assert_allclose(back["x_ens_var"], 4 * scale[:, 0] ** 2)
    np.testing.assert_allclose(back["y_posterior_var"], 9 * scale[:, 1] ** 2)
    assert (back["likelihood"] == 0.5).all()
    assert (back["x_odd"] == 7).all()


@pytest.mark.parametrize("given_as", ["video", "record"])
def test_the_record_may_be_anywhere_if_named(tmp_path, made_up, given_as):
    points, boxes = made_up
    preds, bbox, _ = folders(tmp_path)
    crop = tmp_path / "elsewhere" / "other.mp4"
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    named = crop if given_as == "video" else record_path(crop)
    result = remap_predictions(preds, bbox, tmp_path / "out.csv", crop=named)
    np.testing.assert_allclose(read_predictions(tmp_path / "out.csv").xy, points, atol=1e-6)
    assert result.note == ""
    with pytest.raises(CropzoomError, match="there is no such file"):
        remap_predictions(preds, bbox, crop=tmp_path / "none.mp4")


def test_the_record_is_found_from_smoothed_boxes_kept_elsewhere(tmp_path, made_up):
    points, boxes = made_up
    _, bbox, crop = folders(tmp_path)
    preds = tmp_path / "poses" / "pose" / "video_preds" / "cropped_v.csv"
    smoothed = tmp_path / "far" / "away" / "v_bbox.csv"
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(smoothed, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    assert "no record" in remap_predictions(preds, smoothed).note
    write_metadata(smoothed.parent, "median", 5, bbox.parent)
    assert remap_predictions(preds, smoothed).note == ""
    (smoothed.parent / "metadata.json").unlink()
    (preds.parents[1] / "config.yaml").write_text(f"data:\n  video_dir: {crop.parent}\n")
    assert remap_predictions(preds, smoothed).note == ""


def test_the_record_is_found_with_a_model_beside_the_one_that_predicted(tmp_path, made_up):
    points, boxes = made_up
    preds, _, crop = folders(tmp_path)
    smoothed = tmp_path / "far" / "away" / "v_bbox.csv"
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(smoothed, boxes)
    record = CropRecord("v.mp4", boxes, (120, 90), 30.0)
    write_side_file(record_path(crop), record)
    result = remap_predictions(preds, smoothed)
    assert result.note == ""
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)
    write_side_file(record_path(tmp_path / "other" / "cropped_videos" / crop.name), record)
    with pytest.raises(CropzoomError, match="Say which with --crop"):
        remap_predictions(preds, smoothed)


@NOT_ON_WINDOWS
@pytest.mark.parametrize("stem", ["cam[1]", "a*b?", "[!x]", "{1..2}"])
def test_the_record_is_found_whatever_the_video_is_called(tmp_path, made_up, stem):
    points, boxes = made_up
    preds = tmp_path / "pose" / "video_preds" / f"cropped_{stem}.csv"
    bbox = tmp_path / "far" / "away" / f"{stem}_bbox.csv"
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    crop = tmp_path / "detector" / "cropped_videos" / f"cropped_{stem}.mp4"
    write_side_file(record_path(crop), CropRecord(f"{stem}.mp4", boxes, (120, 90), 30.0))
    result = remap_predictions(preds, bbox)
    assert result.note == ""
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)


@NOT_ON_WINDOWS
@pytest.mark.parametrize("linked", ["preds", "bbox", "both"])
def test_the_record_is_found_beside_a_link_into_a_store(tmp_path, made_up, linked):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0))
    store = tmp_path / ".git" / "annex" / "objects"
    store.mkdir(parents=True)
    for name, file in (("preds", preds), ("bbox", bbox)):
        if linked in (name, "both"):
            content = file.rename(store / f"MD5E-{name}.csv")
            file.symlink_to(content)
    result = remap_predictions(preds, bbox)
    assert (result.path.parent, result.note) == (preds.parent, "")
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)


def test_predictions_of_a_crop_that_was_made_again_are_refused(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    crop.parent.mkdir(parents=True)
    crop.write_bytes(b"the first crop")
    sign(preds, crop)
    for content, is_refused in ((b"the first crop", False), (b"the crop with other boxes", True)):
        making = Making({}, {}, {"bytes": len(content)})
        crop.write_bytes(content)
        write_side_file(record_path(crop), CropRecord("v.mp4", boxes, (120, 90), 30.0, making))
        if is_refused:
            with pytest.raises(CropzoomError, match="was made of another crop"):
                remap_predictions(preds, bbox)
        else:
            assert remap_predictions(preds, bbox).note == ""


def test_the_record_of_another_crop_is_refused(tmp_path, made_up):
    """It was copied, or the crop beside it was: keypoints would land where the other one's boxes are."""
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes)
    crop.parent.mkdir(parents=True)
    crop.write_bytes(b"this crop")
    making = Making({}, {}, {"bytes": 1234})
    write_side_file(record_path(crop), CropRecord("other.mp4", boxes + 30, (120, 90), 30.0, making))
    with pytest.raises(CropzoomError, match=r"is of another crop \(1234 bytes\) than .* \(9 bytes\)"):
        remap_predictions(preds, bbox)


def test_without_a_record_the_size_is_that_of_boxes_in_whole_pixels(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, _ = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (100, 80))
    boxes[:, 2:] = 100.4, 81.3  # cut as 100 x 81, so the crop is 100 x 80; unrounded it would be 82 high
    table = pd.DataFrame(boxes[:, [0, 1, 3, 2]], columns=["x", "y", "h", "w"])
    bbox.parent.mkdir(parents=True)
    table.to_csv(bbox)  # ours are whole, those of others need not be
    assert "100 x 80" in remap_predictions(preds, bbox).note


def test_without_a_record_the_median_is_the_size_and_it_says_so(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, _ = folders(tmp_path)
    size = tuple(round(float(side) / 2) * 2 for side in np.median(boxes[:, 2:], axis=0))
    write_crop_predictions(preds, points, boxes, size)
    write_bbox_csv(bbox, boxes)
    result = remap_predictions(preds, bbox)
    assert f"{size[0]} x {size[1]}" in result.note
    np.testing.assert_allclose(read_predictions(result.path).xy, points, atol=1e-6)


def test_boxes_as_large_as_the_crop_give_litposes_sum(tmp_path, made_up):
    points, boxes = made_up
    boxes[:, 2:] = 100, 80
    preds, bbox, _ = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (100, 80))
    write_bbox_csv(bbox, boxes)
    result = remap_predictions(preds, bbox)
    crop_xy = read_predictions(preds).xy
    np.testing.assert_allclose(read_predictions(result.path).xy, crop_xy + boxes[:, None, :2], rtol=1e-15)


def test_labelled_frames_are_found_by_name_and_never_resized(tmp_path):
    images = ["labeled-data/a.png", "labeled-data/b.png"]
    preds, bbox = tmp_path / "predictions.csv", tmp_path / "bbox.csv"
    write_predictions(preds, Poses(("a",), np.array([[[1.0, 2]], [[3, 4]]]), np.ones((2, 1))), images)
    write_bbox_csv(bbox, np.array([[100, 200, 30, 40], [10, 20, 50, 60.0]]), images[::-1])
    back = read_predictions(remap_predictions(preds, bbox).path)
    assert back.xy[:, 0].tolist() == [[11, 22], [103, 204]]
    write_bbox_csv(bbox, np.array([[100, 200, 30, 40.0]]), images[:1])
    with pytest.raises(CropzoomError, match=r"no box for labeled-data/b\.png"):
        remap_predictions(preds, bbox)


def test_what_does_not_belong_together_is_refused(tmp_path, made_up):
    points, boxes = made_up
    preds, bbox, crop = folders(tmp_path)
    write_crop_predictions(preds, points, boxes, (120, 90))
    write_bbox_csv(bbox, boxes[:-1])
    with pytest.raises(CropzoomError, match=r"has 39 boxes but .* has 40 rows"):
        remap_predictions(preds, bbox)
    write_bbox_csv(bbox, boxes)
    write_side_file(record_path(crop), CropRecord("v.mp4", boxes[:-2], (120, 90), 30.0))
    with pytest.raises(CropzoomError, match=r"a crop of 38 frames, but .* has 40 rows"):
        remap_predictions(preds, bbox)
    for text in ("{", "[]", '{"version": 1}', '{"version": 9, "width": 1, "height": 1}'):
        record_path(crop).write_text(text)
        with pytest.raises(CropzoomError, match=r"cropped_v\.json"):
            remap_predictions(preds, bbox)
    assert not preds.with_name("remapped_cropped_v.csv").exists()
