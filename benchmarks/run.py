"""Measure us against Lightning Pose and write docs/benchmarks.md: ``make bench``, ``cropzoom bench``.

Every pair runs the other and us in turn, each in a process of its own. Nothing else may run meanwhile.
Each section is written when it is done; ``--only`` writes some of them again and leaves the others.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import changed
import crop
import engine
import growth
import many
import sparse
from common import HERE, command, in_own_process, machine, median_ratio

BIN = Path(sys.executable).parent
IMAGES = "images"  # in the scratch folder, and beside the page
REPORT = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Measured by `cropzoom bench`. Every ratio is the median of pairs that ran in turn on one machine, each
side in a process of its own; in brackets the lowest and the highest. Parity is checked in every row that
predicts: a fast wrong answer counts as a failure.

The review queue and the work of correcting are measured apart: [the review, measured](review-bench.md).
Where it falls short, and why: [what bounds the speed](limits.md).
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title : str
    about : str
        What was measured, for the reader.
    measure : callable
        Takes a scratch folder, the number of pairs and whether to be quick; returns Markdown.
    """

    title: str
    about: str
    measure: Callable[[Path, int, bool], str]


def boxes(folder: Path, pairs: int, quick: bool) -> str:
    """`create_bbox` and `smooth_bbox` as whole commands, on the sample's detector."""
    from napari_cropzoom.sample import sample_project

    sample = sample_project()
    detector = folder / "detector"
    shutil.copytree(sample.detector, detector)
    _truth_as_predictions(sample.truth, detector / "video_preds" / f"{sample.video.stem}.csv")
    command(BIN / "cropzoom", "create_bbox", detector, sample.video)
    rows = []
    for verb, words in (
        ("create_bbox", [detector, sample.video]),
        ("smooth_bbox", [detector / "video_preds", "--output_dir", folder / "smooth"]),
    ):
        times = [
            (command(BIN / "litpose", verb, *words), command(BIN / "cropzoom", verb, *words))
            for _ in range(pairs)
        ]
        ratio, low, high = median_ratio(times)
        theirs, ours = np.median(times, axis=0)
        rows.append(
            f"| `{verb}` | {theirs:.2f} s | {ours:.2f} s | **{ratio:.1f}x** ({low:.1f} to {high:.1f}) |"
        )
    return "| command | litpose | cropzoom | faster |\n|---|---|---|---|\n" + "\n".join(rows)


def _truth_as_predictions(truth: Path, target: Path) -> None:
    """Write the sample's true keypoints as a detector's predictions: here only their form matters."""
    import pandas as pd

    table = pd.read_csv(truth)
    names = [column[:-2] for column in table.columns if column.endswith("_x")]
    values: dict[tuple[str, str, str], object] = {}
    for name in names:
        values["tracker", name, "x"] = table[f"{name}_x"]
        values["tracker", name, "y"] = table[f"{name}_y"]
        values["tracker", name, "likelihood"] = np.ones(len(table))
    predictions = pd.DataFrame(values).interpolate(limit_direction="both")
    predictions.columns.names = ["scorer", "bodyparts", "coords"]
    target.parent.mkdir(parents=True, exist_ok=True)
    predictions.to_csv(target)


def window(folder: Path, pairs: int, quick: bool) -> str:
    """What the window costs, at 1,000 and 100,000 frames."""
    small, large = (in_own_process("gui.py", "step", n) for n in (1_000, 100_000))
    slider, begin = in_own_process("gui.py", "slider", 100_000), in_own_process("gui.py", "start", 1_000)
    grown = (large["memory_mb"] - small["memory_mb"]) * 2**20 / 99_000
    few, many = (in_own_process("gui.py", "held", n)["held_mb"] for n in (1_000, 100_000))
    rows = [
        f"| start of the dock in an open napari | {begin['dock_ms']:.0f} ms "
        f"| then opening a video of 1,000 frames: {begin['open_ms']:.0f} ms |",
        *(
            f"| frame step, {n} frames | {one['step_ms']:.0f} ms "
            f"| napari, bare image: {one['bare_ms']:.0f} ms, so {one['ratio']:.2f} |"
            for n, one in (("1,000", small), ("100,000", large))
        ),
        f"| edit with redraw, 100,000 frames | {large['edit_ms']:.0f} ms | |",
        f"| memory held per frame, 1,000 to 100,000 frames | {(many - few) * 2**20 / 99_000:.0f} bytes "
        f"| resident, freed pages included: {grown:.0f} |",
        f"| smoothing slider to shown box, 100,000 frames | {slider['shown_ms']:.1f} ms "
        f"| 95 %: {slider['shown_p95_ms']:.1f} ms |",
        f"| smoothing the whole track, 100,000 frames | {slider['track_ms']:.0f} ms "
        "| worst of windows 5, 31, 101 |",
    ]
    if not quick:
        rows += [f"| {name} | {value:.1f} | |" for name, value in in_own_process("heartbeat.py").items()]
    return "| what | measured | |\n|---|---|---|\n" + "\n".join(rows)


def review(folder: Path, pairs: int, quick: bool) -> str:
    """A review of many frames: opening it, editing, the timeline; and playing."""
    frames = 100_000 if quick else 1_000_000
    many, few = (in_own_process("million.py", n) for n in (frames, 1_000))
    opening, bare = many["opening_s"], many["window"]["floor"]["shown"]["median"]
    timeline, playing = in_own_process("timeline.py", frames), in_own_process("playing.py")
    rows = [
        f"| opening {opening['edits']:,} edits of {frames:,} frames, index there "
        f"| {opening['load_boxes']:.2f} s | |"
    ]
    for name in ("step", "edit", "undo"):
        shown, small, hidden = (
            one["window"][what]["shown"]["median"]
            for one, what in ((many, name), (few, name), (many, f"{name}, no canvas"))
        )
        rows.append(
            f"| {name} with redraw | {shown:.0f} ms (at 1,000 frames: {small:.0f}) "
            f"| painting the same canvas unchanged: {bare:.0f} ms; canvas hidden: {hidden:.0f} |"
        )
    rows += [
        f"| timeline, one zoom of the wheel | {timeline['zoom_ms']['median']:.0f} ms "
        f"| painting a label of the same window: {timeline['floor_ms']['median']:.0f} ms; "
        f"our drawing: {timeline['ours_ms']['median']:.1f} |",
        f"| playing every frame, 1920x1080 | {playing['fps']:.0f} /s, none of {playing['frames']} "
        f"left out | 95 % of frames within {playing['p95_ms']:.0f} ms of the last |",
    ]
    return "| what | measured | |\n|---|---|---|\n" + "\n".join(rows)


def viewer(folder: Path, pairs: int, quick: bool) -> str:
    """Steps and seeks against the bare image, memory of a long video."""
    step, seek = (in_own_process("viewer.py", what) for what in ("step", "seek"))
    rows = [
        f"| frame step, 1920x1080, box and keypoints | napari, bare image: {step['bare_ms']:.0f} ms "
        f"| {step['layers_ms']:.0f} ms | **{step['layers_ratio']:.2f}** |",
        f"| the same with all docks shown | napari, bare image: {step['bare_ms']:.0f} ms "
        f"| {step['docks_ms']:.0f} ms | **{step['docks_ratio']:.2f}** |",
        f"| random access, 95 % | PyAV: {seek['pyav_p95_ms']:.0f} ms | {seek['ours_p95_ms']:.0f} ms "
        f"| **{seek['ratio']:.2f}** (median {seek['median_ratio']:.2f}) |",
    ]
    if not quick:
        long = in_own_process("viewer.py", "memory")
        rows.append(
            f"| a video of 4 hours at 30 fps, {long['frames']:,} frames | bare viewer "
            f"| {long['open_mb']:.0f} MB more, {long['used_mb']:.0f} MB after 200 jumps "
            f"| opened in {long['open_s']:.1f} s |"
        )
    return "| what | against | ours | ratio |\n|---|---|---|---|\n" + "\n".join(rows)


def crops(folder: Path, pairs: int, quick: bool) -> str:
    """Crop to disk against `litpose` and against ffmpeg's own fixed crop."""
    from napari_cropzoom.sample import sample_project

    part = folder / "crops"
    part.mkdir()
    found = crop.measure(sample_project().video, 100 if quick else 600, pairs, part)
    names = {
        "litpose": "`litpose crop`: medium, crf 23",
        "ffmpeg": "ffmpeg, one fixed place: medium, crf 23",
        "same": "`cropzoom crop --preset medium --crf 23 --tune none`",
        "default": "`cropzoom crop`: our default",
    }
    rows = []
    for name, words in names.items():
        one = found[name]
        quality = f"{one['ssim']:.4f}" if "ssim" in one else ""
        rows.append(
            f"| {words} | {np.median(one['seconds']):.1f} s | {one['cpu_seconds']:.1f} s "
            f"| {one['bytes'] / 2**20:.2f} MB | {quality} |"
        )
    return (
        "| what | time | processor time | size | SSIM |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\nAt the same settings **{found['same_times_litpose_speed']:.2f}x** as fast as litpose and "
        f"**{found['same_times_ffmpeg_seconds']:.2f}** of ffmpeg's time; our default "
        f"**{found['default_times_litpose_speed']:.2f}x** as fast as litpose."
    )


def only_changed(folder: Path, pairs: int, quick: bool) -> str:
    """Pose again after a review of 1 % of the frames."""
    part = folder / "changed"
    part.mkdir()
    found = changed.measure(part, pairs, 1_000 if quick else 5_000)
    return (
        "| frames | changed | full run | again | of that, decoding | again less decoding, of full |\n"
        "|---|---|---|---|---|---|\n"
        f"| {found['frames']:,} | {found['changed']} | {found['full_s']:.1f} s "
        f"| {found['rerun_s']:.2f} s | {found['decode_s']:.2f} s | **{100 * found['ratio']:.1f} %** "
        f"({100 * found['ratio_low']:.1f} to {100 * found['ratio_high']:.1f}) |"
    )


def grown(folder: Path, pairs: int, quick: bool) -> str:
    """Speed by frame size, memory by length; one run of each side at every place."""
    part = folder / "growth"
    part.mkdir()
    return growth.table(part, folder / IMAGES, quick)


def many_videos(folder: Path, pairs: int, quick: bool) -> str:
    """`cropzoom batch` over more videos, and over more workers."""
    part = folder / "many"
    part.mkdir()
    return many.table(part, folder / IMAGES, quick)


def sparsely(folder: Path, pairs: int, quick: bool) -> str:
    """The detector on every n-th frame first, and what is lost by it."""
    part = folder / "sparse"
    part.mkdir()
    return sparse.table(sparse.QUICK_FRAMES if quick else 0, part)


SECTIONS = {
    "boxes": Section(
        "Boxes",
        "Whole commands on the 1,200 frames of the sample: starting Python is most of it.",
        boxes,
    ),
    "engine": Section(
        "Prediction",
        "Imports apart; where it does not say *trained*, untrained Lightning Pose models on the sample's "
        "frames scaled to the size named. "
        "*Decode alone* and *network alone* (Lightning Pose's own network on images that are there "
        "already) are what no pipeline beats by overlapping; *of the slower* is our speed over the lower "
        "of the two. *Folded*: the same network with its batch norm folded into the convolutions, as we "
        "run it.",
        engine.table,
    ),
    "commands": Section(
        "Prediction, whole commands",
        "`predict --bbox_dir --skip_viz` on 1920x1080, resnet18 at 128x128, imports, metrics and files "
        "included.",
        engine.whole_commands,
    ),
    "growth": Section(
        "How cost grows",
        "Pose on boxes of 256 pixels with resnet18 at 128x128 by frame size; on boxes of 64 pixels at "
        "64x64 by length of the video. Imports apart, one run of each side.",
        grown,
    ),
    "many": Section(
        "Many videos",
        "`cropzoom batch` with all steps on videos of 320x240, resnet18 at 64x64, start of Python and "
        "loading of models included; then one long video with `--scheduler local`. One run each.",
        many_videos,
    ),
    "changed": Section(
        "Only what changed",
        "The sample's pose model on a video of 640x480 with a keyframe a second, after 1 % of the boxes "
        "changed in 50 suspects; the results must equal a full run's.",
        only_changed,
    ),
    "sparse": Section(
        "Every n-th frame first",
        "The sample's detector on the sample's video, sparsely (`predict --every N`) against every "
        "frame, model loaded; time is of the dense run's. How far keypoints and boxes (crop ratio 2) are "
        "from dense detection, over all frames, and from the truth, of the keypoints that can be seen. "
        "Frames that were run must have the dense run's keypoints to the last digit.",
        sparsely,
    ),
    "crop": Section(
        "Crop",
        "600 frames of 1920x1080 to 512x512, imports apart; the sample's frames scaled up, with light "
        "noise. SSIM is against the uncompressed crop, median over the frames.",
        crops,
    ),
    "viewer": Section(
        "The viewer",
        "Software OpenGL, a window of 1500x940.",
        viewer,
    ),
    "review": Section(
        "The review at 1,000,000 frames",
        "Software OpenGL, a window of 1500x950 with all docks, one edit in 100 frames, a tiny still "
        "video. Times are medians until the window has painted; one run. All of it goes through napari's "
        "canvas.",
        review,
    ),
    "window": Section(
        "The window",
        "Software OpenGL. Steps, edits and slider on a video of 320x240; beats of a 10 ms timer on the "
        "window's thread while the steps run on the sample from the dock.",
        window,
    ),
}


QUICK = ("boxes", "engine", "crop")
"""What ``--quick`` measures unless told otherwise."""


def _text(section: Section, folder: Path, pairs: int, quick: bool) -> str:
    sys.stderr.write(f"{section.title} ...\n")
    body = section.measure(folder, pairs, quick)
    sys.stderr.write(f"{body}\n")
    where = f"{machine()}, {datetime.date.today()}" + (", quick" if quick else "")
    return f"## {section.title}\n\n{section.about}\n\n{body}\n\n*{where}*\n"


def with_section(page: str, title: str, text: str) -> str:
    """Replace a section of the page, or add it where it is new."""
    pattern = re.compile(rf"## {re.escape(title)}\n.*?(?=\n## |\Z)", re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: text.rstrip() + "\n", page, count=1)
    return page.rstrip() + "\n\n" + text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help=f"fewer frames, one pair, only {', '.join(QUICK)}: 3 minutes"
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS)
    parser.add_argument("--output", type=Path, default=REPORT, help="page to write")
    options = parser.parse_args()
    names = options.only or (QUICK if options.quick else tuple(SECTIONS))
    page = HEAD
    if options.output.exists() and len(names) < len(SECTIONS):
        page = options.output.read_text(encoding="utf-8")
    pairs = 1 if options.quick else options.pairs
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, IMAGES)
        images.mkdir()
        for name in names:
            section = SECTIONS[name]
            text = _text(section, Path(folder), pairs, options.quick)
            page = with_section(page, section.title, text)
            options.output.write_text(page, encoding="utf-8")
            shutil.copytree(images, options.output.parent / IMAGES, dirs_exist_ok=True)
    sys.stderr.write(f"written: {options.output}\n")


if __name__ == "__main__":
    main()
