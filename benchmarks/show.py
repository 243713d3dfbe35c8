"""What drawing costs in a labeled video, against decoding and encoding the bare frames.

    python benchmarks/show.py VIDEO --bbox FILE --preds FILE [--frames 300] [--rounds 3] [--sio FOLDER]

All ways go through the same reader and encoder, one after the other in turns. Prints three lines of JSON,
the median of the rounds and the ratio: seconds; processor time of all threads, which other work on the
machine hardly changes; and that of the pictures alone, decoded and drawn but not encoded.

With ``--sio``, the ``bin`` of an environment that has sleap-io (``pip install "sleap-io[all]"``), it
also compares the commands ``cropzoom show`` and ``sio render``, in turns: the same frames and keypoints,
the same encoder, quality and preset, and the start of Python counts in both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export.grounds import VideoGround
from napari_cropzoom.export.keypoints import KeypointLook
from napari_cropzoom.export.labeled_video import Scene, Shown, write_labeled_video
from napari_cropzoom.export.video_file import USUAL
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
    parser.add_argument("--sio", type=Path, metavar="FOLDER", help="bin of an environment with sleap-io")
    args = parser.parse_args()
    with Video(args.video) as video:
        n_frames = video.n_frames
    bare = Shown(last=min(args.frames, n_frames) - 1)
    boxes = read_bbox_csv(args.bbox, n_frames)
    drawn = replace(bare, boxes=boxes, poses=read_predictions(args.preds, n_frames))
    ways = {
        "bare": bare,
        "drawn": drawn,
        "names and trails": replace(drawn, look=KeypointLook(names=True, trail=30)),
        "both": replace(drawn, layout="both"),
        "timeline": replace(drawn, layout="timeline"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    pictures: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name, shown in ways.items():
                start, used = time.perf_counter(), time.process_time()
                run_stage(write_labeled_video(args.video, Path(folder) / "o.mp4", shown, overwrite=True))
                seconds[name].append(time.perf_counter() - start)
                processor[name].append(time.process_time() - used)
                with contextlib.closing(VideoGround(args.video)) as ground:
                    used = time.process_time()
                    deque(Scene(ground, shown).pictures(), maxlen=0)
                    pictures[name].append(time.process_time() - used)
    for measured in (seconds, processor, pictures):
        typical = {name: statistics.median(values) for name, values in measured.items()}
        ratios = {f"{name} / bare": round(value / typical["bare"], 3) for name, value in typical.items()}
        print(json.dumps({name: round(value, 2) for name, value in typical.items()} | ratios))
    if args.sio is not None:
        print(json.dumps(compare(args)))


TO_SLP = """
import sys
import numpy as np
import sleap_io as sio

video, source, target = sys.argv[1:]
with np.load(source) as given:
    names, xy, likelihood = given["names"].tolist(), given["xy"], given["likelihood"]
film, skeleton = sio.load_video(video), sio.Skeleton(nodes=names)
frames = []
for number, (places, scores) in enumerate(zip(xy, likelihood)):
    one = sio.PredictedInstance.from_numpy(places, skeleton=skeleton, point_scores=scores, score=1.0)
    frames.append(sio.LabeledFrame(video=film, frame_idx=number, instances=[one]))
sio.Labels(frames).save(target, embed=False)
"""


def compare(args: argparse.Namespace) -> dict[str, float]:
    """Seconds of both commands, the median of the rounds."""
    poses = read_predictions(args.preds)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "poses.npz", names=poses.names, xy=poses.xy, likelihood=poses.likelihood)
        make = [args.sio / "python", "-c", TO_SLP, args.video.absolute(), folder / "poses.npz"]
        subprocess.run([*map(str, make), str(folder / "poses.slp")], check=True)
        ours = [sys.executable, "-m", "napari_cropzoom.cli", "show", args.video, "--overwrite"]
        ours += ["--output", folder / "o.mp4", "--range", f"0:{args.frames - 1}", "--preds", args.preds]
        theirs = [args.sio / "sio", "render", folder / "poses.slp", "-o", folder / "s.mp4"]
        theirs += ["--start", 0, "--end", args.frames, "--crf", USUAL.crf, "--no-progress"]
        theirs += ["--x264-preset", USUAL.preset]
        ways = {
            "cropzoom show": ours,
            "sio render": theirs,
            "cropzoom show, trails of 10": [*ours, "--trail", 10],
            "sio render, trails of 10": [*theirs, "--trails", "--trail-node", ",".join(poses.names)],
            "cropzoom show, half the size": [*ours, "--scale", 0.5],
            "sio render, half the size": [*theirs, "--scale", 0.5],
            "cropzoom show, on black": [*ours, "--background", "black"],
            "sio render, on black": [*theirs, "--background", "black"],
        }
        for _ in range(args.rounds):
            for way, words in ways.items():
                start = time.perf_counter()
                subprocess.run([str(word) for word in words], check=True, capture_output=True)
                seconds.setdefault(way, []).append(time.perf_counter() - start)
    return {way: round(statistics.median(values), 2) for way, values in seconds.items()}


if __name__ == "__main__":
    main()
