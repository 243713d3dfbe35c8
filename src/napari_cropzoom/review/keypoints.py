"""Keypoints of a video, by the name of what found them."""

from __future__ import annotations

from typing import Literal

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted
from napari_cropzoom.review.tracks import Tracks

Kind = Literal["detector", "pose", "labels"]
KINDS: tuple[Kind, ...] = ("detector", "pose", "labels")


class Keypoints:
    """The keypoints of the detector and of the pose model, and labels, in pixels of the full frame.

    Those of the pose model were found in the boxes of one animal, and are that animal's; the others are
    of the video.

    Parameters
    ----------
    n_frames : int
        Of the video; all keypoints have one row a frame.
    tracks : Tracks, optional
        The animals; there is only one without.
    """

    def __init__(self, n_frames: int, tracks: Tracks | None = None) -> None:
        self._n_frames = n_frames
        self._tracks = tracks
        self._found: dict[tuple[Kind, str], Poses] = {}
        self._behind: dict[str, int] = {}  # frames whose box changed since the pose was found, by animal

    @property
    def by_name(self) -> dict[Kind, Poses]:
        """Those of the video and of the current animal, by ``detector``, ``pose`` and ``labels``."""
        return {kind: poses for kind in KINDS if (poses := self.get(kind)) is not None}

    @property
    def pose_behind(self) -> int:
        """Frames of the current animal whose box changed since the pose was found, as far as known."""
        return self._behind.get(self.animal(), 0)

    @pose_behind.setter
    def pose_behind(self, count: int) -> None:
        self._behind[self.animal()] = count

    def animal(self, name: str | None = None) -> str:
        """What the keypoints of an animal, by default of the current one, are kept by.

        That is its name, but of the first animal the empty name, which stays when it is renamed or when
        another review is taken.
        """
        if self._tracks is None or name == "":
            return ""
        name = self._tracks.current if name is None else name
        return "" if name == next(iter(self._tracks)) else name

    def get(self, kind: Kind, name: str | None = None) -> Poses | None:
        """Keypoints of one kind, of the current animal or the one named; None while there are none."""
        return self._found.get((kind, self.animal(name) if kind == "pose" else ""))

    def about(self, kind: Kind, name: str | None = None) -> Poses | None:
        """The same, but the detector's only of the first animal: it does not tell several apart."""
        if kind == "detector" and self.animal(name):
            return None
        return self.get(kind, name)

    def follow(self, tracks: Tracks) -> None:
        """Have other animals; keypoints found in the boxes of further ones before are no one's now."""
        self._tracks = tracks
        self._found = {key: poses for key, poses in self._found.items() if not key[1]}
        self._behind.clear()

    def rename(self, name: str, new: str | None) -> None:
        """Follow a further animal to its ``new`` name; without one what was found in its boxes goes."""
        poses = self._found.pop(("pose", name), None) if name else None
        if poses is not None and new is not None:
            self._found["pose", new] = poses

    def detector(self) -> Poses:
        """Keypoints of the detector.

        Raises
        ------
        CropzoomError
            If there are none.
        """
        poses = self.get("detector")
        if poses is None:
            raise CropzoomError("There are no detector keypoints yet; run a detector first.")
        return poses

    def size_box(self, settings: SizingSettings, frame: int) -> Box:
        """Box that ``settings`` would put round the detector's keypoints of one frame.

        Raises
        ------
        CropzoomError
            If there are none, or an anchor keypoint is unknown.
        """
        one = self.detector().rows(frame, frame)
        return Box(*boxes_from_keypoints(one, settings)[0].tolist())

    def put(self, kind: Kind, poses: Poses, name: str | None = None) -> None:
        """Take keypoints in place of those that were there, of the pose model those of an animal.

        Of the current one, without a ``name``.

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
        self._found[kind, self.animal(name) if kind == "pose" else ""] = poses
