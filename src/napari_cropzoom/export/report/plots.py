"""The course of boxes and keypoints over the frames, as SVG that a small script zooms and reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.timeline.series import quantities
from napari_cropzoom.export.markup import Markup, as_script, tag
from napari_cropzoom.export.plates import top_of
from napari_cropzoom.export.report.facts import ACCEPTED, CORRECTED, OPEN, ReviewFacts, TrackFacts

MOST_PLACES = 4000
"""Places of a line; of more frames each place stands for several."""
HIGH = 100.0
"""Height of a plot in its own unit; the page stretches it."""
_LOOKS = {OPEN: "open", CORRECTED: "corrected", ACCEPTED: "right"}


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a plot.

    Attributes
    ----------
    name : str
    look : str
        Class of the page's style: ``before`` or ``after``.
    values : ndarray, (T,)
    """

    name: str
    look: str
    values: FloatArray


@dataclass(frozen=True)
class PlotRow:
    """One plot.

    Attributes
    ----------
    title : str
    unit : str
    lines : sequence of Line
    how : str
        What stands for several frames: ``max``, ``min`` or ``mean``.
    top : float or None
        Value at the upper edge; None for one that fits.
    """

    title: str
    unit: str
    lines: Sequence[Line]
    how: str = "max"
    top: float | None = None


def plots_of(facts: ReviewFacts, track: TrackFacts) -> Markup:
    """The plots of an animal, with the numbers that the script reads."""
    n = len(track.track)
    step = -(-n // MOST_PLACES)
    rows = rows_of(facts, track)
    drawn = [_plot(row, track, step) for row in rows]
    content = {
        "frames": n,
        "step": step,
        "times": np.round(facts.index.times[::step], 3).tolist(),
        "rows": [[[line.name, _rounded(reduced(line.values, step, row.how))] for line in row.lines]
                 for row in rows],
        "suspects": [[each.suspect.first, each.suspect.last, each.suspect.reason, each.what]
                     for each in track.suspects],
    }  # fmt: skip
    data = tag("script", as_script(content), type="application/json")
    axis = tag("div", tag("span", "frame 0"), tag("span", f"frame {n - 1}"), class_="axis")
    reading = tag("p", class_="reading", aria_live="polite")
    return tag("div", *drawn, axis, reading, data, class_="plots")


def rows_of(facts: ReviewFacts, track: TrackFacts) -> list[PlotRow]:
    """What is plotted of an animal."""
    raw, final = quantities(track.track.raw), quantities(track.final)

    def pair(place: int) -> list[Line]:
        return [
            Line("raw", "before", raw[place].astype(np.float64)),
            Line("final", "after", final[place].astype(np.float64)),
        ]

    rows = [
        PlotRow("Speed of the box", "px a frame", pair(0)),
        PlotRow("Size of the box", "px", pair(1), "mean"),
    ]
    lines = [
        Line(name, look, mean_likelihood(poses))
        for name, look, poses in (("before", "before", facts.before), ("after", "after", facts.after))
        if poses is not None
    ]
    if lines:
        rows.append(PlotRow("Likelihood, mean of the body parts", "", lines, "min", 1.0))
    return rows


def mean_likelihood(poses: Poses) -> FloatArray:
    """(T,) mean of the body parts, NaN where none is known."""
    known = ~np.isnan(poses.likelihood)
    total = np.where(known, poses.likelihood, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    mean: FloatArray = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean


def reduced(values: FloatArray, step: int, how: str) -> FloatArray:
    """One value for every ``step`` frames: the largest, the smallest or the mean of those known."""
    if step == 1:
        return values
    padded = np.concatenate([values, np.full(-len(values) % step, np.nan)]).reshape(-1, step)
    known = ~np.isnan(padded)
    some = known.any(axis=1)
    if how == "mean":
        made = np.where(known, padded, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    else:
        far = -np.inf if how == "max" else np.inf
        made = getattr(np.where(known, padded, far), how)(axis=1)
    return np.where(some, made, np.nan)


def _plot(row: PlotRow, track: TrackFacts, step: int) -> Markup:
    n = len(track.track)
    values = [reduced(line.values, step, row.how) for line in row.lines]
    top = row.top or top_of(values[0], values[-1])
    is_cut = any((each > top).any() for each in values)
    marks = [_band(each.suspect.first, each.suspect.last, _LOOKS.get(each.what, "right"))
             for each in track.suspects]  # fmt: skip
    lines = [
        tag(
            "path",
            d=_path(each, step, top),
            class_=f"line {line.look}",
            vector_effect="non-scaling-stroke",
        )
        for line, each in zip(row.lines, values, strict=True)
    ]
    hand = track.track.manual_frames()
    ticks = "".join(f"M{frame + 0.5:g} {HIGH - 8:g}V{HIGH:g}" for frame in hand.tolist())
    if ticks:
        lines.append(tag("path", d=ticks, class_="hand", vector_effect="non-scaling-stroke"))
    box = f"0 0 {n} {HIGH:g}"
    look = {"class_": "plot", "preserveAspectRatio": "none", "role": "img"}
    picture = tag("svg", *marks, *lines, viewBox=box, aria_label=f"{row.title} over the frames", **look)
    unit = f" {row.unit}" if row.unit else ""
    scale = tag("span", f"{top:.4g}{unit}{', higher values are cut off' if is_cut else ''}", class_="top")
    return tag("figure", tag("figcaption", row.title, " ", scale), picture, class_="row")


def _band(first: int, last: int, look: str) -> Markup:
    place = {"x": first, "y": 0, "width": last - first + 1, "height": f"{HIGH:g}"}
    return tag("rect", **place, class_=f"suspect {look}", vector_effect="non-scaling-stroke")


def _path(values: FloatArray, step: int, top: float) -> str:
    """A line through the middle of each place, broken at gaps."""
    x = (np.arange(len(values)) + 0.5) * step
    y = HIGH * (1 - np.clip(values / top, 0, 1))
    said, is_new = [], True
    for at, height in zip(x.tolist(), y.tolist(), strict=True):
        if height != height:
            is_new = True
            continue
        said.append(f"{'M' if is_new else 'L'}{at:g} {height:.2f}")
        is_new = False
    return "".join(said) or "M0 0"


def _rounded(values: FloatArray) -> list[float | None]:
    return [None if value != value else float(f"{value:.4g}") for value in values.tolist()]
