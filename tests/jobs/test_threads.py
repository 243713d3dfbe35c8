"""Answers of threads: on the thread that asked, the newest only."""

import gc
import time

from qtpy.QtCore import QObject, QThread

from napari_cropzoom.jobs import Latest, run_in_thread


def test_a_thread_answers_on_the_thread_that_asked(qtbot):
    answers = []
    run_in_thread(
        lambda x: (x + 1, QThread.currentThread()),
        4,
        on_done=lambda result: answers.append((*result, QThread.currentThread())),
    )
    gc.collect()
    qtbot.waitUntil(lambda: bool(answers), timeout=60_000)
    value, ran_on, answered_on = answers[0]
    assert value == 5
    assert answered_on == QThread.currentThread()
    assert ran_on != answered_on


def test_a_threads_error_is_delivered(qtbot):
    errors = []
    handle = run_in_thread(lambda: 1 / 0, on_error=errors.append)
    qtbot.waitUntil(lambda: bool(errors), timeout=60_000)
    assert isinstance(errors[0], ZeroDivisionError)
    assert not handle.is_running


def test_a_threads_error_nobody_waits_for_is_raised(qtbot):
    with qtbot.captureExceptions() as exceptions:
        handle = run_in_thread(lambda: 1 / 0)
        qtbot.waitUntil(lambda: not handle.is_running, timeout=60_000)
    assert exceptions[0][0] is ZeroDivisionError


def test_an_ignored_answer_is_dropped(qtbot):
    answers = []
    handle = run_in_thread(lambda: 1, on_done=answers.append)
    handle.ignore()
    qtbot.waitUntil(lambda: not handle.is_running, timeout=60_000)
    assert answers == []


def test_only_the_newest_request_is_answered(qtbot):
    calls, answers = [], []
    latest = Latest(answers.append)

    def work(x):
        calls.append(x)
        time.sleep(0.05)
        return x

    for x in range(20):
        generation = latest.request(work, x)
    qtbot.waitUntil(lambda: not latest.is_running, timeout=60_000)
    assert generation == 20
    assert answers == [19]
    assert calls == [0, 19]


def test_a_pause_lets_the_window_draw_first_and_is_one_for_all_that_are_asked_in_it(qtbot):
    calls, answers = [], []
    latest = Latest(answers.append, pause=60)
    for x in range(3):
        latest.request(lambda x=x: calls.append(x) or x)
    assert latest.is_running
    qtbot.wait(10)
    assert calls == []
    qtbot.waitUntil(lambda: answers == [2], timeout=60_000)
    assert calls == [2]
    latest.request(lambda: calls.append(3))
    latest.drop()
    qtbot.wait(150)
    assert calls == [2]


def test_a_stale_error_is_dropped_and_drop_drops_everything(qtbot):
    answers, errors = [], []
    latest = Latest(answers.append, errors.append)
    latest.request(lambda: 1 / 0)
    latest.request(lambda: 2)
    qtbot.waitUntil(lambda: answers == [2], timeout=60_000)
    latest.request(lambda: 3)
    latest.drop()
    qtbot.wait(100)
    assert answers == [2]
    assert errors == []


def test_an_answer_for_someone_who_has_gone_is_dropped(qtbot):
    from qtpy.compat import isalive

    answers = []

    class Asker(QObject):
        def take(self, answer):
            answers.append(answer)

    asker = Asker()
    latest = Latest(asker.take)
    latest.request(lambda: 1)
    qtbot.waitUntil(lambda: answers == [1])
    latest.request(time.sleep, 0.1)
    handle = run_in_thread(time.sleep, 0.1, on_done=asker.take)
    asker.deleteLater()
    qtbot.waitUntil(lambda: not isalive(asker))
    qtbot.waitUntil(lambda: not latest.is_running and not handle.is_running)
    assert answers == [1]
