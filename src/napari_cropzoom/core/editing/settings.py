"""Settings that change boxes, as edits with a name: sizing, smoothing and filling.

A setting is in the history like any other edit. What is dragged with the mouse is tried out step by step
and becomes one edit: steps of one control are joined, see :meth:`SettingsEdit.joined`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Review, Snapshot, Source
from napari_cropzoom.core.editing.edits import Edit, Tracks
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.core.smoothing.finalize import DEFAULT_FILL, FILL_METHODS, check_fill
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted, verb

_ORIGINS = {
    Source.DETECTED: "These boxes were not made from keypoints, so their size is not changed here.",
    Source.IMPORTED: "These boxes are from a file, so their size is not changed here.",
    Source.MANUAL: "These boxes were drawn by hand.",
}


@dataclass(frozen=True)
class Settings:
    """What makes final boxes of edited ones, in all tracks.

    Attributes
    ----------
    smoothing : SmoothingSettings
    fill : str
        A name of :data:`.finalize.FILL_METHODS`.

    Raises
    ------
    CropzoomError
        If the way to fill is unknown.
    """

    smoothing: SmoothingSettings = field(default_factory=SmoothingSettings)
    fill: str = DEFAULT_FILL

    def __post_init__(self) -> None:
        check_fill(self.fill)


@dataclass(frozen=True, slots=True, repr=False)
class SettingsEdit(Edit):
    """Change of smoothing or filling; the edited boxes stay, and what is made of them changes.

    Attributes
    ----------
    was, becomes : Settings
        As they were and as they will be.
    """

    was: Settings
    becomes: Settings

    def __repr__(self) -> str:
        return f"<SettingsEdit {self.label!r}>"

    @classmethod
    def between(cls, was: Settings, becomes: Settings, label: str = "") -> SettingsEdit:
        """Edit from one to the other, with a name made of what differs."""
        return cls(label or _settings_label(was, becomes), (), was, becomes)

    @property
    def is_nothing(self) -> bool:
        """Whether the settings stay as they are."""
        return self.becomes == self.was

    def inverse(self) -> SettingsEdit:
        """Edit that takes this one back."""
        return replace(self, was=self.becomes, becomes=self.was)

    def covers(self, frame: int) -> bool:
        """Every frame."""
        return True

    def where(self, *, names_animal: bool) -> str:
        """Everywhere."""
        return "all frames of all animals" if names_animal else "all frames"

    def joined(self, later: Edit) -> Edit | None:
        """One edit in place of this one and one right after it, None unless both are of one control."""
        if not isinstance(later, SettingsEdit):
            return None
        whole = SettingsEdit.between(self.was, later.becomes)
        is_fill = [each.was.smoothing == each.becomes.smoothing for each in (self, later)]
        return whole if is_fill[0] == is_fill[1] else None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RawBoxes:
    """Raw boxes of a track and how they were made.

    Attributes
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN where missing.
    source : Source
    interpolated : ndarray, (T,) bool
        See :class:`.boxes.BoxTrack`.
    sizing : SizingSettings or None
        How they were made of keypoints, None if they came from elsewhere.
    """

    boxes: FloatArray
    source: Source
    interpolated: BoolArray
    sizing: SizingSettings | None

    def __repr__(self) -> str:
        return f"<RawBoxes: {counted(len(self.boxes), 'frame')}, {self.sizing}>"

    @classmethod
    def of(cls, track: BoxTrack, sizing: SizingSettings | None) -> RawBoxes:
        """Those that a track has now."""
        return cls(track.raw, track.raw_source, track.interpolated, sizing)

    @classmethod
    def round_keypoints(cls, poses: Poses, sizing: SizingSettings) -> RawBoxes:
        """Those that settings put round a detector's keypoints; fit for a thread.

        Raises
        ------
        CropzoomError
            See :func:`.sizing.boxes_from_keypoints`.
        """
        boxes = boxes_from_keypoints(poses, sizing)
        boxes.flags.writeable = False
        nowhere = np.zeros(len(boxes), bool)
        seen = nowhere if poses.interpolated is None else poses.interpolated
        return cls(boxes, Source.DETECTED, seen, sizing)

    def are(self, others: RawBoxes) -> bool:
        """Whether others are the same in every respect."""
        return (
            (self.sizing, self.source) == (others.sizing, others.source)
            and np.array_equal(self.interpolated, others.interpolated)
            and self.have(others.boxes)
        )

    def have(self, boxes: FloatArray) -> bool:
        """Whether these are the boxes."""
        return np.array_equal(self.boxes, boxes, equal_nan=True)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SizingEdit(Edit):
    """Other raw boxes of one track; what a person has changed in it keeps place and size.

    Attributes
    ----------
    track : str
        Name of the track.
    was, becomes : RawBoxes
        As they were and as they will be.
    keeps_box, keeps_review : ndarray, (T,) bool
        Frames whose box, and whose review state, are not the raw ones: they stay.
    """

    track: str
    was: RawBoxes
    becomes: RawBoxes
    keeps_box: BoolArray
    keeps_review: BoolArray

    def __repr__(self) -> str:
        return f"<SizingEdit {self.label!r} of {self.track!r}>"

    @classmethod
    def to(
        cls, track: BoxTrack, sizing: SizingSettings | None, becomes: RawBoxes, label: str = ""
    ) -> SizingEdit:
        """Edit of a track in its present state, whose raw boxes were made with ``sizing``."""
        keeps_box = is_changed(track)
        keeps_review = keeps_box | (track.review != track.raw_state(0, len(track) - 1).review)
        was = RawBoxes.of(track, sizing)
        label = label or _sizing_label(sizing, becomes.sizing)
        return cls(label, (), track.name, was, becomes, keeps_box, keeps_review)

    @property
    def names(self) -> tuple[str, ...]:
        """The one track."""
        return (self.track,)

    @property
    def is_nothing(self) -> bool:
        """Whether the raw boxes and how they are made stay as they are."""
        return self.was.are(self.becomes)

    def inverse(self) -> SizingEdit:
        """Edit that takes this one back."""
        return replace(self, was=self.becomes, becomes=self.was)

    def apply(self, tracks: Tracks) -> None:
        """Give the track its other raw boxes."""
        track, raw = tracks[self.track], self.becomes
        track.put_raw(raw.boxes, raw.source, raw.interpolated)
        last = len(track) - 1
        now, fresh = track.snapshot(0, last), track.raw_state(0, last)
        state = Snapshot(
            np.where(self.keeps_box[:, None], now.boxes, fresh.boxes),
            np.where(self.keeps_box, now.source, fresh.source),
            np.where(self.keeps_review, now.review, fresh.review),
        )
        track.put(0, state)

    def covers(self, frame: int) -> bool:
        """Every frame."""
        return True

    def where(self, *, names_animal: bool) -> str:
        """All frames of the track."""
        return f"all frames of {self.track}" if names_animal else "all frames"

    def joined(self, later: Edit) -> Edit | None:
        """One edit in place of this one and one right after it, None unless both are of one track."""
        if not isinstance(later, SizingEdit) or later.track != self.track:
            return None
        label = _sizing_label(self.was.sizing, later.becomes.sizing)
        return replace(self, label=label, becomes=later.becomes)

    def renamed(self, names: Mapping[str, str]) -> SizingEdit:
        """Edit of a track that has another name now."""
        return replace(self, track=names.get(self.track, self.track))


def is_changed(track: BoxTrack, first: int = 0, last: int | None = None) -> BoolArray:
    """(N,) bool: of frames ``first`` to ``last``, those whose box or its source is not the raw one."""
    last = len(track) - 1 if last is None else last
    raw, now = track.raw_state(first, last), track.snapshot(first, last)
    same: BoolArray = (now.boxes == raw.boxes).all(axis=1)
    same |= np.isnan(now.boxes[:, 0]) & np.isnan(raw.boxes[:, 0])
    same &= now.source == raw.source
    return ~same


def told_of_kept(track: BoxTrack) -> str:
    """Say what becomes of boxes that a person has changed when the others get another size; or nothing.

    Returns
    -------
    str
        Such as ``"12 boxes set by hand keep their place and size. The boxes of the other 988 frames
        are made again."``
    """
    changed = is_changed(track)
    manual = int(np.count_nonzero(changed & track.is_manual))
    absent = int(np.count_nonzero(changed & track.is_missing))
    corrected = int(np.count_nonzero(changed)) - manual - absent
    said = []
    if manual:
        said.append(f"{counted(manual, 'box')} set by hand {verb(manual, 'keep')} {_their(manual)}.")
    if corrected:
        noun = counted(corrected, "box")
        said.append(f"{noun} corrected with tools {verb(corrected, 'keep')} {_their(corrected)}.")
    if absent:
        said.append(f"{counted(absent, 'frame')} without an animal {verb(absent, 'stay')} so.")
    if not said:
        return ""
    others = len(track) - int(np.count_nonzero(changed))
    noun = "frame is" if others == 1 else "frames are"
    again = "" if np.isnan(track.raw[:, 0]).all() else " again"
    return " ".join([*said, f"The boxes of the other {others} {noun} made{again}."])


def told_of_remade(track: BoxTrack) -> str:
    """The same, and what becomes of accepted frames whose box is made again, if there are any."""
    return " ".join(filter(None, (told_of_kept(track), _told_of_accepted(track))))


def _told_of_accepted(track: BoxTrack) -> str:
    is_accepted = track.review == Review.ACCEPTED
    count = int(np.count_nonzero(is_accepted & ~is_changed(track))) if is_accepted.any() else 0
    if not count:
        return ""
    stay = f"{counted(count, 'accepted frame')} {verb(count, 'stay')} accepted"
    return f"{stay}, with {'a box' if count == 1 else 'boxes'} that nobody has looked at."


def _their(count: int) -> str:
    return "its place and size" if count == 1 else "their place and size"


def _settings_label(was: Settings, becomes: Settings) -> str:
    said = []
    before, after = was.smoothing, becomes.smoothing
    if before.method != after.method:
        names = [SMOOTHING_METHODS[each.method].label for each in (before, after)]
        said.append(f"Smoothing: {names[0]} to {names[1]}")
    if before.window != after.window:
        noun = counted(after.window, "frame")
        said.append(f"{'window' if said else 'Smoothing window'} {before.window} to {noun}")
    if was.fill != becomes.fill:
        names = [FILL_METHODS[each.fill].label for each in (was, becomes)]
        said.append(f"Missing frames: {names[0]} to {names[1]}")
    return ", ".join(said) or "Settings"


def _sizing_label(was: SizingSettings | None, becomes: SizingSettings | None) -> str:
    if becomes is None:
        return "Boxes from elsewhere"
    if was is None:
        return f"Boxes of keypoints, {_side(becomes).lower()}"
    said = []
    if was.crop_ratio is not None and becomes.crop_ratio is not None:
        if was.crop_ratio != becomes.crop_ratio:
            said.append(f"Crop ratio {was.crop_ratio:g} to {becomes.crop_ratio:g}")
    elif was.crop_size is not None and becomes.crop_size is not None:
        if was.crop_size != becomes.crop_size:
            said.append(f"Crop size {was.crop_size} to {becomes.crop_size} px")
    else:
        said.append(f"{_side(was)} to {_side(becomes).lower()}")
    if was.anchor_keypoints != becomes.anchor_keypoints:
        said.append(f"Anchor keypoints {', '.join(becomes.anchor_keypoints) or 'all'}")
    if was.min_likelihood != becomes.min_likelihood:
        limits = ["off" if v.min_likelihood is None else f"{v.min_likelihood:g}" for v in (was, becomes)]
        said.append(f"Min. likelihood {limits[0]} to {limits[1]}")
    return ", ".join(said) or "Boxes made again"


def told_of_asked(was: SizingSettings | None, asked: SizingSettings) -> str:
    """What a person asks for of boxes that are made otherwise now: ``Crop ratio 3.29``."""
    said = []
    if was is None or (was.crop_ratio, was.crop_size) != (asked.crop_ratio, asked.crop_size):
        said.append(_side(asked))
    if was is not None and was.anchor_keypoints != asked.anchor_keypoints:
        said.append(f"Anchor keypoints {', '.join(asked.anchor_keypoints) or 'all'}")
    if was is not None and was.min_likelihood != asked.min_likelihood:
        limit = "off" if asked.min_likelihood is None else f"{asked.min_likelihood:g}"
        said.append(f"Min. likelihood {limit}")
    return ", ".join(said) or _side(asked)


def told_of_origin(track: BoxTrack) -> str:
    """Say where boxes come from that were not made of keypoints."""
    return _ORIGINS[Source.MANUAL if np.isnan(track.raw).all() else track.raw_source]


def _side(sizing: SizingSettings) -> str:
    if sizing.crop_ratio is not None:
        return f"Crop ratio {sizing.crop_ratio:g}"
    return f"Crop size {sizing.crop_size} px"
