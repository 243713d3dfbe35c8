"""What drawing costs in a labeled video, against decoding and encoding the bare frames.

    python benchmarks/show.py VIDEO --bbox FILE --preds FILE [--frames 300] [--rounds 3]

Both ways go through the same reader and encoder, one after the other in turns. Prints one line of JSON:
seconds of each (the median of the rounds) and the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export.drawing import Look
from napari_cropzoom.export.labeled_video import Shown, write_labeled_video
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.video.video import Video


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--bbox", type=Path, required=True)
    parser.add_argument("--preds", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with Video(args.video) as video:
        n_frames = video.n_frames
    bare = Shown(last=min(args.frames, n_frames) - 1)
    boxes = read_bbox_csv(args.bbox, n_frames)
    drawn = replace(bare, boxes=boxes, poses=read_predictions(args.preds, n_frames))
    ways = {
        "bare": bare,
        "drawn": drawn,
        "names and trails": replace(drawn, look=Look(names=True, trail=30)),
        "both": replace(drawn, layout="both"),
        "timeline": replace(drawn, layout="timeline"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name, shown in ways.items():
                start = time.perf_counter()
                run_stage(write_labeled_video(args.video, Path(folder) / "o.mp4", shown, overwrite=True))
                seconds[name].append(time.perf_counter() - start)
    typical = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {f"{name} / bare": round(value / typical["bare"], 3) for name, value in typical.items()}
    print(json.dumps({name: round(value, 2) for name, value in typical.items()} | ratios))


if __name__ == "__main__":
    main()
