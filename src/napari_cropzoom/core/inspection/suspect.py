"""A suspect: consecutive frames with one thing wrong, in words; and how several findings become one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted

# At severity 1 a finding is as likely a fault as not.
CERTAIN = 1.0
# Findings weaker than this are noise, however much a person wants to look at.
WEAKEST = 0.65
SHORT_DIP = 5
MOST_REASONS = 3
NEARLY_ALL = 0.8
FIRST_TOLD = ("no box", "jumps", "times larger", "times smaller", "may be cut off")  # then by letters
NUMBERS = re.compile(r"[\d.]+")


@dataclass(frozen=True)
class Suspect:
    """A range of frames that is suspicious, for one reason or several.

    Attributes
    ----------
    frame : int
        The worst frame, where a person should land.
    first, last : int
        The range, both inclusive.
    score : float
        How suspicious, 0 to 1; above 0.5 it is rather a fault than not.
    reasons : tuple of str
        In words, the weightiest first: ``"jumps 214 px for 2 frames"``.
    is_step : bool
        Whether only a sudden step speaks: nobody knows then which frame beside it is the worst.
    note : str
        What a person should know beside the reasons; mostly empty.
    """

    frame: int
    first: int
    last: int
    score: float
    reasons: tuple[str, ...]
    is_step: bool = field(default=False, compare=False)
    note: str = ""

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)

    @property
    def told(self) -> str:
        """The reasons in their usual order, and what else a person should know."""
        return "; ".join(filter(None, (*in_usual_order(self.reasons), self.note)))

    @property
    def kind(self) -> str:
        """The weightiest reason without its numbers: ``"jumps px"``, ``"low likelihood"``."""
        return kind_of(self.reasons[0])

    @property
    def n_frames(self) -> int:
        """Length of the range."""
        return self.last - self.first + 1


def kind_of(reason: str) -> str:
    """A reason without its numbers and how long it lasts."""
    return " ".join(NUMBERS.sub("", reason.partition(" for ")[0]).replace("()", "").split())


def in_words(reason: str) -> str:
    """A reason without numbers and their units, to be counted: ``"jumps"``, ``"low likelihood"``."""
    text = reason.partition(" for ")[0]
    for pattern, words in _WITHOUT_NUMBERS:
        text = pattern.sub(words, text)
    return " ".join(text.split())


_NUMBER = r"[-+]?\d[\d.,]*"
_WITHOUT_NUMBERS = (
    (re.compile(rf"\({_NUMBER}\)|\bby {_NUMBER} px"), ""),
    (re.compile(rf"\b{_NUMBER} of {_NUMBER} keypoints?\b"), "one keypoint"),
    (re.compile(rf"\b{_NUMBER} x {_NUMBER} px"), "a few px"),
    (re.compile(rf"{_NUMBER} % of the\b|{_NUMBER}( px| %| times)?"), ""),
)


def in_usual_order(reasons: Iterable[str]) -> list[str]:
    """Reasons in an order that does not depend on their weights, which change with every look."""

    def place(reason: str) -> tuple[int, str]:
        kind = kind_of(reason)
        return next((n for n, word in enumerate(FIRST_TOLD) if word in kind), len(FIRST_TOLD)), kind

    return sorted(reasons, key=place)


def score_of(severity: float) -> float:
    """Severity (0 and up, 1 is the threshold) as a score from 0 to 1 (0.5 is the threshold)."""
    return severity / (1 + severity)


def ranked(suspects: Sequence[Suspect]) -> list[Suspect]:
    """The highest score first; of the same score, by frame."""
    return sorted(suspects, key=rank)


def rank(suspect: Suspect) -> tuple[float, int]:
    """What suspects are ranked by, ascending."""
    return -suspect.score, suspect.first


def over(what: str, first: int, last: int) -> str:
    """``what`` with the length of a range behind it, if it is longer than a frame."""
    count = last - first + 1
    return what if count == 1 else f"{what} for {counted(count, 'frame')}"


def worst_of_runs(
    severity: FloatArray,
    reason: Callable[[int], str],
    worst_by: FloatArray | None = None,
    ends: float = CERTAIN,
) -> Iterator[Suspect]:
    """A suspect for each run of suspicious frames.

    A run goes on while the severity stays above the weakest, short dips aside; its suspect then reaches
    from the first frame to the last that is as severe as the run as a whole.

    Parameters
    ----------
    severity : ndarray, (T,)
    reason : callable
        Words for the worst frame.
    worst_by : ndarray, (T,), optional
        What makes a frame the worst, if not the severity.
    ends : float
        Severity of the first and of the last frame, at least, where a run is rather a fault than not.
    """
    by = severity if worst_by is None else worst_by
    mask = severity >= WEAKEST
    around = SHORT_DIP + 1  # beyond the ends, where closing would take away more than it had added
    closed = scipy.ndimage.binary_closing(np.pad(mask, around), np.ones(around))[around:-around]
    for first, last in runs(closed):
        part = severity[first : last + 1]
        counts = np.flatnonzero(part >= (ends if part.max() >= CERTAIN else WEAKEST))
        last, first = first + int(counts[-1]), first + int(counts[0])
        frame = first + int(np.argmax(by[first : last + 1]))
        words = over(reason(frame), first, last)
        yield Suspect(frame, first, last, score_of(float(severity.item(frame))), (words,))


def doubted(findings: Iterable[Suspect], cleared: BoolArray) -> Iterator[Suspect]:
    """Findings as they are; those of which nearly every frame is ``cleared``, (T,), as weak ones."""
    clear = np.concatenate([[0], np.cumsum(cleared)])
    for each in findings:
        is_clear = clear[each.last + 1] - clear[each.first] >= NEARLY_ALL * each.n_frames
        yield replace(each, score=min(each.score, score_of(WEAKEST))) if is_clear else each


def merged(findings: Iterable[Suspect]) -> list[Suspect]:
    """Findings that overlap or touch as one suspect each, by first frame.

    A weak finding (score below 0.5) neither widens nor joins strong ones: where it meets one it is
    dropped, or else a doubt here and a doubt there would make one suspect of half the video.
    """
    ordered = sorted(findings, key=lambda each: (each.first, each.last))
    strong = _joined([each for each in ordered if each.score >= score_of(CERTAIN)])
    weak = _joined([each for each in ordered if each.score < score_of(CERTAIN)])
    return sorted(strong + _clear_of(weak, strong), key=lambda each: each.first)


def _joined(ordered: Sequence[Suspect]) -> list[Suspect]:
    groups: list[list[Suspect]] = []
    last = -2
    for each in ordered:
        if each.first > last + 1:
            groups.append([])
        groups[-1].append(each)
        last = max(last, each.last)
    return [_one(group) for group in groups]


def _one(group: Sequence[Suspect]) -> Suspect:
    if len(group) == 1:
        return group[0]
    by_score = sorted(group, key=lambda each: -each.score)
    kinds: dict[str, str] = {}
    for reason in (reason for each in by_score for reason in each.reasons):
        kinds.setdefault(kind_of(reason), reason)
    reasons = tuple(kinds.values())[:MOST_REASONS]
    # a step says that something is wrong on one side of it; what sees each frame by itself says where
    worst = next((each for each in by_score if not each.is_step), by_score[0])
    return Suspect(
        worst.frame,
        min(each.first for each in group),
        max(each.last for each in group),
        by_score[0].score,
        reasons,
        worst.is_step,
        "; ".join(dict.fromkeys(each.note for each in by_score if each.note)),
    )


def _clear_of(weak: Sequence[Suspect], strong: Sequence[Suspect]) -> list[Suspect]:
    """Those of ``weak`` that meet none of ``strong``; both by first frame and free of overlaps."""
    kept, place = [], 0
    for each in weak:
        while place < len(strong) and strong[place].last < each.first:
            place += 1
        if place == len(strong) or strong[place].first > each.last:
            kept.append(each)
    return kept


def ranges_round(suspects: Iterable[Suspect], beside: int, last: int) -> list[tuple[int, int]]:
    """Frames of suspects and ``beside`` of them before and after each, joined where they meet.

    In the order of the video, whose last frame is ``last``.
    """
    ranges = list[tuple[int, int]]()
    for each in sorted(suspects, key=lambda suspect: suspect.first):
        begin, end = max(0, each.first - beside), min(last, each.last + beside)
        if ranges and begin <= ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], max(end, ranges[-1][1])
        else:
            ranges.append((begin, end))
    return ranges
