"""``import_bbox``: boxes of another program as raw boxes of a video, one file an animal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    OVERWRITE,
    Choices,
    Verbs,
    add_verb,
    any_path,
    positive_int,
    ratio,
)
from napari_cropzoom.cli.inputs import check_replaceable, print_note, video_facts
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.names import real_path

if TYPE_CHECKING:
    from napari_cropzoom.files.formats.to_tracks import ImportedTrack


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    take = add_verb(
        verbs, common, "import_bbox", import_bbox, "take boxes, centres or keypoints of another program"
    )
    take.add_argument("file", type=any_path, help="what the other program wrote: a file, or its folder")
    take.add_argument("--video", type=any_path, required=True, help="the video that they are of")
    where = "where <video>_bbox.csv goes; of several animals in a folder for each"
    take.add_argument("--output_dir", type=any_path, required=True, help=where)
    take.add_argument(
        "--format",
        choices=Choices(format_names),
        metavar="FORMAT",
        help="instead of what is recognised, one of %(choices)s; the last two say how a table is meant",
    )
    take.add_argument("--track", nargs="+", default=(), metavar="NAME", help="only these animals")
    take.add_argument("--first_frame", type=int, choices=(0, 1), help="number of the first frame")
    size = take.add_mutually_exclusive_group()
    size.add_argument("--crop_size", type=positive_int, help="side in pixels of boxes round points")
    size.add_argument(
        "--crop_ratio", type=ratio, help="the same in spans of keypoints, or lengths of the body"
    )
    take.add_argument("--cm_per_pixel", type=positive, help="where the file has cm (TRex)")
    take.add_argument("--overwrite", action="store_true", help=OVERWRITE)


def format_names() -> list[str]:
    """Names of all formats."""
    from napari_cropzoom.files.formats.importing import format_names

    return format_names()


def positive(text: str) -> float:
    """A number greater than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number greater than 0, not {text}")
    return value


def import_bbox(args: argparse.Namespace) -> None:
    """Read, say how it was understood, write."""
    from napari_cropzoom.files.formats.outside_rows import ImportOptions
    from napari_cropzoom.files.formats.separate_process import read_in_own_process
    from napari_cropzoom.files.formats.written import check_same, write_imported, written_paths

    options = ImportOptions(
        tracks=tuple(args.track),
        first_frame=args.first_frame,
        crop_size=args.crop_size,
        crop_ratio=args.crop_ratio,
        cm_per_pixel=args.cm_per_pixel,
    )
    found = read_in_own_process(args.file, video_facts(args.video), options, args.format)
    tracks = found.settled.tracks
    for line in found.told():
        print(line, flush=True)
    for note in found.notes:
        print_note(note)
    paths = written_paths(args.output_dir, args.video, tracks)
    for path, track in zip(paths, tracks, strict=True):
        if real_path(path) == real_path(args.file):
            raise CropzoomError(f"{path}: is the file that is imported. Give another --output_dir.")
        check_replaceable(path, args.video, args.overwrite)
        if not args.overwrite:
            check_same(path, track)
    for path, track in zip(paths, tracks, strict=True):
        write_imported(path, args.video, track)
        print(f"{track.name} saved to {path}{_told_of_gaps(track)}", flush=True)


def _told_of_gaps(track: ImportedTrack) -> str:
    missing = int(track.is_missing.sum())
    if not missing:
        return ""
    them = "it" if missing == 1 else "them"
    count = f"{counted(missing, 'frame')} {verb(missing, 'have')} no box"
    return f"; {count}, fill {them} in `cropzoom review`"
