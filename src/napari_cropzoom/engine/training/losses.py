"""What Lightning Pose writes of a training's losses, read while it runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

TRAINING, VALIDATION, PIXELS = "train_supervised_loss", "val_supervised_loss", "val_supervised_rmse"
"""Tags of its event files: loss of an epoch, loss and pixel error of the frames kept for validation."""


class Losses:
    """Losses of a training, as far as they are written.

    Parameters
    ----------
    folder : Path
        The model folder that is being written; event files are ``tb_logs/*/version_*/events*``, see
        Lightning's ``TensorBoardLogger``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = set(self._files())  # of a training before
        self._reader: Any = None

    def latest(self) -> dict[str, float]:
        """The newest value of each tag; empty where nothing is written, or nobody can read it."""
        try:
            reader = self._open()
            if reader is None:
                return {}
            reader.Reload()
            tags = reader.Tags()["scalars"]
            return {
                tag: float(reader.Scalars(tag)[-1].value)
                for tag in (TRAINING, VALIDATION, PIXELS)
                if tag in tags
            }
        except (ImportError, OSError, ValueError, KeyError, IndexError):
            return {}

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("tb_logs/**/events*"))

    def _open(self) -> Any:
        if self._reader is None:
            new = [path for path in self._files() if path not in self._known]
            if new:
                from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

                logging.getLogger("tensorboard").setLevel(logging.ERROR)
                self._reader = EventAccumulator(str(new[0]), size_guidance={"scalars": 1})
        return self._reader


def told(losses: dict[str, float]) -> str:
    """Losses for a person: ``loss 0.0123, validation 0.0145, 5.2 px``; empty where none is known."""
    parts = []
    if TRAINING in losses:
        parts.append(f"loss {losses[TRAINING]:.3g}")
    if VALIDATION in losses:
        parts.append(f"validation {losses[VALIDATION]:.3g}")
    if PIXELS in losses:
        parts.append(f"{losses[PIXELS]:.1f} px")
    return ", ".join(parts)
