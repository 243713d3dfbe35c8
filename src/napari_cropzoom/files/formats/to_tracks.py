"""From the rows of a file to one dense track an animal: frames, units, corner or centre, checked.

What the numbers prove is done and said, what they leave open is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray, cornered
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import LEAST_MEDIAN, FrameSize, bad_rows, table_fault
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.bbox_table import checked_frames
from napari_cropzoom.files.csv_table import quoted
from napari_cropzoom.files.formats.doubts import are_pieces
from napari_cropzoom.files.formats.outside_rows import (
    Corner,
    ImportOptions,
    OutsideRows,
    Unit,
    VideoFacts,
)

MOST_ANIMALS = 100
MOST_TOLD = 8
FEW_DOUBLE = 0.1  # share of frames in which the likelier of two boxes may be taken


@dataclass(frozen=True, eq=False)
class ImportedTrack:
    """Boxes of one animal over the whole video.

    Attributes
    ----------
    name : str
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where missing.
    confidence : ndarray, (T,)
        0 to 1, NaN where nothing is said.
    """

    name: str
    boxes: FloatArray
    confidence: FloatArray

    @property
    def is_missing(self) -> BoolArray:
        """(T,) bool: frames without a box."""
        return np.isnan(self.boxes[:, 0])


@dataclass(frozen=True, eq=False)
class ImportedTracks:
    """Tracks, and how the file was understood.

    Attributes
    ----------
    tracks : tuple of ImportedTrack
    first_frame : int
        Number that the file gives the first frame.
    corner : {"corner", "centre"}
        What x, y were in the file.
    unit : {"pixels", "fractions"}
        Of the file.
    source : {"boxes", "keypoints", "points"}
        What the file has.
    side : float or None
        Of the boxes put round points.
    is_corner_assumed : bool
        Whether neither file nor person said what x, y are, and the numbers do not prove it.
    """

    tracks: tuple[ImportedTrack, ...]
    first_frame: int
    corner: Corner
    unit: Unit
    source: str
    side: float | None = None
    is_corner_assumed: bool = False


def to_tracks(
    path: Path, said: OutsideRows, video: VideoFacts, options: ImportOptions, notify: Notify
) -> ImportedTracks:
    """Put what a file says to the frames of a video.

    Raises
    ------
    CropzoomError
        If nothing is left, or something has to be known that neither file nor person says.
    """
    said = _with_values(path, said)
    first = _first_frame(path, said, video, options, notify)
    _check_frames(path, said.frame - first, video, first, options.first_frame is not None)
    if not options.tracks and are_pieces(said, video.n_frames):
        raise CropzoomError(
            f"{path}: has {counted(len(said.names), 'animal')} ({_some(said.names)}) with next to no "
            "boxes: another column may be taken for the animal, or the tracker lost them. Look at the "
            "file, or choose some with --track NAME."
        )
    said = _chosen(path, replace(said, frame=said.frame - first), options)
    corner: Corner = "centre"
    unit: Unit = "pixels"
    source, side, is_assumed = "boxes", None, False
    if said.boxes is not None:
        if options.crop_size is not None or options.crop_ratio is not None:
            raise CropzoomError(
                f"{path}: has boxes of their own size. Leave out --crop_size and --crop_ratio; their "
                "size can "
                "be changed in step Smooth."
            )
        boxes, unit = _in_pixels(said.boxes, options.unit or said.unit, video.size, notify)
        if options.corner == "centre" and said.corner == "corner":
            raise CropzoomError(
                f"{path}: has two corners of each box, so x, y are not the centre. Leave out --format "
                "centre."
            )
        boxes, corner, is_open = _as_corners(boxes, options.corner or said.corner, video.size, notify)
        is_assumed = is_open and said.usual_corner != corner
        said = replace(said, boxes=boxes)
    else:
        assert said.keypoints is not None
        source = "points" if said.keypoints.shape[1] == 1 else "keypoints"
        _check_sizing(path, said, options)
    said = _one_a_frame(path, said, video.n_frames, notify)
    tracks = []
    for place, name in enumerate(said.names):
        mine = said.keep(said.animal == place)
        boxes, side = _boxes_of(mine, video, options)
        boxes = checked_frames(path, boxes, video.size, "skip", notify)
        confidence = np.full(video.n_frames, np.nan)
        confidence[mine.frame] = mine.confidence
        confidence[np.isnan(boxes[:, 0])] = np.nan
        tracks.append(ImportedTrack(name, boxes, confidence))
    if is_assumed:
        notify(
            f"{path.name}: that x, y are the top-left corner is assumed, the numbers do not prove it. If "
            "they are the centre, give --format centre"
        )
    return ImportedTracks(tuple(tracks), first, corner, unit, source, side, is_assumed)


def _with_values(path: Path, said: OutsideRows) -> OutsideRows:
    """Without rows that say nothing.

    Raises
    ------
    CropzoomError
    """
    said = said.keep(~said.is_missing)
    if not len(said.frame):
        raise CropzoomError(
            f"{path}: holds no box and no point. Look at it in the program that wrote it, and export it "
            "again."
        )
    used = np.unique(said.animal)
    names = tuple(said.names[place] for place in used.tolist())
    return replace(said, names=names, animal=np.searchsorted(used, said.animal).astype(np.int64))


def _first_frame(
    path: Path, said: OutsideRows, video: VideoFacts, options: ImportOptions, notify: Notify
) -> int:
    if options.first_frame is not None:
        return options.first_frame
    least, most = int(said.frame.min()), int(said.frame.max())
    if said.first_frame is not None:
        if said.first_frame == 1 and least == 0:
            notify(
                f"{path.name}: has a frame 0, so frames are taken as numbered from 0, not from 1 as usual"
            )
            return 0
        return said.first_frame
    if least <= 0:
        return 0
    if most >= video.n_frames:
        return 1
    long = counted(video.n_frames, "frame")
    open_ = f"frames {least} to {most} of a video of {long} can be numbered from 0 or 1"
    if said.usual_first is not None:
        other = 1 - said.usual_first
        notify(
            f"{path.name}: {open_}; taken from {said.usual_first}, as the tool numbers them. "
            f"If that is wrong, give --first_frame {other}"
        )
        return said.usual_first
    if least == 1:
        raise CropzoomError(f"{path}: {open_}. Say which: --first_frame 0 or --first_frame 1.")
    notify(f"{path.name}: {open_}; taken from 0. If that is wrong, give --first_frame 1")
    return 0


def _check_frames(path: Path, frames: IntArray, video: VideoFacts, first: int, is_told: bool) -> None:
    """Refuse frames, counted from 0, that the video does not have; the file counts from ``first``.

    Raises
    ------
    CropzoomError
        With the other number of the first frame where that would do.
    """
    wrong = frames[(frames < 0) | (frames >= video.n_frames)]
    if len(wrong):
        last = video.n_frames - 1 + first
        other = 1 - first
        shifted = frames + first - other
        would_do = shifted.min() >= 0 and shifted.max() < video.n_frames
        cure = "Give the boxes of this very video."
        if would_do:
            cure = f"They fit if they are numbered from {other}: "
            cure += f"give --first_frame {other} instead." if is_told else f"give --first_frame {other}."
        raise CropzoomError(
            f"{path}: there is no frame {int(wrong[0]) + first}: {video.name} has "
            f"{counted(video.n_frames, 'frame')}, here numbered {first} to {last}. {cure}"
        )


def _chosen(path: Path, said: OutsideRows, options: ImportOptions) -> OutsideRows:
    """Only the animals that are wanted.

    Raises
    ------
    CropzoomError
        If there is none of that name, or there are too many.
    """
    if options.tracks:
        short = {name.removeprefix("animal_"): place for place, name in enumerate(said.names)}
        known = {**short, **{name: place for place, name in enumerate(said.names)}}
        for name in options.tracks:
            if name not in known:
                raise CropzoomError(f"{path}: has no animal {quoted(name)}. It has: {_some(said.names)}.")
        places = list(dict.fromkeys(known[name] for name in options.tracks))
        new = np.full(len(said.names), -1)
        new[places] = np.arange(len(places))
        animal = new[said.animal]
        names = tuple(said.names[place] for place in places)
        return replace(said, names=names, animal=animal.astype(np.int64)).keep(animal >= 0)
    if len(said.names) > MOST_ANIMALS:
        raise CropzoomError(
            f"{path}: has {counted(len(said.names), 'animal')} ({_some(said.names)}), as a tracker "
            "writes that loses them. Join the pieces there, or choose some: --track NAME."
        )
    return said


def _some(names: tuple[str, ...]) -> str:
    more = ", ..." if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more


def _in_pixels(
    boxes: FloatArray, unit: Unit | None, size: FrameSize, notify: Notify
) -> tuple[FloatArray, Unit]:
    """Boxes in pixels, and what they were in."""
    if unit is None:
        known = boxes[np.isfinite(boxes).all(axis=1)]
        is_fraction = (
            len(known) > 0
            and float(np.abs(known).max()) <= LEAST_MEDIAN
            and 0 < float(np.median(known[:, 2:])) <= 1
        )
        unit = "fractions" if is_fraction else "pixels"
        if is_fraction:
            notify("the boxes are fractions of the frame, and were multiplied by its size")
    return (boxes * [*size, *size] if unit == "fractions" else boxes), unit


def _as_corners(
    boxes: FloatArray, corner: Corner | None, size: FrameSize, notify: Notify
) -> tuple[FloatArray, Corner, bool]:
    """Boxes from their top-left corner, what x, y were, and whether that is open."""
    is_open = False
    if corner is None:
        corner = "corner"
        other = cornered(boxes)
        is_sound = not bad_rows(other, size).any() and not table_fault(other, size)
        if is_sound and table_fault(_good(boxes, size), size):
            corner = "centre"
            notify("x, y are the centre of the box: as corners the boxes would lie outside the frame")
        is_open = is_sound and corner == "corner" and not bool((boxes[:, :2] < 0).any())
    return (cornered(boxes) if corner == "centre" else boxes), corner, is_open


def _good(boxes: FloatArray, size: FrameSize) -> FloatArray:
    return boxes[~bad_rows(boxes, size)]


def _check_sizing(path: Path, said: OutsideRows, options: ImportOptions) -> None:
    """Refuse points without a size for their boxes.

    Raises
    ------
    CropzoomError
    """
    assert said.keypoints is not None
    is_point = said.keypoints.shape[1] == 1
    if options.crop_size is not None:
        return
    if options.crop_ratio is not None and (not is_point or said.body_length):
        return
    what = "one point an animal" if is_point else "keypoints"
    lacks = ", nor the length of a body, which --crop_ratio counts in" if options.crop_ratio else ""
    if is_point and not said.body_length:
        cure = "--crop_size N (the side in pixels)"
    else:
        spans = "the length of its body" if is_point else "the span of its keypoints"
        cure = f"--crop_size N (the side in pixels) or --crop_ratio R (the side in times {spans}, say 2)"
    raise CropzoomError(
        f"{path}: has {what} and no boxes{lacks}. Say how large the boxes are to be: {cure}."
    )


def _one_a_frame(path: Path, said: OutsideRows, n_frames: int, notify: Notify) -> OutsideRows:
    """One row for each animal and frame: the likelier where a few have two.

    Raises
    ------
    CropzoomError
        If many have two, or nothing says which is likelier.
    """
    key = said.animal * n_frames + said.frame
    order = np.argsort(key, kind="stable")
    again = key[order][1:] == key[order][:-1]
    if not again.any():
        return said
    row = int(order[1:][again].min())
    doubles = len(np.unique(key[order][1:][again]))
    share = doubles / max(1, len(np.unique(key)))
    where = f"frame {said.frame[row]} has two boxes of {said.names[said.animal[row]]}"
    if share > FEW_DOUBLE or np.isnan(said.confidence).any():
        raise CropzoomError(
            f"{path}: {where} ({counted(doubles, 'frame')} {verb(doubles, 'have')} more than one), and "
            "nothing "
            "says which is whose. Export tracks with an id, or one box a frame."
        )
    notify(
        f"{path.name}: {where}; of such ({counted(doubles, 'frame')}) the one with the highest "
        "confidence is taken"
    )
    best = np.lexsort((-said.confidence, key))
    first = np.ones(len(best), bool)
    first[1:] = key[best][1:] != key[best][:-1]
    keep = np.zeros(len(best), bool)
    keep[best[first]] = True
    return said.keep(keep)


def _boxes_of(
    mine: OutsideRows, video: VideoFacts, options: ImportOptions
) -> tuple[FloatArray, float | None]:
    """Boxes of one animal, (T, 4), and the side of those put round points."""
    boxes = np.full((video.n_frames, 4), np.nan)
    if mine.boxes is not None:
        boxes[mine.frame] = mine.boxes
        return boxes, None
    assert mine.keypoints is not None
    n_points = mine.keypoints.shape[1]
    if n_points == 1:
        side = float(options.crop_size or np.ceil((mine.body_length or 0) * (options.crop_ratio or 0)))
        side += side % 2
        boxes[mine.frame, :2] = mine.keypoints[:, 0] - side / 2
        boxes[mine.frame, 2:] = side
        return boxes, side
    xy = np.full((video.n_frames, n_points, 2), np.nan)
    xy[mine.frame] = mine.keypoints
    names = tuple(str(place) for place in range(n_points))
    poses = Poses(names, xy, np.full(xy.shape[:2], np.nan))
    ratio = None if options.crop_size is not None else options.crop_ratio
    return boxes_from_keypoints(poses, SizingSettings(ratio, options.crop_size)), None
