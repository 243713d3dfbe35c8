"""The keypoints of the other animals in the current frame: small points in their tracks' colours."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_

import numpy as np
from napari.layers import Points

from napari_cropzoom.canvas.keypoints.marks import KeypointLooks, Marks, bones_of, marks_of, usual_span
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.session import Session

NAME = "other animals' keypoints"
_IN_ANIMAL = 26  # diameters of a point from one end of the animal to the other
_LIMITS = (7, 14)  # pixels of the screen across a point
_BORDER = 0.1  # of the diameter


class OtherKeypointsLayer:
    """Points that cannot be edited, of the pose of every animal but the one that is reviewed.

    Their colour says whose they are; unlikely ones are hollow, as those of the animal itself.

    Attributes
    ----------
    layer : napari.layers.Points
    """

    def __init__(self) -> None:
        self.layer = Points(np.empty((0, 2)), ndim=2, name=NAME, border_width=_BORDER)
        self.layer.canvas_size_limits = _LIMITS
        self._shown: tuple[Poses, ...] = ()

    def show(self, session: Session, frame: int | None, looks: KeypointLooks) -> None:
        """Show those of a frame, or none."""
        found = tuple(poses for poses, _ in _others(session))
        marks, layer = self.marks(session, frame, looks), self.layer
        is_same = len(found) == len(self._shown) and all(map(is_, found, self._shown))
        if not is_same or len(marks.xy) != len(layer.data):
            self._shown = found
            sizes = [max(usual_span(poses) / _IN_ANIMAL, 1.0) for poses in found for _ in poses.names]
            with one_redraw(layer):
                layer.data = np.zeros((len(marks.xy), 2))
                if len(marks.xy):
                    layer.size, layer.border_width = sizes, _BORDER
            layer.editable = False  # which showing a layer takes back
        layer.data[:] = marks.xy[:, ::-1]
        layer.shown[:] = marks.is_there
        layer.border_color[:] = marks.border
        layer.face_color[:] = marks.face
        layer.refresh(thumbnail=False, highlight=False, extent=False)

    def marks(self, session: Session, frame: int | None, looks: KeypointLooks) -> Marks:
        """How they look in a frame; the arrays are empty where nothing is to be shown."""
        each = [
            marks_of(poses, frame, looks, "pose", color)
            for poses, color in _others(session)
            if frame is not None and "pose" not in looks.hidden
        ]
        if not each:
            return Marks(np.empty((0, 2)), np.empty(0, bool), *np.empty((2, 0, 4), np.float32))
        return Marks(*(np.concatenate(parts) for parts in zip(*each, strict=True)))

    def bones(self, session: Session, frame: int | None, looks: KeypointLooks) -> FloatArray:
        """Lines of their skeletons in a frame, (N, 2, 2), none while the layer is hidden."""
        if frame is None or "pose" in looks.hidden or not self.layer.visible:
            return np.empty((0, 2, 2))
        return np.concatenate(
            [np.empty((0, 2, 2)), *(bones_of(p, frame, looks) for p, _ in _others(session))]
        )


def have_keypoints(session: Session) -> bool:
    """Whether there is a pose of another animal than the one that is reviewed."""
    return any(True for _ in _others(session))


def _others(session: Session) -> Iterator[tuple[Poses, str]]:
    """Keypoints of the other animals, and the colours of their tracks."""
    for name, entry in session.tracks.entries.items():
        poses = None if name == session.current else session.keypoints.get("pose", name)
        if poses is not None:
            yield poses, entry.color
