"""One batch on a cluster: what is handed out, and what becomes of each video."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client, Future, KilledWorker

from napari_cropzoom.batch.cluster.connection import LOCAL
from napari_cropzoom.batch.cluster.task import (
    ADVANCE,
    CHECK,
    PACKAGE,
    PART,
    DeafToInterrupts,
    Failed,
    stop,
    task,
)
from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.parts import LONGEST, InParts
from napari_cropzoom.batch.results import FAILED, Result
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.progress import Notify, Progress, Stage
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.files.leftovers import remember, remove, remove_leftovers
from napari_cropzoom.worker.server import describe

SECONDS_BETWEEN_LOOKS = 2.0
MOST_SHOWN = 0.99  # of a video that is not done


class Waiting(NamedTuple):
    """A task to be handed out, of the video of this number."""

    number: int
    what: str
    args: dict[str, Any]


@dataclass
class InWork:
    """A step of a long video whose parts are worked on.

    Attributes
    ----------
    step : str
    found : Result
        What is known of the video.
    count : int
        Parts in all.
    made : list
        What came of those that are done.
    """

    step: str
    found: Result
    count: int
    made: list[Any] = field(default_factory=list)


class ClusterJob:
    """One batch on a cluster.

    Parameters
    ----------
    client : Client
    address : str
        For messages.
    args, videos, take, notify, longest
        See :func:`napari_cropzoom.batch.cluster.run_on`.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        args: dict[str, Any],
        videos: Sequence[BatchVideo],
        take: Callable[[Result], object],
        notify: Notify,
        longest: int = LONGEST,
    ) -> None:
        self._client, self._address = client, address
        self._args = {**args, "of": version(PACKAGE)}
        self._videos, self._take, self._notify, self._longest = videos, take, notify, longest
        self._name = f"cropzoom-{uuid.uuid4().hex[:12]}"
        self._waiting: deque[Waiting] = deque()
        self._handed_out: dict[Future, tuple[Waiting, str]] = {}
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._in_work: dict[int, InWork] = {}
        self._folders: set[Path] = set()
        self._told: set[tuple[int, str]] = set()
        self._begun: dict[int, float] = {}
        self._frames: dict[int, int] = {}
        self._shares: dict[int, float] = {}
        self._workers, self._looked = [""], 0.0

    def run(self) -> Stage[None]:
        """Check all videos, then work on them; stopping it leaves nothing half-written.

        Raises
        ------
        CropzoomError
            If the scheduler is gone, or its workers lack this package.
        """
        client = self._client
        client.subscribe_topic(self._name, self._on_event)
        try:
            if self._address == LOCAL:
                client.register_plugin(DeafToInterrupts())
            yield from self._check()
            yield from self._work()
        finally:
            with contextlib.suppress(Exception):  # a cluster that is gone has nothing left to stop
                client.cancel(list(self._handed_out), force=True)
                client.run(stop, self._name)
                client.unsubscribe_topic(self._name)
                client.run(remove_leftovers)
            for folder in self._folders:
                remove(folder)

    # ---- the way of a video --------------------------------------------------------------------

    def _check(self) -> Stage[None]:
        for number in range(len(self._videos)):
            self._waiting.append(Waiting(number, CHECK, {"videos": [self._place(number)]}))
        good = []
        while self._waiting or self._handed_out:
            one, result = yield from self._next("checking")
            path = self._place(one.number)["video"]
            if isinstance(result, Failed):
                self._fail(one.number, result.why)
            elif path in result["failed"]:
                self._fail(one.number, result["failed"][path])
            else:
                self._frames[one.number] = result["frames"][path]
                good.append(one.number)
        self._waiting.extend(self._next_of(number) for number in sorted(good))

    def _work(self) -> Stage[None]:
        while self._waiting or self._handed_out:
            one, result = yield from self._next("")
            if isinstance(result, Failed):
                self._let_go(one.number)
                self._fail(one.number, result.why)
            elif one.what == PART:
                self._join(one.number, result)
            else:
                for line in result.notes:
                    if (one.number, line) not in self._told:  # as often as it went on
                        self._told.add((one.number, line))
                        self._notify(line)
                if isinstance(result.found, InParts):
                    self._cut(one.number, result.found)
                else:
                    self._finish(one.number, result.found)

    def _cut(self, number: int, asked: InParts) -> None:
        """Have the parts of a step handed out before anything else."""
        folder = self._folder(number)
        if folder not in self._folders:
            remember(folder)
            self._folders.add(folder)
        self._in_work[number] = InWork(asked.step, asked.found, len(asked.parts))
        place = {**self._place(number), "folder": folder}
        parts = [Waiting(number, PART, {**place, "part": part}) for part in asked.parts]
        self._waiting.extendleft(reversed(parts))
        frames = counted(sum(len(part.frames) for part in asked.parts), "frame")
        where = f"{self._videos[number].path}: {asked.step}"
        self._notify(f"{where} of {frames} in {counted(len(parts), 'part')}")

    def _join(self, number: int, made: Any) -> None:
        """Take note of a part; after the last one of its step the video goes on."""
        work = self._in_work[number]
        work.made.append(made)
        share = self._shares.get(number, 0) + 1 / (self._passes * work.count)
        self._shares[number] = min(share, MOST_SHOWN)
        if len(work.made) == work.count:
            self._waiting.appendleft(self._next_of(number, (work.step, work.found, work.made)))

    def _next_of(self, number: int, made: object = None) -> Waiting:
        joined = {} if made is None else {"made": made}
        return Waiting(number, ADVANCE, {**self._place(number), "longest": self._longest, **joined})

    def _let_go(self, number: int) -> None:
        """Give up what is left of a video, and the results of its parts."""
        self._waiting = deque(one for one in self._waiting if one.number != number)
        others = [future for future, (one, _) in self._handed_out.items() if one.number == number]
        for future in others:
            del self._handed_out[future]
        self._client.cancel(others)
        if self._in_work.pop(number, None) is not None:
            remove(self._folder(number))

    def _finish(self, number: int, found: Result) -> None:
        if number in self._in_work:
            found = replace(found, seconds=time.monotonic() - self._begun[number])
        self._let_go(number)
        self._shares[number] = 1
        self._take(replace(found, video=self._videos[number].path))

    def _fail(self, number: int, why: str) -> None:
        self._shares[number] = 1
        self._take(Result(self._videos[number].path, FAILED, why))

    def _place(self, number: int) -> dict[str, Any]:
        video = self._videos[number]
        results = None if video.results is None else str(video.results.absolute())
        return {"video": str(video.path.absolute()), "results": results}

    def _folder(self, number: int) -> Path:
        """Takes what came of the parts of a video until they are joined."""
        results = self._videos[number].results
        return (results or Path(self._args["detector"])).absolute() / f".{self._name}-{number}"

    # ---- the way of a task ---------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give every worker a task, and nothing more, which would be lost along with the worker."""
        busy = {where for _, where in self._handed_out.values()}
        free = deque(worker for worker in self._workers if worker not in busy)
        while self._waiting and (free or not self._handed_out):
            one, where = self._waiting.popleft(), free.popleft() if free else ""
            future = self._client.submit(
                task,
                self._name,
                one.number,
                one.what,
                {**self._args, **one.args},
                key=f"{self._name}-{one.what}-{one.number}-{uuid.uuid4().hex[:8]}",
                pure=False,
                workers=[where] if where else None,
                allow_other_workers=bool(where),  # if that one has ended
            )
            self._handed_out[future] = one, where
            if one.what == ADVANCE:
                self._begun.setdefault(one.number, time.monotonic())
            future.add_done_callback(self._ended.put)

    def _next(self, text: str) -> Stage[tuple[Waiting, Any]]:
        """Wait for a task; returns it and its result."""
        given = None
        while given is None:
            self._look()
            self._hand_out()
            yield self._progress(text)
            with contextlib.suppress(queue.Empty):
                future = self._ended.get(timeout=SECONDS_BETWEEN_REPORTS)
                given = self._handed_out.pop(future, None)
        one = given[0]
        if future.status == "finished":
            return one, future.result()
        if future.status == "error":
            return one, Failed(self._why(one.number, future.exception()))
        raise CropzoomError(
            f"{self._address}: the scheduler has ended or was started again. Run the batch again: what "
            "is done stays."
        )

    def _why(self, number: int, error: BaseException) -> str:
        path = self._videos[number].path
        if isinstance(error, ImportError):
            raise CropzoomError(
                f"{self._address}: its workers cannot load {PACKAGE} ({brief(error)}). Install the same "
                f"version there, with what models need: pip install '{PACKAGE}[pose,cluster]'."
            ) from error
        if isinstance(error, KilledWorker):
            return (
                f"{path}: the workers that had it ended, one after the other. Give workers more memory, "
                "or see what their logs say."
            )
        return f"{path}: {describe(error)['message']}"

    def _look(self) -> None:
        """Count the workers, now and then."""
        if (now := time.monotonic()) - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked, before = now, self._workers
        self._workers = list(self._client.nthreads())
        if before and not self._workers:
            self._notify(f"{self._address}: has no worker now; waiting for one")

    @property
    def _passes(self) -> int:
        """About how often the frames of a video are gone through."""
        return 4 if self._args["pose"] else 3

    def _on_event(self, event: tuple[float, Any]) -> None:
        number, passes = event[1]
        if number not in self._in_work:
            share = min(passes / self._passes, MOST_SHOWN)
            self._shares[number] = max(self._shares.get(number, 0), share)

    def _progress(self, text: str) -> Progress:
        count = counted(len(self._workers), "worker")
        if text:
            done = len(self._videos) - len(self._waiting) - len(self._handed_out)
            return Progress(done, len(self._videos), f"{text}, {count}")
        shares = self._shares.copy()
        done = sum(int(frames * shares.get(number, 0)) for number, frames in self._frames.items())
        ended = sum(shares.get(number, 0) == 1 for number in self._frames)
        of = f"{ended} of {counted(len(self._frames), 'video')}"
        return Progress(done, sum(self._frames.values()), f"{of}, {count}")
