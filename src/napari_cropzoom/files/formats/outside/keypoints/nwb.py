"""NWB with ndx-pose: keypoints as time series, a ``PoseEstimation`` an animal; read with h5py only.

Format: https://github.com/rly/ndx-pose, as sleap-io and movement write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.files.formats.contents import Content, as_text, hdf5_array, hdf5_numbers, opened_hdf5
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import mean_likelihood
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts, refuse

POSE, SERIES = "PoseEstimation", "PoseEstimationSeries"
DEEPEST, MOST_GROUPS = 4, 2000
OFF = 0.25  # of a frame


class Nwb:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "nwb"
    label: ClassVar[str] = "NWB (ndx-pose)"
    help: ClassVar[str] = "Keypoints in Neurodata Without Borders"
    patterns: ClassVar[tuple[str, ...]] = ("*.nwb",)

    def recognises(self, content: Content) -> bool:
        """By its version."""
        if content.kind != "hdf5":
            return False
        with opened_hdf5(content.path) as file:
            return "nwb_version" in file.attrs

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """All animals."""
        with opened_hdf5(path) as file:
            found = list(_of_kind(file, POSE))
            if not found:
                raise refuse(
                    path, "holds no poses (ndx-pose). Export them from the program that has them."
                )
            subject = _subject(file)
            parts = [_animal(path, group, video) for _, group in found]
        names = [_name(name, subject, len(found)) for name, _ in found]
        most = max(xy.shape[1] for _, xy, _ in parts)
        keypoints = np.concatenate([_widened(xy, most) for _, xy, _ in parts])
        counts = [len(frames) for frames, _, _ in parts]
        return OutsideRows(
            tuple(names),
            np.repeat(np.arange(len(parts)), counts),
            np.concatenate([frames for frames, _, _ in parts]),
            keypoints=keypoints,
            confidence=np.concatenate([score for _, _, score in parts]),
        )


def _widened(xy: FloatArray, most: int) -> FloatArray:
    """With as many keypoints as the animal that has most."""
    return np.pad(xy, ((0, 0), (0, most - xy.shape[1]), (0, 0)), constant_values=np.nan)


def _of_kind(group: Any, kind: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Groups of a type of NWB, with their names."""
    for count, name in enumerate(group):
        if count > MOST_GROUPS:
            return
        each = group.get(name) if group.get(name, getlink=True).__class__.__name__ == "HardLink" else None
        if each is None or not hasattr(each, "keys"):
            continue
        if as_text(each.attrs.get("neurodata_type", "")) == kind:
            yield name, each
        elif depth < DEEPEST:
            yield from _of_kind(each, kind, depth + 1)


def _subject(file: Any) -> str:
    general = file.get("general")
    subject = general.get("subject") if general is not None else None
    if subject is None or "subject_id" not in subject:
        return ""
    return as_text(hdf5_array(subject, "subject_id"))


def _name(container: str, subject: str, count: int) -> str:
    """Of an animal: sleap-io puts it into the container's name, movement into the subject."""
    if container.startswith("track="):
        return container.removeprefix("track=")
    return subject if subject and count == 1 else container


def _animal(path: Path, group: Any, video: VideoFacts) -> tuple[IntArray, FloatArray, FloatArray]:
    """Frames, keypoints (N, K, 2) and how sure they are."""
    series = list(_of_kind(group, SERIES))
    if not series:
        raise refuse(path, "has an animal without body parts.")
    times = [_frames(path, each, video) for _, each in series]
    frames = np.unique(np.concatenate(times))
    xy = np.full((len(frames), len(series), 2), np.nan)
    score = np.full((len(frames), len(series)), np.nan)
    for place, ((_, each), mine) in enumerate(zip(series, times, strict=True)):
        data = hdf5_numbers(each, "data")
        if data.ndim != 2 or data.shape[1] < 2 or len(data) != len(mine):
            raise refuse(path, f"has data of the shape {data.shape}; two coordinates are read.")
        rows = np.searchsorted(frames, mine)
        xy[rows, place] = data[:, :2]
        if "confidence" in each:
            score[rows, place] = hdf5_numbers(each, "confidence")
    return frames, xy, mean_likelihood(score)


def _frames(path: Path, series: Any, video: VideoFacts) -> IntArray:
    """Frames of a series: its times are seconds, or numbers of frames where these fit only."""
    if "timestamps" in series:
        times = hdf5_numbers(series, "timestamps").ravel()
    else:
        start = series["starting_time"]
        rate = float(start.attrs["rate"])
        times = float(start[()]) + np.arange(series["data"].shape[0]) / rate
    if not len(times) or not np.isfinite(times).all():
        raise refuse(path, "has a series without times.")
    is_whole = bool((np.abs(times - np.rint(times)) < 1e-6).all())
    if is_whole and times.max() * video.fps > video.n_frames - 1 + OFF:
        return np.rint(times).astype(np.int64)
    frames = times * video.fps
    if np.abs(frames - np.rint(frames)).max() > OFF:
        raise refuse(
            path, f"its times are not those of frames at {video.fps:g} a second, as in {video.name}."
        )
    return np.rint(frames).astype(np.int64)
