import threading

import pytest
import torch

from napari_cropzoom.core.progress import Progress, run_stage
from napari_cropzoom.engine.network.executor import BatchPool, OrderedResults, cores


def test_lanes_share_the_cores_and_leave_other_threads_theirs():
    before = cores()
    pool = BatchPool(share_processor=True)
    assert 1 <= pool.count * pool.threads <= before
    meet = threading.Barrier(pool.count, timeout=10)

    def threads_used(_):
        meet.wait()
        return torch.get_num_threads()

    found = [pool.submit(threads_used, None) for _ in range(pool.count)]
    assert [one.result(20) for one in found] == [pool.threads] * pool.count
    assert torch.get_num_threads() == before
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [before]


def test_one_lane_has_all_cores():
    pool = BatchPool(share_processor=False)
    assert (pool.count, pool.threads) == (1, cores())


def test_results_come_in_the_order_of_the_batches():
    pool = BatchPool(share_processor=True)
    go_on = threading.Event()
    started = OrderedResults(pool)

    def work(number):
        if number == 0:
            assert go_on.wait(10)
        return number

    for number in range(pool.count + 1):
        assert not started.is_full
        started.add(pool.submit(work, number), f"batch {number}")
    assert started.is_full
    go_on.set()
    taken = [run_stage(started.take(Progress(0, 1, "frames"))) for _ in range(pool.count + 1)]
    assert taken == [(number, f"batch {number}") for number in range(pool.count + 1)]
    assert len(started) == 0


def test_an_error_of_a_batch_reaches_who_takes_it():
    pool = BatchPool(share_processor=True)
    started = OrderedResults(pool)
    started.add(pool.submit(lambda n: 1 // n, 0), "")
    with pytest.raises(ZeroDivisionError):
        run_stage(started.take(Progress(0, 1, "frames")))


def test_who_stops_early_gives_up_what_was_not_begun():
    pool = BatchPool(share_processor=False)
    go_on, begun = threading.Event(), []

    def work(number):
        begun.append(number)
        assert go_on.wait(10)

    with OrderedResults(pool) as started:
        for number in range(2):
            started.add(pool.submit(work, number), "")
        while not begun:
            pass
    go_on.set()
    assert pool.submit(lambda _: list(begun), None).result(10) == [0]
