"""What every test module shares: settings of its own, napari windows, and a look at what they leave."""

import contextlib
import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest
from qtpy.QtCore import QCoreApplication, QSettings

from gui_events import OPENS_WINDOWS, lacks_screen, napari_window, using, wait_for, windows_that_stay
from videos import make_numbered_video

# Neither read nor write the settings of whoever runs the tests; napari looks when it is imported.
_settings = tempfile.TemporaryDirectory(prefix="cropzoom-napari-")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name, "settings.yaml"))
os.environ["CROPZOOM_DATA_DIR"] = str(Path(_settings.name, "data"))

# torch's compiler brings an LLVM of its own, and so does software OpenGL. Loaded after a window is open
# the former crashes; the window never loads torch (models run in another process), but tests do.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Say what to do where Qt would end the process, for want of a screen."""
    if OPENS_WINDOWS & set(item.fixturenames) and lacks_screen(sys.platform, os.environ):
        pytest.fail("opens a window, and there is no screen: run scripts/with_screen.sh pytest", False)


@pytest.fixture(scope="module", autouse=True)
def own_settings(tmp_path_factory):
    """Keep what the dock remembers away from the person's own settings, and from other modules."""
    folder = str(tmp_path_factory.mktemp("settings"))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


@pytest.fixture(scope="module", autouse=True)
def no_window_stays(request):
    """Fail where a window of a module before is still held: it would slow down and change what comes.

    The garbage collector, which napari calls for every layer removed, leaves alone meanwhile what is
    there already.
    """
    if QCoreApplication.instance() is not None and not request.session.testsfailed:  # they hold some
        wait_for(lambda: gc.collect() >= 0 and not windows_that_stay())
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def fresh_data(monkeypatch, tmp_path):
    """Have the program keep nothing of the test before, such as what it saw in a video."""
    monkeypatch.setenv("CROPZOOM_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def shared_viewer():
    """One napari window for all tests of a module, not yet on the screen."""
    with napari_window() as viewer:
        yield viewer


@pytest.fixture
def new_viewer():
    """Open napari windows of a test's own, as many as it likes, not yet on the screen."""
    with contextlib.ExitStack() as windows:
        yield lambda: windows.enter_context(napari_window())


@pytest.fixture
def by_hands(request):
    """Use the hands that the test names, see `gui_events.by_both_hands`."""
    with using(request.param):
        yield


@pytest.fixture(scope="module")
def video_path(request, tmp_path_factory):
    """A video of numbered frames, as many as the module's `N`."""
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", request.module.N)
