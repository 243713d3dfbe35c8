import pytest
from qtpy.QtWidgets import QLabel

from gui_events import needs_x11, picture_of, spin, wait_for
from napari_cropzoom.widgets.raster.pane import Pane

pytestmark = [pytest.mark.gui, needs_x11]


def test_what_lies_behind_a_pane_is_drawn_when_it_goes(player_viewer):
    label = QLabel("", styleSheet="background: rgb(200, 30, 30)", minimumHeight=60)
    dock = player_viewer.window.add_dock_widget(label, name="Label", area="bottom")
    spin(0.5)
    pane = Pane(label)
    pane.show_in_place()
    wait_for(pane.isVisible)
    spin(0.3)
    label.setStyleSheet("background: rgb(30, 200, 30)")
    spin(0.3)
    pane.take_away()
    spin(0.5)
    assert picture_of(label).mean(axis=(0, 1)) == pytest.approx((30, 200, 30), abs=10)
    player_viewer.window.remove_dock_widget(dock)
