"""What every test module shares."""

import contextlib
import gc
import os
import tempfile
from pathlib import Path

import pytest
from app_model import Application
from qtpy.QtCore import QCoreApplication, QEvent

# Neither read nor write the settings of whoever runs the tests; napari looks when it is imported.
_settings = tempfile.TemporaryDirectory(prefix="cropzoom-napari-")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name, "settings.yaml"))

# torch's compiler brings an LLVM of its own, and so does software OpenGL. Loaded after a window is open
# the former crashes; the window never loads torch (models run in another process), but tests do.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401


@pytest.fixture(autouse=True)
def napari_registers_anew(request):
    """Let a plain ``napari.Viewer`` open after ``make_napari_viewer``, which forgets what is registered.

    napari's fixture clears what napari remembers of registering plugins; its application remembers
    still, and would refuse to register them a second time.
    """
    yield
    if "make_napari_viewer" in request.fixturenames and Application.get_app("napari") is not None:
        Application.destroy("napari")


@pytest.fixture(scope="module", autouse=True)
def old_objects_rest():
    """Have the garbage collector, which napari calls often, leave alone what is there already."""
    if QCoreApplication.instance() is not None:  # windows closed before are to go, not to rest
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
