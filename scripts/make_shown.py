"""Make what the page *Show it* of the documentation shows: of a review of the sample, by the commands.

    python scripts/make_shown.py [--work FOLDER]

Detector, boxes, review, pose model, then ``cropzoom show``, ``figure`` and ``report``, into
``docs/shown``. The reviewer is the simulated one of the benchmarks, who sees the truth of the sample and
works as a person would. With ``--work`` predictions that are there already are used again. Takes four
minutes on two cores.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from napari_cropzoom.cli import main as cropzoom
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.demo import copy_models
from napari_cropzoom.detection.evidence import pixel_evidence
from napari_cropzoom.files.review_paths import review_dir
from napari_cropzoom.review.session import Session
from napari_cropzoom.sample import SampleProject, sample_project, true_boxes
from napari_cropzoom.video.video import Video

ROOT = Path(__file__).parents[1]
LARGEST = 1_000_000  # bytes of a file in the documentation
FRAME = 1010
sys.path.insert(0, str(ROOT / "benchmarks"))

from review_person import Reviewer  # noqa: E402


def main() -> None:
    """Make all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="folder to work in (default: one that is removed)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "shown")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(args.work or Path(folder), args.output)


def make(work: Path, output: Path) -> None:
    """Run every step in ``work``, and put what is shown into ``output``."""
    sample = sample_project()
    project = copy_models(sample, work)
    video = project.video
    raw = project.detector / "video_preds" / f"{video.stem}_bbox.csv"
    run("predict", project.detector, video, "--skip_viz")
    shutil.rmtree(review_dir(raw), ignore_errors=True)
    raw.unlink(missing_ok=True)
    boxes = review(sample, raw.with_name(f"{video.stem}.csv"), raw)
    run("predict", project.pose, video, "--bbox_dir", boxes.parent, "--skip_viz", "--overwrite")
    preds = project.pose / "video_preds" / f"{video.stem}.csv"
    output.mkdir(parents=True, exist_ok=True)
    both = ["--bbox", boxes, "--preds", preds, "--overwrite"]
    before = [*both, "--before", raw]
    run(
        "report",
        video,
        "--bbox",
        raw,
        "--preds",
        preds,
        "--output",
        output / "report.html",
        "--overwrite",
    )
    show = ["--layout", "timeline", "--range", "960:1050", "--scale", "0.5", "--names", "--trail", "15"]
    run("show", video, *before, *show, "--output", output / "labeled.mp4")
    figure = ["figure", video, "--frame", FRAME, "--px_per_mm", "2"]
    run(*figure, *before, "--output", output / "frame.png", "--dpi", "150")
    run(*figure, *both, "--kind", "crop", "--names", "--width", "70", "--output", output / "crop.svg")
    run(*figure, *both, "--kind", "trajectory", "--width", "180", "--output", output / "trajectory.svg")
    run(*figure, *before, "--kind", "timeline", "--width", "180", "--output", output / "timeline.svg")
    for path in sorted(output.iterdir()):
        size = path.stat().st_size
        print(f"{size / 1e3:8.0f} kB  {path.name}")
        if size > LARGEST:
            raise SystemExit(f"{path}: has {size} bytes, too many for the documentation")


def review(sample: SampleProject, preds: Path, raw: Path) -> Path:
    """Put boxes round the detector's keypoints and correct what is suspicious; the final boxes' file."""
    with Video(sample.video) as video:
        session = Session(video)
        try:
            session.load_predictions("detector", preds)
            session.suspects.motion = run_stage(pixel_evidence(sample.video))
            session.create_boxes(SizingSettings(min_likelihood=0.1), raw)
            Reviewer(session, true_boxes(sample, SizingSettings())).work()
            session.smoothing = SmoothingSettings("gaussian", 9)
            return session.save()
        finally:
            session.close()


def run(*words: object) -> None:
    """Run a command of cropzoom."""
    if cropzoom([str(word) for word in words]) != 0:
        raise SystemExit(f"cropzoom {words[0]} failed")


if __name__ == "__main__":
    main()
