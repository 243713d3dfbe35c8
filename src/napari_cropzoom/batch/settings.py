"""How the videos of a batch are worked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from napari_cropzoom.batch.parts import CROP, POSE
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.engine.pixels import Edge

BOXES = "boxes"
UNTIL = BOXES, CROP, POSE
"""The last step of a batch."""


@dataclass(frozen=True)
class BatchSettings:
    """How every video of a batch is worked on.

    Attributes
    ----------
    sizing : SizingSettings
        How boxes are put round the detector's keypoints.
    window : int
        Frames that detected boxes are smoothed over; 0 or 1 for none.
    review_above : float or None
        A video of whose frames more than this share, 0 to 1, lie in suspects is left for review before
        its pose is found; None leaves none.
    pixels : bool
        Look at the pixels of the video to find suspects, as the review does.
    crop : bool
        Write the cropped videos too.
    until : str
        The last step, one of :data:`UNTIL`; ``crop`` writes the cropped videos in any case.
    labeled_video : bool
        Write Lightning Pose's video with the keypoints drawn.
    edge, batch_size
        See :meth:`.engine.engine.Engine.predict`.
    how : mapping
        ``precision``, ``runtime``, ``overrides``, ``trust``, ``onnx_precision`` of
        :meth:`.engine.engine.Engine.load`.
    overwrite : bool
        Replace what was made of another video of the same name.
    every : int
        Run the detector about every so many frames first, see :mod:`napari_cropzoom.engine.sparse`.
    encoding : EncoderSettings
        Of the cropped videos.
    method : str
        Of smoothing, as in :data:`.core.smoothing.filters.SMOOTHING_METHODS`.
    """

    sizing: SizingSettings = field(default_factory=SizingSettings)
    window: int = 5
    review_above: float | None = None
    pixels: bool = True
    crop: bool = False
    until: str = POSE
    labeled_video: bool = False
    edge: Edge = "pad"
    batch_size: int | None = None
    how: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    every: int = 1
    encoding: EncoderSettings = field(default_factory=EncoderSettings)
    method: str = "median"


def settings_of(content: Mapping[str, Any]) -> BatchSettings:
    """Settings of what JSON can hold; ``sizing`` are those of :class:`SizingSettings`, and so on."""
    sizing = dict(content.get("sizing") or {})
    if "anchor_keypoints" in sizing:
        sizing["anchor_keypoints"] = tuple(sizing["anchor_keypoints"])
    encoding = EncoderSettings(**(content.get("encoding") or {}))
    return BatchSettings(**{**content, "sizing": SizingSettings(**sizing), "encoding": encoding})


def settings_as_json(settings: BatchSettings) -> dict[str, Any]:
    """The inverse of :func:`settings_of`."""
    return asdict(settings)
