"""The page of one review."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence

import numpy as np

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.looks import SOURCE_WORDS
from napari_cropzoom.core.smoothing.finalize import crop_size, out_of_frame
from napari_cropzoom.core.words import counted
from napari_cropzoom.export.markup import Markup, data_uri, tag
from napari_cropzoom.export.report import methods
from napari_cropzoom.export.report.facts import (
    CORRECTED,
    OPEN,
    ReviewFacts,
    TrackFacts,
)
from napari_cropzoom.export.report.numbers import (
    LIKELY,
    PartFacts,
    Spread,
    mean_iou,
    moved,
    number_text,
    of_part,
    ranges_text,
)
from napari_cropzoom.export.report.pictures import Pair
from napari_cropzoom.export.report.plots import plots_of
from napari_cropzoom.export.report.sheet import sheet, table
from napari_cropzoom.review.saved_files import OnDisk

MOST_SUSPECTS = 200
"""Rows of the table of suspects."""
PACKAGES = ("numpy", "scipy", "av", "opencv-python-headless", "lightning-pose", "torch")
SAVED = {
    OnDisk.NOTHING: "The final boxes are not saved yet.",
    OnDisk.OTHER: "The file of final boxes holds other boxes than the review comes to: save it again.",
    OnDisk.SAME: "The file of final boxes holds what this report shows.",
}
_LEGEND = (
    ("before", "raw boxes, keypoints before"),
    ("after", "final boxes, keypoints after"),
    ("open", "suspect, open"),
    ("corrected", "suspect, corrected"),
    ("right", "suspect, found right"),
    ("hand", "box set by hand"),
)


def page_of(facts: ReviewFacts, pairs: dict[str, list[Pair]], arenas: dict[str, Markup]) -> str:
    """The whole page.

    Parameters
    ----------
    facts : ReviewFacts
    pairs : dict
        Pictures of suspects by the name of the animal.
    arenas : dict
        The way of the box over the arena as SVG, likewise.
    """
    parts = [_lead(facts), *(tag("p", each, class_="note") for each in facts.notes)]
    for track in facts.tracks:
        several = len(facts.tracks) > 1
        of = f" of {track.track.name}" if several else ""
        shown = pairs.get(track.track.name, []), arenas.get(track.track.name)
        parts += _track(facts, track, of, *shown)
    parts += [*_keypoints(facts), *_methods(facts), *_settings(facts), *_files(facts)]
    return sheet(f"Review of {facts.asked.video.name}", parts)


def _lead(facts: ReviewFacts) -> Markup:
    index, asked = facts.index, facts.asked
    seconds = float(index.times[-1]) if index.n_frames > 1 else 0.0
    said = [
        f"{counted(index.n_frames, 'frame', commas=True)}, {index.width} x {index.height} pixels, "
        f"{float(index.rate):.4g} frames/s, {seconds:.1f} s.",
        SAVED[facts.saved],
    ]
    if asked.who:
        said.append(f"Reviewed by {asked.who}.")
    if facts.touched is not None:
        said.append(f"Review last edited or saved: {facts.touched:%Y-%m-%d %H:%M} UTC.")
    if facts.made is not None:
        said.append(f"Report made: {facts.made:%Y-%m-%d %H:%M} UTC.")
    return tag("p", " ".join(said), class_="quiet")


def _track(
    facts: ReviewFacts, track: TrackFacts, of: str, pairs: Sequence[Pair], arena: Markup | None
) -> Iterable[Markup]:
    n = len(track.track)
    before, after = methods.box_jitter(track)
    cards = [
        (str(len(track.suspects)), f"suspects, {methods.share(track.in_suspects, n)}"),
        (str(len(track.with_outcome(CORRECTED))), "of them corrected"),
        (str(len(track.with_outcome(OPEN)) + len(track.new)), "open"),
        (str(track.frames_of(Source.MANUAL)), "boxes set by hand"),
        (
            f"{number_text(before.median, 2)} → {number_text(after.median, 2)} px",
            "median jitter of the box",
        ),
        ("{} x {} px".format(*crop_size(track.final)), "size of the crop"),
    ]
    yield tag("h2", f"At a glance{of}")
    yield tag(
        "div", *(tag("div", tag("b", a), tag("span", b), class_="card") for a, b in cards), class_="cards"
    )
    yield tag("h2", f"Course over the frames{of}")
    legend = [tag("span", tag("i", class_=look), words) for look, words in _LEGEND]
    yield tag("div", *legend, class_="legend")
    yield plots_of(facts, track)
    if arena is not None:
        yield tag("h2", f"Where the animal was{of}")
        yield tag("figure", arena, class_="arena")
    if pairs:
        yield tag("h2", f"The worst suspects{of}, before and after")
        yield tag("div", *(_pair(each) for each in pairs), class_="pairs")
    yield tag("h2", f"What was flagged{of}")
    yield from _suspects(track)
    yield tag("h2", f"What was corrected{of}, and how")
    yield from _corrections(facts, track)
    yield tag("h2", f"The crops{of}")
    yield from _crops(facts, track)


def _pair(pair: Pair) -> Markup:
    suspect = pair.outcome.suspect
    heads = [tag("span", when) for when in ("before", "after")]
    shown = [
        tag(
            "img",
            src=data_uri(file, "image/jpeg"),
            alt=f"frame {suspect.frame} {when}",
            width=320,
            height=320,
        )
        for file, when in ((pair.before, "before"), (pair.after, "after"))
    ]
    said = f"Frame {suspect.frame}: {suspect.reason}. {pair.outcome.what.capitalize()}."
    return tag("figure", tag("div", *heads, *shown), tag("p", said), class_="pair")


def _suspects(track: TrackFacts) -> Iterable[Markup]:
    if not track.suspects and not track.new:
        yield tag("p", "Nothing was suspicious.")
        return
    rows = [
        (
            _frames(each.suspect.first, each.suspect.last),
            each.suspect.reason,
            f"{each.suspect.score:.2f}",
            each.what,
        )
        for each in track.suspects[:MOST_SUSPECTS]
    ]
    rows += [
        (_frames(each.first, each.last), each.reason, f"{each.score:.2f}", "in the corrected boxes, open")
        for each in track.new[:MOST_SUSPECTS]
    ]
    yield table(("frames", "why", "score", "became"), rows, numbers=(2,))
    left = len(track.suspects) + len(track.new) - len(rows)
    if left:
        yield tag("p", f"{counted(left, 'suspect')} more, with lower scores.", class_="quiet")


def _corrections(facts: ReviewFacts, track: TrackFacts) -> Iterable[Markup]:
    n = len(track.track)
    if track.edits:
        rows = [(each.kind, str(each.count), f"{each.frames:,}") for each in track.edits]
        yield table(("edit", "times", "frames"), rows, numbers=(1, 2))
    else:
        yield tag("p", "No edit is in force.")
    yield tag("h3", "Where the boxes come from")
    sources = [(source, track.frames_of(source)) for source in Source]
    words = {
        **SOURCE_WORDS,
        Source.MISSING: "no box, filled when it is saved",
        Source.INTERPOLATED: "corrected by a tool, or interpolated by the detector",
    }
    rows = [
        (words[source], f"{count:,}", f"{100 * count / n:.1f} %") for source, count in sources if count
    ]
    yield table(("box", "frames", "share"), rows, numbers=(1, 2))
    hand = ranges_text(track.track.is_manual)
    yield tag("p", f"Frames set by hand: {hand or 'none'}.")
    away = moved(track.track.raw, track.of_animal)
    away[~track.changed] = np.nan
    spread = Spread.of(away)
    if spread.count:
        yield tag(
            "p",
            f"In {counted(spread.count, 'frame', commas=True)} a box was changed into another one: its "
            f"centre moved by {spread.median:.1f} px in the median and {np.nanmax(away):.1f} px at most.",
        )
    yield tag("h3", "Jitter of the box")
    before, after = methods.box_jitter(track)
    spreads = [
        (what, number_text(each.median, 2), number_text(each.high, 2), f"{each.count:,}")
        for what, each in (("raw", before), ("final", after))
    ]
    yield table(("boxes", "median, px", "95 % below, px", "frames"), spreads, numbers=(1, 2, 3))
    overlap = mean_iou(track.track.raw, track.of_animal)
    yield tag(
        "p",
        "Distance of the centre from the middle between the centres in the frame before and after; "
        "movement makes some of it. Mean overlap of raw and final boxes (intersection over union): "
        f"{number_text(overlap, 3)}.",
        class_="quiet",
    )


def _crops(facts: ReviewFacts, track: TrackFacts) -> Iterable[Markup]:
    final = track.final
    sides = [
        (name, *(f"{call(final[:, column]):.0f}" for call in (np.min, np.median, np.max)))
        for name, column in (("width, px", 2), ("height, px", 3))
    ]
    yield table(("final boxes", "smallest", "median", "largest"), sides, numbers=(1, 2, 3))
    width, height = facts.index.width, facts.index.height
    area = 100 * float(np.median(final[:, 2] * final[:, 3])) / (width * height)
    beyond = int(out_of_frame(final, width, height).sum())
    yield tag(
        "p",
        f"The cropped video has {' x '.join(map(str, crop_size(final)))} pixels. A box holds "
        f"{area:.1f} % of the frame in the median. Boxes that reach over the edge of the frame: "
        f"{methods.share(beyond, len(final))}.",
    )


def _keypoints(facts: ReviewFacts) -> Iterable[Markup]:
    given = [each for each in (facts.before, facts.after) if each is not None]
    if not given:
        return
    yield tag("h2", "Keypoints before and after")
    rows = []
    for name in dict.fromkeys(name for poses in given for name in poses.names):
        parts = [of_part(poses, name) for poses in given]
        rows.append((name, *(cell for row in zip(*map(_cells, parts), strict=True) for cell in row)))
    when = ["before", "after"] if len(given) == 2 else ["before" if facts.before is not None else "after"]
    heads = [f"{what} {each}" for what in ("likelihood", "sure", "jitter, px") for each in when]
    yield table(("body part", *heads), rows, numbers=range(1, len(heads) + 1))
    said = (
        f"Likelihood and jitter are medians; a keypoint is sure from a likelihood of {LIKELY:g} on. "
        "Before are the detector's keypoints in the whole frame, after those of the pose model in the "
        "reviewed boxes."
    )
    yield tag("p", said, class_="quiet")


def _cells(part: PartFacts | None) -> tuple[str, str, str]:
    if part is None:
        return "", "", ""
    return (
        number_text(part.likelihood, 3),
        f"{number_text(100 * part.sure, 1)} %",
        number_text(part.jitter.median, 2),
    )


def _methods(facts: ReviewFacts) -> Iterable[Markup]:
    yield tag("h2", "Text for a methods section")
    paragraphs = [tag("p", each) for each in methods.methods_text(facts).split("\n\n")]
    yield tag("div", *paragraphs, class_="methods", id="methods")
    copies = tag("button", "Copy the text", type="button", data_copies="methods")
    yield tag("p", copies, tag("button", "Print", type="button", data_prints="page"), class_="screen")


def _settings(facts: ReviewFacts) -> Iterable[Markup]:
    yield tag("h2", "Settings and versions")
    rows = []
    for track in facts.tracks:
        of = f" of {track.track.name}" if len(facts.tracks) > 1 else ""
        if track.sizing is not None:
            rows.append((f"boxes{of}", f"side of {methods.sizing_text(track.sizing)}"))
    rows.append(("smoothing and filling", methods.smoothing_text(facts)))
    rows.append(("how many suspects", f"{facts.asked.amount:g} (0 none, 1 everything odd)"))
    rows.append(("pixels looked at", "yes" if facts.asked.pixels else "no"))
    rows.append(("pose compared with its boxes", "no" if facts.after is None else "yes"))
    rows.append(("napari-cropzoom", methods.program_version()))
    rows.append(("Python", platform.python_version()))
    rows += [(name, said) for name in PACKAGES if (said := methods.package_version(name))]
    for which, record in facts.models.items():
        about = ", ".join(f"{key} {_short(value)}" for key, value in record.model.items() if value)
        rows.append((f"model of the keypoints {which}", f"{about}; run on {record.device}"))
    yield table(("what", "value"), rows)


def _files(facts: ReviewFacts) -> Iterable[Markup]:
    yield tag("h2", "Files")
    rows = [
        (
            each.what,
            str(each.path.absolute()) if facts.asked.paths else each.path.name,
            f"{each.size:,}",
            each.sha256,
        )
        for each in facts.files
    ]
    yield table(("file", "name", "bytes", "SHA-256"), rows, numbers=(2,), hashes=(3,))


def _frames(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _short(value: object) -> str:
    """A value of a record; of a hash its beginning."""
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text
