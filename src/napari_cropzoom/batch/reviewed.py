"""The boxes of a saved review, which a batch takes as they are."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.progress import Notify
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.belonging import check_made_of, doubt_of
from napari_cropzoom.files.formats import registry
from napari_cropzoom.files.review_paths import journal_file, reviewed_csv
from napari_cropzoom.review.finding import read_found
from napari_cropzoom.video.index import VideoIndex


def reviewed_boxes(raw: Path, index: VideoIndex, notify: Notify) -> tuple[FloatArray | None, str]:
    """Boxes of a review that was saved, or else why the video is to be reviewed first.

    Parameters
    ----------
    raw : Path
        The boxes that were reviewed.
    index : VideoIndex
    notify : callable
        Takes lines for a person.

    Returns
    -------
    boxes : ndarray, (T, 4), or None
    why : str
        Empty where there is no review.

    Raises
    ------
    CropzoomError
        If the boxes are of another video or cannot be read.
    """
    size = (index.width, index.height)
    if journal_file(raw).is_file():
        review = read_found(raw, index.path, index.n_frames, size)
        if review is not None and not review.is_saved:
            return None, "its review has edits that were not saved: press Save review in Export"
        if review is not None and review.n_animals > 1:
            them = counted(review.n_animals, "animal")
            return None, f"{them}: give the boxes of each to `predict --bbox_dir`"
    final = reviewed_csv(raw, index.path)
    if not final.is_file():
        return None, ""
    check_made_of(final, index.path)
    if told := doubt_of(final):
        notify(told)
    return registry.read_boxes(final, index.n_frames, frame_size=size, notify=notify), ""
