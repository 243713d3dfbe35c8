"""``predict`` with a model of several views: its inputs are recordings, a video of each view."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.inputs import (
    boxes_of,
    check_boxes,
    check_is_of,
    check_predictions,
    expand,
    is_video,
    print_note,
    read_boxes_for_pose,
)
from napari_cropzoom.cli.outcomes import Outcomes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.several_views import Views
    from napari_cropzoom.engine.views_predict import SeveralViews


def predict_recordings(model: ModelFolder, args: argparse.Namespace) -> None:
    """Predict every recording that has no predictions yet; everything is checked before.

    Raises
    ------
    CropzoomError
        If an option is not for models of several views, the model cannot be used here, or an input is no
        video of one of its views.
    """
    from napari_cropzoom.engine.several_views import check_model, recordings
    from napari_cropzoom.engine.views_predict import SeveralViews

    _check_options(args)
    files = expand(args.input_path)
    found = recordings(model, files)
    _check_known(model, files, found, args)
    overrides = tuple(args.overrides or ())
    outcomes = Outcomes([Path(session) for session in found])
    ready: dict[str, Views] = {}
    for session, videos in found.items():
        outcomes.attempt(Path(session), partial(_check, model, session, videos, args, ready))
    check_model(model, overrides, trust=args.trust_checkpoint)
    with SeveralViews(
        model,
        precision=args.precision,
        batch_size=args.batch_size,
        overrides=overrides,
        trust=args.trust_checkpoint,
    ) as predictor:
        for session, views in ready.items():
            outcomes.attempt(Path(session), partial(_predict, predictor, views, args))
    outcomes.finish()


def _check_options(args: argparse.Namespace) -> None:
    """Refuse what is for models of single videos."""
    given = {
        "--only_changed": args.only_changed,
        "--every": args.every > 1,
        "--runtime": args.runtime != "eager",
        "--onnx-precision": args.onnx_precision is not None,
    }
    for option in (name for name, is_given in given.items() if is_given):
        raise CropzoomError(
            f"{option}: is not for models of several views, which Lightning Pose runs by itself. "
            "Leave it out."
        )
    for file in args.input_path:
        if not is_video(file) and file.suffix == ".csv":
            raise CropzoomError(
                f"{file}: labeled frames of several views are for `litpose predict`. Give videos here."
            )


def _check_known(
    model: ModelFolder,
    files: list[Path],
    found: Mapping[str, Mapping[str, Path]],
    args: argparse.Namespace,
) -> None:
    """Refuse a video of none of the model's views; those of a folder are left out, and that is told."""
    known = {video for videos in found.values() for video in videos.values()}
    for file in files:
        if file in known:
            continue
        said = f"{file}: its name holds none of the model's views ({', '.join(model.views)})"
        if file in args.input_path or not known:
            raise CropzoomError(f"{said}. Name the videos of a recording <session>_<view>.")
        print_note(f"{said}, so it is left out")


def _check(
    model: ModelFolder,
    session: str,
    videos: Mapping[str, Path],
    args: argparse.Namespace,
    ready: dict[str, Views],
) -> str:
    """Refuse a recording that cannot be predicted; one that can goes to ``ready``."""
    from dataclasses import replace

    from napari_cropzoom.engine.several_views import open_views
    from napari_cropzoom.files.belonging import CURE

    views = open_views(model, session, videos)
    if args.bbox_dir is not None:
        files = {view: boxes_of(index.path, args.bbox_dir) for view, index in views.videos.items()}
        for view, index in views.videos.items():
            check_boxes(files[view], index.path)
        boxes = {view: read_boxes_for_pose(videos[view], args.bbox_dir) for view in files}
        views = replace(views, bbox_files=files, boxes=boxes)
    targets = {model.predictions_csv(video): video for video in views.files}
    if not args.overwrite:
        for target, video in targets.items():
            if target.exists():
                check_is_of(target, video, CURE)
        if all(target.exists() for target in targets):
            for target, video in targets.items():
                check_predictions(target, video)
            why = _why_not_the_same(model, views, args)
            print(f"skipping {session} ({why or 'prediction files already exist'})", flush=True)
            return "skipped: predicted already"
    ready[session] = views
    return "not done"


def _why_not_the_same(model: ModelFolder, views: Views, args: argparse.Namespace) -> str:
    """Why the predictions that are kept are not what a run now gives, and the cure."""
    from napari_cropzoom.engine.views_predict import SeveralViews

    now = SeveralViews(model, precision=args.precision, overrides=tuple(args.overrides or ()))
    why = now.why_not_the_same(views)
    return why and f"{why}: --overwrite runs all"


def _predict(predictor: SeveralViews, views: Views, args: argparse.Namespace) -> str:
    stage = predictor.predict(views, labeled_video=not args.skip_viz)
    paths = run_with_bar(stage, f"predicting {views.session}", args.progress_file)
    for path in paths:
        print(f"predictions saved to {path}", flush=True)
    return f"saved to {paths[0].parent}"
