"""The commands that go on from a review, with the models that belong to its video."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.review_paths import review_dir
from napari_cropzoom.video.checks import suits_litpose
from napari_cropzoom.widgets.controller import Controller

PLACEHOLDERS = {"detector": Path("DETECTOR_FOLDER"), "pose": Path("POSE_FOLDER")}


def tool_for(controller: Controller) -> str:
    """``litpose``, or ``cropzoom`` where ``litpose`` would take other frames or write elsewhere."""
    session = controller.session
    is_plain = session is not None and suits_litpose(session.video.index, controller.frames_opencv)
    if session is not None and session.tracks.own_raw is not None:
        return "cropzoom"  # since litpose would write over what is of the first animal
    return "litpose" if is_plain else "cropzoom"


def commands(controller: Controller) -> list[str]:
    """Lines for a shell that use the reviewed boxes; a model that is not known has a placeholder."""
    session = controller.session
    if session is None or session.raw_csv is None:
        return []
    video, boxes, tool = session.video.path, review_dir(session.raw_csv), tool_for(controller)
    detector, pose = model_path(controller, "detector"), model_path(controller, "pose")
    own, first = session.tracks.own_raw, session.tracks.first.raw_csv
    output = () if own is None else ("--output_dir", own.parent)
    return [
        shell_line((tool, "crop", detector, video, "--bbox_dir", boxes, *output)),
        shell_line((tool, "predict", pose, video, "--bbox_dir", boxes, *output)),
        shell_line(("cropzoom", "review", video, "--bbox", first or session.raw_csv)),
    ]


def model_path(controller: Controller, role: str) -> Path:
    """Folder of the model that belongs to the video, not of one chosen for the video before.

    That is the one whose folder the boxes lie in, one chosen since the video was opened, or one whose
    predictions of it are there.
    """
    session = controller.session
    model: ModelFolder | None = getattr(controller, role)
    raw = session.tracks.first.raw_csv if session is not None else None
    if raw is not None and role == "detector":
        folder = raw.parent.parent
        if raw.parent.name == "video_preds" and (folder / "config.yaml").is_file():
            return folder
    if model is None or session is None:
        return PLACEHOLDERS[role]
    is_used = model.predictions_csv(session.video.path).is_file()
    return model.path if is_used or role in controller.chosen else PLACEHOLDERS[role]
