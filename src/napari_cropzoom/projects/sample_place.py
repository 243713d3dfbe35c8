"""Where the sample project lies, if it is here."""

from __future__ import annotations

import os
from pathlib import Path

SAMPLE_VARIABLE = "NAPARI_CROPZOOM_SAMPLE"
SAMPLE_VIDEO = Path("videos", "roaming.mp4")


def sample_root() -> Path | None:
    """The folder ``sample_data``, or None where there is none.

    The environment variable ``NAPARI_CROPZOOM_SAMPLE`` names it; otherwise it is the one of the source
    checkout that this module runs from. An installed wheel has no sample.
    """
    named = os.environ.get(SAMPLE_VARIABLE)
    root = Path(named).expanduser() if named else Path(__file__).resolve().parents[3] / "sample_data"
    return root if (root / SAMPLE_VIDEO).is_file() else None


def sample_video() -> Path | None:
    """The sample's video, or None where there is no sample."""
    root = sample_root()
    return None if root is None else root / SAMPLE_VIDEO
