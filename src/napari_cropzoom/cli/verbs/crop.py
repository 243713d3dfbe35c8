"""``crop``: several videos side by side; no torch unless labelled frames are cropped."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_edge,
    add_encoding,
    add_model_and_inputs,
    add_output_dir,
    add_verb,
    any_path,
    encoding,
    output_dir_words,
    positive_int,
)
from napari_cropzoom.cli.inputs import (
    bbox_file,
    check_boxes,
    expand,
    is_video,
    read_boxes,
    tell_fractions_of_labels,
)
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.cli.side_by_side import NamedStage, run_side_by_side
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import verb

if TYPE_CHECKING:
    from napari_cropzoom.engine.model_folder import ModelFolder

CORES_PER_VIDEO = 2  # what decoding and encoding one video keep busy


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    cut = add_verb(verbs, common, "crop", crop, "cut the boxes out of videos or labelled frames")
    add_model_and_inputs(cut)
    cut.add_argument(
        "--bbox_dir", type=any_path, help="directory of boxes (default: those of create_bbox)"
    )
    add_output_dir(cut)
    add_encoding(cut)
    add_edge(cut)
    cut.add_argument(
        "--jobs",
        type=positive_int,
        default=usual_jobs(),
        help=f"videos at a time (default: {usual_jobs()}, one for every {CORES_PER_VIDEO} cores)",
    )
    cut.add_argument(
        "--encode_all",
        "--anew",  # its name before
        dest="encode_all",
        action="store_true",
        help="encode all of a crop that is there already, not only where the boxes have changed",
    )


def usual_jobs() -> int:
    """How many videos this machine crops at a time."""
    return max(1, (os.cpu_count() or 1) // CORES_PER_VIDEO)


def crop(args: argparse.Namespace) -> None:
    """Crops of videos and labelled frames, where ``litpose crop`` puts them."""
    from napari_cropzoom.crop.encoders import check_works

    files = expand(args.input_path)
    is_given = args.bbox_dir is not None
    model = place_of(args, files)
    for file in files:
        create = shell_line(["cropzoom", "create_bbox", args.model_dir, file, *output_dir_words(args)])
        check_boxes(bbox_file(model, file, args.bbox_dir), file, create=create, is_given=is_given)
    check_works(args.encoder)
    # training a pose model on cropped images wants a folder of videos, even if it stays empty
    model.cropped_videos_dir.mkdir(parents=True, exist_ok=True)
    videos = [file for file in files if is_video(file)]
    tasks = [
        NamedStage(
            video.name, partial(_crop_video, args, video, bbox_file(model, video, args.bbox_dir), output)
        )
        for video, output in ((video, model.cropped_video(video)) for video in videos)
    ]
    failed = run_side_by_side(tasks, args.jobs, "cropping")
    for file in (file for file in files if not is_video(file)):
        from napari_cropzoom.engine.labeled_frames import crop_csv

        print(f"cropping {file.name}", flush=True)
        tell_fractions_of_labels(bbox_file(model, file, args.bbox_dir))
        labels = run_with_bar(crop_csv(model, file, args.bbox_dir), f"cropping {file.name}")
        print(f"saved to {labels}, the images in {model.cropped_data_dir}", flush=True)
    if failed:
        done, n = len(files) - len(failed), len(files)
        others = f" {done} of {n} files {verb(done, 'were')} cropped." if n > 1 else ""
        raise CropzoomError(" ".join(str(error) for error in failed) + others)


def place_of(args: argparse.Namespace, files: list[Path]) -> ModelFolder:
    """The model's folder; any folder will do for videos whose boxes are given, since no model is run.

    Raises
    ------
    CropzoomError
        If it is no model, and labelled frames or the boxes of ``create_bbox`` are to be found in it.
    """
    from napari_cropzoom.engine.model_folder import ModelFolder

    folder, is_given = args.model_dir, args.bbox_dir is not None
    is_plain = folder.is_dir() and not (folder / "config.yaml").exists()
    if is_plain and is_given and all(is_video(file) for file in files):
        return ModelFolder.without_model(folder, args.output_dir)
    return ModelFolder.open(folder, need_checkpoint=False, results=args.output_dir)


def _crop_video(args: argparse.Namespace, video: Path, bbox: Path, output: Path) -> Stage[str]:
    """Crop one video with the boxes of a file; what to say of it is the result."""
    from napari_cropzoom.crop.crop import crop_video
    from napari_cropzoom.crop.record import check_crop_of

    yield Progress(0, 0, "boxes")
    told = "" if args.overwrite else check_crop_of(output, video)
    made = yield from crop_video(
        video,
        read_boxes(bbox, video, is_given=args.bbox_dir is not None),
        output,
        encoding=encoding(args),
        edge=args.edge,
        encode_all=args.encode_all,
    )
    note = "; ".join(filter(None, (made.note, told)))
    return f"saved to {made.video}" + (f" ({note})" if note else "")
