"""``create_bbox``: boxes round the keypoints of a detector."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_model_and_inputs,
    add_output_dir,
    add_sizing,
    add_verb,
    output_dir_words,
    sizing_of,
)
from napari_cropzoom.cli.inputs import (
    bbox_file,
    check_predictions,
    check_replaceable,
    expand,
    is_video,
    predictions_of,
    print_note,
    tell_doubt,
)
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted, verb

if TYPE_CHECKING:
    from napari_cropzoom.core.smoothing.sizing import SizingSettings
    from napari_cropzoom.engine.model_folder import ModelFolder


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    create = add_verb(
        verbs, common, "create_bbox", create_bbox, "put boxes round the detector's keypoints"
    )
    add_model_and_inputs(create)
    add_output_dir(create)
    add_sizing(create)


def create_bbox(args: argparse.Namespace) -> None:
    """Boxes of every input, beside its predictions; the videos themselves need not be there."""
    from napari_cropzoom.engine.model_folder import ModelFolder

    model = ModelFolder.open(args.model_dir, need_checkpoint=False, results=args.output_dir)
    settings = sizing_of(args)
    files = expand(args.input_path, may_be_absent=lambda file: predictions_of(model, file).is_file())
    for file in files:
        preds = predictions_of(model, file)
        if not preds.is_file():
            command = shell_line(["cropzoom", "predict", args.model_dir, file, *output_dir_words(args)])
            raise CropzoomError(
                f"{preds}: there are no predictions of {file.name}. Run `{command}` first."
            )
    for file in files:
        print(f"creating bboxes for {file.name}", flush=True)
        output = bbox_file(model, file, None)
        check_replaceable(output, file, args.overwrite)
        _create(file, predictions_of(model, file), output, settings, model)


def _create(file: Path, preds: Path, output: Path, settings: SizingSettings, model: ModelFolder) -> None:
    import numpy as np

    from napari_cropzoom.core.boxes import LARGEST_FRAME
    from napari_cropzoom.core.plausible import FRAMES_AWAY
    from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints, told_of_small
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.bbox_table import checked_frames
    from napari_cropzoom.files.belonging import check_made_of, on_trust, sign
    from napari_cropzoom.files.predictions_csv import read_predictions_table

    n_frames: int | None = None
    size: tuple[int, int] | None = None
    if is_video(file):
        recorded = _recorded_extent(preds, file)
        is_known = recorded is not None or check_made_of(preds, file)
        n_frames, size = recorded or _extent_of(file)
    else:
        is_known = True
        check_predictions(preds, file)
    table = read_predictions_table(preds, n_frames)
    if n_frames is not None and not is_known:
        print_note(on_trust(preds))
    elif not is_known:
        tell_doubt(preds)
    try:
        boxes = boxes_from_keypoints(table.poses(), settings)
    except CropzoomError as error:
        raise CropzoomError(f"{preds}: {error}") from error
    if np.isnan(boxes[:, 0]).all():
        cure = "Predict again" if settings.min_likelihood is None else "Give a lower --min_likelihood"
        raise CropzoomError(
            f"{preds}: no frame has a keypoint that counts, so there would be no box at all; "
            f"{output.name} is as it was. {cure}."
        )
    side, most = np.nanmax(boxes[:, 2:]), FRAMES_AWAY * max(size or (LARGEST_FRAME,))
    if side > most:
        raise CropzoomError(
            f"{preds}: the largest box would have {side:.0f} pixels a side, and more than {most} are no "
            "part of a frame. A keypoint lies far off, or --crop_ratio or --crop_size is too large."
        )
    boxes = checked_frames(preds, boxes, size, "refuse", print_note)
    write_bbox_csv(output, boxes, table.index if table.is_labeled_frames else None)
    sign(output, file)
    print(f"boxes of {file.name} saved to {output}", flush=True)
    missing = int(np.isnan(boxes[:, 0]).sum())
    if missing:
        them = f"{counted(missing, 'frame')} {verb(missing, 'have')}"
        print(f"{them} no keypoint that counts and no box; fill the gaps in `cropzoom review`")
    small = told_of_small(boxes, model.image_size)
    if small:
        print_note(small)


def _recorded_extent(preds: Path, file: Path) -> tuple[int, tuple[int, int]] | None:
    """Frames of a video and their size by the record of its predictions, which spares reading the video.

    None where there is no record, or the video is not here.

    Raises
    ------
    CropzoomError
        If the predictions are of another video.
    """
    from napari_cropzoom.files.belonging import check_identity, made_of

    identity = made_of(preds)
    if identity is None:
        return None
    try:
        check_identity(preds, identity, file)
    except OSError:
        return None
    frames, width, height = (identity.get(name) for name in ("frames", "width", "height"))
    if isinstance(frames, int) and isinstance(width, int) and isinstance(height, int):
        return frames, (width, height)
    return None


def _extent_of(file: Path) -> tuple[int | None, tuple[int, int] | None]:
    """Frames of a video and their size; None of a video that is not here, as is told."""
    from napari_cropzoom.video.index import VideoIndex

    try:
        index = VideoIndex.scan(file)
    except CropzoomError:
        why = "cannot be read" if file.is_file() else "is not here"
        print_note(f"{file.name} {why}, so the number of frames and their size could not be checked")
        return None, None
    return index.n_frames, (index.width, index.height)
