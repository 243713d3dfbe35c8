"""Lightning Pose's side of a pair, imports apart: ``litpose_side.py predict|crop ...``.

Prints one line of JSON: seconds from the first frame's work to the finished file, and peak memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from common import cpu_seconds, peak_memory_mb, timed


def predict(model_dir: str, video: str, output: str, bbox: str | None = None) -> float:
    from lightning_pose.api import Model

    model = Model.from_dir(model_dir)
    model._load()
    return timed(
        lambda: model.predict_on_video_file(
            video, output_dir=output, compute_metrics=False, bbox_file=bbox
        )
    )


def crop(video: str, bbox: str, output: str) -> float:
    from lightning_pose.utils.cropzoom import crop_video

    return timed(lambda: crop_video(Path(video), Path(bbox), Path(output)))


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    before = cpu_seconds()
    seconds = predict(*words) if what == "predict" else crop(*words)
    used = cpu_seconds() - before
    print()
    print(json.dumps({"seconds": seconds, "cpu_seconds": used, "peak_mb": peak_memory_mb()}))
