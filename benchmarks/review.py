"""How well the review queue finds faults, and what it takes a person to correct them, over ten seeds.

    python benchmarks/review.py [--seeds 0-9] [--frames 20000] [--pixels] [--learns] [--arena DIR]
                                [--hard DIR] [--json] [--docs DIR]

Simulated animals always; with ``--pixels`` pictures of them are drawn and looked at too; with
``--learns`` once more with a reviewer who takes what the queue offers after some decisions. With
``--arena`` (a folder made by ``make_arena.py`` in which a detector was trained and run) the detector's
own track of the real video too, without and with the pixels of the video; with ``--hard`` (recordings
of ``make_hard_arena.py`` and the same detector's predictions) how much of what is wrong there the
entries cover.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_cropzoom.core.inspection.inspection import Evidence, Suspect, at_least, find_suspects
from napari_cropzoom.core.inspection.motion import Motion
from review_animals import Recording, simulate
from review_arena import arena_motion, arena_recording
from review_faults import Fault, inject
from review_hard import measure_hard, report_hard
from review_page import write_page
from review_person import Work, review
from review_pixels import simulated_motion

NEAR = 2


@dataclass
class Tally:
    """Faults found and missed, suspects right and wrong, of one or many tracks, and the work.

    Those that are wrong are counted by what the animal does there, see `Recording.doing`.
    """

    faults: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    suspects: int = 0
    right: int = 0
    false: Counter[str] = field(default_factory=Counter)
    work: Work = field(default_factory=Work)

    @property
    def recall(self) -> float:
        """Faults found / faults."""
        return self.found.total() / self.faults.total()

    @property
    def precision(self) -> float:
        """Suspects whose worst frame lies in a fault or within two frames / suspects."""
        return self.right / self.suspects if self.suspects else 1.0

    def __iadd__(self, other: Tally) -> Tally:
        self.faults += other.faults
        self.found += other.found
        self.suspects += other.suspects
        self.right += other.right
        self.false += other.false
        self.work += other.work
        return self


def judge(
    suspects: Sequence[Suspect],
    faults: Sequence[Fault],
    n_frames: int,
    doing: Callable[[int, int], str] = lambda _first, _last: "else",
) -> Tally:
    """Count what a queue found: the rules of the review controller."""
    is_bad = np.zeros(n_frames, bool)
    for fault in faults:
        is_bad[max(0, fault.first - NEAR) : fault.last + NEAR + 1] = True
    told = np.sort([frame for each in suspects for frame in (each.frame, each.first, each.last)])
    tally = Tally(suspects=len(suspects), right=sum(bool(is_bad[each.frame]) for each in suspects))
    wrong = [each for each in suspects if not is_bad[each.frame]]
    tally.false = Counter(doing(max(0, each.first - NEAR), each.last + NEAR) for each in wrong)
    for fault in faults:
        low, high = np.searchsorted(told, [fault.first - NEAR, fault.last + NEAR + 1])
        tally.faults[fault.kind] += 1
        tally.found[fault.kind] += int(high > low)
    return tally


def measure(good: Recording, seed: int, motion: Motion | None = None, *, learns: bool = False) -> Tally:
    """Put faults into a right track, and count what the queue finds with its defaults."""
    faulty = inject(good, seed)
    evidence = Evidence(likelihood=faulty.likelihood, frame_size=good.frame_size, motion=motion)
    suspects = at_least(find_suspects(faulty.boxes, evidence))
    tally = judge(suspects, faulty.faults, len(faulty.boxes), good.doing)
    tally.work = review(good, faulty, motion, learns=learns)
    return tally


def measure_simulated(
    seeds: Sequence[int], frames: int, *, pixels: bool = False, learns: bool = False
) -> Iterator[tuple[int, Tally]]:
    """One animal and one set of faults for each seed."""
    for seed in seeds:
        good = simulate(seed, frames)
        motion = simulated_motion(good, seed) if pixels else None
        yield seed, measure(good, seed, motion, learns=learns)


def measure_arena(
    arena: Path, seeds: Sequence[int], motion: Motion | None = None
) -> Iterator[tuple[int, Tally]]:
    """The one real track with another set of faults for each seed."""
    for seed in seeds:
        yield seed, measure(arena_recording(arena, seed), seed, motion)


def report(title: str, results: Iterator[tuple[int, Tally]]) -> dict[str, object]:
    """Print a line for each seed and one for all; return the numbers."""
    names = ("faults", "recall", "precision", "corrected", "actions", "steps", "baseline", "spoiled")
    print(f"{title}\n  seed" + "".join(f"{name:>10}" for name in names))
    total, seeds = Tally(), []
    for seed, tally in results:
        print(f"  {seed:>4}" + _line(tally), flush=True)
        total += tally
        seeds.append({"seed": seed, **_numbers(tally)})
    print("   all" + _line(total))
    kinds = {kind: total.found[kind] / count for kind, count in sorted(total.faults.items())}
    print("  " + ", ".join(f"{kind} {share:.3f}" for kind, share in kinds.items()))
    false = dict(total.false.most_common())
    told = ", ".join(f"{what} {count}" for what, count in false.items()) or "none"
    print(f"  no fault, but the animal there: {told}", flush=True)
    return {
        "track": title,
        **_numbers(total),
        "recall_by_kind": kinds,
        "false_by_doing": false,
        "seeds": seeds,
    }


def _numbers(tally: Tally) -> dict[str, float]:
    """Counts, shares, and actions, steps and bad frames for each fault."""
    work, faults = tally.work, tally.faults.total()
    return {
        "faults": faults,
        "recall": tally.recall,
        "precision": tally.precision,
        "corrected": work.corrected / faults,
        "actions": work.actions / faults,
        "steps": work.steps / faults,
        "baseline": work.bad_before / faults,
        "spoiled": work.spoiled,
    }


def _line(tally: Tally) -> str:
    return "".join(f"{value:>10.3f}".replace(".000", "    ") for value in _numbers(tally).values())


def seed_range(text: str) -> range:
    """``0-9`` as a range, both ends included."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main(words: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Measure and print; returns one object of numbers for each kind of track."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seed_range, default=range(10), help="default: 0-9")
    parser.add_argument("--frames", type=int, default=20_000, help="of a simulated track")
    parser.add_argument("--pixels", action="store_true", help="draw and look at simulated pictures too")
    parser.add_argument("--learns", action="store_true", help="a reviewer too who takes what is offered")
    parser.add_argument("--hard", type=Path, help="folder of make_hard_arena.py with predictions")
    parser.add_argument(
        "--arena", type=Path, help="folder of make_arena.py with a detector's predictions"
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON at the end")
    parser.add_argument("--docs", type=Path, help="write review-bench.md and its plot into this folder")
    args = parser.parse_args(words)
    results = [report("simulated", measure_simulated(args.seeds, args.frames))]
    if args.pixels:
        with_pixels = measure_simulated(args.seeds, args.frames, pixels=True)
        results.append(report("simulated, with pictures", with_pixels))
    if args.learns:
        learning = measure_simulated(args.seeds, args.frames, learns=True)
        results.append(report("simulated, taking offers", learning))
    if args.arena:
        results.append(report("arena", measure_arena(args.arena, args.seeds)))
        motion = arena_motion(args.arena)
        results.append(report("arena, with its video", measure_arena(args.arena, args.seeds, motion)))
    if args.arena and args.hard:
        results.append(report_hard(measure_hard(args.hard, args.arena)))
    if args.docs:
        write_page(args.docs, results)
    if args.json:
        json.dump(results, sys.stdout)
        print()
    return results


if __name__ == "__main__":
    main()
