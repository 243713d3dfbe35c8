"""``export``: boxes or keypoints for another program."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Choices, Verbs, add_verb, any_path
from napari_cropzoom.cli.inputs import check_is_of, print_note, video_facts
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.files.formats.outside_rows import VideoFacts


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    give = add_verb(verbs, common, "export", export, "write boxes or keypoints for another program")
    give.add_argument(
        "file",
        type=any_path,
        nargs="+",
        help="boxes (*_bbox.csv) or predictions of one video, a file an animal",
    )
    give.add_argument("--video", type=any_path, required=True, help="the video that they are of")
    give.add_argument(
        "--to", choices=Choices(export_names), metavar="FORMAT", required=True, help="one of %(choices)s"
    )
    give.add_argument("--output", type=any_path, required=True, help="the file, or folder, to be written")
    give.add_argument("--overwrite", action="store_true", help="replace a file of that name")


def export_names() -> list[str]:
    """Names of all exports, of boxes and of keypoints."""
    from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS

    return [*(each.name for each in EXPORTS), *(each.name for each in POSE_EXPORTS)]


def export(args: argparse.Namespace) -> None:
    """Read all files, which must be of one kind, and write the one."""
    from napari_cropzoom.files.belonging import GIVE_OTHERS
    from napari_cropzoom.files.formats import registry
    from napari_cropzoom.files.formats.outside_rows import BoxesOut, PosesOut
    from napari_cropzoom.files.formats.predictions import Predictions

    names = animal_names(args.file)
    registry.check_places(args.to, args.output, args.video, names, args.file, overwrite=args.overwrite)
    for file in args.file:
        check_is_of(file, args.video, GIVE_OTHERS)
    kinds = {isinstance(registry.format_of(file), Predictions) for file in args.file}
    is_poses = args.to in {each.name for each in registry.POSE_EXPORTS}
    if kinds != {is_poses}:
        wants, has = ("keypoints", "boxes") if is_poses else ("boxes", "keypoints")
        ways = registry.EXPORTS if is_poses else registry.POSE_EXPORTS
        fitting = ", ".join(each.name for each in ways)
        raise CropzoomError(
            f"{args.file[0]}: has {has}, and {args.to} is for {wants}. For {has}: {fitting}."
        )
    video = video_facts(args.video)
    if is_poses:
        from napari_cropzoom.files.predictions_csv import read_predictions

        poses = [read_predictions(file, video.n_frames) for file in args.file]
        chosen = registry.get_pose_export(args.to)
        chosen.write(args.output, PosesOut(dict(zip(names, poses, strict=True)), video))
    else:
        tracks = [_boxes(file, video) for file in args.file]
        registry.get_export(args.to).write(
            args.output, BoxesOut(dict(zip(names, tracks, strict=True)), video)
        )
    print(f"{counted(len(names), 'animal')} of {video.name} exported to {args.output}")


def _boxes(file: Path, video: VideoFacts) -> FloatArray:
    from napari_cropzoom.files.formats.registry import read_boxes

    return read_boxes(file, video.n_frames, allow_missing=True, frame_size=video.size, notify=print_note)


def animal_names(files: list[Path]) -> list[str]:
    """Names of the animals: what tells the files apart, their own names or those of their folders.

    Raises
    ------
    CropzoomError
        If nothing does.
    """
    if len(files) == 1:
        return ["animal"]
    names = [file.stem.removesuffix("_bbox") for file in files]
    if len(set(names)) < len(names):
        folders = [file.absolute().parent for file in files]
        names = [(each.parent if each.name.startswith("bboxes_") else each).name for each in folders]
    if len(set(names)) < len(names):
        raise CropzoomError(
            f"{files[0]}: two files have the same name and folder. Rename one of the folders."
        )
    return names
