"""``python -m napari_cropzoom.worker.server``: a warm process that runs stages one after the other.

One JSON object a line. On standard input::

    {"id": 7, "stage": "predict", "args": {...}}    run a stage
    {"cancel": 7}                                   stop it at its next progress
    {"pause": 7}                                    wait at its next progress
    {"resume": 7}                                   go on

On standard output, for each request, any number of ``progress`` and ``temporary`` events and then one
of the other three::

    {"id": 7, "event": "progress", "done": 10, "total": 994, "text": "frames"}
    {"id": 7, "event": "temporary", "path": ".../.out.0f3a.part.mp4"}
    {"id": 7, "event": "done", "result": {...}}
    {"id": 7, "event": "cancelled"}
    {"id": 7, "event": "error", "kind": "user", "message": "one line", "detail": "traceback"}

``temporary`` names a file before it is written, so that the window knows what to remove
after it has killed the process.
``kind`` is ``user`` for what the person can put right and ``bug`` for everything else. Whatever libraries
print goes to standard error. The process ends, its children with it, when standard input closes.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import psutil

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.files.atomic import observe_temporaries
from napari_cropzoom.files.leftovers import remove_all, remove_leftovers
from napari_cropzoom.worker.stages import EngineCache, StageFunction, builtin_stages

SECONDS_BETWEEN_PROGRESS = 0.05
SECONDS_TO_CLEAN_UP = 0.7
NICENESS = 10
FAIRNESS = 5
"""Of the whole session, on Linux, against all other programs: a person waits for this. A window in a
session of its own has three quarters of a processor beside it, when it wants them."""


class Channel:
    """The two ends of the protocol; safe to send on from any thread."""

    def __init__(self, requests: TextIO, events: TextIO) -> None:
        self.requests = requests
        self._events = events
        self._lock = threading.Lock()

    @classmethod
    def claim_standard_streams(cls) -> Channel:
        """Take over standard input and output, for child processes and C code as well.

        Afterwards file descriptor 0 reads nothing and 1 writes to standard error: a library that
        prints, or an ffmpeg that reads its input, cannot touch the protocol.
        """
        requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
        events = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        return cls(requests, events)

    def send(self, number: int, event: str, **content: object) -> None:
        """Send one event; when nobody reads any more it is dropped."""
        line = json.dumps({"id": number, "event": event, **content})
        with self._lock, contextlib.suppress(OSError):
            self._events.write(line + "\n")
            self._events.flush()


class Server:
    """Runs requests in the order they come, each in the thread that calls `run`."""

    def __init__(self, channel: Channel, stages: Mapping[str, StageFunction]) -> None:
        self._channel = channel
        self._stages = stages
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._paused: set[int] = set()
        self._told = threading.Condition()
        self._temporaries: set[Path] = set()
        self._closing = threading.Event()
        self._idle = threading.Event()

    def run(self) -> None:
        """Serve until standard input closes."""
        reader = threading.Thread(target=self._read, name="requests", daemon=True)
        reader.start()
        while not self._closing.is_set():
            self._idle.set()
            request = self._waiting.get()
            self._idle.clear()
            if request is not None:
                self._answer(request)
        self._idle.set()
        reader.join()

    def _read(self) -> None:
        for line in self._channel.requests:
            try:
                message = json.loads(line)
                if not self._steer(message):
                    self._waiting.put(
                        {"id": int(message["id"]), "stage": message["stage"], "args": message["args"]}
                    )
            except (ValueError, TypeError, KeyError):
                sys.stderr.write(f"worker: request not understood: {line!r}\n")
        self._end()

    def _steer(self, message: dict[str, Any]) -> bool:
        """Take what is said to a running stage; False for a request."""
        with self._told:
            if "cancel" in message:
                self._cancelled.add(int(message["cancel"]))
            elif "pause" in message:
                self._paused.add(int(message["pause"]))
            elif "resume" in message:
                self._paused.discard(int(message["resume"]))
            else:
                return False
            self._told.notify_all()
        return True

    def _end(self) -> None:
        """Give the running stage a moment to clean up; then end the process, whatever it does."""
        with self._told:
            self._closing.set()
            self._told.notify_all()
        self._waiting.put(None)
        self._idle.wait(SECONDS_TO_CLEAN_UP)
        end_process(self._temporaries)

    def _answer(self, request: dict[str, Any]) -> None:
        number, name = request["id"], request["stage"]
        self._temporaries.clear()
        try:
            if name not in self._stages:
                raise CropzoomError(f"There is no stage {name!r}; there are {', '.join(self._stages)}.")
            with observe_temporaries(lambda path: self._announce(number, path)):
                result = self._drive(number, self._stages[name](request["args"]))
            if result is None:
                remove_all(self._temporaries)
                self._channel.send(number, "cancelled")
            else:
                self._channel.send(number, "done", result=result)
        except (Exception, SystemExit) as error:
            remove_all(self._temporaries)
            self._channel.send(number, "error", **describe(error))
        with self._told:
            self._cancelled.discard(number)
            self._paused.discard(number)

    def _announce(self, number: int, path: Path) -> None:
        self._temporaries.add(path)
        self._channel.send(number, "temporary", path=str(path))

    def _drive(self, number: int, stage: Stage[dict[str, Any]]) -> dict[str, Any] | None:
        """Run one stage; None when it was cancelled."""
        reported = 0.0
        with contextlib.closing(stage):
            while not self._is_to_stop(number):
                try:
                    progress = next(stage)
                except StopIteration as end:
                    return dict(end.value)
                now = time.monotonic()
                if now - reported >= SECONDS_BETWEEN_PROGRESS or 0 < progress.total <= progress.done:
                    reported = now
                    self._report(number, progress)
        return None

    def _is_to_stop(self, number: int) -> bool:
        """Whether a stage was cancelled; waits while it is paused."""
        with self._told:
            while True:
                if number in self._cancelled or self._closing.is_set():
                    return True
                if number not in self._paused:
                    return False
                self._told.wait()

    def _report(self, number: int, progress: Progress) -> None:
        done, total = int(progress.done), int(progress.total)
        self._channel.send(number, "progress", done=done, total=total, text=progress.text)


def describe(error: BaseException) -> dict[str, str]:
    """Return what an ``error`` event says: ``kind``, ``message`` in one line, ``detail``."""
    detail = "".join(traceback.format_exception(error))
    if isinstance(error, CropzoomError):
        return {"kind": "user", "message": " ".join(str(error).split()), "detail": detail}
    if isinstance(error, MemoryError):
        message = "Not enough memory. Close other programs or choose a smaller batch size."
        return {"kind": "user", "message": message, "detail": detail}
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return {"kind": "bug", "message": message, "detail": detail}


def end_process(temporaries: set[Path]) -> None:
    """Kill the children, remove what was half written and end this process at once."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    remove_all(temporaries)
    os._exit(0)


def become_background_process() -> None:
    """Lead an own process group and yield the processor to the window."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.setsid()
        os.nice(NICENESS)
        with contextlib.suppress(OSError):  # Linux shares by session first, then by niceness within it
            Path("/proc/self/autogroup").write_text(str(FAIRNESS))
    else:
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the protocol on standard input and output."""
    parser = argparse.ArgumentParser(prog="napari_cropzoom.worker.server", description=__doc__)
    parser.add_argument(
        "--stages", action="append", default=[], metavar="MODULE", help="module with more STAGES"
    )
    options = parser.parse_args(arguments)
    channel = Channel.claim_standard_streams()
    become_background_process()
    faulthandler.enable()
    remove_leftovers()
    stages = builtin_stages(EngineCache())
    for module in options.stages:
        stages.update(importlib.import_module(module).STAGES)
    Server(channel, stages).run()


if __name__ == "__main__":
    main()
