"""Labeled images in the review: a frame an image, their boxes and labels, saved for `litpose`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labeled import NAMES, SIZES, WITHOUT, WRONG, make_labeled_project
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing.range_tools import interpolate
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import read_bbox_of, read_labeled_bbox
from napari_cropzoom.projects.label_images import (
    LabelImages,
    boxes_to_crop,
    keypoints_in_images,
    labels_as_poses,
    raw_boxes_of,
)
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.session import Session


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_labeled_project(tmp_path / "lab ü [1]")


@pytest.fixture
def labels(project: Path) -> Path:
    return project / "CollectedData.csv"


@pytest.fixture
def detector(project: Path) -> ModelFolder:
    return ModelFolder.open(project / "models" / "detector")


def opened(labels: Path, detector: ModelFolder) -> Session:
    session = Session(LabelImages(labels))
    session.set_predictions("labels", labels_as_poses(labels))
    found = keypoints_in_images(detector, labels)
    assert found is not None
    session.set_predictions("detector", found)
    session.load_boxes(raw_boxes_of(detector, labels), Source.DETECTED, allow_missing=True)
    return session


def test_images_of_mixed_sizes_are_frames_of_the_largest(project: Path, labels: Path) -> None:
    with LabelImages(labels) as images:
        assert images.shape == (len(SIZES), 180, 200, 3)
        assert images.images == NAMES
        assert images.sizes is not None
        assert images.sizes.tolist() == [list(size) for size in SIZES]
        for number in (3, 0, 1):
            with Image.open(project / NAMES[number]) as picture:
                width, height = SIZES[number]
                frame = images.frame(number)
                np.testing.assert_array_equal(frame[:height, :width], np.asarray(picture))
                assert not frame[height:].any()
                assert not frame[:, width:].any()
        np.testing.assert_array_equal(images.to_rgb(next(iter(images.stream(2, 3)))), images.frame(2))


def test_labels_outside_their_box_are_the_first_suspect(labels: Path, detector: ModelFolder) -> None:
    session = opened(labels, detector)
    first, second = session.queue()[:2]
    assert (first.frame, first.first, first.last) == (WRONG, WRONG, WRONG)
    assert first.reason.startswith("3 labels outside the box: nose, back, tail")
    assert (second.frame, second.reason) == (WITHOUT, "no box")
    session.set_box(WRONG, Box(40, 36, 30, 30))
    assert WRONG not in [each.frame for each in session.queue()]
    session.close()


def test_boxes_are_not_worked_out_from_other_images(labels: Path, detector: ModelFolder) -> None:
    session = opened(labels, detector)
    with pytest.raises(CropzoomError, match="single images"):
        session.fill_gap(WITHOUT, WITHOUT)
    with pytest.raises(CropzoomError, match="single images"):
        session.apply(interpolate(session.track, 1, 2))
    assert not len(session.history)
    session.close()


def test_a_review_is_saved_where_litpose_takes_it_and_goes_on(
    labels: Path, detector: ModelFolder
) -> None:
    raw = raw_boxes_of(detector, labels)
    before = raw.read_bytes()
    session = opened(labels, detector)
    session.set_box(WRONG, Box(40, 36, 30, 30))
    with pytest.raises(CropzoomError, match=r"1 image has no box \(image 4\)"):
        session.save()
    session.set_box(WITHOUT, Box(50, 44, 30, 30))
    written = session.save()
    assert written == raw.parent / "bboxes_reviewed" / "bbox.csv"
    assert boxes_to_crop(detector, labels) == written.parent
    assert session.on_disk is OnDisk.SAME
    session.close()
    assert raw.read_bytes() == before
    images, boxes = read_labeled_bbox(written)
    assert images == list(NAMES)
    np.testing.assert_array_equal(boxes[WRONG], (40, 36, 30, 30))
    untouched = [n for n in range(len(NAMES)) if n not in (WRONG, WITHOUT)]
    made = read_bbox_of(raw, NAMES)[untouched]
    np.testing.assert_array_equal(boxes[untouched][:, :2], made[:, :2])  # no neighbour moves a box
    again = opened(labels, detector)
    assert len(again.history) == 2
    assert again.on_disk is OnDisk.SAME
    again.undo()
    assert np.isnan(again.track.boxes[WITHOUT]).all()
    again.close()


def test_boxes_in_another_order_find_their_images(labels: Path, detector: ModelFolder) -> None:
    raw = raw_boxes_of(detector, labels)
    boxes = read_bbox_of(raw, NAMES)
    head, *rows = raw.read_text().splitlines()
    raw.write_text("\n".join([head, *reversed(rows)]) + "\n")
    np.testing.assert_array_equal(read_bbox_of(raw, NAMES), boxes)


def test_what_is_missing_is_named_with_its_cure(project: Path, labels: Path) -> None:
    (project / NAMES[2]).unlink()
    with pytest.raises(CropzoomError, match=r"1 of 6 images cannot be found, the first .*00002\.png"):
        LabelImages(labels)
    (project / NAMES[2]).write_bytes(b"no image")
    with pytest.raises(CropzoomError, match=r"00002\.png: is no image"):
        LabelImages(labels)
