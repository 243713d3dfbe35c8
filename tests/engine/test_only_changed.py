"""`cropzoom predict --only_changed` says what it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from videos import BLOB_FRAMES as T


def test_the_command_says_what_runs(
    tmp_path: Path, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, boxes = make_lp_model(tmp_path / "model"), np.tile([40.0, 30, 80, 90], (T, 1))
    write_bbox_csv(tmp_path / "blobs_bbox.csv", boxes)
    words = ["predict", str(model), str(video), "--bbox_dir", str(tmp_path), "--skip_viz"]

    def said() -> list[str]:
        assert main([*words, "--only_changed"]) == 0
        return capsys.readouterr().out.splitlines()

    assert f"blobs.mp4: all {T} frames are run: there are no predictions yet" in said()
    assert said() == ["blobs.mp4: up to date: no box has changed"]
    boxes[7:9, 0] += 4
    write_bbox_csv(tmp_path / "blobs_bbox.csv", boxes)
    assert f"blobs.mp4: 2 of {T} frames changed; only these are run" in said()
    assert main(words) == 0
    assert "skipping" in capsys.readouterr().out
