"""How a training is doing: ``train_status.json``, as Lightning Pose and its app know it."""

from __future__ import annotations

import contextlib
import json
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from napari_cropzoom.core.errors import brief
from napari_cropzoom.core.progress import Progress
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.parsing import read_json, size_of

STATUS = "train_status.json"
PENDING, CANCELED, FAILED, COMPLETED = "PENDING", "CANCELED", "FAILED", "COMPLETED"
_RUNS = (PENDING, "TRAINING", "EVALUATING")
_CLOCK_DRIFT = 2.0  # seconds
STARTING = Progress(0, 0, "starting")


@dataclass(frozen=True)
class TrainingStatus:
    """What the file of a training says.

    Attributes
    ----------
    status : str
        ``PENDING``, ``TRAINING``, ``EVALUATING``, ``COMPLETED``, ``FAILED`` or ``CANCELED``; empty where
        there is no file.
    progress : Progress
        Epochs, or steps where that is what the configuration counts.
    pid : int or None
        The process that trains.
    started : float or None
        Seconds since 1970.
    computer : str
        Where it runs; empty if unknown, as of Lightning Pose's app.
    """

    status: str = ""
    progress: Progress = STARTING
    pid: int | None = None
    started: float | None = None
    computer: str = ""

    @classmethod
    def read(cls, folder: Path) -> TrainingStatus:
        """Read the file of a model folder; what is not there or cannot be read is unknown."""
        content = _content(folder)
        progress = STARTING
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
            done, total = int(content["progress"]["completed"]), int(content["progress"]["total"])
            progress = Progress(done, total, _unit(folder))
        pid, started = content.get("pid"), content.get("started")
        return cls(
            brief(content["status"]).upper() if content.get("status") else "",
            progress,
            pid if isinstance(pid, int) and 0 < pid < 2**31 else None,
            float(started) if isinstance(started, int | float) else None,
            brief(content["computer"]) if content.get("computer") else "",
        )

    @property
    def is_over(self) -> bool:
        """Whether the file says that nothing runs."""
        return self.status not in _RUNS

    @property
    def is_here(self) -> bool:
        """Whether the process is one of this computer, so that it can be looked for."""
        return self.pid is not None and self.computer in ("", platform.node())

    @property
    def is_running(self) -> bool:
        """Whether a process of this computer trains there; another one with its number is no such."""
        if self.is_over or self.pid is None or not self.is_here:
            return False
        try:
            process = psutil.Process(self.pid)
            is_older = self.started is None or process.create_time() < self.started + _CLOCK_DRIFT
            return bool(is_older and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True

    @property
    def who(self) -> str:
        """``process 12 of lab3, since 2026-11-29 18:00``; empty where nothing is known."""
        if self.pid is None:
            return ""
        where = f" of {self.computer}" if self.computer else ""
        since = ""
        if self.started is not None:
            with contextlib.suppress(OverflowError, OSError, ValueError):
                since = f", since {time.strftime('%Y-%m-%d %H:%M', time.localtime(self.started))}"
        return f"process {self.pid}{where}{since}"

    def told(self) -> str:
        """What a person wants to know, in one line."""
        if not self.status:
            return "no training is known there"
        progress, words = self.progress, self.status.lower()
        if not self.is_over and self.is_here and not self.is_running:
            words = f"ended without a word: {self.who} is gone"
        elif not self.is_over and self.who:
            words = f"{words} ({self.who})"
        done = f", {progress.done} of {progress.total} {progress.text}" if progress.total > 1 else ""
        return words + done


def begin(folder: Path, pid: int) -> None:
    """Note that a process begins to train; Lightning Pose keeps what it does not write itself."""
    now = time.time()
    content = {
        "status": PENDING,
        "progress": {"completed": 0, "total": 1, "timestamp": now},
        "pid": pid,
        "started": now,
        "computer": platform.node(),
    }
    _write(folder, content)


def end(folder: Path, status: str) -> None:
    """Note how a training has ended, unless the file says so already."""
    content = _content(folder)
    if content.get("status") in _RUNS:
        _write(folder, {**content, "status": status})


def _unit(folder: Path) -> str:
    """What Lightning Pose counts: its configuration gives the length in epochs or in steps."""
    with contextlib.suppress(OSError):
        config = folder / "config.yaml"
        size_of(config)
        if "max_steps:" in config.read_text(encoding="utf-8", errors="replace"):
            return "steps"
    return "epochs"


def _content(folder: Path) -> dict[str, Any]:
    try:
        content = read_json(folder / STATUS)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(folder: Path, content: dict[str, Any]) -> None:
    with atomic_path(folder / STATUS, durable=False) as part:
        part.write_text(json.dumps(content, indent=4), encoding="utf-8")
