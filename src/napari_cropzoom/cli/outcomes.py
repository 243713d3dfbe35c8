"""What became of every input of a verb: one that fails does not stop the others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError


class AllFail(CropzoomError):
    """What would fail with every input, such as a model that cannot be loaded."""


class Outcomes:
    """Runs the work of each input, tells of a failure at once, and of all at the end.

    Parameters
    ----------
    files : sequence of Path
        All inputs. With one, its failure is raised as it is.
    """

    def __init__(self, files: list[Path]) -> None:
        self._what: dict[Path, str] = dict.fromkeys(files, "not done")
        self._failed: set[Path] = set()

    def attempt(self, file: Path, work: Callable[[], str]) -> bool:
        """Do some work on an input, which returns what to say of it at the end.

        Returns
        -------
        bool
            Whether it has not failed.

        Raises
        ------
        AllFail
            What the others would fail with too.
        CropzoomError
            If it is the only input.
        """
        try:
            self._what[file] = work()
        except AllFail:
            raise
        except CropzoomError as error:
            if len(self._what) == 1:
                raise
            print(f"error: {error}", file=sys.stderr, flush=True)
            self._failed.add(file)
            self._what[file] = "failed, see above"
            return False
        return True

    def finish(self) -> None:
        """Print what became of each input, and fail if one has failed.

        Raises
        ------
        CropzoomError
        """
        if not self._failed:
            return
        width = max(len(str(file)) for file in self._what)
        for file, what in self._what.items():
            print(f"{file!s:<{width}}  {what}", flush=True)
        raise CropzoomError(f"{len(self._failed)} of {len(self._what)} inputs failed, see above.")
