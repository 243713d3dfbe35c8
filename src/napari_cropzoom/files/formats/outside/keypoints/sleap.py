"""SLEAP: project files ``.slp`` and analysis ``.h5``, read with h5py only, written by sleap-io.

Format: ``sleap_io.io.slp`` of sleap-io 0.9 and https://sleap.ai/tutorials/analysis.html.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import plain_path, quoted
from napari_cropzoom.files.formats.contents import (
    Content,
    as_text,
    hdf5_array,
    hdf5_numbers,
    hdf5_texts,
    json_text,
    needs,
    opened_hdf5,
)
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import mean_likelihood
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideRows,
    PosesOut,
    VideoFacts,
    notes_on_video,
    refuse,
)

USER = 0
WHOLE_PIXELS_SINCE = 1.1
"""Version of the format since which the centre of the first pixel is 0; before it was 0.5."""
DIMS = ("track", "xy", "node", "frame")
PROJECT = frozenset({"frames", "instances", "videos_json"})
ANALYSIS = frozenset({"tracks", "track_occupancy", "node_names"})


class Sleap:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "sleap"
    label: ClassVar[str] = "SLEAP"
    help: ClassVar[str] = "Project (.slp) with boxes or poses, or analysis file (.h5)"
    patterns: ClassVar[tuple[str, ...]] = ("*.slp", "*.h5")
    packages: ClassVar[tuple[str, ...]] = ("sleap_io",)
    arrays: ClassVar[tuple[frozenset[str], ...]] = (PROJECT, ANALYSIS)

    def recognises(self, content: Content) -> bool:
        """By the names of its arrays."""
        return content.kind == "hdf5" and (_is_project(content.names) or _is_analysis(content.names))

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Boxes if there are some, else poses."""
        with opened_hdf5(path) as file:
            if _is_analysis(file):
                return _analysis(path, file)
            if not _is_project(file):
                raise refuse(path, "is neither a project nor an analysis file of SLEAP.")
            chosen, notes = _video_of(path, file, video)
            tracks = [
                _track_name(text, place) for place, text in enumerate(hdf5_texts(file, "tracks_json"))
            ]
            boxes = file.get("bboxes")
            if boxes is not None and "x1" in boxes and len(boxes["x1"]):
                said = _boxes(path, boxes, tracks, chosen)
            else:
                said = _poses(path, file, tracks, chosen)
            return replace(said, notes=(*said.notes, *notes))

    def write(self, path: Path, out: PosesOut) -> None:
        """Write the poses of all animals."""
        with atomic_path(path) as part:
            _labels(out).save(str(part), format="slp", verbose=False)


class SleapNwb:
    """NWB with ndx-pose, written by sleap-io."""

    name: ClassVar[str] = "nwb"
    label: ClassVar[str] = "NWB (ndx-pose)"
    help: ClassVar[str] = "Keypoints in Neurodata Without Borders, as sleap-io writes them"
    patterns: ClassVar[tuple[str, ...]] = ("*.nwb",)
    packages: ClassVar[tuple[str, ...]] = ("sleap_io", "pynwb")

    def write(self, path: Path, out: PosesOut) -> None:
        """Write the poses of all animals."""
        needs("pynwb", "Writing NWB")
        sleap_io = needs("sleap_io", "Writing NWB")
        with atomic_path(path) as part:
            sleap_io.save_nwb(_labels(out), str(part))


def _is_project(names: Any) -> bool:
    return all(name in names for name in PROJECT)


def _is_analysis(names: Any) -> bool:
    return all(name in names for name in ANALYSIS)


def _track_name(text: str, place: int) -> str:
    said = json_text(text)
    name = said[-1] if isinstance(said, list) and said else said
    return str(name) if isinstance(name, str) and name else f"track_{place}"


def _video_of(path: Path, file: Any, video: VideoFacts) -> tuple[int, tuple[str, ...]]:
    """Place of this video among those of the project, and notes where it may be another one.

    Raises
    ------
    CropzoomError
        If it has several and none of this name.
    """
    names = []
    for text in hdf5_texts(file, "videos_json"):
        said = json_text(text)
        said = said.get("backend", said) if isinstance(said, dict) else {}
        name = said.get("filename", "") if isinstance(said, dict) else ""
        names.append(plain_path(str(name)).rpartition("/")[2])
    if len(names) <= 1:
        return 0, notes_on_video(path, video, name="".join(names))
    if names.count(video.name) == 1:
        return names.index(video.name), ()
    raise refuse(
        path, f"has {counted(len(names), 'video')}, and not one of them is {quoted(video.name)}."
    )


def _named(
    path: Path, track: IntArray, frame: IntArray, names: list[str]
) -> tuple[tuple[str, ...], IntArray]:
    """Animals of rows by their track; one without tracks if there is one a frame."""
    if not (track >= 0).any():
        if len(np.unique(frame)) != len(frame):
            raise refuse(
                path, "has several animals in a frame and no tracks. Run the tracker of SLEAP first."
            )
        return ("animal",), np.zeros(len(track), np.int64)
    used = np.unique(track[track >= 0])
    if int(used[-1]) >= len(names):
        raise refuse(path, f"names {counted(len(names), 'track')}, and uses number {int(used[-1])}.")
    return tuple(names[place] for place in used.tolist()), np.searchsorted(used, track).astype(np.int64)


def _boxes(path: Path, group: Any, tracks: list[str], chosen: int) -> OutsideRows:
    x1, y1, x2, y2 = (hdf5_numbers(group, name) for name in ("x1", "y1", "x2", "y2"))
    frame = hdf5_array(group, "frame_idx").astype(np.int64)
    keep = hdf5_array(group, "video") == chosen if "video" in group else np.ones(len(frame), bool)
    if "angle" in group and np.nanmax(np.abs(hdf5_numbers(group, "angle")[keep]), initial=0) > 0:
        raise refuse(path, "has boxes that are rotated. Boxes are upright here.")
    track = hdf5_array(group, "track").astype(np.int64)
    has_no_track = track < 0
    note: tuple[str, ...] = ()
    if (keep & has_no_track).any() and (keep & ~has_no_track).any():
        left = counted(int((keep & has_no_track).sum()), "box")
        note = (f"{path.name}: {left} without a track left out",)
        keep &= ~has_no_track
    names, animal = _named(path, track[keep], frame[keep], tracks)
    score = hdf5_numbers(group, "score")[keep] if "score" in group else np.empty(0)
    return OutsideRows(
        names,
        animal,
        frame[keep],
        boxes=np.column_stack([x1, y1, x2 - x1, y2 - y1])[keep],
        confidence=score,
        notes=note,
    )


def _poses(path: Path, file: Any, tracks: list[str], chosen: int) -> OutsideRows:
    frames, instances = hdf5_array(file, "frames"), hdf5_array(file, "instances")
    points = {False: _xy(file, "points", USER), True: _xy(file, "pred_points", 1)}
    shift = -0.5 if float(file["metadata"].attrs.get("format_id", 1)) < WHOLE_PIXELS_SINCE else 0.0
    n_nodes = int((instances["point_id_end"] - instances["point_id_start"]).max(initial=0))
    number_of = {int(f["frame_id"]): int(f["frame_idx"]) for f in frames if int(f["video"]) == chosen}
    best: dict[tuple[int, int], Any] = {}
    without = 0
    for row in instances:
        frame = number_of.get(int(row["frame_id"]))
        if frame is None:
            continue
        key = (frame, int(row["track"]))
        if key in best and key[1] < 0:
            without += 1
            key = (frame, -1 - without)
        if key not in best or int(row["instance_type"]) == USER:
            best[key] = row
    has_tracks = any(track >= 0 for _, track in best)
    rows = [(frame, track, row) for (frame, track), row in best.items() if track >= 0 or not has_tracks]
    if not rows:
        raise refuse(path, "has no poses of this video.")
    xy = np.full((len(rows), n_nodes, 2), np.nan)
    score = np.full((len(rows), n_nodes), np.nan)
    for place, (_, _, row) in enumerate(rows):
        mine, likely = points[int(row["instance_type"]) != USER]
        part = slice(int(row["point_id_start"]), int(row["point_id_end"]))
        found = mine[part]
        xy[place, : len(found)], score[place, : len(found)] = found, likely[part]
    shown = np.array([each[0] for each in rows], np.int64)
    track = np.array([max(each[1], -1) for each in rows], np.int64)
    names, animal = _named(path, track, shown, tracks)
    n_left = len(best) - len(rows)
    left = f"{counted(n_left, 'pose')} without a track {verb(n_left, 'are')} left out"
    note = (f"{path.name}: {left}",) if n_left else ()
    return OutsideRows(
        names, animal, shown, keypoints=xy + shift, confidence=mean_likelihood(score), notes=note
    )


def _xy(file: Any, name: str, kind: int) -> tuple[FloatArray, FloatArray]:
    """Points, (N, 2), NaN where not visible, and their scores."""
    points = hdf5_array(file, name)
    xy = np.column_stack([points["x"], points["y"]]).astype(np.float64)
    xy[~np.asarray(points["visible"], bool)] = np.nan
    return xy, np.asarray(points["score"], np.float64) if kind != USER else np.full(len(xy), np.nan)


def _analysis(path: Path, file: Any) -> OutsideRows:
    tracks = hdf5_numbers(file, "tracks")
    dims = json_text(file["tracks"].attrs["dims"]) if "dims" in file["tracks"].attrs else DIMS
    if tracks.ndim != len(DIMS) or sorted(map(str, dims)) != sorted(DIMS):
        raise refuse(path, f"its tracks have the shape {tracks.shape}, not (tracks, 2, nodes, frames).")
    xy = tracks.transpose([list(dims).index(name) for name in ("frame", "track", "node", "xy")])
    likelihood = np.full(xy.shape[:3], np.nan)
    if "point_scores" in file:
        scores = hdf5_numbers(file, "point_scores")
        about = file["point_scores"].attrs
        order = json_text(about["dims"]) if "dims" in about else ("track", "node", "frame")
        likelihood = scores.transpose([list(order).index(name) for name in ("frame", "track", "node")])
    names = hdf5_texts(file, "track_names") if "track_names" in file else []
    if len(names) != xy.shape[1]:
        names = ["animal"] if xy.shape[1] == 1 else [f"track_{place}" for place in range(xy.shape[1])]
    return OutsideRows.dense([as_text(name) for name in names], xy, mean_likelihood(likelihood))


def _labels(out: PosesOut) -> Any:
    """Labels of sleap-io."""
    sleap_io = needs("sleap_io", "Writing SLEAP and NWB files")
    clip = sleap_io.Video(filename=out.video.name, open_backend=False)
    clip.backend_metadata["shape"] = (out.video.n_frames, out.video.height, out.video.width, 3)
    clip.backend_metadata["fps"] = out.video.fps
    first = next(iter(out.animals.values()))
    skeleton = sleap_io.Skeleton(list(first.names), name="animal")
    tracks = {name: sleap_io.Track(name) for name in out.animals}
    frames = []
    for frame in range(out.video.n_frames):
        seen = [
            sleap_io.PredictedInstance.from_numpy(
                poses.xy[frame],
                skeleton=skeleton,
                point_scores=np.nan_to_num(poses.likelihood[frame]),
                score=_score(poses, frame),
                track=tracks[name],
            )
            for name, poses in out.animals.items()
            if np.isfinite(poses.xy[frame]).all(axis=1).any()
        ]
        if seen:
            frames.append(sleap_io.LabeledFrame(video=clip, frame_idx=frame, instances=seen))
    return sleap_io.Labels(frames, skeletons=[skeleton], videos=[clip], tracks=list(tracks.values()))


def _score(poses: Poses, frame: int) -> float:
    return float(np.nan_to_num(mean_likelihood(poses.likelihood[frame])))
