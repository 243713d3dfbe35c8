"""What was done, in sentences for a paper, with the numbers of this very review."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import numpy as np

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.export.report.facts import ACCEPTED, CORRECTED, OPEN, ReviewFacts, TrackFacts
from napari_cropzoom.export.report.numbers import (
    LIKELY,
    Spread,
    centres,
    jitter,
    mean_iou,
    number_text,
    of_all,
)

_ORIGINS = {
    Source.DETECTED: "were detected",
    Source.IMPORTED: "were imported",
}
_FILLS = {
    "interpolate": "with boxes whose centre and size go in straight lines from the last box to the next",
    "hold": "with the last box before them",
}


def methods_text(facts: ReviewFacts) -> str:
    """Paragraphs, with blank lines between; nothing in them is rounded but in the last digit shown."""
    index, tracks = facts.index, facts.tracks
    n = index.n_frames
    size = f"{index.width} x {index.height} pixels, {float(index.rate):.4g} frames/s"
    head = (
        f"Bounding boxes in the video {facts.asked.video.name} ({counted(n, 'frame', commas=True)}, "
        f"{size}) were {'reviewed' if facts.reviewed else 'inspected, but not reviewed,'} with "
        f"napari-cropzoom {program_version()}."
    )
    said = [head]
    for track in tracks:
        of = f"{track.track.name}: " if len(tracks) > 1 else ""
        said.append(of + _track_text(facts, track))
    keypoints = keypoints_text(facts)
    return "\n\n".join([*said, *([keypoints] if keypoints else [])])


def program_version() -> str:
    """Version of this program."""
    return package_version("napari-cropzoom") or "(not installed)"


def package_version(name: str) -> str:
    """Version of an installed package, empty if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def sizing_text(sizing: SizingSettings) -> str:
    """How boxes were put round keypoints, to follow "boxes": ``of 2 times the span of ...``."""
    parts = ", ".join(sizing.anchor_keypoints) or "all keypoints"
    side = (
        f"{sizing.crop_ratio:g} times the span of {parts}"
        if sizing.crop_ratio is not None
        else f"{sizing.crop_size} pixels round {parts}"
    )
    limit = sizing.min_likelihood
    return side if limit is None else f"{side}, those below a likelihood of {limit:g} left out"


def smoothing_text(facts: ReviewFacts) -> str:
    """Smoothing and filling in one sentence."""
    settings = facts.settings.smoothing
    if SMOOTHING_METHODS[settings.method].filter is None:
        smooth = "The boxes were not smoothed"
    else:
        label = SMOOTHING_METHODS[settings.method].label.lower()
        window = counted(settings.window, "frame")
        smooth = (
            f"The boxes were smoothed ({label}, window of {window}) so that they pass exactly through "
            "every box set by hand"
        )
    return f"{smooth}; frames without a box were filled {_FILLS[facts.settings.fill]}."


def share(part: int, whole: int) -> str:
    """``12 of 400 frames (3.0 %)``."""
    return f"{part:,} of {counted(whole, 'frame', commas=True)} ({100 * part / max(whole, 1):.1f} %)"


def _track_text(facts: ReviewFacts, track: TrackFacts) -> str:
    n = len(track.track)
    said = []
    origin = _ORIGINS.get(track.track.raw_source, "were drawn by hand")
    if np.isnan(track.track.raw).all():
        origin = "were drawn by hand"
    if track.sizing is not None:
        said.append(
            f"Boxes were put round the detector's keypoints, with a side of {sizing_text(track.sizing)}."
        )
    else:
        said.append(f"The boxes {origin}.")
    count = len(track.suspects)
    if count:
        where = f", which held {share(track.in_suspects, n)}"
        said.append(f"{counted(count, 'range')} of frames {verb(count, 'were')} suspicious{where}.")
    else:
        said.append("No range of frames was suspicious.")
    if count:
        corrected, right, left = (len(track.with_outcome(each)) for each in (CORRECTED, ACCEPTED, OPEN))
        others = count - corrected - right - left
        more = f", {others} came right with others" if others else ""
        said.append(
            f"Of these {corrected} {verb(corrected, 'were')} corrected, {right} found right{more} and "
            f"{left} left open."
        )
    by_hand = track.frames_of(Source.MANUAL)
    absent = track.frames_of(Source.ABSENT)
    by_tool = int(track.changed.sum()) - by_hand - absent
    said.append(
        f"Boxes were set by hand in {share(by_hand, n)} and changed with range tools in "
        f"{share(by_tool, n)}; {share(absent, n)} {verb(absent, 'were')} marked as without an animal."
    )
    said.append(smoothing_text(facts))
    before, after = box_jitter(track)
    if before.count:
        said.append(
            "Jitter of the box, the distance of its centre from the middle between the centres before "
            f"and after it, was {before.median:.2f} pixels in the median ({before.high:.2f} in 95 % of "
            f"the frames) before the review and {after.median:.2f} ({after.high:.2f}) after it."
        )
    overlap = mean_iou(track.track.raw, track.of_animal)
    if overlap == overlap:
        said.append(
            f"The mean overlap (intersection over union) of raw and final boxes is {overlap:.3f}."
        )
    w, h = np.median(track.final[:, 2:], axis=0)
    said.append(f"The median final box is {w:.0f} x {h:.0f} pixels.")
    return " ".join(said)


def box_jitter(track: TrackFacts) -> tuple[Spread, Spread]:
    """Of the raw boxes and of the final ones, in frames in which both are known."""
    before = jitter(centres(track.track.raw))
    after = jitter(centres(track.of_animal))
    unknown = np.isnan(before) | np.isnan(after)
    before[unknown] = after[unknown] = np.nan
    return Spread.of(before), Spread.of(after)


def keypoints_text(facts: ReviewFacts) -> str:
    """Keypoints before and after in one paragraph; empty without keypoints."""
    said = []
    for which, poses in (("before", facts.before), ("after", facts.after)):
        if poses is None:
            continue
        every = of_all(poses)
        record = facts.models.get(which)
        model = f" ({record.device})" if record is not None else ""
        whose = "of the detector" if which == "before" else "of the pose model, on the reviewed crops"
        if which == "after" and facts.n_others:
            whose += (
                f" but for {counted(facts.n_others, 'frame')}, whose boxes have changed since it ran,"
            )
        said.append(
            f"Keypoints {whose}{model}: {counted(len(poses.names), 'body part')}, median likelihood "
            f"{number_text(every.likelihood, 3)}, a likelihood of {LIKELY:g} or more in "
            f"{number_text(100 * every.sure, 1)} % of all keypoints, median jitter "
            f"{number_text(every.jitter.median, 2)} pixels."
        )
    return " ".join(said)
