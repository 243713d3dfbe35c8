"""Code run under the rule of Windows, by which a file that is open is neither replaced nor removed.

On Linux the rule comes from a library that is loaded before the process starts:
``scripts/other_systems/run.sh sharing`` builds it and names it in ``CROPZOOM_SHARING``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHARING = os.environ.get("CROPZOOM_SHARING", "")

needs_sharing = pytest.mark.skipif(
    sys.platform != "win32" and not SHARING,
    reason="needs Windows, or scripts/other_systems/run.sh sharing",
)


def run(code: str, *arguments: object) -> str:
    """What code prints in a process that has the rule."""
    paths = filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if SHARING:
        environment.update(LD_PRELOAD=SHARING, CROPZOOM_RULES="sharing")
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
