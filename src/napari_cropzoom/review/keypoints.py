"""Keypoints of a video, by the name of what found them."""

from __future__ import annotations

from typing import Literal

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted

Kind = Literal["detector", "pose", "labels"]


class Keypoints:
    """The keypoints of the detector and of the pose model, and labels, in pixels of the full frame.

    Parameters
    ----------
    n_frames : int
        Of the video; all keypoints have one row a frame.

    Attributes
    ----------
    by_name : dict of {"detector", "pose", "labels"} to Poses
    """

    def __init__(self, n_frames: int) -> None:
        self._n_frames = n_frames
        self.by_name: dict[Kind, Poses] = {}

    def get(self, kind: Kind) -> Poses | None:
        """Keypoints of one kind, None while there are none."""
        return self.by_name.get(kind)

    def detector(self) -> Poses:
        """Keypoints of the detector.

        Raises
        ------
        CropzoomError
            If there are none.
        """
        if "detector" not in self.by_name:
            raise CropzoomError("There are no detector keypoints yet; run a detector first.")
        return self.by_name["detector"]

    def size_box(self, settings: SizingSettings, frame: int) -> Box:
        """Box that ``settings`` would put round the detector's keypoints of one frame.

        Raises
        ------
        CropzoomError
            If there are none, or an anchor keypoint is unknown.
        """
        one = self.detector().rows(frame, frame)
        return Box(*boxes_from_keypoints(one, settings)[0].tolist())

    def put(self, kind: Kind, poses: Poses) -> None:
        """Take keypoints in place of those that were there.

        Raises
        ------
        CropzoomError
            If there is not one row a frame.
        """
        if len(poses) != self._n_frames:
            raise CropzoomError(
                f"There are keypoints of {counted(len(poses), 'frame')}, but the video has "
                f"{self._n_frames}."
            )
        self.by_name[kind] = poses
