"""A small run of the review benchmark, its bounds a little looser than over ten seeds."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def review(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import review

    yield review
    for name in ("review", "review_animals", "review_arena", "review_faults"):
        sys.modules.pop(name, None)


def test_the_queue_finds_faults(review):
    total = review.Tally()
    for _, tally in review.measure_simulated([300, 301], 6000):
        total += tally
    assert total.faults.total() >= 70
    assert len(total.faults) == 8
    assert total.recall >= 0.96
    assert total.precision >= 0.88
    for kind in ("missing", "edge"):
        assert total.found[kind] == total.faults[kind]


def test_a_queue_that_flags_nothing_or_everything_fails(review):
    faults = [review.Fault("jump", 10, 12), review.Fault("swap", 50, 90)]
    nothing = review.judge([], faults, 200)
    assert (nothing.recall, nothing.precision) == (0, 1)
    everything = [review.Suspect(n, n, n, 1.0, ("",)) for n in range(200)]
    tally = review.judge(everything, faults, 200)
    assert tally.recall == 1
    assert tally.precision == (3 + 4 + 41 + 4) / 200
