"""``smooth_bbox``: every file of boxes in a directory, smoothed into another one."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from napari_cropzoom.cli.arguments import (
    OVERWRITE,
    SMOOTH_WINDOW,
    Choices,
    Verbs,
    add_verb,
    any_path,
    positive_int,
    smoothing_methods,
)
from napari_cropzoom.cli.inputs import print_note, tell_doubt
from napari_cropzoom.cli.outcomes import Outcomes
from napari_cropzoom.cli.smoothing import count_left, smoothed_boxes, told_of_smoothing
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.names import real_path


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    smooth = add_verb(verbs, common, "smooth_bbox", smooth_bbox, "smooth every *_bbox.csv of a directory")
    smooth.add_argument("bbox_dir", type=any_path, help="directory of *_bbox.csv files")
    smooth.add_argument("--output_dir", type=any_path, required=True, help="where the smoothed files go")
    smooth.add_argument(
        "--method",
        choices=Choices(smoothing_methods),
        metavar="METHOD",
        default="median",
        help="one of %(choices)s (default: median)",
    )
    smooth.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    smooth.add_argument(
        "--window", type=positive_int, default=SMOOTH_WINDOW, help=f"frames (default: {SMOOTH_WINDOW})"
    )


def smooth_bbox(args: argparse.Namespace) -> None:
    """Every ``*_bbox.csv`` of a directory, smoothed into another one."""
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv, write_metadata
    from napari_cropzoom.files.belonging import made_of, sign_as
    from napari_cropzoom.files.names import is_hidden

    source, target = args.bbox_dir, args.output_dir
    if not source.is_dir():
        kind = "is a file, not a directory" if source.exists() else "there is no such directory"
        raise CropzoomError(f"{source}: {kind}. Give the one with the *_bbox.csv files.")
    if real_path(target) == real_path(source):
        raise CropzoomError(f"{target}: would overwrite the raw boxes. Give another --output_dir.")
    if target.is_file():
        raise CropzoomError(f"{target}: is a file, not a folder. Give another --output_dir.")
    all_files = sorted(source.iterdir())  # raises where it may not be read, as a pattern does not
    files = [file for file in all_files if file.name.endswith("_bbox.csv") and not is_hidden(file)]
    if not files:
        raise CropzoomError(f"{source}: holds no *_bbox.csv file. Run `cropzoom create_bbox` first.")
    print(f"smoothing bboxes in {source}")
    settings = SmoothingSettings(args.method, args.window)
    outcomes, tracks = Outcomes(files), {}

    def read(file: Path) -> str:
        before, now = made_of(target / file.name), made_of(file)
        tell_doubt(file)
        if before and now and before["sample"] != now["sample"] and not args.overwrite:
            raise CropzoomError(
                f"{target / file.name}: has boxes of another video than {file}. Give another "
                "--output_dir, or --overwrite."
            )
        tracks[file] = read_bbox_csv(file)
        return "not done"

    def write(file: Path) -> str:
        output = target / file.name
        write_bbox_csv(output, smoothed_boxes(tracks[file], settings))
        sign_as(output, file)
        print(f"smoothed {file.name} → {output}", flush=True)
        count = count_left(tracks[file], settings)
        if told := told_of_smoothing(output, count, len(tracks[file]), "Give a smaller --window"):
            print_note(told)
        return f"saved to {output}"

    good = [file for file in files if outcomes.attempt(file, partial(read, file))]
    for file in good:
        outcomes.attempt(file, partial(write, file))
    outcomes.finish()
    write_metadata(target, args.method, args.window, source)
    print(f"saved smoothed bboxes to {target}")
