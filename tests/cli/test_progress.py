"""Lines where no bar can be drawn: few, each part named, nothing of what is quick."""

from __future__ import annotations

import pytest

from napari_cropzoom.cli import progress
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.progress import Progress, Stage


class Clock:
    """Time that passes as a stage says."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def _stage(clock: Clock, seconds: float) -> Stage[None]:
    """Loading, 1200 frames and a part that is not counted, each frame as long as the next."""
    for text, total in (("loading detector", 0), ("frames", 1200), ("drawing the labeled video", 0)):
        for done in range((total or 300) + 1):
            clock.now += seconds
            yield Progress(done if total else 0, total, text)
    yield Progress(1200, 1200, "frames")


def test_a_long_stage_says_its_parts_in_some_ten_lines(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    run_with_bar(_stage(clock, 0.3), "predicting mouse.mp4")
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    assert lines[0] == "predicting mouse.mp4: loading detector"
    assert lines[-1] == "predicting mouse.mp4: drawing the labeled video"
    counts = [line.removeprefix("predicting mouse.mp4: ") for line in lines[1:-1]]
    assert all(line.endswith(" of 1200 frames") for line in counts)
    assert 8 <= len(counts) <= 11
    assert lines.count(lines[0]) == 1
    assert len({*lines}) == len(lines)


def test_a_quick_stage_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    run_with_bar(_stage(clock, 0.005), "predicting mouse.mp4")
    assert capsys.readouterr().err == ""
