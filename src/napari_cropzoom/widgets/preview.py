"""*Crop preview*: what the pose model will see of the current frame, live while the box is dragged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QBrush, QColor, QImage, QPainter, QPaintEvent, QPen, QShowEvent
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.canvas.keypoints.marks import marks_of
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.posed import LIKELY, at_edge, edge_distance
from napari_cropzoom.core.looks import ANIMAL_COLORS, LineStyle, box_style
from napari_cropzoom.core.scores import harms, input_scale, told_of_scale, told_of_stretch
from napari_cropzoom.core.smoothing.finalize import crop_size
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller, find_controller
from napari_cropzoom.widgets.controls import CutLabel, Message
from napari_cropzoom.widgets.shortcuts_dialog import key_text
from napari_cropzoom.widgets.steps.parts.slot import LINES, Slot
from napari_cropzoom.widgets.views.strip import ViewsStrip

if TYPE_CHECKING:
    import napari

FIRST_LOOK_MS = 200
POINT_RADIUS = 3.5
MEASURED_AT_ONCE = 20_000  # frames
WAITING = "Open the Cropzoom dock and a video."
NO_VIDEO = "No video is open."


class Point(NamedTuple):
    """A keypoint: where it is in the full frame, in pixels, and how it looks."""

    x: float
    y: float
    border: QColor
    face: QColor


class CropPreview(QWidget):
    """The crop at output size, padding hatched, pose keypoints over it, warnings below, other views.

    Object names: ``preview_canvas``, ``preview_caption``, ``preview_message``, ``preview_lock``.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Its *Cropzoom* dock is followed; the preview waits until there is one.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer, controller: Controller | None = None) -> None:
        super().__init__()
        self.setObjectName("crop_preview")
        self._viewer = napari_viewer
        self.controller: Controller | None = None
        self._size: tuple[int, int] | None = None
        self._dragged: Box | None = None
        self._latest = Latest(self._on_frame_read, self._on_read_failed)
        self._measuring = Latest(self._on_size, pause=DRAWN_FIRST)
        self.canvas = PreviewCanvas()
        self.canvas.setObjectName("preview_canvas")
        self.caption = CutLabel(LINES + 1, "preview_caption")
        self.caption.setText(WAITING)
        self.message = Message()
        self.message.setObjectName("preview_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        self.views = ViewsStrip()
        beside = QHBoxLayout()
        beside.addWidget(self.canvas, 3)
        beside.addWidget(self.views, 2)
        layout.addLayout(beside, 1)
        self.lock = QCheckBox("Camera lock")
        self.lock.setObjectName("preview_lock")
        self.lock.setToolTip("Keep the main canvas centred on the box of each frame; the zoom stays")
        self.lock.toggled.connect(self._on_lock)
        layout.addWidget(self.lock)
        layout.addWidget(Slot([self.message], [], self.caption))  # what warns is more urgent than sizes
        self._search = QTimer(self)
        self._search.setInterval(FIRST_LOOK_MS)
        self._search.timeout.connect(self._look_for_bench)
        if controller is not None:
            self.follow(controller)

    def follow(self, controller: Controller) -> None:
        """Show the session of a controller."""
        self.controller = controller
        self._search.stop()
        controller.frame_changed.connect(self._on_frame)
        controller.passing.connect(self._follow_with_camera)
        controller.box_dragged.connect(self._on_drag)
        controller.session_changed.connect(self._on_boxes)
        controller.boxes_changed.connect(self._on_boxes)
        controller.refused.connect(self._on_boxes)
        controller.changed.connect(self.redraw)
        controller.closed.connect(self._on_controller_gone)
        self.views.follow(controller)
        self._on_boxes()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for the dock, which may be opened later."""
        super().showEvent(event)
        if self.controller is None:
            self._search.start()
            self._look_for_bench()
        else:
            self._on_boxes()

    def sizeHint(self) -> QSize:
        """Room for a look."""
        return QSize(300, 300)

    # ---- following -----------------------------------------------------------------------------

    def _look_for_bench(self) -> None:
        found = find_controller(self._viewer)
        if found is not None:
            self.follow(found)

    def _on_controller_gone(self) -> None:
        self.controller = None
        self._dragged = None
        self._latest.drop()
        self._measuring.drop()
        self.canvas.clear()
        self.message.clear()
        self.caption.setText(WAITING)
        if self.isVisible():
            self._search.start()

    def _on_frame(self, frame: int) -> None:
        self._dragged = None
        self._follow_with_camera(frame)
        self.redraw()

    def _on_lock(self) -> None:
        if self.controller is not None:
            self._follow_with_camera(self.controller.frame)

    def _follow_with_camera(self, frame: int) -> None:
        """Centre the canvas on the box of a frame; where there is none, stay."""
        controller = self.controller
        session = controller.session if controller else None
        layers = controller.layers if controller else None
        if session is None or layers is None or not self.lock.isChecked():
            return
        box = session.final_box(min(frame, session.n_frames - 1))
        if not box.is_missing():
            camera = self._viewer.scene.camera
            camera.center = (*camera.center[:-2], *layers.world_point(*box.center))

    def _on_drag(self, box: Box | None) -> None:
        self._dragged = box
        self.redraw()

    def _on_boxes(self, *_: object) -> None:
        """Show the boxes as they are now and measure the crop; that of a long video in a thread."""
        self._dragged = None
        session = self.controller.session if self.controller else None
        if session is not None and session.has_boxes and self.isVisible():
            if session.n_frames <= MEASURED_AT_ONCE:
                self._size = crop_size(session.track.boxes)
            else:
                self._measuring.request(measure, session)
        self.redraw()

    def _on_size(self, measured: tuple[Session, tuple[int, int]]) -> None:
        session, size = measured
        if self.controller is not None and session is self.controller.session and size != self._size:
            self._size = size
            self.redraw()

    def redraw(self) -> None:
        """Show the crop of the current frame; reads the frame in a thread if it is not at hand."""
        session = self.controller.session if self.controller else None
        if session is None or self.controller is None or not self.isVisible():
            self.canvas.clear()
            if self.controller is not None and session is None:
                self.caption.setText(NO_VIDEO)
            return
        frame = min(self.controller.frame, session.n_frames - 1)
        box = self._dragged if self._dragged is not None else session.final_box(frame)
        if box.is_missing():
            self._latest.drop()
            self.canvas.clear()
            self.caption.setText(f"Frame {frame} has no box.")
            self.message.clear()
            return
        image = session.video.cached(frame)
        if image is None:
            self._latest.request(read, session, frame)
        else:
            self._latest.drop()
            self._show(session, frame, box, image)

    def _on_frame_read(self, result: tuple[Session, int, Any]) -> None:
        session, frame, image = result
        if (
            self.controller is not None
            and session is self.controller.session
            and frame == self.controller.frame
        ):
            box = self._dragged if self._dragged is not None else session.final_box(frame)
            if not box.is_missing():
                self._show(session, frame, box, image)

    def _on_read_failed(self, error: Exception) -> None:
        if isinstance(error, CropzoomError):
            self.message.show_error(str(error))

    def _show(self, session: Session, frame: int, box: Box, image: np.ndarray) -> None:
        size = self._size or (round(box.w), round(box.h))
        source = Source.MANUAL if self._dragged is not None else Source(int(session.track.source[frame]))
        style = box_style(source, session.tracks.entry.color)
        self.canvas.show_crop(image, box, size, self._points(session, frame), style)
        shown = f"Frame {frame} · box {box.w:.0f}×{box.h:.0f} → crop {size[0]}×{size[1]} px"
        pose = self.controller.pose if self.controller else None
        if pose is not None:
            scale = input_scale(size[1], size[0], pose.image_size)
            shown += f" · the model sees it {told_of_scale(scale)}"
        self.caption.setText(shown)
        said = self._warnings(session, frame, box, size)
        show = self.message.show_warning if said or harms(box, size) else self.message.show_info
        cure = f"{key_text('usual size')}: usual size."
        show(" ".join(filter(None, (*said, told_of_stretch(box, size, cure)))))

    def _points(self, session: Session, frame: int) -> list[Point]:
        """Pose keypoints of a frame, looking as on the picture, those that are NaN left out."""
        layers = self.controller.layers if self.controller else None
        if session.pose_poses is None or layers is None:
            return []
        marks = marks_of(session.pose_poses, frame, layers.looks)
        return [
            Point(
                float(marks.xy[k, 0]), float(marks.xy[k, 1]), color(marks.border[k]), color(marks.face[k])
            )
            for k in np.flatnonzero(marks.is_there).tolist()
        ]

    def _warnings(self, session: Session, frame: int, box: Box, size: tuple[int, int]) -> list[str]:
        said = []
        video = session.video
        if box.x < 0 or box.y < 0 or box.x + box.w > video.width or box.y + box.h > video.height:
            said.append("The crop is black outside the frame.")
        touching = touching_edge(session, frame, box)
        if touching:
            said.append(f"Touches the edge of the box: {', '.join(touching)}.")
        pose = self.controller.pose if self.controller else None
        if pose is not None and (size[0] < pose.image_size[1] or size[1] < pose.image_size[0]):
            height, width = pose.image_size
            said.append(f"Crop smaller than the model's input, {width}×{height} px.")
        return said


class PreviewCanvas(QWidget):
    """Paints one crop as large as fits."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image: QImage | None = None
        self._box = MISSING_BOX
        self._inside = QRectF()
        self._aspect = 1.0
        self._points: list[Point] = []
        self._style = box_style(Source.DETECTED, ANIMAL_COLORS[0])

    def clear(self) -> None:
        """Show nothing."""
        self._image = None
        self.update()

    def show_crop(
        self,
        image: np.ndarray,
        box: Box,
        size: tuple[int, int],
        points: list[Point],
        style: LineStyle,
    ) -> None:
        """Show the part of ``image``, (H, W, 3), in ``box``, framed as the box is on the picture."""
        self._style = style
        height, width = image.shape[:2]
        x0, y0 = max(0, int(box.x)), max(0, int(box.y))
        x1, y1 = min(width, int(np.ceil(box.x + box.w))), min(height, int(np.ceil(box.y + box.h)))
        self._box, self._points, self._aspect = box, points, size[0] / size[1]
        if x1 > x0 and y1 > y0:
            part = np.ascontiguousarray(image[y0:y1, x0:x1])
            made = QImage(part.data, x1 - x0, y1 - y0, 3 * (x1 - x0), QImage.Format.Format_RGB888)
            self._image = made.convertToFormat(QImage.Format.Format_RGB32)  # which Qt paints faster
            self._inside = QRectF(
                (x0 - box.x) / box.w, (y0 - box.y) / box.h, (x1 - x0) / box.w, (y1 - y0) / box.h
            )
        else:
            self._image = QImage()
            self._inside = QRectF()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Padding, picture, frame, keypoints."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        if self._inside != QRectF(0, 0, 1, 1):
            painter.fillRect(area, QColor("black"))
            painter.fillRect(area, QBrush(QColor(110, 110, 110), Qt.BrushStyle.BDiagPattern))
        part = QRectF(
            area.x() + self._inside.x() * area.width(),
            area.y() + self._inside.y() * area.height(),
            self._inside.width() * area.width(),
            self._inside.height() * area.height(),
        )
        painter.drawImage(part, self._image)
        pen = QPen(color(self._style.rgba), self._style.width)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(area)
        self._paint_points(painter, area)

    def _paint_points(self, painter: QPainter, area: QRectF) -> None:
        box = self._box
        for x, y, border, face in self._points:
            place = QPointF(
                area.x() + (x - box.x) / box.w * area.width(),
                area.y() + (y - box.y) / box.h * area.height(),
            )
            if area.contains(place):
                painter.setPen(QPen(border, 1.5))
                painter.setBrush(face)
                painter.drawEllipse(place, POINT_RADIUS, POINT_RADIUS)
                painter.setBrush(Qt.BrushStyle.NoBrush)

    def _area(self) -> QRectF:
        """The largest rectangle of the crop's shape that fits."""
        room = 1 + math.ceil(self._style.width)  # for the frame
        width = min(self.width() - room, (self.height() - room) * self._aspect)
        height = width / self._aspect
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)


def color(rgba: Iterable[float]) -> QColor:
    """Four numbers, 0 to 1, as Qt's colour."""
    return QColor.fromRgbF(*(min(max(float(part), 0.0), 1.0) for part in rgba))


def measure(session: Session) -> tuple[Session, tuple[int, int]]:
    """Size of the crop; runs in a thread, and is asked for again when an edit has come meanwhile."""
    return session, crop_size(session.track.boxes)


def read(session: Session, frame: int) -> tuple[Session, int, np.ndarray]:
    """Decode a frame; runs in a thread."""
    return session, frame, session.video.frame(frame)


def touching_edge(session: Session, frame: int, box: Box) -> list[str]:
    """Body parts of good likelihood that lie at the edge of the box or beyond it, each once.

    Where there are several animals, keypoints that all lie outside the box are those of another.
    """
    found: dict[str, None] = {}
    for poses in (session.pose_poses, session.keypoints.about("detector")):
        if poses is None:
            continue
        here, boxes = poses.rows(frame, frame), np.array([box])
        is_in = (edge_distance(here.xy, boxes) >= 0).all(axis=2) & (here.likelihood >= LIKELY)
        if len(session.tracks) > 1 and not is_in.any():
            continue
        found.update(dict.fromkeys(np.array(poses.names)[at_edge(here, boxes)[0]].tolist()))
    return list(found)
