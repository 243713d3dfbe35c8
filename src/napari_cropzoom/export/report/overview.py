"""Many reviews on one page, a row a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.smoothing.finalize import crop_size
from napari_cropzoom.core.words import counted
from napari_cropzoom.export.markup import tag
from napari_cropzoom.export.report.facts import ACCEPTED, CORRECTED, OPEN, ReviewFacts
from napari_cropzoom.export.report.methods import box_jitter, program_version
from napari_cropzoom.export.report.numbers import number_text, of_all
from napari_cropzoom.export.report.sheet import SUFFIXES, sheet, table
from napari_cropzoom.export.targets import check_target
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.review.saved_files import OnDisk

SAVED = {OnDisk.NOTHING: "no", OnDisk.OTHER: "edited since", OnDisk.SAME: "yes"}
HEADS = (
    "video", "frames", "suspects", "frames in them", "corrected", "right", "open", "by hand",
    "jitter, px", "likelihood", "crop, px", "saved",
)  # fmt: skip
COUNTS = ("frames", "suspects", "in_suspects", "corrected", "right", "open", "by_hand")


@dataclass(frozen=True)
class VideoRow:
    """One animal of one video, or a video that could not be read.

    Attributes
    ----------
    name : str
        Of the video, and of the animal where there are several.
    frames, suspects, in_suspects, corrected, right, open, by_hand : int
        Frames of the video; suspects, the frames in them, and what became of them; boxes set by hand.
    cells : tuple of str
        Jitter and likelihood, before and after; size of the crop; whether it is saved.
    why_not : str
        Why the video could not be read.
    """

    name: str
    frames: int = 0
    suspects: int = 0
    in_suspects: int = 0
    corrected: int = 0
    right: int = 0
    open: int = 0
    by_hand: int = 0
    cells: tuple[str, ...] = ()
    why_not: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """All cells."""
        if self.why_not:
            return (self.name, self.why_not)
        return (self.name, *(f"{getattr(self, name):,}" for name in COUNTS), *self.cells)


def rows_of(facts: ReviewFacts, *, has_no_file: bool = False) -> list[VideoRow]:
    """Rows of a video, one for each animal; ``has_no_file`` of keypoints after, which are then missed."""
    several = len(facts.tracks) > 1
    sure = [
        number_text(of_all(poses).likelihood, 3)
        for poses in (facts.before, facts.after)
        if poses is not None
    ]
    sure += ["no file"] if has_no_file else []
    rows = []
    for track in facts.tracks:
        before, after = box_jitter(track)
        cells = (
            f"{number_text(before.median, 2)} → {number_text(after.median, 2)}",
            " → ".join(sure),
            " x ".join(map(str, crop_size(track.final))),
            SAVED[facts.saved] if facts.reviewed else "not reviewed",
        )
        rows.append(
            VideoRow(
                facts.asked.video.name + (f", {track.track.name}" if several else ""),
                len(track.track),
                len(track.suspects),
                track.in_suspects,
                len(track.with_outcome(CORRECTED)),
                len(track.with_outcome(ACCEPTED)),
                len(track.with_outcome(OPEN)) + len(track.new),
                track.frames_of(Source.MANUAL),
                cells,
            )
        )
    return rows


def write_overview(
    rows: Sequence[VideoRow], n_videos: int, output: Path, title: str, *, overwrite: bool = False
) -> Path:
    """Write the page.

    Raises
    ------
    CropzoomError
        If the file cannot be written or is there already.
    """
    check_target(output, SUFFIXES, overwrite=overwrite)
    good = [row for row in rows if not row.why_not]
    sums = {name: sum(getattr(row, name) for row in good) for name in COUNTS}
    total = replace(VideoRow("all"), cells=("", "", "", ""), **sums)
    lead = (
        f"{counted(n_videos, 'video')}, {counted(total.frames, 'frame', commas=True)} of boxes, by "
        f"napari-cropzoom {program_version()}."
    )
    told = (
        "Suspects of the raw boxes were corrected, found right, or are open; the rest came right with "
        "others. Jitter of the box and likelihood of all keypoints are medians, before and after the "
        "review."
    )
    body = [row.shown for row in (*good, total)]
    parts = [
        tag("p", lead, class_="quiet"),
        table(HEADS, body, numbers=range(1, 11), names=(0,)),
        tag("p", told, class_="quiet"),
    ]
    if bad := [row for row in rows if row.why_not]:
        parts += [tag("h2", "Left out"), table(("video", "why"), [row.shown for row in bad])]
    with atomic_path(output) as part:
        part.write_text(sheet(title, parts), encoding="utf-8")
    return output
