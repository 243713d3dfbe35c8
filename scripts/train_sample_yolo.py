"""Train a small YOLO of Ultralytics on other takes than the sample video, and export it as ONNX.

    python scripts/train_sample_yolo.py OUT
    cropzoom detect sample_data/videos/roaming.mp4 --method onnx --set model=OUT/mouse.onnx \
        --output_dir OUT
    python scripts/train_sample_yolo.py OUT --measure OUT/roaming_bbox.csv

Needs `ultralytics` beside this package; nothing is downloaded, the weights start untrained. Measured
with ultralytics 8.4.190: 30 epochs take 44 minutes of two busy cores; IoU with the truth of the sample is
0.5 or more in 1082 of 1084 frames in which half of the body or more is seen (99.8 %), and in 1086 of 1101
in which anything of it is seen (98.6 %); median 0.89. Nothing was chosen by the sample: its walk is not
among the takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from napari_cropzoom.core.boxes import FloatArray, iou
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from sample_render import Take
from sample_rodent import KEYPOINTS
from sample_scene import HEIGHT, WIDTH

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"
TAKES = {"train": range(201, 207), "val": range(207, 208)}
FRAMES, EACH = 1200, 60
SIDE, EPOCHS = 256, 30
SMALL = [0.33, 0.125, 1024]  # depth, width and most channels: an eighth of the width of the largest
TAIL = 2  # keypoints at the end of KEYPOINTS that the box leaves out


def main() -> None:
    """Train and export, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--measure", type=Path, metavar="BBOX_CSV", help="compare boxes with the truth")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    data = options.out / "frames" / "data.yaml"
    if not data.is_file():
        write_frames(data.parent)
    train(data, options.out, options.epochs)


def seen(truth: pd.DataFrame) -> FloatArray:
    """Share of the body's keypoints that no roof hides, (T,)."""
    return np.mean([truth[f"{name}_visible"] for name in KEYPOINTS[:-TAIL]], axis=0)


def write_frames(folder: Path) -> Path:
    """Frames of other takes with a label where half of the body is seen, as YOLO has them."""
    for part, seeds in TAKES.items():
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            take = Take(seed, FRAMES)
            truth = take.truth()
            is_seen = seen(truth) >= 0.5
            for number in np.linspace(0, FRAMES - 1, EACH).astype(int).tolist():
                name = f"{seed}_{number:04d}"
                image = cv2.cvtColor(take.frame(number), cv2.COLOR_RGB2BGR)
                cv2.imwrite(
                    str(folder / "images" / part / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 80]
                )
                x, y, w, h = truth.loc[number, ["x", "y", "w", "h"]]
                values = (x + w / 2) / WIDTH, (y + h / 2) / HEIGHT, w / WIDTH, h / HEIGHT
                line = " ".join(["0", *(f"{value:.6f}" for value in values)]) if is_seen[number] else ""
                (folder / "labels" / part / f"{name}.txt").write_text(line, "utf-8")
    data = folder / "data.yaml"
    parts = {part: f"images/{part}" for part in TAKES}
    data.write_text(yaml.safe_dump({"path": str(folder.resolve()), **parts, "names": {0: "mouse"}}))
    return data


def train(data: Path, out: Path, epochs: int) -> None:
    """Train from untrained weights; writes ``out/mouse.onnx``."""
    from ultralytics import YOLO
    from ultralytics.utils import ROOT as ULTRALYTICS

    config = yaml.safe_load((ULTRALYTICS / "cfg" / "models" / "v8" / "yolov8.yaml").read_text("utf-8"))
    config["scales"] = {"n": SMALL}
    small = out / "yolov8n-small.yaml"  # an `n` in the name chooses the scale
    small.write_text(yaml.safe_dump({**config, "nc": 1}), "utf-8")
    model = YOLO(str(small))
    model.train(
        data=str(data), epochs=epochs, imgsz=SIDE, batch=8, nbs=8, seed=0, device="cpu", workers=0,
        cache="ram", amp=False, mosaic=0, flipud=0.5, scale=0.2, warmup_epochs=1,
        cos_lr=True, plots=False, project=str(out.resolve()), name="run", exist_ok=True,
    )  # fmt: skip
    best = YOLO(str(out / "run" / "weights" / "best.pt"))
    Path(best.export(format="onnx", imgsz=SIDE)).rename(out / "mouse.onnx")


def measure(boxes: Path) -> None:
    """Print in how many frames the boxes overlap the truth by half or more."""
    truth = pd.read_csv(SAMPLE / "truth.csv", index_col=0)
    overlap = iou(
        read_bbox_csv(boxes, len(truth), allow_missing=True), truth[["x", "y", "w", "h"]].to_numpy(float)
    )
    for words, counts in {
        "half of the body or more is seen": seen(truth) >= 0.5,
        "anything of the body is seen": seen(truth) > 0,
    }.items():
        good = overlap[counts] >= 0.5
        median = np.nanmedian(overlap[counts])
        print(
            f"{words}: {good.sum()} of {counts.sum()} frames ({good.mean():.1%}), median IoU {median:.2f}"
        )


if __name__ == "__main__":
    main()
