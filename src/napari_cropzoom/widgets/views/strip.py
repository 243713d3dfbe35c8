"""Small pictures of the other views, with their final boxes; a click opens one."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QShowEvent
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.core.looks import LineStyle
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import CutLabel
from napari_cropzoom.widgets.shortcuts_dialog import key_text
from napari_cropzoom.widgets.views.other_views import OtherViews
from napari_cropzoom.widgets.views.reading import ViewPicture, pictures

LINE_SHARE = 0.5  # of the width of a line on the canvas: the pictures are small


class ViewsStrip(QWidget):
    """A picture of each other view, one below the other; not there where there are none.

    Object names: ``views``, and of each view ``view_<name>`` and ``view_name_<name>``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("views")
        self._controller: Controller | None = None
        self._views: OtherViews | None = None
        self._buttons: dict[str, ViewButton] = {}
        self._latest = Latest(self._on_pictures, pause=DRAWN_FIRST)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self.hide()

    def follow(self, controller: Controller) -> None:
        """Show the other views of the video of a controller."""
        views = controller.findChild(OtherViews)
        if views is None:
            return
        self._controller, self._views = controller, views
        views.changed.connect(self._on_views)
        controller.frame_changed.connect(self.redraw)
        controller.closed.connect(self._on_closed)
        self._on_views()

    def redraw(self, *_: object) -> None:
        """Show the frame that is shown; it is decoded in a thread."""
        if self._views is None or self._controller is None or not self.isVisible():
            return
        if self._views.opened:
            self._latest.request(pictures, dict(self._views.opened), self._controller.frame)

    def showEvent(self, event: QShowEvent) -> None:
        """Decode what was not decoded while nobody could see it."""
        self.redraw()

    def _on_views(self) -> None:
        views = self._views
        if views is None:
            return
        shown = [view for view in views.recording.videos if view != views.current]
        if list(self._buttons) != shown:
            self._latest.drop()
            self._fill(shown)
        self.setVisible(bool(shown))
        self.redraw()

    def _fill(self, names: list[str]) -> None:
        while (item := self._layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._buttons = {}
        assert self._views is not None
        for name in names:
            path = self._views.recording.videos[name].path
            button, label = ViewButton(name), CutLabel(1, f"view_name_{name}")
            label.setText(name)
            button.setToolTip(f"{path.name}: click to open it at this frame ({key_text('next view')})")
            button.clicked.connect(partial(self._views.open, path))
            self._layout.addWidget(button, 1)
            self._layout.addWidget(label)
            self._buttons[name] = button

    def _on_pictures(self, found: dict[str, ViewPicture]) -> None:
        for name, picture in found.items():
            if name in self._buttons:
                self._buttons[name].show_picture(picture)

    def _on_closed(self) -> None:
        self._latest.drop()
        self._controller = self._views = None
        self.hide()


class ViewButton(QAbstractButton):
    """A picture of one view as large as fits."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(f"view_{name}")
        self.setAccessibleName(f"View {name}")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.picture: ViewPicture | None = None
        self._image = QImage()

    def sizeHint(self) -> QSize:
        """Room for a look."""
        return QSize(120, 90)

    def minimumSizeHint(self) -> QSize:
        """Enough to see where the box is."""
        return QSize(72, 48)

    def show_picture(self, picture: ViewPicture) -> None:
        """Show a frame, or an empty one where it cannot be decoded."""
        self.picture = picture
        if picture.image is None:
            self._image = QImage()
        else:
            height, width = picture.image.shape[:2]
            kind = QImage.Format.Format_RGB888
            self._image = QImage(picture.image.data, width, height, 3 * width, kind).copy()
        self.update()

    def area(self) -> QRectF:
        """The largest rectangle of the frame's shape that fits; nothing without a picture."""
        if self.picture is None:
            return QRectF()
        width, height = self.picture.size
        scale = min((self.width() - 2) / width, (self.height() - 2) / height)
        size = width * scale, height * scale
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame, then boxes."""
        if self.picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area()
        painter.fillRect(area, QColor("black"))
        painter.drawImage(area, self._image)
        painter.setClipRect(area)
        scale = area.width() / self.picture.size[0]
        for box, style in self.picture.boxes:
            place = QRectF(box.x * scale, box.y * scale, box.w * scale, box.h * scale)
            _draw_box(painter, place.translated(area.topLeft()), style)


def _draw_box(painter: QPainter, place: QRectF, style: LineStyle) -> None:
    pen = QPen(QColor.fromRgbF(*style.rgba), max(1.0, LINE_SHARE * style.width))
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(QColor.fromRgbF(*style.face_rgba))
    painter.drawRect(place)
