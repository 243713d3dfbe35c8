"""`cropzoom report`: one page of a review, or a row a video."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from export.report_page import Page, asked
from export.reviewed import N, Reviewed, make_review
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export.report.facts import CORRECTED, OPEN, gather
from napari_cropzoom.export.report.report import write_report
from videos import make_numbered_video


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    return make_review(tmp_path_factory.mktemp("review"))


def test_the_command_writes_and_refuses(
    review: Reviewed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.html"
    words = ["report", review.video, "--bbox", review.raw, "--output", out, "--skip_pixels"]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    assert f"report saved to {out}" in said.out
    assert "without --preds" in said.err
    assert main([str(word) for word in words]) == 1
    assert "--overwrite" in capsys.readouterr().err
    final = review.raw.parent / "bboxes_reviewed" / review.raw.name
    words = ["report", review.video, "--bbox", final, "--output", tmp_path / "x.html"]
    assert main([str(word) for word in words]) == 1
    assert "Give the raw ones" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
    with pytest.raises(CropzoomError, match=r"\.html"):
        run_stage(write_report(asked(review), tmp_path / "r.pdf"))


def test_several_videos_are_a_row_each(
    review: Reviewed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_review(tmp_path, "rat.mp4")
    for path in (
        review.raw,
        review.before,
        review.raw.parent / "bboxes_reviewed" / "mouse_journal.jsonl",
    ):
        place = other.raw.parent / path.relative_to(review.raw.parent)
        shutil.copy(path, place)
    bare = make_numbered_video(tmp_path / "bare.mp4", 5)
    out = tmp_path / "all.html"
    words = ["report", review.video, other.video, bare, "--bbox_dir", other.raw.parent, "--output", out]
    assert main([str(word) for word in (*words, "--skip_pixels")]) == 1
    assert "1 of 3 inputs failed" in capsys.readouterr().err
    facts = run_stage(gather(asked(other)))
    [track] = facts.tracks
    rows = {row[0]: row[1:] for row in Page(out.read_text("utf-8")).rows}
    for name in ("mouse.mp4", "rat.mp4"):
        corrected = len(track.with_outcome(CORRECTED))
        left = len(track.with_outcome(OPEN)) + len(track.new)
        counts = [N, len(track.suspects), track.in_suspects, corrected, 1, left, 1]
        assert rows[name][:7] == [str(count) for count in counts]
    assert rows["rat.mp4"][-1] == "yes"
    assert rows["mouse.mp4"][-1] == "no"  # its final boxes were not copied
    assert rows["all"][:2] == [str(2 * N), str(2 * len(track.suspects))]
    assert "bare_bbox.csv" in rows["bare.mp4"][0]
    assert str(tmp_path) not in out.read_text("utf-8")
    preds = other.after.parent
    assert preds != review.after.parent
    words = ["report", review.video, other.video, "--bbox_dir", other.raw.parent, "--preds_dir", preds]
    assert main([str(word) for word in (*words, "--output", out, "--overwrite", "--skip_pixels")]) == 0
    assert f"{preds / 'mouse.csv'}: is not there, so the row of mouse.mp4" in capsys.readouterr().err
    rows = {row[0]: row[1:] for row in Page(out.read_text("utf-8")).rows}
    assert rows["mouse.mp4"][8].endswith(" → no file")
    assert re.fullmatch(r"0\.\d+ → 0\.\d+", rows["rat.mp4"][8])
    words = ["report", review.video, other.video, "--bbox", other.raw, "--output", out, "--overwrite"]
    assert main([str(word) for word in words]) == 1
    assert "Give --bbox_dir." in capsys.readouterr().err
