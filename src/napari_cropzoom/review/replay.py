"""Going through the lines of a journal, which somebody else may have written."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Source
from napari_cropzoom.core.editing.settings import RawBoxes, SizingEdit
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.files.bbox_csv import read_bbox_csv, read_bbox_of
from napari_cropzoom.files.belonging import doubt_of
from napari_cropzoom.files.journal_lines import (
    Entry,
    broken,
    decode_edit,
    decode_mask,
    decode_raw,
    decode_settings,
    decode_sizing,
    parse_line,
)
from napari_cropzoom.files.parsing import MISSHAPEN
from napari_cropzoom.files.provenance import interpolated_rows
from napari_cropzoom.files.review_paths import file_sha256, journal_file, stem
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.tracks import Revision, Tracks

MOST_TRACKS = 100
LONGEST_NAME = 200
_NOT_IN_NAMES = set('/\\:*?"<>|\0')
_NAMES_TRACK = re.compile(rb'"do"\s*:\s*"(track|rename|remove|sizing)"')
_COLOR = re.compile("#[0-9a-fA-F]{6,8}")


class Replay:
    """Does what the lines of a journal say, in their order.

    Parameters
    ----------
    path : Path
        Of the journal.
    lines : list of bytes
        All of it.
    tracks : Tracks
        What comes of it.
    first_raw : Path
        Raw boxes of the first track.
    first_boxes : tuple
        These, (T, 4), and the hash of the file.
    frame_size : (int, int), optional
        Width and height of the video in pixels.
    images : sequence of str, optional
        Names of the images, where the review is of a labels file.

    Attributes
    ----------
    has_tracks : bool
        Whether a track has come.
    hashes : list of str
        Of the files of final boxes as they were last saved; none where an older version saved them.
    changed, notes : list of str
        See :class:`.stored.StoredReview`; complete after :meth:`finish`.
    """

    def __init__(
        self,
        path: Path,
        lines: list[bytes],
        tracks: Tracks,
        first_raw: Path,
        first_boxes: tuple[FloatArray, str],
        frame_size: FrameSize | None,
        images: Sequence[str] | None = None,
    ) -> None:
        self._images = images
        self.has_tracks = False
        self.hashes: list[str] = []
        self._saved: Revision | None = None
        self.changed: list[str] = []
        self.notes: list[str] = []
        self._path, self._tracks, self._first_raw, self._frame_size = path, tracks, first_raw, frame_size
        # raw files that have been read, with their hash
        self._known = {os.path.realpath(first_raw): first_boxes}
        # by the name at this line; a track has its first name until the last, since renaming goes through
        # all edits
        self._named: dict[str, BoxTrack] = {}
        self._changed: list[BoxTrack] = []
        self._coming = iter(_origins(path, lines, tracks.n_frames))
        self._origins: dict[str, _Origin] = {}  # by the first name of the track
        self._raws: dict[str, tuple[str, str]] = {}  # file and hash of the newest line, likewise

    def take(self, entry: Entry) -> None:
        """Do what a line says."""
        what = entry["do"]
        if what == "track":
            self._add_track(_checked_name(str(entry["name"])), entry)
            return
        try:
            self._do(what, entry)
        except CropzoomError as error:
            raise ValueError(str(error)) from error

    @property
    def is_saved(self) -> bool:
        """Whether the state now is that of the last line of saving."""
        return self._saved == self._tracks.revision

    def finish(self) -> None:
        """Compare the files whose boxes the journal has, and give the tracks the names they have now."""
        for name, origin in self._origins.items():
            if origin.was is not None and name in self._tracks:
                self._compare_file(name)
        self._tracks.rename_all({track.name: name for name, track in self._named.items()})
        self.changed = [track.name for track in self._changed if track in self._named.values()]

    def _do(self, what: object, entry: Entry) -> None:
        tracks = self._tracks
        if what == "edit":
            tracks.apply(decode_edit(entry, self._named))
        elif what == "setting":
            tracks.apply(decode_settings(entry, tracks.settings))
        elif what == "sizing":
            tracks.apply(self._sizing_edit(entry))
        elif what == "raw":
            pass  # the file is compared by what is in it
        elif what == "undo" or what == "redo":
            step = tracks.undo if what == "undo" else tracks.redo
            for _ in range(int(entry["count"])):
                if step() is None:
                    break
        elif what == "rename":
            self._rename(str(entry["old"]), _checked_name(str(entry["new"])))
        elif what == "color":
            _color(tracks.entries[self._named[entry["name"]].name], entry)
        elif what == "remove":
            tracks.remove(self._named.pop(entry["name"]).name)
        elif what == "smoothing":
            tracks.smoothing = SmoothingSettings(str(entry["method"]), int(entry["window"]))
        elif what == "fill":
            tracks.fill = str(entry["how"])
        elif what == "saved":
            self._saved = tracks.revision
            self.hashes = [str(each) for each in entry.get("sha256") or ()]
        else:
            raise ValueError(f"unknown line {brief(what)!r}")

    def _rename(self, old: str, new: str) -> None:
        if new in self._named:
            raise ValueError(f"there is a track {new!r} already")
        if old not in self._named:
            raise KeyError(old)
        self._named = {new if name == old else name: track for name, track in self._named.items()}

    def _add_track(self, name: str, entry: Entry) -> None:
        raw = str(entry["raw"]), str(entry["sha256"])
        if name not in self._named:
            if len(self._named) == MOST_TRACKS:
                raise ValueError(f"more than {MOST_TRACKS} tracks")
            origin = next(self._coming, _Origin(entry))
            self._named[name] = self._read_track(name, origin)
            self._origins[self._named[name].name] = origin
        inner = self._named[name].name
        origin = self._origins[inner]
        origin.n_left -= 1
        if self._raws.setdefault(inner, raw) != raw:
            self._raws[inner], self._saved = raw, None  # what was saved before was made of other boxes
            self._tracks.history.forget_sizing(inner)
            self._tracks.entries[inner].sha256 = origin.sha256
        made = self._tracks.entries[inner]
        made.sizing = origin.was.sizing if origin.was else decode_sizing(origin.line["sizing"])
        _color(made, origin.line)

    def _sizing_edit(self, entry: Entry) -> SizingEdit:
        """Edit of a line; before raw boxes that are no edit came, all there is are these."""
        track = self._named[entry["track"]]
        made, origin = self._tracks.entries[track.name], self._origins[track.name]
        if origin.n_left > 0:
            becomes = RawBoxes.of(track, made.sizing)
        else:
            becomes = decode_raw(entry["becomes"], len(track))
        self._raws[track.name] = ("", "")  # another line of the track is of other boxes
        return SizingEdit.to(track, made.sizing, becomes, str(entry["label"]))

    def _read_track(self, name: str, origin: _Origin) -> BoxTrack:
        n_frames, entry = self._tracks.n_frames, origin.line
        raw_csv, is_beside = self._raw_file(name, str(entry["raw"]))
        was_empty = entry["sha256"] == ""  # added without boxes, which leaves no file
        if was_empty and not os.path.exists(raw_csv):
            boxes, sha256 = np.full((n_frames, 4), np.nan), ""
        else:
            boxes, sha256 = self._read(raw_csv, name)
        source = Source(entry["source"])
        guessed: BoolArray | None = decode_mask(entry.get("interpolated") or (), n_frames)
        is_changed = not np.isnan(boxes).all() if was_empty else sha256 != entry["sha256"]
        if (raw := origin.was) is not None:
            boxes, source, guessed, is_changed = raw.boxes, raw.source, raw.interpolated, False
        if not is_beside:  # written by a version that left boxes where they were; it is not written there
            own = self._first_raw.parent / name / self._first_raw.name
            if is_changed:
                raise CropzoomError(
                    f"{raw_csv}: the boxes of the track {name!r} lie outside the folder of this review, "
                    f"and are not those that were reviewed. Put those at {own}, or move {self._path} "
                    "away to begin a new review."
                )
            raw_csv, sha256 = own, ""
        if is_changed:
            guessed = interpolated_beside(raw_csv, source, n_frames)
        inner = name
        while self.has_tracks and inner in self._tracks:
            inner += "'"
        origin.sha256 = sha256
        made = reviewed(BoxTrack(boxes, inner, source, guessed), raw_csv, self._tracks, sha256)
        if self.has_tracks:
            self._tracks.add(made)
        else:
            self._tracks.replace_all([made])
        self.has_tracks = True
        if is_changed:
            self._changed.append(made.track)
        return made.track

    def _compare_file(self, name: str) -> None:
        """Compare the file of raw boxes with those that the edits come to.

        One that has boxes of another moment of the history was not written any more, and will be.
        """
        made = self._tracks.entries[name]
        if made.raw_csv is None:
            return
        boxes, sha256 = self._read(made.raw_csv, name)
        sized = [e for e in self._tracks.history.every if isinstance(e, SizingEdit) and e.track == name]
        if np.array_equal(boxes, made.track.raw, equal_nan=True):
            made.sha256 = sha256
        elif not any(raw.have(boxes) for edit in sized for raw in (edit.was, edit.becomes)):
            source, n_frames = made.track.raw_source, len(boxes)
            guessed = interpolated_beside(made.raw_csv, source, n_frames)
            nowhere = np.zeros(n_frames, bool)
            raw = RawBoxes(boxes, source, nowhere if guessed is None else guessed, made.sizing)
            self._tracks.renew_raw(name, raw, sha256)
            self._changed.append(made.track)

    def _raw_file(self, name: str, named: str) -> tuple[Path, bool]:
        """Raw boxes of a track, and whether they lie in the folder that the journal's is in or below."""
        if not self.has_tracks:
            return self._first_raw, True  # the folder may have been moved
        folder = os.path.abspath(self._path.parent)
        path = Path(os.path.normpath(os.path.join(folder, named)))
        return path, path.is_relative_to(os.path.dirname(folder))

    def _read(self, raw_csv: Path, name: str) -> tuple[FloatArray, str]:
        place = os.path.realpath(raw_csv)
        found = self._known.get(place)
        if found is None:
            if not os.path.isfile(raw_csv):
                raise CropzoomError(
                    f"{brief(raw_csv, 300)}: the boxes of the track {name!r} are not there. Put the file "
                    f"back, or move {self._path} away to begin a new review."
                )
            boxes, notes = read_raw(raw_csv, self._tracks.n_frames, self._frame_size, images=self._images)
            self.notes += notes
            found = self._known[place] = (boxes, file_sha256(raw_csv))
        return found


def read_raw(
    raw_csv: Path,
    n_frames: int,
    frame_size: FrameSize | None,
    *,
    allow_missing: bool = True,
    images: Sequence[str] | None = None,
) -> tuple[FloatArray, list[str]]:
    """Raw boxes of a track, as a person opens them: rows that are no box are missing.

    Boxes that have been reviewed are taken in any case; what speaks against them is told. With
    ``images`` they are those of a labels file, in that order.

    Returns
    -------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN where missing.
    notes : list of str
        What the person should know of them.

    Raises
    ------
    CropzoomError
        As :func:`napari_cropzoom.files.bbox_csv.read_bbox_csv`.
    """
    notes = [told] if (told := doubt_of(raw_csv)) else []
    if images is not None:
        return read_bbox_of(raw_csv, images, notes.append), notes
    boxes = read_bbox_csv(
        raw_csv,
        n_frames,
        allow_missing=allow_missing,
        frame_size=frame_size,
        faults="tell" if journal_file(raw_csv).is_file() else "skip",
        notify=notes.append,
    )
    return boxes, notes


@dataclass
class _Origin:
    """What a track begins with.

    Attributes
    ----------
    line : dict
        Its line with the last raw boxes that are no edit: only these are on disk.
    n_left : int
        Lines of the track up to that one that are still to come.
    was : RawBoxes or None
        Its raw boxes where the journal has them, because edits after it have given it others.
    sha256 : str
        Of the file of raw boxes as it is now.
    """

    line: Entry
    n_left: int = 1
    was: RawBoxes | None = None
    sha256: str = ""


def _origins(path: Path, lines: list[bytes], n_frames: int) -> list[_Origin]:
    """Of every track, as they came, what it begins with."""
    found: list[_Origin] = []
    now: dict[str, _Origin] = {}
    for number, line in enumerate(lines, 1):
        if not _NAMES_TRACK.search(line):
            continue
        entry = parse_line(path, number, line)
        name, old = str(entry.get("name")), str(entry.get("old"))
        if entry["do"] == "track" and name in now:
            now[name].line, now[name].was = entry, None
            now[name].n_left += 1
        elif entry["do"] == "track":
            now[name] = _Origin(entry)
            found.append(now[name])
        elif entry["do"] == "sizing" and (origin := now.get(str(entry.get("track")))) is not None:
            try:
                origin.was = origin.was or decode_raw(entry["was"], n_frames)
            except (*MISSHAPEN, zlib.error, CropzoomError) as error:
                raise broken(path, number, error) from error
        elif entry["do"] == "rename" and old in now:
            now[str(entry.get("new"))] = now.pop(old)
        elif entry["do"] == "remove":
            now.pop(name, None)
    return found


def _color(made: ReviewedTrack, entry: Entry) -> None:
    made.color = entry["color"] if _COLOR.fullmatch(str(entry["color"])) else made.color


def _checked_name(name: str) -> str:
    """Refuse a track's name that would lead out of the folder."""
    if not name.strip() or name[0] == "." or len(name) > LONGEST_NAME or set(name) & _NOT_IN_NAMES:
        raise ValueError(f"{brief(name)!r} cannot name a track")
    return name


def reviewed(track: BoxTrack, raw_csv: Path, tracks: Tracks, sha256: str) -> ReviewedTrack:
    """Track with its smoothed layer, for ``tracks``."""
    return ReviewedTrack(track, SmoothedTrack(track, tracks.smoothing), raw_csv, sha256=sha256)


def interpolated_beside(raw_csv: Path, source: Source, n_frames: int) -> BoolArray | None:
    """(T,) bool: frames that the detector did not see, by its predictions beside the boxes; or None."""
    if source != Source.DETECTED:
        return None
    return interpolated_rows(raw_csv.with_name(f"{stem(raw_csv)}.csv"), n_frames)
