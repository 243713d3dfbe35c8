"""Photograph the window for the documentation: Review, Smooth, Pose, and labels made by review.

    scripts/with_screen.sh python scripts/make_pictures.py [--work FOLDER]

Drives the real plugin on a copy of the sample as a project, in a folder whose name says nothing of the
machine. What models found there before is used again. Takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.app import open_review
from napari_cropzoom.demo import DemoProject, reviewed, run_steps, settle, take_pictures
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.review_paths import review_dir
from napari_cropzoom.sample import SampleProject, sample_project

if TYPE_CHECKING:
    import napari

ROOT = Path(__file__).parents[1]
STEPS = ("review", "smooth", "pose")
SIZE = (1280, 760)
SETTLED = 2.0  # seconds
sys.path.insert(0, str(ROOT / "scripts"))

from make_shown import review, run  # noqa: E402


def main() -> None:
    """Make all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "mouse"))
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    args = parser.parse_args()
    sample, lab = sample_project(), args.work / "lab"
    project = copy_sample(sample, lab)
    if not reviewed(project).is_file():
        run_steps(project)
    picture_steps(project, args.output)
    picture_labels(sample, lab, project, args.output)


def copy_sample(sample: SampleProject, lab: Path) -> DemoProject:
    """The sample as a project of its own: video, labels and models."""
    if not lab.is_dir():
        shutil.copytree(sample.video.parents[1], lab)
    models = lab / "models"
    video = lab / "videos" / sample.video.name
    return DemoProject(video, models / sample.detector.name, models / sample.pose.name)


def new_viewer() -> napari.viewer.Viewer:
    """A dark window."""
    import napari

    viewer = napari.Viewer(title="napari-cropzoom")
    viewer.theme = "dark"
    return viewer


def picture_steps(project: DemoProject, output: Path) -> None:
    """The large dark pictures of the demo."""
    viewer = new_viewer()
    open_review(viewer, project.video, detector=project.detector, pose=project.pose)
    with tempfile.TemporaryDirectory() as folder:
        taken = {path.stem: path for path in take_pictures(viewer, Path(folder))}
        for step in STEPS:
            shutil.copyfile(taken[f"dark_wide_{step}"], output / f"{step}.png")
    viewer.close()


def picture_labels(sample: SampleProject, lab: Path, project: DemoProject, output: Path) -> None:
    """A review, labels made of it, and the surest of them as the dock *Training* shows it."""
    detector = ModelFolder.open(project.detector)
    raw = detector.bbox_csv(project.video)
    shutil.rmtree(review_dir(raw), ignore_errors=True)
    raw.unlink(missing_ok=True)
    review(sample, detector.predictions_csv(project.video), raw)
    run("improve", lab, "--detector", project.detector, "--pose", project.pose)
    viewer = new_viewer()
    viewer.window.resize(*SIZE)
    _, dock = viewer.window.add_plugin_dock_widget("napari-cropzoom", "Training")
    dock.open_project(lab)
    wait_until(lambda: dock.state.looked.text)
    dock.lines.buttons["look"].click()
    page = dock.looked
    wait_until(lambda: page.current is not None)
    first = page.current
    page.buttons["previous"].click()  # of the first, which is the least sure: the last
    wait_until(lambda: page.current not in (None, first))
    settle(SETTLED)
    viewer.screenshot(str(output / "labels.png"), canvas_only=False, flash=False)
    viewer.close()


def wait_until(is_so: object, seconds: int = 60) -> None:
    """Let the window work until something is so.

    Raises
    ------
    SystemExit
        If it does not come.
    """
    assert callable(is_so)
    for _ in range(seconds * 10):
        if is_so():
            return
        settle(0.1)
    raise SystemExit("The window did not come as far as it should.")


if __name__ == "__main__":
    main()
