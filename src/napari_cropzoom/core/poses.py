"""Keypoints of one animal over a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted


@dataclass(frozen=True, eq=False, repr=False)
class Poses:
    """Predicted keypoints, frame by frame, in pixels of the full frame.

    Attributes
    ----------
    names : tuple of str, length K
        Body parts.
    xy : ndarray, (T, K, 2) float64
        Pixel coordinates, NaN where there is none.
    likelihood : ndarray, (T, K) float64
        Between 0 and 1, NaN where there is none.
    scorer : str
        The first header row of the predictions file.
    interpolated : ndarray, (T,) bool, or None
        Frames that no network has seen, see
        :mod:`napari_cropzoom.core.sampling.sparse`; None where it saw all.
    boxes : ndarray, (T, 4) float64, or None
        ``x, y, w, h`` of the crop that the network saw of each frame, NaN rows where it saw none; None
        where that is not known, or where it saw whole frames.
    """

    names: tuple[str, ...]
    xy: NDArray[np.float64]
    likelihood: NDArray[np.float64]
    scorer: str = "heatmap_tracker"
    interpolated: BoolArray | None = None
    boxes: FloatArray | None = None

    def __post_init__(self) -> None:
        frames, parts = self.likelihood.shape
        if self.xy.shape != (frames, parts, 2) or len(self.names) != parts:
            raise CropzoomError(
                f"Keypoints do not fit together: {len(self.names)} names, xy {self.xy.shape}, "
                f"likelihood {self.likelihood.shape}."
            )

    def __len__(self) -> int:
        return len(self.xy)

    def __repr__(self) -> str:
        parts = counted(len(self.names), "body part")
        return f"<Poses: {counted(len(self), 'frame')}, {parts}>"

    def rows(self, first: int, last: int) -> Poses:
        """Only the frames ``first`` to ``last``, both inclusive."""
        rows = slice(first, last + 1)
        interpolated = None if self.interpolated is None else self.interpolated[rows]
        boxes = None if self.boxes is None else self.boxes[rows]
        return Poses(self.names, self.xy[rows], self.likelihood[rows], self.scorer, interpolated, boxes)

    def select(self, names: Sequence[str]) -> Poses:
        """Only the named body parts, in the order of this object; all of them if none is named.

        Raises
        ------
        CropzoomError
            If a name is not a body part.
        """
        known, wanted = set(self.names), set(names)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise CropzoomError(
                f"Unknown anchor keypoint: {', '.join(unknown)}. This model has: {', '.join(self.names)}."
            )
        keep = [i for i, name in enumerate(self.names) if not wanted or name in wanted]
        names = tuple(self.names[i] for i in keep)
        return replace(self, names=names, xy=self.xy[:, keep], likelihood=self.likelihood[:, keep])
