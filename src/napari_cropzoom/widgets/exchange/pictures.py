"""Some frames of the video with the boxes as they would be taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.files.formats.to_tracks import ImportedTrack
from napari_cropzoom.jobs import Latest
from napari_cropzoom.video.video import Video

COUNT, COLUMNS = 4, 2
WIDEST = 480  # pixels of a picture in memory
LINE = 2.0


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame, smaller: ``pixels`` (H, W, 3) uint8, each ``step`` pixels of the video wide."""

    frame: int
    pixels: NDArray[np.uint8]
    step: int


def worth_a_look(tracks: Sequence[ImportedTrack], count: int = COUNT) -> list[int]:
    """Frames spread over those that have a box of any animal."""
    has_box = np.zeros(len(tracks[0].boxes) if tracks else 0, bool)
    for track in tracks:
        has_box |= ~track.is_missing
    frames = np.flatnonzero(has_box)
    if not len(frames):
        return []
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return sorted({int(frame) for frame in frames[places]})


def shots(video: Video, frames: Sequence[int]) -> list[Shot]:
    """Decode frames; for a thread."""
    step = max(1, -(-video.width // WIDEST))
    return [
        Shot(frame, np.ascontiguousarray(video.frame(frame)[::step, ::step]), step) for frame in frames
    ]


class Picture(QWidget):
    """One frame and the boxes in it, its number below."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.shot: Shot | None = None
        self.boxes: list[tuple[QColor, tuple[float, float, float, float]]] = []

    def sizeHint(self) -> QSize:
        """Room for a small picture."""
        return QSize(200, 160)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame as large as it fits."""
        if self.shot is None:
            return
        pixels = self.shot.pixels
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        line = self.fontMetrics().height() + 2
        zoom = min(self.width() / width, max(1, self.height() - line) / height)
        left = (self.width() - zoom * width) / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(left, 0, zoom * width, zoom * height), image)
        painter.setPen(self.palette().text().color())
        below = QRectF(0, zoom * height, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"frame {self.shot.frame}")
        painter.setClipRect(QRectF(left, 0, zoom * width, zoom * height))
        scale = zoom / self.shot.step
        for color, (x, y, w, h) in self.boxes:
            painter.setPen(QPen(color, LINE))
            painter.drawRect(QRectF(left + scale * x, scale * y, scale * w, scale * h))
        painter.end()


class Pictures(QWidget):
    """A few frames.

    Parameters
    ----------
    video : Video
    """

    def __init__(self, video: Video) -> None:
        super().__init__()
        self.setObjectName("import_pictures")
        self._video = video
        self._tracks: Sequence[ImportedTrack] = ()
        self._colors: list[QColor] = []
        self._frames: list[int] = []
        self._latest = Latest(self._on_shots, lambda _error: None)  # one that cannot be read stays empty
        self.pictures = [Picture() for _ in range(COUNT)]
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for place, picture in enumerate(self.pictures):
            layout.addWidget(picture, place // COLUMNS, place % COLUMNS)

    def show_tracks(self, tracks: Sequence[ImportedTrack], colors: Sequence[QColor]) -> None:
        """Show boxes of some animals, each in its colour."""
        self._tracks, self._colors = tracks, list(colors)
        frames = worth_a_look(tracks)
        if frames != self._frames:
            self._frames = frames
            self._latest.request(shots, self._video, frames)
        self._draw()

    def release(self) -> None:
        """Drop the frames still to come."""
        self._latest.drop()

    def _on_shots(self, found: list[Shot]) -> None:
        for place, picture in enumerate(self.pictures):
            picture.shot = found[place] if place < len(found) else None
        self._draw()

    def _draw(self) -> None:
        for picture in self.pictures:
            picture.boxes = []
            if picture.shot is not None and picture.shot.frame in self._frames:
                frame = picture.shot.frame
                for track, color in zip(self._tracks, self._colors, strict=True):
                    if not track.is_missing[frame]:
                        x, y, w, h = track.boxes[frame].tolist()
                        picture.boxes.append((color, (x, y, w, h)))
            picture.update()


def color_of(place: int) -> QColor:
    """Colour of an animal by its place."""
    return QColor(ANIMAL_COLORS[place % len(ANIMAL_COLORS)])
