"""The search for garbage is put off, and goes on as it was before."""

import gc
import subprocess
import sys

import pytest

from napari_cropzoom.core.garbage import collecting_later


@pytest.fixture(autouse=True)
def collector_is_on():
    gc.enable()
    yield
    gc.enable()


def test_it_is_off_inside_and_on_again_after_an_error():
    def fail():
        with collecting_later():
            seen.append(gc.isenabled())
            raise ValueError("wrong")

    seen: list[bool] = []
    with pytest.raises(ValueError, match="wrong"):
        fail()
    assert seen == [False]
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    gc.disable()
    with collecting_later():
        pass
    assert not gc.isenabled()


def test_the_way_in_of_napari_imports_no_dock_before_it_is_called():
    code = (
        "import sys, napari_cropzoom.widgets.window.menu_entries;"
        "sys.exit(' '.join(m for m in sys.modules if m in ('av', 'pyqtgraph', 'cv2')"
        " or m.startswith('napari_cropzoom.widgets.dock')) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
