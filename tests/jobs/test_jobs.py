"""Jobs in the worker: progress, results, failures, cancelling, and how it ends."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from qtpy.QtCore import QObject, QTimer

from napari_cropzoom.jobs import TimeLeft, Worker

STAGES = Path(__file__).parents[1] / "worker"


needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals, by which these processes die"
)


@pytest.fixture
def worker(qtbot, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(STAGES), prepend=os.pathsep)
    worker = Worker(options=["--stages", "worker_stages"])
    yield worker
    worker.close()


def result_of(qtbot, job):
    with qtbot.waitSignal(job.done, timeout=60_000) as blocker:
        pass
    return blocker.args[0]


def failure_of(qtbot, job):
    with qtbot.waitSignal(job.failed, timeout=60_000) as blocker:
        pass
    return blocker.args[0]


def start_writing(qtbot, worker, folder, stuck=None, **args):
    """A job that has begun to write ``folder/out.bin``; one that hangs writes ``stuck`` before."""
    if stuck is not None:
        args["stuck"] = str(stuck)
    job = worker.start("write", {"output": folder / "out.bin", **args})
    with qtbot.waitSignal(job.progress, timeout=60_000):
        pass
    assert [path.name[:5] for path in folder.iterdir() if path.suffix == ".bin"] == [".out."]
    if stuck is not None:  # before, it would still answer
        qtbot.waitUntil(stuck.exists, timeout=60_000)
    return job


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_progress_then_result_with_paths_as_arguments(qtbot, worker):
    job = worker.start("count", {"n": 5, "pause": 0.06})
    seen = []
    job.progress.connect(lambda *values: seen.append(values))
    assert result_of(qtbot, job)["n"] == 5
    assert [values[:3] for values in seen] == [(i, 5, "steps") for i in range(1, 6)]
    assert job.text == "steps"
    assert not job.is_running


def test_progress_is_throttled_to_twenty_a_second_and_the_last_one_always_comes(qtbot, worker):
    job = worker.start("count", {"n": 200, "pause": 0.003})
    seen = []
    job.progress.connect(lambda done, *_: seen.append(done))
    begin = time.monotonic()
    result_of(qtbot, job)
    assert 5 < len(seen) < 20 * (time.monotonic() - begin) + 10
    assert seen[-1] == 200


def test_time_left_is_told(qtbot, worker):
    job = worker.start("count", {"n": 40, "pause": 0.04})
    left = []
    job.progress.connect(lambda done, total, text, seconds: left.append((done, seconds)))
    result_of(qtbot, job)
    assert left[0][1] == -1
    told = [(done, seconds) for done, seconds in left if seconds >= 0]
    assert len(told) > 3
    # more on a busy machine; less, after it stood still for a while, by what the estimate may be off
    off = TimeLeft.STEADY
    assert all(seconds >= (40 - done) * 0.04 * (1 - off) - 1.0 for done, seconds in told)
    assert left[-1] == (40, 0)


def test_the_process_stays_warm(qtbot, worker):
    first = result_of(qtbot, worker.start("count", {"n": 1}))
    second = result_of(qtbot, worker.start("count", {"n": 1}))
    assert first["pid"] == second["pid"] == worker.pid


def test_jobs_run_one_after_the_other(qtbot, worker):
    ended = []
    jobs = [worker.start("count", {"n": 2, "pause": 0.05}) for _ in range(3)]
    assert [job.is_behind for job in jobs] == [False, True, True]
    assert worker.stages == ["count"] * 3
    for job in jobs:
        job.done.connect(lambda result, number=job.id: ended.append(number))
    qtbot.waitUntil(lambda: len(ended) == 3, timeout=60_000)
    assert ended == [job.id for job in jobs]
    assert worker.stages == []


def test_what_libraries_print_goes_to_the_log(qtbot, worker):
    assert result_of(qtbot, worker.start("noisy", {})) == {"heard": True}
    qtbot.waitUntil(lambda: "to stderr" in worker.log_tail, timeout=60_000)
    assert "from C" in worker.log_tail


def test_a_user_error_is_one_line(qtbot, worker):
    job = worker.start("user_error", {})
    assert failure_of(qtbot, job) == "a.csv, line 3: w is 0. Give a positive width."
    assert job.kind == "user"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("bug", "ZeroDivisionError: division by zero"),
        ("unserializable", "TypeError: Object of type object is not JSON serializable"),
        ("exits", "SystemExit: 3"),
    ],
)
def test_a_bug_carries_its_traceback_and_the_process_lives_on(qtbot, worker, stage, message):
    job = worker.start(stage, {})
    assert failure_of(qtbot, job) == message
    assert job.kind == "bug"
    assert "Traceback" in job.detail
    pid = worker.pid
    assert result_of(qtbot, worker.start("count", {"n": 1}))["pid"] == pid


def test_an_unknown_stage_names_the_known(qtbot, worker):
    assert "predict" in failure_of(qtbot, worker.start("dance", {}))


def test_cancel_leaves_no_file_and_keeps_the_process(qtbot, worker, tmp_path):
    job = start_writing(qtbot, worker, tmp_path)
    pid = worker.pid
    with qtbot.waitSignal(job.cancelled, timeout=60_000):
        job.cancel()
    assert list(tmp_path.iterdir()) == []
    assert result_of(qtbot, worker.start("count", {"n": 1}))["pid"] == pid


def is_still(qtbot, job):
    """Whether half a second passes without progress."""
    with qtbot.waitSignal(job.progress, timeout=500, raising=False) as blocker:
        pass
    return not blocker.signal_triggered


def test_a_paused_job_waits_until_it_is_resumed(qtbot, worker):
    job = worker.start("count", {"n": 100, "pause": 0.03})
    with qtbot.waitSignal(job.progress, timeout=60_000):
        pass
    job.pause()
    qtbot.waitUntil(lambda: is_still(qtbot, job), timeout=60_000)
    assert job.is_running
    job.resume()
    assert result_of(qtbot, job)["n"] == 100


def test_a_paused_job_can_be_cancelled_and_holds_up_no_other(qtbot, worker):
    job = worker.start("count", {"n": 100, "pause": 0.03})
    with qtbot.waitSignal(job.progress, timeout=60_000):
        pass
    pid = worker.pid
    job.pause()
    qtbot.waitUntil(lambda: is_still(qtbot, job), timeout=60_000)
    with qtbot.waitSignal(job.cancelled, timeout=30_000):
        job.cancel()
    assert result_of(qtbot, worker.start("count", {"n": 3}))["pid"] == pid


def test_cancel_of_a_stuck_stage_kills_it_its_children_and_its_files(qtbot, worker, tmp_path):
    note = tmp_path / "child"
    out = tmp_path / "out"
    out.mkdir()
    job = start_writing(qtbot, worker, out, stuck=tmp_path / "stuck", child=str(note))
    pid = worker.pid
    with qtbot.waitSignal(job.cancelled, timeout=60_000):
        job.cancel()
    assert list(out.iterdir()) == []
    assert is_gone(pid)
    qtbot.waitUntil(lambda: is_gone(int(note.read_text())), timeout=60_000)
    assert result_of(qtbot, worker.start("count", {"n": 1}))["pid"] != pid


def test_a_waiting_job_is_cancelled_at_once(qtbot, worker):
    first = worker.start("count", {"n": 5, "pause": 0.05})
    second = worker.start("count", {"n": 1})
    with qtbot.waitSignal(second.cancelled, timeout=60_000):
        second.cancel()
    assert result_of(qtbot, first)["n"] == 5


@needs_signals
def test_a_crash_fails_its_job_only(qtbot, worker):
    job = worker.start("crash", {})
    following = worker.start("count", {"n": 1})
    message = failure_of(qtbot, job)
    assert "'crash' stopped unexpectedly (exit -9)" in message
    assert "memory" in message
    assert job.kind == "crash"
    assert result_of(qtbot, following)["n"] == 1


@needs_signals
def test_a_segmentation_fault_leaves_its_stack_in_the_details(qtbot, worker):
    job = worker.start("crash", {"signal": 11})
    assert "exit -11" in failure_of(qtbot, job)
    assert "Segmentation fault" in job.detail


def test_a_process_that_cannot_start_says_so(qtbot):
    worker = Worker(options=["--stages", "no_such_module"])
    job = worker.start("count", {"n": 1})
    assert "(exit 1)" in failure_of(qtbot, job)
    assert "no_such_module" in job.detail
    worker.close()


def test_close_ends_the_process_and_cleans_up(qtbot, worker, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    job = start_writing(qtbot, worker, out, stuck=tmp_path / "stuck")
    cancelled = []
    job.cancelled.connect(lambda: cancelled.append(True))
    pid = worker.pid
    worker.close()
    assert cancelled == [True]
    assert not psutil.pid_exists(pid)
    assert list(out.iterdir()) == []
    assert result_of(qtbot, worker.start("count", {"n": 1}))["pid"] != pid


def test_a_worker_that_qt_deletes_takes_its_process_along(qtbot, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("PYTHONPATH", str(STAGES), prepend=os.pathsep)
    parent = QObject()
    worker = Worker(parent, options=["--stages", "worker_stages"])
    start_writing(qtbot, worker, tmp_path, stuck=tmp_path / "stuck")
    pid = worker.pid
    parent.deleteLater()
    qtbot.waitUntil(lambda: not psutil.pid_exists(pid), timeout=60_000)
    worker.close()
    assert "still running" not in capfd.readouterr().err


def test_close_of_an_idle_worker_ends_its_process(qtbot, worker):
    pid = result_of(qtbot, worker.start("count", {"n": 1}))["pid"]
    worker.close()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("end", ["app.quit()", "os.kill(os.getpid(), 9)", "os._exit(0)", "sys.exit()"])
@needs_signals
def test_the_process_ends_with_the_application(tmp_path, end):
    script = tmp_path / "gui.py"
    script.write_text(
        "import os, sys\n"
        "from qtpy.QtCore import QCoreApplication\n"
        "from napari_cropzoom.jobs import Worker\n"
        "app = QCoreApplication([])\n"
        "worker = Worker(options=['--stages', 'worker_stages'])\n"
        f"job = worker.start('write', {{'output': r'{tmp_path / 'out' / 'o.bin'}', 'stuck': True}})\n"
        "def go(*_):\n"
        f"    open(r'{tmp_path / 'pid'}', 'w').write(str(worker.pid))\n"
        f"    {end}\n"
        "job.progress.connect(go)\n"
        "app.exec()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(STAGES)}
    process = psutil.Popen([sys.executable, str(script)], env=environment)
    process.wait(20)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 3
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_gone(pid)
    assert not (tmp_path / "out").exists()  # the folder was made for what was being written


def test_the_window_goes_on_while_a_job_runs(qtbot, worker):
    """How late its beats are is measured by ``benchmarks/heartbeat.py``."""
    job = worker.start("count", {"n": 300, "pause": 0.005, "busy": True})
    beats, heard = [], []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(len(heard)))
    timer.start(10)
    job.progress.connect(lambda done, *_: heard.append(done))
    result_of(qtbot, job)
    timer.stop()
    assert len(set(beats)) > len(heard) / 2  # beats between one message of the job and the next
