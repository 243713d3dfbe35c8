"""The labeled images of a project as what the review bench shows: one frame an image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.scores import input_scale
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import read_bbox_of
from napari_cropzoom.files.belonging import images_of, missing_images, of_images
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.files.review_paths import review_dir, reviewed_csv
from napari_cropzoom.video.decoder import FrameDecoder
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video

LARGEST = 16_384  # pixels a side
CROPPED = "cropped_"
_MOST_MEASURED = 50  # images, to know the usual size


class _NoDecoder(FrameDecoder):
    """Of images, which are read one by one."""

    def __init__(self, index: VideoIndex) -> None:
        self.index = index
        self._last = -1

    def close(self) -> None:
        """There is nothing to close."""


class LabelImages(Video):
    """Images named in a labels file, in its order; smaller ones are filled up with black.

    An image stands at the upper left of its frame, so that places in it are places in the frame.

    Parameters
    ----------
    labels : Path
        The labels file; images are found from its folder.
    data_dir : Path, optional
        Where the names of images lead from, if not from there.

    Raises
    ------
    CropzoomError
        If it is no labels file, or an image is missing or cannot be read.
    """

    def __init__(self, labels: Path, data_dir: Path | None = None) -> None:
        labels = Path(labels).absolute()
        images = images_of(labels)
        if images is None:
            raise CropzoomError(f"{labels}: is no labels file. Give a CSV of labeled images.")
        self._files = find_images(labels, images, data_dir or labels.parent)
        self.images = images
        self.sizes = np.array([_size(file) for file in self._files], np.int64)
        width, height = self.sizes.max(axis=0).tolist()
        numbers = np.arange(len(images), dtype=np.int64)
        super().__init__(
            labels,
            index=VideoIndex(
                path=labels,
                pts=numbers,
                stamps=numbers,
                time_base=Fraction(1),
                keyframes=numbers,
                width=width,
                height=height,
                rotation=0,
                rate=Fraction(1),
                codec="images",
                pix_fmt="rgb24",
            ),
        )

    def stream(self, start: int = 0, stop: int | None = None) -> Iterator[VideoFrame]:
        """Yield images ``start`` to ``stop`` - 1 as frames."""
        first, last, _ = slice(start, stop).indices(self.n_frames)
        yield from self.pick(range(first, last))

    def pick(self, numbers: Iterable[int]) -> Iterator[VideoFrame]:
        """Yield the images of these numbers as frames, in their order."""
        for number in numbers:
            yield VideoFrame.from_ndarray(self.frame(number), format="rgb24")

    def to_rgb(self, av_frame: VideoFrame) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 of a frame of :meth:`pick`."""
        return np.asarray(av_frame.to_ndarray(format="rgb24"), np.uint8)

    def _open(self) -> FrameDecoder:
        return _NoDecoder(self.index)

    def _fetch(self, number: int) -> NDArray[np.uint8]:
        frame = np.zeros((self.height, self.width, 3), np.uint8)
        picture = read_image(self._files[number])
        frame[: picture.shape[0], : picture.shape[1]] = picture[: self.height, : self.width]
        frame.flags.writeable = False
        self._cache.put(number, frame)
        return frame

    def _look_ahead(self, number: int) -> None:
        """Nothing: an image costs the same in any order."""


def find_images(labels: Path, images: Sequence[str], data_dir: Path) -> list[Path]:
    """Files of the images of a labels file.

    Raises
    ------
    CropzoomError
        If some are not there.
    """
    if missing := missing_images(images, data_dir):
        raise CropzoomError(f"{labels}: {missing}")
    return [data_dir / image for image in images]


def read_image(file: Path) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 RGB of an image.

    Raises
    ------
    CropzoomError
        If it cannot be read.
    """
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(file, error) from error


def _size(file: Path) -> tuple[int, int]:
    try:
        with Image.open(file) as picture:
            width, height = int(picture.width), int(picture.height)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(file, error) from error
    if max(width, height) > LARGEST:
        raise CropzoomError(f"{file}: is {width} x {height} pixels, more than {LARGEST} a side.")
    return width, height


def _unreadable(file: Path, error: Exception) -> CropzoomError:
    return CropzoomError(f"{file}: is no image that can be read ({brief(error)}). Copy it again.")


def labels_as_poses(labels: Path) -> Poses:
    """Labels as keypoints in the order of the file, as likely as can be; NaN where there is none."""
    poses = read_predictions_table(labels).poses()
    known = np.isfinite(poses.xy).all(axis=2)
    return Poses(poses.names, poses.xy, np.where(known, 1.0, np.nan), "labels")


def raw_boxes_of(detector: ModelFolder, labels: Path) -> Path:
    """Boxes that ``create_bbox`` puts round a detector's keypoints of labeled images."""
    return detector.image_preds_dir / labels.name / "bbox.csv"


def input_scale_of(labels: Path, side: int | tuple[int, int], detector: ModelFolder | None) -> float:
    """Pixels of the image that one pixel of a network's input is.

    Parameters
    ----------
    labels : Path
    side : int or (int, int)
        Of the network's input, or its height and width, in pixels.
    detector : ModelFolder or None
        Where the network sees crops to its boxes; None where it sees whole images.

    Raises
    ------
    CropzoomError
        If images or boxes cannot be read, or there are none.
    """
    images = images_of(labels) or ()
    sides = (side, side) if isinstance(side, int) else side
    if detector is None:
        files = find_images(labels, images[:_MOST_MEASURED], labels.parent)
        width, height = np.median([_size(file) for file in files], axis=0).tolist()
    else:
        boxes = read_bbox_of(boxes_to_crop(detector, labels) / "bbox.csv", images)
        width, height = np.nanmedian(boxes[:, 2:], axis=0).tolist()
    return input_scale(height, width, sides)


def boxes_to_crop(detector: ModelFolder, labels: Path) -> Path:
    """Folder with the boxes to crop to: the reviewed ones where there are some."""
    raw = raw_boxes_of(detector, labels)
    final = reviewed_csv(raw, labels)
    return review_dir(raw) if final.is_file() else raw.parent


def keypoints_in_images(model: ModelFolder, labels: Path) -> Poses | None:
    """What a model has found in labeled images, in their pixels; None where it has predicted none.

    Those of a model that sees crops, as its training writes them, are moved back by the boxes that the
    images were cropped to.

    Raises
    ------
    CropzoomError
        If a file is broken or of other images.
    """
    images = images_of(labels)
    assert images is not None
    if not model.is_of_crops:
        file = model.image_preds_dir / labels.name / "predictions.csv"
        return of_images(read_predictions_table(file), images) if file.is_file() else None
    file = model.path / "image_preds" / f"{CROPPED}{labels.name}" / "predictions.csv"
    if not file.is_file():
        return None
    poses = of_images(read_predictions_table(file), images)
    folder = Path(str(model.config["data"]["data_dir"])).parent / "image_preds" / labels.name
    raw, cropped = folder / "bbox.csv", folder / f"{CROPPED}{labels.name}"
    final = reviewed_csv(raw, labels)
    used = final if final.is_file() else raw
    if cropped.is_file() and used.stat().st_mtime > cropped.stat().st_mtime:
        raise CropzoomError(
            f"{used}: the boxes were changed after the images were cropped, so the places of "
            f"{model.path.name} in them are not known. Crop again, and train again."
        )
    boxes = read_bbox_of(used, images)
    return Poses(poses.names, poses.xy + boxes[:, None, :2], poses.likelihood, poses.scorer)
