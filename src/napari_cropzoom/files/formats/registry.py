"""The formats that boxes are read from, and exported to.

To add one, write its module and name it in :data:`FORMATS`, or in :data:`EXPORTS`: file dialogs, commands
and the step *Export* are made from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults, FrameSize
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, doubt_of, sign
from napari_cropzoom.files.formats.base import BoxExport, BoxFormat, PoseExport
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside.coco import Coco
from napari_cropzoom.files.formats.outside.cvat import Cvat
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import DeepLabCutCsv, LightningPoseCsv
from napari_cropzoom.files.formats.outside.keypoints.sleap import Sleap, SleapNwb
from napari_cropzoom.files.formats.outside.mot import Mot
from napari_cropzoom.files.formats.outside.movement import Movement
from napari_cropzoom.files.formats.outside.via import Via
from napari_cropzoom.files.formats.predictions import Predictions
from napari_cropzoom.files.formats.table import BboxDir, BoxTable
from napari_cropzoom.files.names import real_path

FORMATS: tuple[BoxFormat, ...] = (BoxTable(), Predictions())
EXPORTS: tuple[BoxExport, ...] = (BoxTable(), BboxDir(), Mot(), Coco(), Via(), Cvat(), Movement())
POSE_EXPORTS: tuple[PoseExport, ...] = (LightningPoseCsv(), DeepLabCutCsv(), Sleap(), SleapNwb())


def format_of(path: Path) -> BoxFormat:
    """Return the format of a file.

    A file that no format recognises counts as the first one, whose reader says what is wrong with it.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for
        return FORMATS[0]
    return next((each for each in FORMATS if each.recognises(path)), FORMATS[0])


def get_export(name: str) -> BoxExport:
    """Return an export by its name.

    Raises
    ------
    CropzoomError
        If there is none of that name.
    """
    for each in EXPORTS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in EXPORTS)
    raise CropzoomError(f"There is no export {name!r}. Choose one of: {known}.")


def get_pose_export(name: str) -> PoseExport:
    """Return an export of keypoints by its name; errors as of :func:`get_export`."""
    for each in POSE_EXPORTS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in POSE_EXPORTS)
    raise CropzoomError(f"There is no export {name!r} of keypoints. Choose one of: {known}.")


def check_places(
    name: str,
    path: Path,
    video: Path,
    animals: Sequence[str],
    sources: Iterable[Path],
    *,
    overwrite: bool = True,
) -> None:
    """Refuse to export over the video, over what is exported, or over what is not to be replaced.

    Parameters
    ----------
    name : str
        Of the export.
    path : Path
        What is to be written, a file or the folder of several.
    video : Path
    animals : sequence of str
        Their names.
    sources : iterable of Path
        The files that boxes or keypoints come from.
    overwrite : bool
        Whether other files may be replaced.

    Raises
    ------
    CropzoomError
    """
    places = BboxDir.places(path, video.stem, animals) if name == BboxDir.name else [path]
    originals = {real_path(source) for source in (video, *sources)}
    for place in places:
        if real_path(place) in originals:
            raise CropzoomError(
                f"{place}: is the video, or what is to be exported. Give another name or folder."
            )
        if place.is_file() and not overwrite:
            raise CropzoomError(f"{place}: is there already. Give another --output, or --overwrite.")


def read_boxes(
    path: Path,
    n_frames: int | None = None,
    *,
    allow_missing: bool = False,
    frame_size: FrameSize | None = None,
    faults: Faults = "refuse",
    notify: Notify = ignore,
) -> FloatArray:
    """Return the boxes of a file of any format, (T, 4) ``x, y, w, h``, NaN rows where missing.

    Parameters and errors are those of :func:`napari_cropzoom.files.bbox_csv.read_bbox_csv`.
    """
    found = format_of(path)
    return found.read(path, n_frames, allow_missing, frame_size=frame_size, faults=faults, notify=notify)


def as_table(
    path: Path,
    folder: Path,
    video: Path,
    n_frames: int,
    frame_size: FrameSize | None = None,
    notify: Notify = ignore,
) -> Path:
    """Return a file of boxes that a review can lie beside: ``path``, or what it is rewritten to.

    Parameters
    ----------
    path : Path
        Of any format.
    folder : Path
        Where a file of another format is rewritten to ``bboxes_<format>/<video>_bbox.csv``, in whole
        pixels, without what is no box.
    video : Path
        The video or labels file that the boxes are to be of.
    n_frames : int
        Frames of the video.
    frame_size : (int, int), optional
        Its width and height in pixels.
    notify : callable
        Takes a line for a person.

    Raises
    ------
    CropzoomError
        As :func:`read_boxes`, if the file cannot be written, or it or what is there already is known to
        be of another video.
    """
    found = format_of(path)
    if isinstance(found, BoxTable):
        return path
    check_made_of(path, video, GIVE_OTHERS)
    if told := doubt_of(path):
        notify(told)
    table = folder / f"bboxes_{found.name}" / f"{video.stem}_bbox.csv"
    check_made_of(table, video)
    boxes = found.read(path, n_frames, True, frame_size=frame_size, faults="skip", notify=notify)
    write_bbox_csv(table, boxes)
    sign(table, video)
    return table


def dialog_filter() -> str:
    """Return what a file dialog offers to open, such as ``Boxes (*.csv);;All (*)``.

    Files of other programs are among it; what one is, is told by its content all the same.
    """
    own = {pattern for each in FORMATS for pattern in each.patterns}
    others = {pattern for each in OUTSIDE for pattern in each.patterns}
    patterns = " ".join(sorted(own | others))
    return f"Boxes ({patterns});;All (*)"
