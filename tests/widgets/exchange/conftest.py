"""One window with docks for a module, and a small video to open in it."""

import pytest
from qtpy.QtCore import QSettings

from gui_events import delete_now, spin, wait_for
from napari_cropzoom.app import add_docks, find_dock
from videos import make_numbered_video

N, SIZE = 12, (320, 240)


@pytest.fixture(autouse=True)
def own_settings_here(tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))


@pytest.fixture(scope="package")
def a_video(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=SIZE)


@pytest.fixture
def video(a_video, tmp_path):
    copy = tmp_path / "mouse.mp4"
    copy.write_bytes(a_video.read_bytes())
    return copy


@pytest.fixture(scope="module")
def window(shared_viewer):
    shared_viewer.window.show()
    shared_viewer.window.set_geometry(0, 0, 1400, 900)
    add_docks(shared_viewer)
    spin(0.3)
    return shared_viewer


@pytest.fixture
def dock(window):
    dock = find_dock(window)
    yield dock
    dock["boxes"].taking.cancel()
    dock.controller.close_session()
    window.layers.clear()
    dock.open_step("video")
    dock["video"].message.clear()
    delete_now()


@pytest.fixture
def opened(dock, video):
    dock["video"].open(video)
    wait_for(lambda: dock.controller.session is not None)
    wait_for(lambda: not dock["video"]._scan.is_running)
    return dock
