"""Videos that a person opens in napari: one that cannot be used is told of in full, in step Video."""

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEventLoop, QTimer

from gui_events import needs_display, spin, wait_for
from napari_cropzoom.app import add_docks, find_dock
from napari_cropzoom.core.errors import CropzoomError

pytestmark = [pytest.mark.gui, needs_display]
PLUGIN = "napari-cropzoom"


def in_loop(act) -> None:
    """Do something as napari does what a person asks for: while the event loop runs."""
    loop = QEventLoop()

    def do() -> None:
        try:
            act()
        finally:
            loop.quit()

    QTimer.singleShot(0, do)
    loop.exec()


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video at all " * 200)
    return path


def test_it_is_told_in_full_and_nothing_else_is_said(new_viewer, broken, video_file):
    viewer = new_viewer()
    viewer.window.show()
    before = len(notification_manager.records)
    in_loop(lambda: viewer.open(str(broken), plugin=PLUGIN))
    wait_for(lambda: find_dock(viewer) is not None and find_dock(viewer)["video"].message.kind == "error")
    step = find_dock(viewer)["video"]
    assert step.is_open
    assert step.message.plain.startswith(f"{broken}: is not a video that FFmpeg can read")
    assert "Choose an MP4" in step.message.plain
    assert len(viewer.layers) == 0
    assert [each.message for each in notification_manager.records[before:]] == []
    step.open(video_file)
    wait_for(lambda: step.controller.session is not None)
    layers = list(viewer.layers)
    in_loop(lambda: viewer.open(str(broken), plugin=PLUGIN))
    wait_for(lambda: step.message.kind == "error")
    assert list(viewer.layers) == layers
    assert step.controller.session is not None


def test_a_script_is_told_by_an_error(new_viewer, broken):
    viewer = new_viewer()
    add_docks(viewer)
    with pytest.raises(CropzoomError, match="is not a video"):
        viewer.open(str(broken), plugin=PLUGIN)
    spin(0.2)


def test_the_first_frame_is_shown_while_the_docks_come(new_viewer, video_file):
    viewer = new_viewer()
    viewer.window.show()
    viewer.open(str(video_file), plugin=PLUGIN)
    wait_for(lambda: viewer.canvas.overlays.text.text.startswith("Opening"))
    assert viewer.dims.current_step[0] == 0
    wait_for(lambda: find_dock(viewer) is not None and find_dock(viewer).controller.session is not None)
    assert find_dock(viewer).controller.frame == 0
