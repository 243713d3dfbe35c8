"""Plots of the measurements, drawn of the numbers that the pages of the documentation show.

    python benchmarks/plots.py

Draws ``growth.png``, ``many.png`` and ``review-bench.png`` in ``docs/images`` without measuring: they
show what their page says. ``benchmarks/run.py --only growth`` (or ``many``) and
``benchmarks/review.py`` measure and write the pages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
OF_PAGES = {"growth": "benchmarks.md", "many": "benchmarks.md", "review-bench": "review-bench.md"}
"""Which page has the numbers of a plot."""
COLORS = "#0072b2", "#e69f00", "#009e73", "#cc79a7"
SIZES = 150, 80, 35, 10  # of marks that may lie on each other
NUMBER = re.compile(r"-?[0-9][0-9,]*\.?[0-9]*")
Rows = list[list[str]]


def tables_of(page: str, first: str) -> dict[str, Rows]:
    """The rows of all tables whose first column has this name, by the heading above each."""
    found: dict[str, Rows] = {}
    heading, rows = "", None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if line.startswith("## "):
            heading = line[3:]
        if not cells:
            rows = None
        elif cells[0] == first:
            rows = found.setdefault(heading, [])
        elif rows is not None and set(line) - set("|-"):
            rows.append(cells)
    return found


def numbers(cell: str) -> list[float]:
    """The numbers of a cell; none where it says that nothing was measured."""
    return [float(text.replace(",", "")) for text in NUMBER.findall(cell)]


def digest(shown: Mapping[str, Rows]) -> str:
    """What a plot is recognised by as that of these numbers."""
    return hashlib.sha256(repr(sorted(shown.items())).encode()).hexdigest()


def shown_in(name: str, page: str) -> dict[str, Rows]:
    """The tables of a page that a plot shows."""
    if name == "review-bench":
        return {heading: rows[:-1] for heading, rows in tables_of(page, "seed").items()}
    if name == "many":
        (videos,) = tables_of(page, "videos of 120 frames").values()
        (workers,) = tables_of(page, "workers, 9,600 frames").values()
        return {"videos": videos, "workers, one video of 9,600 frames": workers}
    (by_size,) = tables_of(page, "megapixels a frame").values()
    (by_length,) = tables_of(page, "frames of 320x240").values()
    return {"size": by_size, "length": by_length}


def draw(name: str, page: str, folder: Path) -> None:
    """Draw one plot of the numbers of its page into a folder."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = shown_in(name, page)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    {"growth": _growth, "many": _many, "review-bench": _review}[name](shown, left, right)
    figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Description": digest(shown)})
    plt.close(figure)


def _growth(shown: Mapping[str, Rows], left: Any, right: Any) -> None:
    sizes, lengths = shown["size"], shown["length"]
    for axes, rows, value in ((left, sizes, 0), (right, lengths, 1)):
        for column, label, color in ((2, "cropzoom", COLORS[0]), (1, "litpose", COLORS[1])):
            measured = [row for row in rows if numbers(row[column])]
            x = [numbers(row[0])[0] for row in measured]
            y = [numbers(row[column])[value] for row in measured]
            axes.plot(x, y, "o-", color=color, label=label)
        axes.set(xscale="log")
        axes.grid(alpha=0.3)
    x = [numbers(row[0])[0] for row in sizes]
    left.plot(x, [numbers(row[3])[0] for row in sizes], "x--", color="gray", label="decode alone")
    left.set(xlabel="megapixels a frame", ylabel="frames a second", yscale="log")
    left.set_xticks(x, labels=[f"{each:.1f}" for each in x])
    left.minorticks_off()
    most = max(numbers(row[2])[1] for row in lengths)
    right.set(xlabel="frames", ylabel="peak memory, GB", ylim=(0, 1.1 * most))
    left.legend(fontsize=8)


def _many(shown: Mapping[str, Rows], left: Any, right: Any) -> None:
    for axes, (label, rows) in zip((left, right), shown.items(), strict=True):
        places = range(len(rows))
        seconds = [numbers(row[1])[0] for row in rows]
        axes.plot(places, seconds, "o-", color=COLORS[0])
        axes.set(xlabel=label, ylabel="seconds (blue)", ylim=(0, 1.1 * max(seconds)))
        axes.set_xticks(places, labels=[row[0] for row in rows])
        axes.grid(alpha=0.3)
        memory, used = axes.twinx(), [numbers(row[-1])[0] for row in rows]
        memory.plot(places, used, "s--", color=COLORS[1])
        memory.set(ylabel="MB of the largest process (orange)", ylim=(0, 1.3 * max(used)))


def _review(shown: Mapping[str, Rows], left: Any, right: Any) -> None:
    for (track, rows), color, size in zip(shown.items(), COLORS, SIZES, strict=False):
        seed, _, recall, precision, _, actions, _, baseline, _ = zip(
            *([numbers(cell)[0] for cell in row] for row in rows), strict=True
        )
        label = track.lower()
        left.scatter(recall, precision, color=color, s=size, label=label)
        right.plot(seed, actions, "o-", color=color, label=label)
        right.plot(seed, baseline, "x--", color=color, alpha=0.6)
    left.axvline(0.98, color="gray", lw=0.8)
    left.axhline(0.90, color="gray", lw=0.8)
    left.set(xlabel="recall", ylabel="precision", xlim=(0.95, 1.003), ylim=(0.85, 1.01))
    left.legend(fontsize=8, loc="lower left")
    right.axhline(3, color="gray", lw=0.8)
    right.set(xlabel="seed", ylabel="actions a fault", yscale="log")
    right.set_yticks([1, 3, 10, 30], labels=["1", "3", "10", "30"])
    right.minorticks_off()
    right.text(0.02, 0.02, "crosses: every bad box by hand", transform=right.transAxes, fontsize=8)


def main() -> None:
    """Draw all."""
    for name, page in OF_PAGES.items():
        draw(name, (DOCS / page).read_text(encoding="utf-8"), DOCS / "images")
        print(f"docs/images/{name}.png drawn of docs/{page}")


if __name__ == "__main__":
    main()
