"""``cropzoom demo``: the sample project, every step, then napari on the result."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cropzoom.app import add_docks, find_dock, has_screen, open_review
from napari_cropzoom.app import settle as settle_window
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage, Tenths, run_stage
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.review_paths import review_dir
from napari_cropzoom.review.session import Session
from napari_cropzoom.sample import SampleProject, errors_from_truth, sample_project, true_boxes
from napari_cropzoom.video.video import Video
from napari_cropzoom.worker.stages import EngineCache, builtin_stages

if TYPE_CHECKING:
    import napari

    from napari_cropzoom.widgets.tour.presenter import Presenter

SCREEN = "-screen 0 1600x1000x24"
UNDER_XVFB = "NAPARI_CROPZOOM_UNDER_XVFB"
SIZES = {"wide": (1500, 940), "narrow": (900, 600)}
SIZING = SizingSettings(crop_ratio=1.75, min_likelihood=0.1)
"""Boxes that hold the whole animal, so that the pose model sees about twice as finely as the detector."""


@dataclass(frozen=True)
class DemoProject:
    """A copy of the sample's models that outputs may go into."""

    video: Path
    detector: Path
    pose: Path


def run_demo(output: Path) -> int:
    """Run every step on a copy of the sample's models under ``output``, then show the result.

    Without a screen it goes on under ``xvfb-run`` and leaves pictures in ``output/screenshots``.

    Raises
    ------
    CropzoomError
        If the sample is not here, or there is neither a screen nor ``xvfb-run``.
    """
    sample = sample_project()
    project = copy_models(sample, output)
    if not reviewed(project).is_file():
        run_steps(project)
        say(does_cropping_pay(project, sample.truth))
    if has_screen():
        return show(project, output)
    return again_under_xvfb(output)


def copy_models(sample: SampleProject, output: Path) -> DemoProject:
    """Copy the models that are not there yet; the video stays where it is."""
    for source in (sample.detector, sample.pose):
        target = output / source.name
        if not (target / "config.yaml").is_file():
            shutil.copytree(source, target, dirs_exist_ok=True)
    return DemoProject(sample.video, output / sample.detector.name, output / sample.pose.name)


def reviewed(project: DemoProject) -> Path:
    """Keypoints of the pose model: the last file the demo writes."""
    return ModelFolder.open(project.pose).predictions_csv(project.video)


def run_steps(project: DemoProject) -> None:
    """Detect, box, smooth, crop, pose: what the dock's buttons do, one after the other."""
    stages = builtin_stages(EngineCache())
    video, detector = project.video, ModelFolder.open(project.detector)
    run("Detect", stages["predict"]({"model": project.detector, "video": video}))
    session = Session(Video(video))
    try:
        session.load_predictions("detector", detector.predictions_csv(video))
        session.smoothing = SmoothingSettings("gaussian", 5)
        session.create_boxes(SIZING, detector.bbox_csv(video))
        boxes = session.save()
    finally:
        session.close()
    output = detector.cropped_video(video)
    run("Crop", stages["crop"]({"video": video, "bbox_csv": boxes, "output": output}))
    run("Pose", stages["predict"]({"model": project.pose, "video": video, "bbox_csv": boxes}))


def does_cropping_pay(project: DemoProject, truth: Path) -> str:
    """The errors of both models on the sample, whose truth is known, in a sentence."""
    medians = []
    for folder in (project.detector, project.pose):
        found = read_predictions(ModelFolder.open(folder).predictions_csv(project.video))
        errors, is_fair = errors_from_truth(truth, found)
        medians.append(float(np.nanmedian(errors[is_fair])))
    return (
        f"Median error in frames no model was trained on, hard places left out: detector on the full "
        f"frame {medians[0]:.1f} px, pose model on the crops {medians[1]:.1f} px."
    )


def run(title: str, stage: Stage[dict[str, Any]]) -> dict[str, Any]:
    """Run a stage and say how far it is."""
    tenths = Tenths()

    def report(progress: Progress) -> None:
        if tenths.is_new(progress):
            say(f"{title}: {progress.done} of {progress.total} {progress.text}")

    say(f"{title} …")
    start = time.monotonic()
    result = run_stage(stage, report)
    say(f"{title}: done in {time.monotonic() - start:.0f} s")
    return result


def say(text: str) -> None:
    """Write a line for the person who waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def again_under_xvfb(output: Path) -> int:
    """Start the demo again on a screen in memory; the steps are done by then."""
    runner = shutil.which("xvfb-run")
    if runner is None:
        raise CropzoomError(
            f"The steps are done, their outputs are in {output}, but there is no screen for napari. "
            "Install xvfb (it brings xvfb-run), or run on a desktop."
        )
    code = (
        "from pathlib import Path; from napari_cropzoom.demo import run_demo; "
        f"raise SystemExit(run_demo(Path({str(output)!r})))"
    )
    command = [runner, "-a", "-s", SCREEN, sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, UNDER_XVFB: "1"}, check=False).returncode


def show(project: DemoProject, output: Path) -> int:
    """Open napari on the result; on a screen in memory take pictures instead."""
    import napari

    viewer = napari.Viewer(title="napari-cropzoom demo")
    open_review(viewer, project.video, detector=project.detector, pose=project.pose)
    if os.environ.get(UNDER_XVFB):
        take_pictures(viewer, output / "screenshots")
        viewer.close()
    else:
        napari.run()
    return 0


def present(output: Path) -> int:
    """Show every step in the window by itself, at a speed one can talk over, on a copy of the models.

    Models run if they have not been presented before; what the detector found then is used again.

    Raises
    ------
    CropzoomError
        If the sample is not here, or there is no screen.
    """
    if not has_screen():
        raise CropzoomError("There is no screen to present on. Run it on a desktop, or under `xvfb-run`.")
    import napari

    sample = sample_project()
    viewer = napari.Viewer(title="napari-cropzoom")
    begin_presentation(viewer, sample, copy_models(sample, output))
    napari.run()
    return 0


def begin_presentation(
    viewer: napari.viewer.Viewer,
    sample: SampleProject,
    project: DemoProject,
    pace: float = 1.0,
    first: int = 0,
) -> Presenter:
    """Begin to present in a window; a review of a presentation before is removed.

    Parameters
    ----------
    viewer : napari.Viewer
    sample : SampleProject
        Says where the animal is in truth.
    project : DemoProject
        Of which nothing but predictions is kept.
    pace : float
        2 waits half as long.
    first : int
        Frame of the sample that the project's video begins with.
    """
    from napari_cropzoom.widgets.tour.presenter import Presenter

    raw = ModelFolder.open(project.detector).bbox_csv(project.video)
    shutil.rmtree(review_dir(raw), ignore_errors=True)
    raw.unlink(missing_ok=True)
    ModelFolder.open(project.pose).predictions_csv(project.video).unlink(missing_ok=True)
    right = true_boxes(sample, SIZING, seen_only=True)
    dock = add_docks(viewer)

    def open_video() -> None:
        dock["video"].open(project.video)
        dock["detect"].choose_model(project.detector)
        dock["pose"].choose_model(project.pose)

    presenter = Presenter(dock, open_video, lambda frame: Box(*right[first + frame]), pace)
    presenter.begin()
    return presenter


def take_pictures(viewer: napari.viewer.Viewer, folder: Path) -> list[Path]:
    """Photograph the window: two themes, two sizes, the steps that show most."""
    dock = find_dock(viewer)
    assert dock is not None
    folder.mkdir(parents=True, exist_ok=True)
    session = dock.controller.session
    assert session is not None
    dock.controller.go_to(session.n_frames // 3)
    settle(3.0)  # the timeline of all frames is made meanwhile
    made = []
    for theme in ("dark", "light"):
        viewer.theme = theme
        for size, (width, height) in SIZES.items():
            viewer.window.resize(width, height)
            settle(0.5)
            settle_window(viewer)
            for step in ("review", "smooth", "pose"):
                dock.open_step(step)
                settle(0.8)
                path = folder / f"{theme}_{size}_{step}.png"
                viewer.screenshot(str(path), canvas_only=False, flash=False)
                made.append(path)
    say(f"Screenshots in {folder.resolve()}")
    return made


def settle(seconds: float) -> None:
    """Let the window draw."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
