"""Offers the sample where no video is open."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_cropzoom.projects.sample_place import sample_root
from napari_cropzoom.widgets.controller import Controller

SAMPLE = ("napari-cropzoom", "roaming-mouse")


class SampleButton(QPushButton):
    """Opens the sample as napari's *File > Open Sample* does; hidden once a video is open.

    Hidden too where there is no sample, as in an installed wheel. Object name: ``video_sample``.
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__("Open the sample")
        self.setObjectName("video_sample")
        self.setToolTip("A mouse in an arena, with two trained models, to try things out")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._controller = controller
        self.clicked.connect(lambda: controller.viewer.open_sample(*SAMPLE))
        controller.session_changed.connect(self._show_where_of_use)
        self._show_where_of_use()

    def _show_where_of_use(self) -> None:
        self.setVisible(self._controller.session is None and sample_root() is not None)
