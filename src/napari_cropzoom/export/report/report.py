"""Writing the report."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.core.progress import Progress, Stage, part_of
from napari_cropzoom.export.figure import arena_of
from napari_cropzoom.export.plates import Scale, trajectory_plate
from napari_cropzoom.export.report.facts import PARTS, ReportSettings, gather
from napari_cropzoom.export.report.page import page_of
from napari_cropzoom.export.report.pictures import Pair, pairs_of
from napari_cropzoom.export.report.sheet import SUFFIXES
from napari_cropzoom.export.targets import check_target
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.video.video import Video

GATHERING, PICTURES = 0.7, 0.15  # of the time that a report takes; the rest is for the empty arena


def write_report(
    asked: ReportSettings, output: Path, *, overwrite: bool = False
) -> Stage[tuple[Path, int]]:
    """Report a review in one HTML file.

    Parameters
    ----------
    asked : ReportSettings
    output : Path
        ``.html``.
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    Path
        ``output``.
    int
        In how many frames keypoints were found in other boxes than the final ones.

    Raises
    ------
    CropzoomError
        If something cannot be read, or the file cannot be written or is there already.
    """
    check_target(output, SUFFIXES, asked.video, overwrite=overwrite)
    facts = yield from part_of(gather(asked), 0.0, GATHERING, PARTS, "parts")
    pairs: dict[str, list[Pair]] = {}
    with Video(asked.video, index=facts.index) as video:
        for track in facts.tracks:
            share = GATHERING + PICTURES * len(pairs) / len(facts.tracks)
            yield Progress(round(PARTS * share), PARTS, "parts")
            pairs[track.track.name] = pairs_of(facts, track, video)
        before = GATHERING + PICTURES
        arena = yield from part_of(arena_of(video), before, 1 - before, PARTS, "parts")
    times = facts.index.times
    arenas = {
        each.track.name: trajectory_plate(arena, each.of_animal, times, 180.0, Scale()).svg(
            standalone=False
        )
        for each in facts.tracks
    }
    page = page_of(facts, pairs, arenas)
    with atomic_path(output) as part:
        part.write_text(page, encoding="utf-8")
    return output, facts.n_others
