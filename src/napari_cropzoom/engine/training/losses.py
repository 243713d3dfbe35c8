"""What Lightning Pose writes of a training's losses, read while it runs."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.engine.training.curves import Curves, event_files

TRAINING, VALIDATION, PIXELS = "train_supervised_loss", "val_supervised_loss", "val_supervised_rmse"
"""Tags of its event files: loss of an epoch, loss and pixel error of the frames kept for validation."""


class Losses:
    """Losses of a training, as far as they are written.

    Parameters
    ----------
    folder : Path
        The model folder that is being written; event files are ``tb_logs/*/version_*/events*``, see
        Lightning's ``TensorBoardLogger``.
    goes_on : bool
        Whether the newest file that is there is of this training; False leaves those out.

    Attributes
    ----------
    curves : Curves or None
        Of the newest event file; None while there is none.
    """

    def __init__(self, folder: Path, *, goes_on: bool = False) -> None:
        self._folder = folder
        self._known = set() if goes_on else set(event_files(folder))  # of a training before
        self.curves: Curves | None = None

    def read(self) -> bool:
        """Read what is new; returns whether anything is. Files that cannot be read are as none."""
        try:
            new = [path for path in event_files(self._folder) if path not in self._known]
            if new and (self.curves is None or self.curves.path != new[-1]):
                self.curves = Curves(new[-1])
            return self.curves is not None and self.curves.read()
        except OSError:
            return False

    def latest(self) -> dict[str, float]:
        """The newest value of each tag; empty where nothing is written, or nobody can read it."""
        self.read()
        known = {} if self.curves is None else self.curves.by_tag
        return {tag: known[tag].values[-1] for tag in (TRAINING, VALIDATION, PIXELS) if tag in known}


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
