"""The commands that go on from a review as the window does, with the models that belong to its video."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.files.review_paths import review_dir, reviewed_csv
from napari_cropzoom.video.checks import suits_litpose
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.steps.parts.encoding import stored_encoding

PLACEHOLDERS = {"detector": Path("DETECTOR_FOLDER"), "pose": Path("POSE_FOLDER")}
REMAPPED = "remapped_cropped_"


def why_cropzoom(controller: Controller) -> str:
    """Why the lines are for ``cropzoom``; empty where ``litpose`` takes and writes the same files."""
    session = controller.session
    if session is None or not suits_litpose(session.video.index, controller.frames_opencv):
        return "since litpose would take other frames of this video"
    if session.tracks.own_raw is not None:
        return "which has a folder of its own for this animal's results"
    if controller.results is not None:
        return "which writes to the folder for results that you chose"
    if not (_crop_folder(controller) / "config.yaml").is_file():
        return "since litpose crops into the folder of a model only, and these boxes lie in none"
    if stored_encoding() != EncoderSettings():
        return "which encodes as you chose in step Crop"
    return ""


def commands(controller: Controller) -> list[str]:
    """Lines for a shell that write what the steps Crop and Pose write of the reviewed boxes.

    A pose model that is not known has a placeholder.
    """
    session = controller.session
    if session is None or session.raw_csv is None:
        return []
    tool = "cropzoom" if why_cropzoom(controller) else "litpose"
    video, raw, pose = session.video.path, session.raw_csv, _pose_folder(controller)
    own, first, results = session.tracks.own_raw, session.tracks.first.raw_csv, controller.results
    chosen = () if results is None else ("--output_dir", results)
    output = chosen if own is None else ("--output_dir", own.parent)
    place, detector = _crop_folder(controller), controller.detector
    crop: tuple[object, ...] = (place, video, "--bbox_dir", review_dir(raw))
    if own is not None:
        crop += output
    elif detector is not None and detector.output == place != detector.path:
        crop = (detector.path, *crop[1:], *output)
    lines = [shell_line((tool, "crop", *crop, *_encoding_words()))]
    shown, cropped = controller.keypoint_files.get(("pose", session.keypoints.animal())), None
    if shown is not None and shown.name.startswith(REMAPPED):
        cropped = controller.crop_output()
    if shown is None or cropped is None:
        lines.append(shell_line((tool, "predict", pose, video, "--bbox_dir", review_dir(raw), *output)))
    else:
        preds = shown.with_name(f"{cropped.stem}.csv")
        lines.append(shell_line((tool, "predict", pose, cropped, *output)))
        lines.append(shell_line((tool, "remap", preds, reviewed_csv(raw, video))))
    return [*lines, shell_line(("cropzoom", "review", video, "--bbox", first or raw, *chosen))]


def _crop_folder(controller: Controller) -> Path:
    """Folder in which, by its name for a further animal, the step Crop has ``cropped_videos``."""
    session = controller.session
    first = None if session is None else session.tracks.first.raw_csv
    return PLACEHOLDERS["detector"] if first is None else first.parent.parent


def _encoding_words() -> list[str]:
    """Options of how the step Crop encodes, where it is not as usual."""
    chosen, usual = stored_encoding(), EncoderSettings()
    words = {"--encoder": "encoder", "--preset": "preset", "--crf": "crf"}
    return [
        word
        for option, name in words.items()
        if getattr(chosen, name) != getattr(usual, name)
        for word in (option, f"{getattr(chosen, name)}".removesuffix(".0"))
    ]


def _pose_folder(controller: Controller) -> Path:
    """Folder of the pose model that belongs to the video, not of one chosen for the video before.

    That is one chosen since the video was opened, or one whose predictions of it are there.
    """
    session, model = controller.session, controller.pose
    if model is None or session is None:
        return PLACEHOLDERS["pose"]
    is_used = model.predictions_csv(session.video.path).is_file()
    return model.path if is_used or "pose" in controller.chosen else PLACEHOLDERS["pose"]
