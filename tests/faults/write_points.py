"""Every place that writes a file a person counts on, and a small real run of it.

A test compares the list with the calls of ``atomic_path`` and ``atomic_folder`` in the source, so a new
place is named here too, with what it does under the faults.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import napari_cropzoom

SOURCE = Path(napari_cropzoom.__file__).parent
N = 12
OUTSIDE = "files.formats.outside"
BOXES = np.column_stack([np.arange(N) * 2.0, np.arange(N), np.full(N, 40), np.full(N, 40)]).astype(float)


@dataclass(frozen=True)
class WritePoint:
    """A place that writes.

    Attributes
    ----------
    where : str
        ``module.function`` that calls `atomic_path` or `atomic_folder`.
    output : str
        The file it writes, below the folder it is given.
    run : callable
        Writes it into a folder, in which :func:`prepare` has put a video.
    same_bytes : bool
        Whether two runs write the same bytes; an encoder on a busy machine may not.
    """

    where: str
    output: str
    run: Callable[[Path], object]
    same_bytes: bool = True


def prepare(folder: Path) -> None:
    """Put a video into a folder, and boxes into another one in it."""
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from videos import make_numbered_video

    make_numbered_video(folder / "v.mp4", N, size=(160, 120))
    write_bbox_csv(folder / "boxes" / "v_bbox.csv", BOXES)


def _boxes(folder: Path) -> None:
    from napari_cropzoom.files.bbox_csv import write_bbox_csv

    write_bbox_csv(folder / "out" / "v_bbox.csv", BOXES)


def _smoothing_note(folder: Path) -> None:
    from napari_cropzoom.files.bbox_csv import write_metadata

    write_metadata(folder / "out", "median", 5, folder)


def _poses(shift: float = 0):
    from napari_cropzoom.core.poses import Poses

    xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1)) + np.arange(N)[:, None, None]
    return Poses(("nose", "tail"), xy * (1 + shift), np.ones((N, 2)))


def _remapped(folder: Path) -> None:
    from napari_cropzoom.files.predictions_csv import read_predictions_table, write_predictions

    write_predictions(folder / "out" / "remapped_v.csv", _poses())
    table = read_predictions_table(folder / "out" / "remapped_v.csv")
    table.write(folder / "out" / "remapped_v.csv")


def _review(folder: Path) -> None:
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.files.review_paths import save_final

    raw, video = folder / "out" / "v_bbox.csv", folder / "v.mp4"
    save_final(raw, video, BOXES, SmoothingSettings("median", 5), {"raw": raw.name})


def _exact_boxes(folder: Path) -> None:
    from napari_cropzoom.files.bbox_csv import write_exact_bbox_csv

    write_exact_bbox_csv(folder / "out" / "v_bbox.csv", BOXES + 0.25)


def _signed(folder: Path) -> None:
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.belonging import sign

    write_bbox_csv(folder / "out" / "v_bbox.csv", BOXES)
    sign(folder / "out" / "v_bbox.csv", folder / "v.mp4")


def crop(folder: Path, shift: float = 0) -> None:
    """Crop the video to boxes that lie ``shift`` pixels to the right."""
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.crop.crop import crop_video

    boxes = np.add(BOXES, [shift, 0, 0, 0])
    run_stage(crop_video(folder / "v.mp4", boxes, folder / "out" / "cropped_v.mp4"))


def _crop_record(folder: Path) -> None:
    from napari_cropzoom.crop.record import CropRecord, write_side_file

    write_side_file(folder / "out" / "cropped_v.json", CropRecord("v.mp4", BOXES, (40, 40), 30.0))


def _motion(folder: Path) -> None:
    from napari_cropzoom.core.inspection.motion import Motion
    from napari_cropzoom.detection.evidence import write_motion

    write_motion(folder / "out" / "v_motion.npz", Motion(BOXES[:, None], np.ones((N, 1))))


def _progress(folder: Path) -> None:
    from napari_cropzoom.cli.progress import ProgressFile

    ProgressFile(folder / "out" / "progress.json")


def outputs(folder: Path, shift: float = 0) -> None:
    """Write predictions, their record and their metrics."""
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.engine.outputs import write_outputs
    from napari_cropzoom.files.provenance import MadeWith

    record = MadeWith({}, "cpu", {"bytes": 5}, BOXES)
    stage = write_outputs(
        _poses(shift), folder / "out" / "v.csv", folder / "v.mp4", SimpleNamespace(data={}),
        metrics=True, labeled_video=None, record=record,
    )  # fmt: skip
    run_stage(stage)


def _batch_table(folder: Path) -> None:
    from napari_cropzoom.batch.results import Result, write_results

    write_results(folder / "out" / "batch.csv", [Result(folder / "v.mp4", "done", frames=N)])


def _project_table(folder: Path) -> None:
    from napari_cropzoom.projects.states import VideoState
    from napari_cropzoom.projects.table import write_csv

    write_csv(folder / "out" / "project.csv", [VideoState(folder / "v.mp4", n_frames=N)])


def _labeled_image(folder: Path) -> None:
    from napari_cropzoom.projects.labeling import write_image

    write_image(folder / "out" / "img00000001.png", np.arange(7500, dtype=np.uint8).reshape(50, 50, 3))


def _labeled_record(folder: Path) -> None:
    from napari_cropzoom.projects.review_labels.record import write_record

    write_record(folder / "out" / "labels_made_of.json", {"img00000001.png": {"frame": 1}})


def _known_states(folder: Path) -> None:
    from napari_cropzoom.projects.known_states import write_known

    write_known(folder / "out" / "known.json", {"v.mp4": {"stamps": [], "state": {}}})


def _places(folder: Path) -> None:
    from napari_cropzoom.files.review_paths import write_places

    write_places(folder / "out" / "places.json", {"v.mp4": {"results": "", "reviews": ["v_bbox.csv"]}})


def _errors(folder: Path) -> None:
    from napari_cropzoom.core.scores import Comparison
    from napari_cropzoom.engine.training.evaluation import write_errors

    found = Comparison(("a.png",), ("nose",), np.ones((1, 1)), np.ones((1, 1)), (None,), 1.0, 1.0)
    write_errors(folder / "out" / "errors.csv", found)


def _shown(folder: Path) -> None:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video

    out = folder / "out" / "shown.mp4"
    run_stage(write_labeled_video(folder / "v.mp4", out, Shown(boxes=BOXES), overwrite=True))


def _still(folder: Path) -> None:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.export.labeled_video import Shown, write_labeled_video

    out = folder / "out" / "shown.png"
    run_stage(write_labeled_video(folder / "v.mp4", out, Shown(boxes=BOXES, last=0), overwrite=True))


def _report(folder: Path) -> None:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.export.report.facts import ReportSettings
    from napari_cropzoom.export.report.report import write_report

    asked = ReportSettings(folder / "v.mp4", folder / "boxes" / "v_bbox.csv", pixels=False)
    run_stage(write_report(asked, folder / "out" / "v.html", overwrite=True))


def _overview(folder: Path) -> None:
    from napari_cropzoom.export.report.overview import VideoRow, write_overview

    write_overview([VideoRow("v.mp4")], 1, folder / "out" / "all.html", "Reviews", overwrite=True)


def _figure(folder: Path) -> None:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.export.figure import Figure, write_figure

    run_stage(write_figure(folder / "v.mp4", folder / "out" / "v.svg", Figure(), overwrite=True))


def _imported(folder: Path) -> None:
    from napari_cropzoom.files.formats.to_tracks import ImportedTrack
    from napari_cropzoom.files.formats.written import write_imported

    track = ImportedTrack("animal", BOXES, np.linspace(0.5, 0.9, N))
    write_imported(folder / "out" / "v_bbox.csv", folder / "v.mp4", track)


def _exports() -> list[WritePoint]:
    """Every export that needs no other package, one a place that writes."""
    from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS

    found = {}
    for each in (*EXPORTS, *POSE_EXPORTS):
        module = type(each).__module__.removeprefix("napari_cropzoom.")
        if module.startswith(OUTSIDE) and not getattr(each, "packages", ()):
            output = each.patterns[0].replace("*", "v")
            found[module] = WritePoint(f"{module}.write", output, _exported(each.name, output))
    return list(found.values())


def _exported(name: str, output: str) -> Callable[[Path], None]:
    """Write boxes, or keypoints, for another program."""

    def run(folder: Path) -> None:
        from napari_cropzoom.files.formats import registry
        from napari_cropzoom.files.formats.outside_rows import BoxesOut, PosesOut, VideoFacts

        video, path = VideoFacts("v.mp4", 160, 120, N, 30.0), folder / "out" / output
        if name in {each.name for each in registry.EXPORTS}:
            registry.get_export(name).write(path, BoxesOut({"animal": BOXES}, video))
        else:
            registry.get_pose_export(name).write(path, PosesOut({"animal": _poses()}, video))

    return run


def _training_begins(folder: Path) -> None:
    from napari_cropzoom.engine.training.status import PENDING, _write

    _write(folder / "out", {"status": PENDING, "pid": 1})


def _made_config(folder: Path) -> None:
    from napari_cropzoom.engine.training.making import Recipe, make_config, write_config

    content = make_config(folder / "labels.csv", ("nose", "tail"), Recipe(), "made")
    write_config(folder / "out" / "config_made.yaml", content)


def _comparison(folder: Path) -> None:
    from napari_cropzoom.projects.stages import write_comparison

    write_comparison(folder / "out" / "errors.csv", [{"body_part": "nose", "labels": 3}])


def _compared_detectors(folder: Path) -> None:
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.comparing import Improvement, write_compared

    found = Improvement("old", "new", (), (1.0, 2.0), n_labels=3, n_images=1)
    write_compared(ModelFolder.without_model(folder / "out"), found)


def _predicted_part(folder: Path) -> None:
    from napari_cropzoom.batch.parts import write_predicted
    from napari_cropzoom.engine.incremental import PredictedPart

    numbers = np.arange(N)
    part = PredictedPart(numbers, np.ones((N, 2, 2)), np.ones((N, 2)), numbers[:0], {}, "cpu")
    write_predicted(folder / "out" / "part.npz", part)


def _cropped_part(folder: Path) -> None:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.crop.encoders import EncoderSettings
    from napari_cropzoom.crop.parts import crop_part

    size = 40, 40
    output = folder / "out" / "part.mp4"
    run_stage(crop_part(folder / "v.mp4", BOXES, [0], size, EncoderSettings(), "pad", output))


WRITE_POINTS = [
    WritePoint("files.bbox_csv.write_bbox_csv", "v_bbox.csv", _boxes),
    WritePoint("files.bbox_csv.write_metadata", "metadata.json", _smoothing_note),
    WritePoint("files.predictions_csv.write", "remapped_v.csv", _remapped),
    WritePoint("files.review_paths.save_final", "bboxes_reviewed/metadata.json", _review),
    WritePoint("files.bbox_csv.write_exact_bbox_csv", "v_bbox.csv", _exact_boxes),
    WritePoint("files.belonging._write", "v_bbox.csv", _signed),
    WritePoint("crop.crop._write", "cropped_v.mp4", crop),
    WritePoint("crop.record.write_side_file", "cropped_v.json", _crop_record),
    WritePoint("detection.evidence.write_motion", "v_motion.npz", _motion),
    WritePoint("cli.progress._write", "progress.json", _progress),
    WritePoint("files.atomic.put_in_place", "v.csv", outputs),
    WritePoint("batch.results.write_results", "batch.csv", _batch_table),
    WritePoint("projects.table.write_csv", "project.csv", _project_table),
    WritePoint("projects.labeling.write_image", "img00000001.png", _labeled_image),
    WritePoint("projects.review_labels.record.write_record", "labels_made_of.json", _labeled_record),
    WritePoint("files.review_paths.write_places", "places.json", _places),
    WritePoint("projects.known_states.write_known", "known.json", _known_states),
    WritePoint("engine.training.evaluation.write_errors", "errors.csv", _errors),
    WritePoint("engine.training.status._write", "train_status.json", _training_begins),
    WritePoint("engine.training.making.write_config", "config_made.yaml", _made_config),
    WritePoint("projects.stages.write_comparison", "errors.csv", _comparison),
    WritePoint("batch.parts.write_predicted", "part.npz", _predicted_part),
    WritePoint("crop.parts.crop_part", "part.mp4", _cropped_part),
    WritePoint("projects.comparing.write_compared", "compared.json", _compared_detectors),
    WritePoint("export.labeled_video.write_labeled_video", "shown.mp4", _shown, same_bytes=False),
    WritePoint("export.labeled_video._write_still", "shown.png", _still),
    WritePoint("export.report.report.write_report", "v.html", _report),
    WritePoint("export.report.overview.write_overview", "all.html", _overview),
    WritePoint("export.figure.write_figure", "v.svg", _figure),
    WritePoint("files.formats.written.write_confidence", "v_bbox.csv", _imported),
    *_exports(),
]

ELSEWHERE = {
    "files.atomic.check_writable": "writes nothing: a trial",
    "files.atomic.put_beside": "where a file is open: tests/engine/test_labeled_frames.py",
    "engine.outputs.write_labeled_video": "of the labeled video: tests/engine/test_predict.py",
    "engine.labeled_frames.predict_csv": "needs a model: tests/engine/test_labeled_frames.py",
    "engine.labeled_frames.crop_csv": "needs a model: tests/engine/test_labeled_frames.py",
    f"{OUTSIDE}.keypoints.sleap.write": "needs sleap-io: scripts/check_formats.sh",
    "engine.onnx.build.build": "needs torch's exporter: tests/engine/onnx/test_build.py",
    "engine.onnx.note.write_note": "in the user's own folder, left out where it cannot be written",
}
"""Places that are tried elsewhere, and where."""


def places_in_source() -> set[str]:
    """Every function that calls `atomic_path` or `atomic_folder`, as ``module.function``."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        module = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = (each for each in ast.walk(function) if isinstance(each, ast.Call))
                names = {getattr(each.func, "id", getattr(each.func, "attr", "")) for each in calls}
                if names & {"atomic_path", "atomic_folder"}:
                    found.add(f"{module}.{function.name}")
    return found
