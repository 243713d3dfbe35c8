"""The page of the documentation with the results of `review.py`."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import plots

HEAD = """# The review, measured

`python benchmarks/review.py` puts faults of eight kinds into tracks that are right, about one in 150
frames: jumps, swaps to something else, freezes, slow drifts, boxes too large or too small, missing, over
the edge. Half of the jumps and swaps do not lower the likelihood. The animals also dash, rear, stand
still for minutes and leave the frame, which are no faults.

*recall*: faults that an entry of the queue points at. *precision*: entries that point at a fault.
*corrected*: faults of which every frame has IoU >= 0.8 with the truth after the review. *actions*:
gestures and keys a fault that change something: a box set, a range selected, a tool, accepting. *steps*:
keys to go to the next entry, which come on top. *baseline*: bad frames a fault, the actions of one who
sets every bad box by hand. *spoiled*: frames that were good before and are not now.

The reviewer is simulated: it goes through the queue once with its defaults, sees the truth as a person
sees the video, and uses nothing but the public calls of the session. It does not follow the animal by the
pixels.
"""
HARD = """\
Recordings of `make_hard_arena.py` (a shadow, and a still look-alike of the animal), with a detector
trained on 40 labels of the plain arena. *covered*: wrong boxes (IoU below 0.5 with the animal's place,
or over 60 pixels off) that lie in an entry. *right*: frames in entries that are wrong, or within 2
frames of a wrong one. *missed*: what the queue says of the whole, the share of the frames in which what
moves is not in the box.
"""
GESTURES = """\
## Gestures a job

A gesture is a click, a drag, a key with what is held meanwhile, or a drop. *now*: counted where the
window system tells the program, in a real window (`tests/test_gestures.py`). *before*: counted by a
person who tried an older version.

| job | before | now |
|---|---|---|
| plain napari: open a video, detect by motion, review (one fault), smooth, crop, export | 23 | 11 |
| dock, timeline and preview in their places | 9 | 0 |
| the sample and its detector | 11 | 4 |
| a queue of six faults, two of a kind each | 14 | 9 |
| a queue of six faults, none alike | | 12 |
| a reviewed video again | 9 | 1 |

The first of the 11 and of the 1 is the drop of the video on a plain napari; the second of the 11 agrees
to napari's *Choose reader*, which comes until it is told to remember the choice.
"""  # by hand: a test counts them
COLUMNS = ("faults", "recall", "precision", "corrected", "actions", "steps", "baseline", "spoiled")


def write_page(folder: Path, results: Sequence[dict[str, Any]]) -> None:
    """Write ``review-bench.md`` and ``images/review-bench.png``."""
    parts = [HEAD, f"Measured {date.today():%Y-%m-%d} on {platform.machine()}, {os.cpu_count()} cores.\n"]
    for result in results:
        parts.append(f"## {str(result['track']).capitalize()}\n")
        if "recordings" in result:
            parts.append(_hard(result["recordings"]))
            continue
        head = " | ".join(("seed", *COLUMNS))
        lines = [f"| {head} |", "|" + "---|" * (len(COLUMNS) + 1)]
        lines += [_row(str(each["seed"]), each) for each in result["seeds"]]
        lines.append(_row("**all**", result))
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in result["recall_by_kind"].items())
        false = ", ".join(f"{what} {count}" for what, count in result["false_by_doing"].items())
        told = f"Entries without a fault, by what the animal does there: {false or 'none'}."
        parts.append("\n".join(lines) + f"\n\nRecall by kind: {kinds}.\n\n{told}\n")
    parts.append(GESTURES)
    parts.append("![recall, precision and actions of every seed](images/review-bench.png)\n")
    page = "\n".join(parts)
    (folder / "review-bench.md").write_text(page, encoding="utf-8")
    plots.draw("review-bench", page, folder / "images")


def _hard(recordings: Sequence[dict[str, Any]]) -> str:
    lines = [HARD, "| recording | wrong boxes | entries | covered | right | missed |", "|---" * 6 + "|"]
    lines += [
        f"| {each['name']} | {each['wrong']} of {each['frames']} | {each['entries']} | "
        f"{each['covered']:.3f} | {each['right']:.3f} | {each['missed']:.2f} |"
        for each in recordings
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, numbers: dict[str, Any]) -> str:
    shown = [f"{numbers[c]:g}" if c in ("faults", "spoiled") else f"{numbers[c]:.3f}" for c in COLUMNS]
    return f"| {name} | " + " | ".join(shown) + " |"
