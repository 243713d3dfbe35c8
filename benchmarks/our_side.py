"""Our side of a pair, imports apart: ``our_side.py predict|crop ...``; see litpose_side.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from common import cpu_seconds, peak_memory_mb, timed


def predict(model_dir: str, video: str, output: str, bbox: str | None = None) -> float:
    from napari_cropzoom.io.bbox_csv import read_bbox_csv
    from napari_cropzoom.pipeline.models import ModelFolder
    from napari_cropzoom.pipeline.predict import Engine, predict_video
    from napari_cropzoom.pipeline.progress import run_stage

    model = ModelFolder.open(Path(model_dir))
    engine = Engine.load(model)
    boxes = read_bbox_csv(Path(bbox)) if bbox else None
    target = Path(output) / f"{Path(video).stem}.csv"
    stage = predict_video(model, Path(video), boxes, output=target, metrics=False, engine=engine)
    return timed(lambda: run_stage(stage))


def crop(video: str, bbox: str, output: str, settings: str = "{}") -> float:
    from napari_cropzoom.io.bbox_csv import read_bbox_csv
    from napari_cropzoom.pipeline.crop import crop_video
    from napari_cropzoom.pipeline.encoders import EncoderSettings
    from napari_cropzoom.pipeline.progress import run_stage

    boxes = read_bbox_csv(Path(bbox))
    encoding = EncoderSettings(**json.loads(settings))
    stage = crop_video(Path(video), boxes, Path(output), encoding=encoding, anew=True)
    return timed(lambda: run_stage(stage))


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    before = cpu_seconds()
    seconds = {"predict": predict, "crop": crop}[what](*words)
    used = cpu_seconds() - before
    print(json.dumps({"seconds": seconds, "cpu_seconds": used, "peak_mb": peak_memory_mb()}))
