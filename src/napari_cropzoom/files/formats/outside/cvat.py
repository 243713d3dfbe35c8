"""CVAT for video 1.1: XML with a ``track`` an animal and a ``box`` a keyframe.

Format: https://docs.cvat.ai/docs/manual/advanced/xml_format. Between keyframes a box moves evenly; after
one that is ``outside`` there is none until the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.formats.contents import MOST_BYTES, Content
from napari_cropzoom.files.formats.outside_rows import (
    BoxesOut,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    notes_on_video,
    refuse,
)

CORNERS = ("xtl", "ytl", "xbr", "ybr")
NAMES = ("name", "animal", "id", "identity")
OF_VIDEO = ("size", "width", "height", "source")
"""What the file says of its video: number of frames, size of a frame, file name."""
DEEPEST = 100


@dataclass
class _Track:
    label: str
    frames: list[int] = field(default_factory=list)
    boxes: list[list[float]] = field(default_factory=list)
    outside: list[bool] = field(default_factory=list)
    name: str = ""


class Cvat:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "cvat"
    label: ClassVar[str] = "CVAT for video 1.1"
    help: ClassVar[str] = "XML with a track an animal, interpolated between its keyframes"
    patterns: ClassVar[tuple[str, ...]] = ("*.xml",)

    def recognises(self, content: Content) -> bool:
        """By its first element."""
        return content.kind == "xml" and "<annotations" in content.text

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Tracks; rotated boxes are refused."""
        if path.stat().st_size > MOST_BYTES:
            raise refuse(path, "is too large.")
        reader = _Reader(path)
        tracks = [track for track in reader.read() if track.frames]
        if not tracks:
            raise refuse(
                path, "has no track with boxes. Export the task as CVAT for video 1.1, not for images."
            )
        notes = notes_on_video(
            path, video, reader.size, reader.number("size"), reader.meta.get("source", "")
        )
        parts = [_interpolated(path, track, video.n_frames) for track in tracks]
        names = _unique([track.name or track.label for track in tracks])
        counts = [len(frames) for frames, _ in parts]
        return OutsideRows(
            tuple(names),
            np.repeat(np.arange(len(names)), counts),
            np.concatenate([frames for frames, _ in parts]).astype(np.int64),
            boxes=np.concatenate([boxes for _, boxes in parts]),
            notes=notes,
        )

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write a box a frame, a keyframe where its course bends, and one outside where a gap begins."""
        video = out.video
        lines = [
            '<?xml version="1.0" encoding="utf-8"?>',
            "<annotations>",
            "<version>1.1</version>",
            f"<meta><task><size>{video.n_frames}</size><mode>interpolation</mode><original_size><width>{video.width}"
            f"</width><height>{video.height}</height></original_size></task><source>{_escaped(video.name)}</source></meta>",
        ]
        for place, (name, boxes) in enumerate(out.tracks.items()):
            lines.append(f'<track id="{place}" label="animal" source="manual">')
            last = None
            is_keyframe = _bends(boxes).tolist()
            for frame, box in enumerate(boxes.tolist()):
                is_outside = box[0] != box[0]
                if is_outside:
                    if last is not None:
                        lines.append(_element(frame, last, name, outside=1))
                    last = None
                else:
                    lines.append(_element(frame, box, name, keyframe=int(is_keyframe[frame])))
                    last = box
            lines.append("</track>")
        with atomic_path(path) as part:
            part.write_text("\n".join([*lines, "</annotations>\n"]), encoding="utf-8", newline="")


def _bends(boxes: FloatArray) -> BoolArray:
    """(T,) bool: frames whose box is not what CVAT puts between those of its neighbours."""
    steps = np.diff(boxes, axis=0)
    bends = np.ones(len(boxes), bool)
    bends[1:-1] = (steps[1:] != steps[:-1]).any(axis=1)
    return bends


def _element(frame: int, box: list[float], name: str, *, outside: int = 0, keyframe: int = 1) -> str:
    x, y, w, h = box
    state = f'outside="{outside}" occluded="0" keyframe="{keyframe}"'
    corners = f'xtl="{x:.10g}" ytl="{y:.10g}" xbr="{x + w:.10g}" ybr="{y + h:.10g}"'
    return (
        f'<box frame="{frame}" {state} {corners} z_order="0">'
        f'<attribute name="name">{_escaped(name)}</attribute></box>'
    )


def _escaped(text: str) -> str:
    return quoteattr(text)[1:-1].replace("<", "&lt;")


class _Reader:
    """Takes the tracks out of the XML as it comes; a document type, with entities, is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tracks: list[_Track] = []
        self._depth = 0
        self._attribute: str | None = None
        self._in_track = False
        self._text = ""
        self.meta: dict[str, str] = {}

    @property
    def size(self) -> FrameSize | None:
        """Width and height of the frames, where the file says them."""
        width, height = self.number("width"), self.number("height")
        return None if width is None or height is None else (width, height)

    def number(self, name: str) -> int | None:
        """A number of what the file says of its video."""
        text = self.meta.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def read(self) -> list[_Track]:
        """All of it.

        Raises
        ------
        CropzoomError
        """
        parser = expat.ParserCreate()
        self._parser = parser
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            with self._path.open("rb") as file:
                parser.ParseFile(file)
        except (ValueError, KeyError) as error:
            raise refuse(
                self._path,
                f"line {parser.CurrentLineNumber}: a box lacks a number ({error}). Export it again.",
            ) from error
        return self._tracks

    def _refuse_doctype(self, *_: object) -> None:
        raise CropzoomError(
            f"{self._path}: has a document type, which no export of CVAT has. It is not read."
        )

    def _start(self, name: str, about: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise refuse(self._path, "is nested too deep.")
        if name == "track":
            self._tracks.append(_Track(about.get("label", "animal")))
            self._in_track = True
        elif name == "box" and self._in_track:
            if float(about.get("rotation", 0)):
                raise refuse(
                    self._path,
                    f"line {self._parser.CurrentLineNumber}: a box is rotated. Boxes are upright here.",
                )
            left, top, right, bottom = (float(about[corner]) for corner in CORNERS)
            track = self._tracks[-1]
            track.frames.append(int(about["frame"]))
            track.boxes.append([left, top, right - left, bottom - top])
            track.outside.append(about.get("outside") == "1")
        elif name in OF_VIDEO and not self._in_track:
            self._attribute, self._text = name, ""
        elif name == "attribute" and self._in_track:
            self._attribute, self._text = about.get("name", ""), ""

    def _characters(self, text: str) -> None:
        if self._attribute is not None and len(self._text) < 1000:
            self._text += text

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "track":
            self._in_track = False
        elif name == "attribute":
            if self._attribute in NAMES and self._tracks and self._text.strip():
                self._tracks[-1].name = self._text.strip()
            self._attribute = None
        elif name == self._attribute and name in OF_VIDEO and not self._in_track:
            self.meta.setdefault(name, self._text.strip())
            self._attribute = None


def _interpolated(path: Path, track: _Track, n_frames: int) -> tuple[np.ndarray, FloatArray]:
    """Frames with a box, and the boxes.

    CVAT says of a box that was drawn in the last frame alone that it is outside in the one behind it.
    """
    frames, boxes = np.asarray(track.frames, np.int64), np.asarray(track.boxes, np.float64)
    order = np.argsort(frames, kind="stable")
    frames, boxes, outside = frames[order], boxes[order], np.asarray(track.outside)[order]
    last = int(frames[~outside].max(initial=0))
    if not np.isfinite(boxes).all() or frames[0] < 0 or last >= n_frames:
        wrong = last if last >= n_frames else int(frames[0])
        raise refuse(
            path,
            f"there is no frame {wrong}, or a box of it is no number. Give the file of this very video.",
        )
    if (np.diff(frames) == 0).any():
        raise refuse(
            path,
            f"the track {track.label!r} has two boxes in frame "
            f"{int(frames[1:][np.diff(frames) == 0][0])}.",
        )
    every = np.arange(frames[0], min(frames[-1] + 1, n_frames))
    before = np.searchsorted(frames, every, side="right") - 1
    every = every[~outside[before]]
    return every, np.column_stack([np.interp(every, frames, column) for column in boxes.T])


def _unique(names: list[str]) -> list[str]:
    """Names with a number where several are the same."""
    return [name if names.count(name) == 1 else f"{name}_{place}" for place, name in enumerate(names)]
