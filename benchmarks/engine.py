"""Pose and detection against `litpose` and against the physical limits; tables for run.py."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import command, in_own_process, median_ratio
from inputs import boxes_inside, sample_clip, sample_video, true_boxes, untrained_model

BIN = Path(sys.executable).parent
WORST = 0.1
"""Pixels of the frame by which a keypoint of a trained network may differ from Lightning Pose's: more is
a fast wrong answer."""
WORST_UNTRAINED = 0.05
"""The same in pixels of the network's image, where it is untrained: its heatmaps are nearly flat, and a
soft argmax over these makes hundredths of a pixel of what rounding leaves."""


@dataclass(frozen=True)
class Case:
    """One row: what is run on what."""

    name: str
    backbone: str
    image: int
    frame: tuple[int, int]
    box: int | None
    frames: int
    is_trained: bool = False
    runtime: str = "eager"

    def limit(self) -> float:
        """Pixels of the frame by which keypoints may differ."""
        seen = self.box or max(self.frame)
        return WORST if self.is_trained else max(WORST, WORST_UNTRAINED * seen / self.image)


CASES = (
    Case("pose on boxes, trained", "efficientnet_b0", 256, (1280, 1024), 240, 300, is_trained=True),
    Case("pose on boxes", "resnet18", 128, (1920, 1080), 512, 600),
    Case("the same, `--runtime onnx`", "resnet18", 128, (1920, 1080), 512, 600, runtime="onnx"),
    Case("pose on boxes", "resnet50", 256, (640, 480), 256, 200),
    Case("detection, full frame", "resnet18", 128, (1920, 1080), None, 300),
    Case("pose on boxes", "resnet18", 128, (3840, 2160), 512, 200),
)
HEAD = (
    "| work | litpose | cropzoom | faster | peak memory | decode alone | network alone | "
    "of the slower | keypoints differ |\n|---|---|---|---|---|---|---|---|---|"
)
WHOLE_HEAD = (
    "| frames | litpose | cropzoom | faster | cropzoom `--runtime onnx` | faster |\n"
    "|---|---|---|---|---|---|"
)


def table(folder: Path, pairs: int, quick: bool) -> str:
    """Rows of predictions, imports apart."""
    cases = CASES[1:2] if quick else CASES
    return HEAD + "\n" + "\n".join(_row(case, folder, pairs, quick) for case in cases)


def whole_commands(folder: Path, pairs: int, quick: bool) -> str:
    """Rows of pose on boxes as commands, imports and all."""
    rows = [_whole(folder, frames, pairs) for frames in ((200,) if quick else (600, 3000))]
    return WHOLE_HEAD + "\n" + "\n".join(rows)


def _row(case: Case, folder: Path, pairs: int, quick: bool) -> str:
    from napari_cropzoom.sample import sample_project

    frames = case.frames // 6 if quick else case.frames
    width, height = case.frame
    if case.is_trained:
        video, model = sample_clip(folder, frames), sample_project().pose
        boxes = [true_boxes(folder, frames)]
    else:
        video = sample_video(folder, frames, width, height)
        model = untrained_model(folder, case.backbone, case.image)
        boxes = [boxes_inside(folder, frames, width, height, case.box)] if case.box else []
    words = (model, video, folder / "ours", boxes[0] if boxes else "", case.runtime)
    if case.runtime != "eager":  # building and comparing the export, once, is not what is measured
        in_own_process("our_side.py", "predict", *words)
    times, memory = [], []
    for _ in range(pairs):
        theirs = in_own_process("litpose_side.py", "predict", model, video, folder / "theirs", *boxes)
        ours = in_own_process("our_side.py", "predict", *words)
        times.append((theirs["seconds"], ours["seconds"]))
        memory.append((theirs["peak_mb"], ours["peak_mb"]))
    files = (folder / side / f"{video.stem}.csv" for side in ("theirs", "ours"))
    off = difference(next(files), next(files), case.limit())
    limit = in_own_process("our_side.py", "limits", model, video, 1 if quick else 5)
    ratio, low, high = median_ratio(times)
    slow, fast = (frames / seconds for seconds in np.median(times, axis=0))
    peak = "{:.1f} / {:.1f} GB".format(*(np.median(memory, axis=0) / 1024))
    share = fast / min(limit["decode_fps"], limit["model_fps"])
    network = f"{limit['model_fps']:.0f} /s (folded {limit['folded_fps']:.0f})"
    what = f"{case.name}, {width}x{height}, {case.backbone} {case.image}x{case.image}"
    row = (
        f"| {what} | {slow:.1f} /s | {fast:.1f} /s | **{ratio:.1f}x** ({low:.1f} to {high:.1f}) | {peak} "
        f"| {limit['decode_fps']:.0f} /s | {network} | {share:.2f} | {off:.4f} px |"
    )
    sys.stderr.write(f"{row}\n")
    return row


def _whole(folder: Path, frames: int, pairs: int) -> str:
    video = sample_video(folder, frames, 1920, 1080)
    boxes = folder / f"boxes_{frames}"
    boxes.mkdir(exist_ok=True)
    boxes_inside(boxes, frames, 1920, 1080, 512).rename(boxes / f"{video.stem}_bbox.csv")
    model = untrained_model(folder / f"whole_{frames}", "resnet18", 128)
    words = ["predict", model, video, "--bbox_dir", boxes, "--skip_viz", "--overwrite"]
    lean = (*words, "--runtime", "onnx")
    command(BIN / "cropzoom", *lean)  # builds the export, once
    predictions = model / "video_preds" / f"{video.stem}.csv"
    times = []
    for _ in range(pairs):
        theirs = command(BIN / "litpose", *words)
        kept = predictions.replace(folder / "theirs.csv")
        ours = []
        for each in (words, lean):
            ours.append(command(BIN / "cropzoom", *each))
            difference(kept, predictions, max(WORST, WORST_UNTRAINED * 512 / 128))
        times.append((theirs, *ours))
    row = f"| {frames} | {np.median(times, axis=0)[0]:.1f} s "
    for side in (1, 2):
        ratio, low, high = median_ratio([(each[0], each[side]) for each in times])
        row += f"| {np.median(times, axis=0)[side]:.1f} s | **{ratio:.1f}x** ({low:.1f} to {high:.1f}) "
    return f"{row}|"


def difference(theirs: Path, ours: Path, limit: float) -> float:
    """Largest distance in pixels of the frame between the sure keypoints of two files.

    Raises
    ------
    RuntimeError
        If it is more than ``limit``, or there is nothing to compare.
    """
    import pandas as pd

    a, b = (
        pd.read_csv(file, header=[0, 1, 2], index_col=0).to_numpy().reshape(-1, 3)
        for file in (theirs, ours)
    )
    sure = a[:, 2] >= 0.5
    if not sure.any():
        raise RuntimeError(f"{theirs}: no keypoint is sure enough to be compared")
    off = float(np.hypot(*(a - b)[sure, :2].T).max())
    if off > limit:
        raise RuntimeError(f"{ours}: keypoints differ by up to {off:.3f} px: a fast wrong answer")
    return off
