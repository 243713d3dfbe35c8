"""Long work away from the window: stages in a warm process, short work in a thread.

The only package that knows processes and threads. Everything arrives as Qt signals or calls on the
thread that asked, nothing here waits (`Worker.close` waits a moment) and nothing polls.
"""

from napari_cropzoom.jobs.at_exit import leave_objects_to_qt
from napari_cropzoom.jobs.client import Job, Worker
from napari_cropzoom.jobs.threads import DRAWN_FIRST, Latest, ThreadHandle, run_in_thread
from napari_cropzoom.jobs.time_left import TimeLeft

__all__ = [
    "DRAWN_FIRST",
    "Job",
    "Latest",
    "ThreadHandle",
    "TimeLeft",
    "Worker",
    "leave_objects_to_qt",
    "run_in_thread",
]
