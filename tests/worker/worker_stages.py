"""Stages that behave and misbehave, for the tests of the worker process."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress
from napari_cropzoom.files.atomic import atomic_path


def count(args):
    """Count to ``n``, ``pause`` seconds a step; busy when ``busy``."""
    for done in range(args["n"]):
        until = time.monotonic() + args.get("pause", 0)
        while args.get("busy") and time.monotonic() < until:
            sum(range(1000))
        time.sleep(max(0.0, until - time.monotonic()))
        yield Progress(done + 1, args["n"], "steps")
    return {"n": args["n"], "pid": os.getpid()}


def noisy(args):
    """Print in every way a library can."""
    yield Progress(0, 1)
    print('{"id": 1, "event": "done", "result": "printed"}')
    os.write(1, b"from C\n")
    subprocess.run([sys.executable, "-c", "print('child', len(input() or ''))"], check=False)
    sys.stderr.write("to stderr\n")
    return {"heard": True}


def user_error(args):
    yield Progress(0, 1)
    raise CropzoomError("a.csv, line 3: w is 0.\nGive a positive width.")


def bug(args):
    yield Progress(0, 1)
    return {"x": 1 / 0}


def unserializable(args):
    yield Progress(0, 1)
    return {"x": object()}


def exits(args):
    yield Progress(0, 1)
    sys.exit(3)


def crash(args):
    yield Progress(0, 1)
    os.kill(os.getpid(), args.get("signal", 9))
    time.sleep(30)


def write(args):
    """Write a file: yields while writing; writes the file ``stuck`` and sleeps for good, with a child."""
    with atomic_path(Path(args["output"])) as part, contextlib.ExitStack() as stack:
        part.write_bytes(b"half")
        if args.get("child"):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            stack.callback(child.kill)
            Path(args["child"]).write_text(str(child.pid))
        yield Progress(1, 100)
        if args.get("stuck"):
            Path(args["stuck"]).touch()
            time.sleep(60)
        for done in range(2, 100):
            time.sleep(0.02)
            yield Progress(done, 100)
    return {"output": args["output"]}


STAGES = {
    function.__name__: function
    for function in (count, noisy, user_error, bug, unserializable, exits, crash, write)
}
