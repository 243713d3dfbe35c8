"""Our side of a pair, imports apart: ``our_side.py predict|crop ...``; see litpose_side.py.

``our_side.py limits MODEL VIDEO [SECONDS]`` measures what no pipeline can beat by overlapping its parts:
decoding alone, and Lightning Pose's network alone on images that are there already; ``our_side.py decode
VIDEO`` the first of the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from common import cpu_seconds, peak_memory_mb, timed


def predict(model_dir: str, video: str, output: str, bbox: str = "", runtime: str = "eager") -> float:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.predict import predict_video
    from napari_cropzoom.files.bbox_csv import read_bbox_csv

    model = ModelFolder.open(Path(model_dir))
    engine = Engine.load(model, runtime=runtime)
    boxes = read_bbox_csv(Path(bbox)) if bbox else None
    target = Path(output) / f"{Path(video).stem}.csv"
    stage = predict_video(model, Path(video), boxes, output=target, metrics=False, engine=engine)
    return timed(lambda: run_stage(stage))


def crop(video: str, bbox: str, output: str, settings: str = "{}") -> float:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.crop.crop import crop_video
    from napari_cropzoom.crop.encoders import EncoderSettings
    from napari_cropzoom.files.bbox_csv import read_bbox_csv

    boxes = read_bbox_csv(Path(bbox))
    encoding = EncoderSettings(**json.loads(settings))
    stage = crop_video(Path(video), boxes, Path(output), encoding=encoding, encode_all=True)
    return timed(lambda: run_stage(stage))


def decode(video: str) -> dict[str, float]:
    """Frames a second of decoding alone."""
    from napari_cropzoom.video.video import Video

    with Video(Path(video)) as opened:
        seconds = timed(lambda: sum(1 for _ in opened.stream()))
        return {"fps": opened.n_frames / seconds}


def limits(model_dir: str, video: str, seconds: str = "5") -> dict[str, float]:
    """Frames a second of decoding alone, and of the network as Lightning Pose runs it and as we do.

    ``seconds`` is how long each is run at each batch size.
    """
    from lightning_pose.api import Model

    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.network.torch_network import TorchNetwork

    result = {"decode_fps": decode(video)["fps"]}
    engine = Engine.load(ModelFolder.open(Path(model_dir)))
    ours = engine.network
    assert isinstance(ours, TorchNetwork)
    theirs = Model.from_dir(model_dir)
    theirs._load()
    sizes = (4, 8, 16) if engine.device == "cpu" else (32, 128, 512)
    for name, module in (("model", theirs.model), ("folded", ours.module)):
        module.eval().to(ours.device)
        rates = [_rate(module, engine.image_size, size, float(seconds)) for size in sizes]
        result[f"{name}_fps"] = max(rates)
    return result


def _rate(module: Any, image: tuple[int, int], size: int, seconds: float) -> float:
    import torch

    where = next(module.parameters()).device
    batch = {
        "frames": torch.rand(size, 3, *image, device=where),
        "bbox": torch.tensor([[0.0, 0.0, 512.0, 512.0]] * size, device=where),
        "transforms": torch.tensor([-1.0], device=where),
        "is_multiview": False,
    }

    def run(times: int) -> None:
        for _ in range(times):
            found = module.predict_step(batch, 0)
        found[0].cpu()  # a graphics card has done what was asked of it only once that is waited for

    with torch.inference_mode():
        once = min(timed(lambda: run(1)) for _ in range(2))
        times = max(3, int(seconds / once))
        return times * size / timed(lambda: run(times))


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what in ("limits", "decode"):
        print(json.dumps(limits(*words) if what == "limits" else decode(*words)))
        sys.exit()
    before = cpu_seconds()
    seconds = predict(*words) if what == "predict" else crop(*words)
    used = cpu_seconds() - before
    print(json.dumps({"seconds": seconds, "cpu_seconds": used, "peak_mb": peak_memory_mb()}))
