"""Where a user's own data lie that belong to no video and no model."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "CROPZOOM_DATA_DIR"


def user_data_folder() -> Path:
    """Return the folder, which may not be there yet.

    It is the one that the operating system has for programs' data; ``CROPZOOM_DATA_DIR`` names another
    one, as on a cluster where the home directory cannot be written to.
    """
    import platformdirs  # no command's help needs it

    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("napari-cropzoom", appauthor=False)
