"""A machine that is busy with other programs is told from one that is busy with the job."""

import os
import time

from napari_cropzoom.jobs.crowding import Crowding, Usage, is_crowded


def test_others_are_told_from_the_job():
    start = Usage(10, 100, 200)
    assert not is_crowded(start, Usage(17.8, 108, 208))  # all of it is ours
    assert is_crowded(start, Usage(10.4, 108, 208))
    assert not is_crowded(start, Usage(10.4, 102, 208))  # most of it is idle
    assert not is_crowded(start, Usage(15, 108, 208))  # more than half is ours
    assert not is_crowded(start, start)


def test_readings_of_this_machine_go_up():
    before = Usage.now(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = Usage.now(os.getpid())
    assert after.own > before.own
    assert after.total >= after.busy > 0


def test_a_worker_that_is_gone_or_not_there_yet_says_nothing():
    crowding = Crowding()
    assert not crowding.update(None, 0.0)
    assert not crowding.update(2**22 + 1, 10.0)  # more than Linux gives out
    assert not crowding.update(os.getpid(), 20.0)  # a first reading
