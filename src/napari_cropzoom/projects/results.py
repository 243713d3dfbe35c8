"""Where the results of a video lie: keypoints, boxes, reviews, crops."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from napari_cropzoom.crop.record import record_path as crop_record
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import METADATA
from napari_cropzoom.files.belonging import record_path
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import REVIEW_DIR, journal_file, reviewed_csv
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import POSE
from napari_cropzoom.review.finding import PREDICTIONS_DIR, find_reviews
from napari_cropzoom.review.saved_files import stamp_of


@dataclass(frozen=True)
class ModelResult:
    """A file that a model has made, and the model."""

    path: Path
    model: ModelFolder


@dataclass(frozen=True)
class Results:
    """What there is of one video.

    Attributes
    ----------
    video : Path
    detected : tuple of ModelResult
        Keypoints in whole frames.
    posed : tuple of ModelResult
        Keypoints of pose models, in pixels of the full frame.
    on_crop : tuple of ModelResult
        Those that are still in pixels of the crop.
    raws : tuple of Path
        Boxes, those that count first: with the newest review, or else the newest.
    crops : tuple of Path
    smoothed : tuple of Path
    """

    video: Path
    detected: tuple[ModelResult, ...] = ()
    posed: tuple[ModelResult, ...] = ()
    on_crop: tuple[ModelResult, ...] = ()
    raws: tuple[Path, ...] = ()
    crops: tuple[Path, ...] = ()
    smoothed: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, project: Project, video: Path, results: Path | None = None, also: Iterable[Path] = ()
    ) -> Results:
        """Look for the results of a video; nothing is read.

        Parameters
        ----------
        project : Project
        video : Path
        results : Path or None
            Folder for its results; None for that of the project, or else the usual places.
        also : iterable of Path
            Raw boxes whose review is known from before.
        """
        results = results or project.results_of(video)
        used = [(m.kind, m.folder) for m in project.models if m.folder is not None]
        models = [(kind, replace(folder, results=results)) for kind, folder in used]
        if results is not None:  # what was made before a folder was chosen counts too
            models += used
        everywhere = [ModelResult(folder.predictions_csv(video), folder) for _, folder in models]
        kinds = [kind for kind, _ in models]
        cropped = f"cropped_{video.stem}.csv"
        back = [ModelResult(f.path.with_name(f"remapped_{cropped}"), f.model) for f in everywhere]
        posed = [each for each, kind in zip(everywhere, kinds, strict=True) if kind == POSE] + back
        places = {folder.video_preds_dir for _, folder in models}
        if results is not None:  # the models may lie elsewhere
            places.update(_prediction_folders(results))
        reviews = find_reviews(video, results, [each.parent for each in places], also)
        near = results or video.parent
        return cls(
            video,
            _there(each for each, kind in zip(everywhere, kinds, strict=True) if kind != POSE),
            _there(posed),
            _there(ModelResult(f.path.with_name(cropped), f.model) for f in everywhere),
            tuple(dict.fromkeys([*reviews, *_raws(video, near, places)])),
            tuple(_files(folder.cropped_video(video) for _, folder in models)),
            tuple(_smoothed(video, near, [folder.output for _, folder in models])),
        )

    @property
    def inputs(self) -> list[Path]:
        """Every file that the state of the video is worked out from, there or not."""
        found = list[Path]()
        for each in (*self.detected, *self.posed, *self.on_crop):
            checkpoint = [each.model.checkpoint] if each.model.checkpoint else []
            found += [each.path, made_with_path(each.path), record_path(each.path), *checkpoint]
        for raw in self.raws:
            final = reviewed_csv(raw, self.video)
            found += [raw, journal_file(raw), final, record_path(raw), record_path(final)]
            found.append(final.with_name(METADATA))
        for crop in self.crops:
            found += [crop, crop_record(crop)]
        return [self.video, *dict.fromkeys([*found, *self.smoothed])]


def _there(found: Iterable[ModelResult]) -> tuple[ModelResult, ...]:
    return tuple(each for each in found if each.path.is_file())


def _prediction_folders(results: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(results.glob(f"*/{PREDICTIONS_DIR}"))
    return []


def _files(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_file()]


def _raws(video: Path, near: Path, places: Iterable[Path]) -> list[Path]:
    """Raw boxes that nobody has reviewed, the newest first."""
    name = f"{video.stem}_bbox.csv"
    folders = [*places, near]
    with contextlib.suppress(OSError):
        folders += [each for each in near.glob("bboxes_*") if each.name != REVIEW_DIR]
    found = [path for path in _files(folder / name for folder in folders) if not _is_smoothed(path)]
    return sorted(found, key=lambda path: -(stamp_of(path) or (0, 0))[1])


def _smoothed(video: Path, near: Path, outputs: Iterable[Path]) -> list[Path]:
    """Boxes in folders ``bboxes_smoothed*`` beside the video and in the models' folders."""
    found = list[Path]()
    for folder in dict.fromkeys([near, *outputs, *(each / "video_preds" for each in outputs)]):
        with contextlib.suppress(OSError):
            found += _files(each / f"{video.stem}_bbox.csv" for each in folder.glob("bboxes_smoothed*"))
    return found


def _is_smoothed(path: Path) -> bool:
    return path.parent.name.startswith("bboxes_smoothed")
