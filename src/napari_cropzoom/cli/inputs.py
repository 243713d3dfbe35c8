"""What a person named on the command line, as files that are there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.names import is_hidden, name_key, real_path
from napari_cropzoom.video.diagnosis import bare_stream, why_missing
from napari_cropzoom.video.names import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.files.formats.outside_rows import VideoFacts

MOST_NAMED = 3
CREATE = "cropzoom create_bbox"


def is_video(path: Path) -> bool:
    """Whether the file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def expand(
    paths: Sequence[Path],
    *,
    csv: bool = True,
    may_be_absent: Callable[[Path], bool] = lambda _: False,
    written: bool = True,
) -> list[Path]:
    """Files to work on, directories replaced by the videos in them, by name.

    Parameters
    ----------
    paths : sequence of Path
    csv : bool
        Whether label CSV files are accepted as well as videos.
    may_be_absent : callable
        Whether a file need not be there, because what is wanted of it is.
    written : bool
        Whether files are named after them, so that two of one name are refused.

    Raises
    ------
    CropzoomError
        If a file is missing or of another kind, or a directory holds no video; nothing has been done by
        then.
    """
    files = [file for path in paths for file in (_videos_in(path) if path.is_dir() else [path])]
    for file in files:
        _check(file, csv, may_be_absent)
    if written:
        _check_stems(files)
    return files


def _videos_in(directory: Path) -> list[Path]:
    videos = sorted(file for file in directory.iterdir() if is_video(file) and not is_hidden(file))
    if not videos:
        raise CropzoomError(
            f"{directory}: holds no video ({', '.join(VIDEO_SUFFIXES)}). Give a video or "
            "another directory."
        )
    return videos


def _check(file: Path, csv: bool, may_be_absent: Callable[[Path], bool]) -> None:
    if not file.is_file() and not may_be_absent(file):
        raise CropzoomError(f"{file}: {why_missing(file)}")
    wanted = ", ".join((*VIDEO_SUFFIXES, ".csv") if csv else VIDEO_SUFFIXES)
    if not (is_video(file) or (csv and file.suffix == ".csv")):
        cure = bare_stream(file) or f"this kind of file is not supported. Give one of: {wanted}."
        raise CropzoomError(f"{file}: {cure}")


def _check_stems(files: list[Path]) -> None:
    """Refuse two inputs whose outputs some disk takes for one: ``A.mp4`` and ``a.mov``."""
    seen: dict[str, Path] = {}
    for file in files:
        other = seen.setdefault(name_key(file.stem if is_video(file) else file.name), file)
        if real_path(other) != real_path(file):
            raise CropzoomError(
                f"{file}: would be written to the same files as {other}. Rename one, or "
                "give one at a time, each with its own --output_dir."
            )


def boxes_of(file: Path, bbox_dir: Path) -> Path:
    """Boxes of an input in a directory of boxes."""
    return bbox_dir / (f"{file.stem}_bbox.csv" if is_video(file) else "bbox.csv")


def predictions_of(model: ModelFolder, file: Path) -> Path:
    """Where the predictions of an input lie."""
    if is_video(file):
        return model.predictions_csv(file)
    return model.image_preds_dir / file.name / "predictions.csv"


def check_video(path: Path) -> None:
    """Refuse what is no video, before a model is loaded for it.

    Raises
    ------
    CropzoomError
        If the file is missing or FFmpeg cannot read it.
    """
    from napari_cropzoom.video.container import opened

    with opened(path):
        pass


def can_be_read(video: Path) -> bool:
    """Whether FFmpeg opens a video."""
    try:
        check_video(video)
    except CropzoomError:
        return False
    return True


def video_facts(path: Path) -> VideoFacts:
    """Frames, size and rate of a video, for formats of other programs.

    Raises
    ------
    CropzoomError
        If it is missing or cannot be read.
    """
    from napari_cropzoom.files.formats.outside_rows import VideoFacts
    from napari_cropzoom.video.index import VideoIndex

    index = VideoIndex.scan(path)
    size = index.width, index.height
    return VideoFacts(path.name, *size, index.n_frames, float(index.rate), str(path))


def check_boxes(path: Path, file: Path, *, create: str = CREATE, is_given: bool = True) -> None:
    """Refuse a missing table of boxes of a video or labels file, and say how it comes there.

    Parameters
    ----------
    path, file : Path
    create : str
        The command that makes boxes.
    is_given : bool
        Whether a person named the directory.

    Raises
    ------
    CropzoomError
        If the table is not there.
    """
    from napari_cropzoom.files.review_paths import REVIEW_DIR

    if path.is_file():
        return
    if path.parent.name == REVIEW_DIR:
        raise CropzoomError(f"{path}: {_how_to_save(path, file, create)}")
    others = sorted(other.name for other in path.parent.glob("*_bbox.csv") if not is_hidden(other))
    if others and is_video(file):
        more = ", ..." if len(others) > MOST_NAMED else ""
        named = ", ".join(brief(name) for name in others[:MOST_NAMED])
        there = f" for {file.name}, only {named}{more}"
    else:
        there = "" if path.parent.is_dir() else f", and no folder {path.parent.name}"
    other = "or give another --bbox_dir" if is_given else "or give --bbox_dir"
    raise CropzoomError(f"{path}: there are no boxes{there}. Run `{create}`, {other}.")


def _how_to_save(path: Path, file: Path, create: str) -> str:
    """How reviewed boxes come where there are none yet."""
    from napari_cropzoom.files.review_paths import journal_file

    raw = path.parent.with_name(path.name)
    if not raw.is_file():
        return (
            f"nothing was saved there yet, and there are no boxes to review. Run `{create}`, "
            "look at them in `cropzoom review`, and save them."
        )
    command = shell_line(["cropzoom", "review", file, "--bbox", raw])
    state = "the review was begun, but not saved" if journal_file(raw).is_file() else "nothing was saved"
    return (
        f"{state} yet. Open it with `{command}` and press Save review in step Export (in Python "
        "`session.save()`)."
    )


def check_predictions(predictions: Path, file: Path) -> None:
    """Refuse predictions of another video or of other labels; those on trust are told.

    Raises
    ------
    CropzoomError
        If they are of another one, or have no record and other frames.
    """
    from napari_cropzoom.files.belonging import CURE, check_made_of, on_trust
    from napari_cropzoom.files.predictions_csv import read_predictions_table

    if check_made_of(predictions, file):
        return
    try:
        rows = _n_frames(file) if is_video(file) else read_predictions_table(file).index
    except CropzoomError as error:
        print_note(f"{predictions}: whether it is of this file could not be checked ({error})")
        tell_doubt(predictions)
        return
    if isinstance(rows, int):
        read_predictions_table(predictions, rows)
    elif read_predictions_table(predictions).index != rows:
        raise CropzoomError(f"{predictions}: is of other images than {file}. {CURE}")
    print_note(on_trust(predictions))


def _n_frames(video: Path) -> int:
    from napari_cropzoom.video.index import VideoIndex

    return VideoIndex.scan(video).n_frames


def check_replaceable(output: Path, file: Path, overwrite: bool) -> None:
    """Refuse to replace a table that was made of another video or labels file, unless told to.

    One that is open in another program is refused too: here, since the work may be long.

    Raises
    ------
    CropzoomError
    """
    from napari_cropzoom.files.atomic import check_free, naming
    from napari_cropzoom.files.belonging import check_made_of

    with naming(output):
        check_free(output)
    if not overwrite:
        check_made_of(output, file)
        tell_doubt(output)


def check_is_of(table: Path, file: Path, cure: str) -> None:
    """Refuse a table that was made of another video or labels file; say if its record cannot be read.

    Raises
    ------
    CropzoomError
        With both and ``cure``.
    """
    from napari_cropzoom.files.belonging import check_made_of

    check_made_of(table, file, cure)
    tell_doubt(table)


def tell_doubt(table: Path) -> None:
    """Print that the record of a table is there, but cannot be read; see `files.belonging.doubt_of`."""
    from napari_cropzoom.files.belonging import doubt_of

    if told := doubt_of(table):
        print_note(told)


def read_boxes(path: Path, video: Path, *, is_given: bool = True) -> FloatArray:
    """Boxes of a video, checked against it, its frames and their size; what is doubtful is printed.

    With ``is_given`` False, they are those of a model's own folder, not of one that a person named.
    """
    from napari_cropzoom.cli.smoothing import told_of_smoothing_before
    from napari_cropzoom.files.belonging import CURE, GIVE_OTHERS, check_made_of, on_trust
    from napari_cropzoom.files.formats import registry
    from napari_cropzoom.video.video import Video

    with Video(video) as source:
        size = (source.width, source.height)
        is_known = check_made_of(path, video, GIVE_OTHERS if is_given else CURE)
        boxes = registry.read_boxes(path, source.n_frames, frame_size=size, notify=print_note)
    if not is_known:
        print_note(on_trust(path))
    tell_fractions(path, boxes)
    if told := told_of_smoothing_before(path, boxes):
        print_note(told)
    return boxes


def tell_fractions(path: Path, boxes: FloatArray) -> None:
    """Say where boxes lie between pixels: networks and crops get whole ones."""
    import numpy as np

    between = int((np.nan_to_num(boxes % 1) != 0).any(axis=1).sum())
    if between:
        print_note(
            f"{path}: {between} of {counted(len(boxes), 'box')} {verb(between, 'lie')} between pixels; "
            "whole pixels are used"
        )


def tell_fractions_of_labels(path: Path) -> None:
    """Do so for the boxes of labeled frames, and say that their record cannot be read."""
    from napari_cropzoom.files.bbox_csv import read_labeled_bbox

    tell_fractions(path, read_labeled_bbox(path)[1])
    tell_doubt(path)


def print_note(line: str) -> None:
    """Print what a person should know, on standard error: standard output may be for a program."""
    print(f"note: {line}", file=sys.stderr, flush=True)


def bbox_file(model: ModelFolder, file: Path, bbox_dir: Path | None) -> Path:
    """Where the boxes of an input lie."""
    if bbox_dir is not None:
        return boxes_of(file, bbox_dir)
    return model.bbox_csv(file) if is_video(file) else model.image_preds_dir / file.name / "bbox.csv"


def read_boxes_for_pose(video: Path, bbox_dir: Path) -> FloatArray:
    """Boxes of a video as :func:`read_boxes`, NaN where its review says that no animal is there."""
    from napari_cropzoom.files.review_paths import without_absent

    path = boxes_of(video, bbox_dir)
    return without_absent(read_boxes(path, video), path, video)
