"""One track of a session with what belongs to it, and a whole review as it lies on disk."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import check_fill, fill_missing, finalize
from napari_cropzoom.core.history import History
from napari_cropzoom.core.runs import mask_of, runs
from napari_cropzoom.core.sizing import SizingSettings
from napari_cropzoom.core.smoothed import SmoothedTrack
from napari_cropzoom.core.smoothing import SmoothingSettings, smooth
from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.io.journal import VERSION, Entry, broken, decode_edit, read_journal
from napari_cropzoom.io.made_with import interpolated_rows
from napari_cropzoom.io.session_store import file_sha256, journal_file, save_final, stem

# Okabe and Ito's colours, which the colour-blind can tell apart.
TRACK_COLORS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#ffffff")


@dataclass
class TrackState:
    """A track, where its raw boxes lie and how they were made.

    Attributes
    ----------
    track : BoxTrack
    raw_csv : Path or None
        Where the raw boxes lie, or will lie once written.
    sizing : SizingSettings or None
        How they were made of keypoints, None if they came from elsewhere.
    color : str
        Hexadecimal.
    sha256 : str
        Of the raw file; empty while it is not written.
    smoothed : SmoothedTrack
    """

    track: BoxTrack
    raw_csv: Path | None
    smoothed: SmoothedTrack
    sizing: SizingSettings | None = None
    color: str = TRACK_COLORS[0]
    sha256: str = ""

    def write_raw(self) -> None:
        """Write the raw boxes if they are not on disk yet.

        Raises
        ------
        CropzoomError
            If the file cannot be written.
        """
        if self.raw_csv is not None and not self.sha256:
            write_bbox_csv(self.raw_csv, self.track.raw)
            self.sha256 = file_sha256(self.raw_csv)

    def entry(self, folder: Path, name: str) -> Entry:
        """Line of the journal in ``folder``, under the name of then; writes the raw boxes if need be."""
        self.write_raw()
        assert self.raw_csv is not None
        return {
            "do": "track",
            "name": name,
            "raw": relative(self.raw_csv, folder),
            "sha256": self.sha256,
            "source": int(self.track.raw_source),
            "color": self.color,
            "sizing": dataclasses.asdict(self.sizing) if self.sizing else None,
            "interpolated": runs(self.track.interpolated),
        }


@dataclass
class StoredReview:
    """Raw boxes and the review of them as they lie on disk.

    Attributes
    ----------
    tracks : dict of str to TrackState
        With the edits in force applied; the first is that of ``raw_csv``.
    changed : list of str
        Tracks whose raw file is not the one that was reviewed; their edits were carried over.
    saved : bool
        Whether the reviewed boxes on disk are those of the last line.
    exists : bool
        Whether there is a journal at all.
    """

    raw_csv: Path
    tracks: dict[str, TrackState]
    history: History = field(default_factory=History)
    smoothing: SmoothingSettings = field(default_factory=SmoothingSettings)
    fill: str = "interpolate"
    changed: list[str] = field(default_factory=list)
    saved: bool = True
    exists: bool = False


def read_review(
    raw_csv: Path, n_frames: int, name: str, source: Source, *, allow_missing: bool = False
) -> StoredReview:
    """Read raw boxes and the review of them, if there is one; touches nothing, fit for a thread.

    Parameters
    ----------
    raw_csv : Path
    n_frames : int
        Frames of the video.
    name : str
        Of the track, where no review names it.
    source : Source
        What the raw boxes are, where no review says.
    allow_missing : bool
        Accept frames without a box.

    Raises
    ------
    CropzoomError
        If the boxes are not of this video, the journal is broken, or a track's boxes are not there.
    """
    boxes = read_bbox_csv(raw_csv, n_frames, allow_missing=allow_missing)
    sha256 = file_sha256(raw_csv)
    path = journal_file(raw_csv)
    entries, _ = read_journal(path)
    settings = SmoothingSettings()
    track = BoxTrack(boxes, name, source, _interpolated_beside(raw_csv, source, n_frames))
    state = TrackState(track, raw_csv, SmoothedTrack(track, settings), sha256=sha256)
    review = StoredReview(raw_csv, {name: state}, exists=bool(entries))
    if entries:
        review.tracks = {}
        _check_head(path, entries[0], n_frames)
        known = {raw_csv.resolve(): (boxes, sha256)}
        replay = _Replay(review, path, entries, n_frames, known)
        for number, entry in enumerate(entries[1:], 2):
            try:
                replay.take(entry)
            except CropzoomError:
                raise
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise broken(path, number, error) from error
        if not review.tracks:
            raise broken(path, 1, ValueError("no track follows"))
        for each in review.tracks.values():
            each.smoothed = SmoothedTrack(each.track, review.smoothing)
    return review


@dataclass
class _Replay:
    """Takes the lines of a journal in their order."""

    review: StoredReview
    path: Path
    entries: list[Entry]
    n_frames: int
    known: dict[Path, tuple[FloatArray, str]]

    def __post_init__(self) -> None:
        # Of raw boxes that were made anew during the review, only the last are on disk.
        self.last_raw: dict[str, Entry] = {}
        for entry in self.entries:
            if entry["do"] == "track":
                self.last_raw[str(entry["name"])] = entry
            elif entry["do"] == "rename" and entry.get("old") in self.last_raw:
                self.last_raw[str(entry["new"])] = self.last_raw[entry["old"]]

    @property
    def tracks(self) -> dict[str, BoxTrack]:
        return {name: state.track for name, state in self.review.tracks.items()}

    def take(self, entry: Entry) -> None:
        review = self.review
        what = entry["do"]
        review.saved = what == "saved"
        if what == "edit":
            edit = decode_edit(entry, self.tracks)
            edit.apply(self.tracks)
            review.history.push(edit)
        elif what in ("undo", "redo"):
            for _ in range(int(entry["count"])):
                getattr(review.history, what)(self.tracks)
        elif what == "track":
            self._add_track(str(entry["name"]), entry)
        elif what == "rename":
            rename(review.tracks, review.history, str(entry["old"]), str(entry["new"]))
        elif what == "remove":
            del review.tracks[entry["name"]]
        elif what == "smoothing":
            review.smoothing = SmoothingSettings(str(entry["method"]), int(entry["window"]))
        elif what == "fill":
            check_fill(entry["how"])
            review.fill = str(entry["how"])
        elif what != "saved":
            raise ValueError(f"unknown line {what!r}")

    def _add_track(self, name: str, entry: Entry) -> None:
        entry = self.last_raw.get(name, entry)
        sizing = entry["sizing"]
        if sizing is not None:
            sizing = SizingSettings(**{**sizing, "anchor_keypoints": tuple(sizing["anchor_keypoints"])})
        if name in self.review.tracks:
            self.review.tracks[name].sizing = sizing
            self.review.tracks[name].color = str(entry["color"])
            return
        raw_csv = (self.path.parent / str(entry["raw"])).resolve()
        if not self.review.tracks:
            raw_csv = self.review.raw_csv  # the folder may have been moved
        boxes, sha256 = self._read(raw_csv, name)
        if sha256 != entry["sha256"]:
            self.review.changed.append(name)
        source = Source(entry["source"])
        guessed: BoolArray | None = mask_of(entry.get("interpolated") or (), self.n_frames)
        if sha256 != entry["sha256"]:
            guessed = _interpolated_beside(raw_csv, source, self.n_frames)
        track = BoxTrack(boxes, name, source, guessed)
        smoothed = SmoothedTrack(track, self.review.smoothing)
        color = str(entry["color"])
        self.review.tracks[name] = TrackState(track, raw_csv, smoothed, sizing, color, sha256)

    def _read(self, raw_csv: Path, name: str) -> tuple[FloatArray, str]:
        found = self.known.get(raw_csv.resolve())
        if found is None:
            if not raw_csv.is_file():
                raise CropzoomError(
                    f"{raw_csv}: the boxes of the track {name!r} are not there. Put the file back, "
                    f"or move {self.path} away to start the review anew."
                )
            boxes = read_bbox_csv(raw_csv, self.n_frames, allow_missing=True)
            found = self.known[raw_csv.resolve()] = (boxes, file_sha256(raw_csv))
        return found


@dataclass(frozen=True)
class PendingSave:
    """The reviewed boxes of every track at one moment; :meth:`write` may run in a thread.

    Attributes
    ----------
    marker : object
        What the session compares to tell whether something has changed since.
    wait : callable
        Returns when what was to be written before is on disk.
    """

    video: Path
    states: tuple[TrackState, ...]
    boxes: tuple[FloatArray, ...]
    sources: tuple[np.ndarray, ...]
    smoothing: SmoothingSettings
    fill: str
    marker: object
    wait: Callable[[], None]

    @classmethod
    def of(
        cls,
        video: Path,
        states: list[TrackState],
        smoothing: SmoothingSettings,
        fill: str,
        marker: object,
        wait: Callable[[], None],
    ) -> PendingSave:
        """Copy what can change."""
        boxes = tuple(state.track.boxes.copy() for state in states)
        sources = tuple(state.track.source.copy() for state in states)
        return cls(video, tuple(states), boxes, sources, smoothing, fill, marker, wait)

    def write(self) -> Path:
        """Write raw boxes that are not on disk yet, final boxes and ``metadata.json`` of every track.

        Returns
        -------
        Path
            The CSV of the first track's final boxes.

        Raises
        ------
        CropzoomError
            If a folder cannot be written to.
        """
        self.wait()
        targets = []
        for state, boxes, source in zip(self.states, self.boxes, self.sources, strict=True):
            state.write_raw()
            assert state.raw_csv is not None
            smoothed = smooth(boxes, self.smoothing, source == Source.ANCHOR)
            final = finalize(fill_missing(smoothed, self.fill))
            summary = self._summary(state, boxes, source)
            targets.append(save_final(state.raw_csv, self.video, final, self.smoothing, summary))
        return targets[0]

    def _summary(self, state: TrackState, boxes: FloatArray, source: np.ndarray) -> dict[str, Any]:
        assert state.raw_csv is not None
        return {
            "raw": state.raw_csv.name,
            "track": state.track.name,
            "method": self.smoothing.method,
            "window": self.smoothing.window,
            "anchors": np.flatnonzero(source == Source.ANCHOR).tolist(),
            "absent": np.flatnonzero(source == Source.ABSENT).tolist(),
            "filled": np.flatnonzero(np.isnan(boxes[:, 0])).tolist(),
            "fill": self.fill,
        }


def _interpolated_beside(raw_csv: Path, source: Source, n_frames: int) -> BoolArray | None:
    """(T,) bool: frames that the detector did not see, by its predictions beside the boxes; or None."""
    if source != Source.DETECTED:
        return None
    return interpolated_rows(raw_csv.with_name(f"{stem(raw_csv)}.csv"), n_frames)


def rename(tracks: dict[str, TrackState], history: History, old: str, new: str) -> None:
    """Give a track another name, in its place among the others."""
    renamed = {new if name == old else name: state for name, state in tracks.items()}
    if len(renamed) != len(tracks) or new not in renamed:
        raise CropzoomError(f"There is a track {new!r} already; choose another name.")
    renamed[new].track.name = new
    tracks.clear()
    tracks.update(renamed)
    history.rename(old, new)


def first_lines(video: Path, n_frames: int, tracks: list[Entry]) -> list[Entry]:
    """Head of a new journal."""
    head = {"do": "begin", "version": VERSION, "video": video.name, "n_frames": n_frames}
    return [head, *tracks]


def relative(path: Path, folder: Path) -> str:
    """Path as seen from a folder, with slashes; absolute where there is no way (another drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _check_head(path: Path, head: Entry, n_frames: int) -> None:
    try:
        version, frames = head["version"], int(head["n_frames"])
    except (KeyError, ValueError, TypeError) as error:
        raise broken(path, 1, error) from error
    cure = "Move the file away to start the review anew; the reviewed boxes beside it stay as they are."
    if version != VERSION:
        raise CropzoomError(f"{path}: written by another version of napari-cropzoom ({version}). {cure}")
    if frames != n_frames:
        raise CropzoomError(
            f"{path}: belongs to a video of {frames} frames, this one has {n_frames}. {cure}"
        )
