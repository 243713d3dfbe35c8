"""How Qt's objects are left when Python ends with a window open, as at the end of a script."""

from __future__ import annotations

import atexit
import functools
import gc
import importlib

from qtpy import API_NAME, PYQT5, PYQT6
from qtpy.QtCore import QObject


@functools.cache
def leave_objects_to_qt() -> None:
    """Have the objects that Python owns given to Qt when Python ends.

    PyQt deletes these objects at the end, one by one, and walks through the table of all meanwhile. An
    object whose signals are connected to a function of Python lets go of the function, and that of other
    objects, which leave the same table: then the walk ends in memory that is freed, and the script with
    a crash instead of its own exit code. Nothing needs to be deleted, since the process ends.
    """
    if PYQT5 or PYQT6:
        atexit.register(_leave_objects_to_qt)


def _leave_objects_to_qt() -> None:
    sip = importlib.import_module(f"{API_NAME}.sip")
    for each in gc.get_objects():
        if issubclass(type(each), QObject) and not sip.isdeleted(each) and sip.ispyowned(each):
            sip.transferto(each, None)
