"""A window in front of the canvas that shows frames of a video with all that lies over them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QWheelEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget

from napari_cropzoom.canvas.annotations import annotations_at
from napari_cropzoom.canvas.conversions import box_to_dashes
from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.core.looks import OTHER_ANIMAL
from napari_cropzoom.widgets.raster.drawing import color_of, draw_bones, draw_box, draw_points, outline
from napari_cropzoom.widgets.raster.pane import Pane

LEAVING = 500  # milliseconds that the canvas may take to draw what the window shows
_PLAIN = (("down", "right"), (0.0, 0.0, 0.0))  # a camera that looks at the picture as it is
# how napari draws its text overlay (napari/_vispy/overlays/base.py)
_BOX_PADDING, _CAPTION_OPACITY = 0.8, 0.8
_PIXELS_A_POINT = 96 / 72
_ZOOM = 1.007**30  # for a notch of the wheel (vispy/scene/cameras/panzoom.py)


class FrameWindow(Pane):
    """Shows frames as the canvas behind it would, which is not drawn meanwhile.

    Parameters
    ----------
    canvas : QOpenGLWidget
        napari's.
    layers : LayerSet
    painted : callable
        Called when the frame asked for is on the screen.
    pressed : callable
        Called when a mouse button goes down on the canvas, before the canvas hears of it.
    """

    def __init__(
        self,
        canvas: QOpenGLWidget,
        layers: LayerSet,
        painted: Callable[[], object],
        pressed: Callable[[], object],
    ) -> None:
        super().__init__(canvas)
        self.setObjectName("cropzoom_frame_window")
        self._canvas = canvas
        self._layers = layers
        self._pressed = pressed
        self._frame = -1
        self._picture: NDArray[np.uint8] | None = None
        self._seen: tuple[Any, ...] | None = None
        self._pixels = QImage()
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.timeout.connect(painted)
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(LEAVING)
        self._leaving.timeout.connect(self._gone)
        canvas.installEventFilter(self)
        canvas.setUpdatesEnabled(False)

    def can_paint(self) -> bool:
        """Whether the canvas shows only our layers, and as they are."""
        return looks_plain(self._layers)

    def paint(self, frame: int, picture: NDArray[np.uint8]) -> None:
        """Have a frame, (H, W, 3) uint8 RGB, drawn where and as large as the canvas would."""
        self._frame, self._picture = frame, picture
        self.show_in_place()

    def leave(self) -> None:
        """Make way for the canvas once it is drawn."""
        if not isalive(self) or self._leaving.isActive():  # it goes with the window
            return
        self._telling.stop()
        self._telling.timeout.disconnect()
        self._canvas.removeEventFilter(self)
        self._leaving.start()
        self._canvas.frameSwapped.connect(self._gone)
        self._canvas.setUpdatesEnabled(True)
        self._canvas.update()

    def _gone(self) -> None:
        self._leaving.stop()
        self._canvas.frameSwapped.disconnect(self._gone)
        self.take_away()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's call before every event of the canvas."""
        if event.type() == QEvent.Type.MouseButtonPress:
            self._pressed()
        elif isinstance(event, QWheelEvent) and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            return self._zoom_about(event.position(), event.angleDelta().y() / 120)
        return False

    def _zoom_about(self, place: QPointF, notches: float) -> bool:
        """Zoom as napari does on the wheel: its own camera moves only when the canvas is drawn."""
        camera = self._layers.viewer.scene.camera
        if not camera.mouse_zoom:
            return False
        factor = _ZOOM**notches
        (x, y), zoom, centre = self._origin, self._zoom, camera.center
        at = np.array([place.y() - y, place.x() - x]) / zoom
        camera.center = (*centre[:-2], *(at - (at - centre[-2:]) / factor))
        camera.zoom = zoom * factor
        self.update()
        return True

    # ---- drawing -------------------------------------------------------------------------------

    def paintEvent(self, event: Any) -> None:
        """Qt's call to draw."""
        painter = QPainter(self)
        background = color_of(self._layers.viewer.canvas.background_color)
        if self._picture is None:
            painter.fillRect(0, 0, self.width(), self.height(), background)
        else:
            painter.drawImage(0, 0, self._background(background))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_over(painter)
        painter.end()
        if self._picture is not None:
            self._telling.start()

    @property
    def _zoom(self) -> float:
        """Screen pixels, of the kind that Qt counts, for one of the video."""
        return float(self._layers.viewer.scene.camera.zoom)

    @property
    def _origin(self) -> tuple[float, float]:
        """Where on the screen the centre of the video's first pixel lies, x and y."""
        y, x = self._layers.viewer.scene.camera.center[-2:]
        return self.width() / 2 - x * self._zoom, self.height() / 2 - y * self._zoom

    def _background(self, around: QColor) -> QImage:
        """The part of the picture that the camera looks at, kept as long as that is the same."""
        layer = self._layers.video.layer if self._layers.video is not None else None
        is_smooth = layer is not None and str(layer.interpolation2d) != "nearest"
        size = (self.width(), self.height(), self.devicePixelRatio())
        seen = (self._picture, size, self._zoom, self._origin, is_smooth, around.rgb())
        if self._seen is None or self._seen[0] is not seen[0] or self._seen[1:] != seen[1:]:
            self._seen = seen
            self._pixels = self._cut(*seen[1:5], around)
        return self._pixels

    def _cut(
        self,
        size: tuple[int, int, float],
        zoom: float,
        origin: tuple[float, float],
        is_smooth: bool,
        around: QColor,
    ) -> QImage:
        import cv2

        assert self._picture is not None
        ratio = size[2]
        width, height = math.ceil(size[0] * ratio), math.ceil(size[1] * ratio)
        step = 1 / (zoom * ratio)
        x, y = origin
        onto = np.array([[step, 0, (0.5 - x * ratio) * step], [0, step, (0.5 - y * ratio) * step]])
        pixels = cv2.warpAffine(
            self._picture,
            onto,
            (width, height),
            flags=cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if is_smooth else cv2.INTER_NEAREST),
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(around.red(), around.green(), around.blue()),
        )
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA)
        image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        return image.copy()

    def _draw_over(self, painter: QPainter) -> None:
        layers, zoom = self._layers, self._zoom
        shown = annotations_at(layers.session, self._frame, layers.preview)
        painter.save()
        painter.translate(*self._origin)
        if layers.skeleton is not None and layers.skeleton.layer.visible:
            draw_bones(painter, layers.bones(self._frame), zoom)
        for points in layers.points.values():
            if points.layer.visible and points.poses is not None:
                draw_points(painter, points.layer, points.marks(self._frame), zoom)
        others = layers.other_keypoints
        if others is not None and others.layer.visible:
            marks = others.marks(layers.session, self._frame, layers.looks)
            draw_points(painter, others.layer, marks, zoom)
        if layers.final is not None and layers.final.layer.visible and not shown.final.is_missing():
            painter.setPen(outline(shown.final_style))
            dashes = box_to_dashes(shown.final)[..., ::-1] * zoom
            painter.drawLines([QLineF(x, y, x + dx, y + dy) for (x, y), (dx, dy) in dashes.tolist()])
        if layers.others is not None and layers.others.layer.visible:
            for box, color in shown.others:
                draw_box(painter, box, OTHER_ANIMAL.in_color(color), zoom)
        if layers.boxes is not None and layers.boxes.layer.visible and not shown.box.is_missing():
            draw_box(painter, shown.box, shown.style, zoom)
        painter.restore()
        if layers.viewer.canvas.overlays["text"].visible:
            self._draw_caption(painter, shown.caption.rstrip())

    def _draw_caption(self, painter: QPainter, text: str) -> None:
        canvas = self._layers.viewer.canvas
        background = color_of(canvas.background_color)
        is_dark = background.lightnessF() < 0.5
        background.setAlphaF(_CAPTION_OPACITY)
        font = QFont()
        points = canvas.overlays["text"].font_size * self._canvas.logicalDpiY() / 72
        font.setPixelSize(round(points * _PIXELS_A_POINT))
        x, y = canvas.overlay_tiling.padding
        room = QFontMetricsF(font).size(0, text)
        place = QRectF(x, y, room.width(), room.height())
        more = _BOX_PADDING / 2
        painter.fillRect(place.adjusted(-more * x, -more * y, more * x, more * y), background)
        painter.setPen(QColor("white" if is_dark else "black"))
        painter.setFont(font)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def looks_plain(layers: LayerSet) -> bool:
    """Whether the canvas shows only our layers, looked at as they are."""
    viewer = layers.viewer
    ours = [part.layer for part in layers.parts]
    if layers.video is None or any(layer.visible and layer not in ours for layer in viewer.layers):
        return False
    return _looks_straight(viewer) and _is_plain(layers.video.layer)


def _looks_straight(viewer: ViewerModel) -> bool:
    dims, camera, canvas = viewer.dims, viewer.scene.camera, viewer.canvas
    overlays = [*viewer.scene.overlays.values(), *canvas.overlays.values()]
    texts = canvas.overlays["text"]
    return (
        dims.ndim == 3
        and tuple(dims.order) == (0, 1, 2)
        and not canvas.grid.enabled
        and (tuple(map(str, camera.orientation2d)), tuple(camera.angles)) == _PLAIN
        and not any(overlay.visible for overlay in overlays if overlay is not texts)
    )


def _is_plain(layer: Any) -> bool:
    """Whether an image layer shows its pixels where and as they are."""
    corners = np.array([(0.0, 0.0, 0.0), layer.data.shape[:3]])
    is_moved = any(not np.allclose(layer.data_to_world(corner), corner) for corner in corners)
    return bool(layer.visible and layer.opacity == 1 and not is_moved)
