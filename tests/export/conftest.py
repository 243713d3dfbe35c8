"""A dark video, on which everything that is drawn shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.drawn_videos import HEIGHT, WIDTH, N
from videos import write_video


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    picture = np.full((HEIGHT, WIDTH, 3), 16, np.uint8)
    return write_video(tmp_path / "dark.mp4", [picture] * N, options={"crf": "0"})
