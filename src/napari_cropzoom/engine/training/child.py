"""The process that trains: Lightning Pose's own command, which can be asked to stop.

Whoever started it asks by closing its standard input, as the system does for one that was killed. The
batch at hand is finished, a checkpoint is written where there is none, and the process ends.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from typing import Any

from napari_cropzoom.core.children import end_with_input
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.training.status import CANCELED, end

PATIENCE = 30.0  # seconds for the batch at hand and a checkpoint

_asked, _has_begun = threading.Event(), threading.Event()


def main() -> None:
    """Run `litpose` with the arguments of this process; the model folder is that of ``--output_dir``."""
    folder = Path(sys.argv[sys.argv.index("--output_dir") + 1])

    def ask() -> None:
        _asked.set()
        if _has_begun.is_set():
            time.sleep(PATIENCE)
        _note(folder)

    end_with_input(ask)
    sys.meta_path.append(_OurCallbacks())
    from lightning_pose.cli.main import main as litpose

    litpose()


def callbacks() -> list[Any]:
    """Return what Lightning is to call back; it asks for this by the entry point below."""
    from lightning.pytorch import Callback

    class StopWhenAsked(Callback):
        """Ends a training, or the predictions after it, between two batches."""

        def on_train_start(self, *_: Any) -> None:
            _has_begun.set()

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if _asked.is_set():
                _keep(trainer)
                _stop()

        def on_validation_batch_end(self, trainer: Any, *_: Any) -> None:
            if _asked.is_set():
                if not trainer.sanity_checking:
                    _keep(trainer)
                _stop()

        def on_predict_batch_end(self, *_: Any) -> None:
            if _asked.is_set():
                _stop()

    return [StopWhenAsked()]


def _keep(trainer: Any) -> None:
    """Save the weights as they are, unless validation has chosen better ones."""
    folder = Path(trainer.checkpoint_callback.dirpath or trainer.default_root_dir)
    if not list(folder.glob("*.ckpt")):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch={trainer.current_epoch}-step={trainer.global_step}-interrupted.ckpt"
        trainer.save_checkpoint(folder / name)


def _stop() -> None:
    """Have Lightning shut down; it ends the process."""
    _note(Path.cwd())  # where Lightning Pose works is the model folder
    raise KeyboardInterrupt


def _note(folder: Path) -> None:
    with contextlib.suppress(CropzoomError, OSError):
        end(folder, CANCELED)


class _Entry(Distribution):
    """A distribution that has the entry point of Lightning's callbacks and nothing else."""

    def read_text(self, filename: str) -> str | None:
        return {
            "METADATA": "Metadata-Version: 2.1\nName: cropzoom-training\nVersion: 0\n",
            "entry_points.txt": f"[lightning.pytorch.callbacks_factory]\nstop = {__name__}:callbacks\n",
        }.get(filename)

    def locate_file(self, path: Any) -> Path:
        return Path(path)


class _OurCallbacks(DistributionFinder):
    """Makes it known in this process alone: a training by other programs is left as it is."""

    def find_spec(self, *_: Any) -> None:
        return None

    def find_distributions(self, context: Any = None) -> Iterable[Distribution]:
        wanted = getattr(context, "name", None)
        return [_Entry()] if wanted in (None, "cropzoom-training") else []


if __name__ == "__main__":
    import_module("napari_cropzoom.engine.training.child").main()  # as Lightning will import it
