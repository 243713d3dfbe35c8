"""The report of a review: its numbers counted another way, its page, and what it does not tell."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from export.report_page import Page, asked
from export.reviewed import N, Reviewed, make_review, raw_boxes
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Box, BoxTrack, Source
from napari_cropzoom.core.editing.edits import Edit, accept_all
from napari_cropzoom.core.editing.range_tools import copy_from, set_size, shift
from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.methods import Shake, SmoothingSettings
from napari_cropzoom.export.markup import as_script, tag
from napari_cropzoom.export.report.facts import ACCEPTED, CORRECTED, OPEN, ReportSettings, gather
from napari_cropzoom.export.report.methods import methods_text
from napari_cropzoom.export.report.numbers import edits_of, jitter, of_part
from napari_cropzoom.export.report.page import page_of
from napari_cropzoom.export.report.plots import reduced
from napari_cropzoom.export.report.report import write_report
from napari_cropzoom.export.stages import STAGES, get_product
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions, write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def page(review: Reviewed, tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("page") / "report.html"
    run_stage(write_report(asked(review), output))
    return output.read_text("utf-8")


def test_numbers_are_those_of_the_files(review: Reviewed) -> None:
    facts = run_stage(gather(asked(review)))
    [track] = facts.tracks
    final = read_bbox_csv(review.raw.parent / "bboxes_reviewed" / review.raw.name, N)
    np.testing.assert_array_equal(track.final, final)
    raw = raw_boxes()
    of_all = Shake.of(raw, SmoothingSettings("none"), np.zeros(N, bool))  # as the step Smooth says
    assert float(np.nanmedian(jitter(raw[:, :2] + raw[:, 2:] / 2))) == pytest.approx(of_all.before)
    middle = final[:, :2] + final[:, 2:] / 2
    away = [np.hypot(*(middle[t] - (middle[t - 1] + middle[t + 1]) / 2)) for t in range(1, N - 1)]
    np.testing.assert_allclose(jitter(middle)[1:-1], away)
    assert np.isnan(jitter(middle)[[0, -1]]).all()
    assert [track.frames_of(each) for each in (Source.MANUAL, Source.FILLED, Source.ABSENT)] == [1, 3, 1]
    assert track.frames_of(Source.MISSING) == 2
    assert track.frames_of(Source.INTERPOLATED) == 2
    assert int(track.changed.sum()) == 3 + 3 + 1
    assert {each.kind: (each.count, each.frames) for each in track.edits} == {
        "set box": (1, 1), "interpolate": (1, 2), "fill": (1, 3), "delete box": (1, 1), "accept": (1, 3),
        "change of a setting": (1, N),
    }  # fmt: skip
    before, after = read_predictions(review.before, N), read_predictions(review.after, N)
    for poses, known in ((facts.before, before), (facts.after, after)):
        assert poses is not None
        for place, name in enumerate(known.names):
            part = of_part(poses, name)
            assert part is not None
            assert part.likelihood == pytest.approx(float(np.median(known.likelihood[:, place])))
            assert part.sure == pytest.approx(float((known.likelihood[:, place] >= 0.9).sum() / N))
            steps = np.diff(known.xy[:, place], 2, axis=0) / 2
            assert part.jitter.median == pytest.approx(float(np.median(np.hypot(*steps.T))))
    for each in facts.files:
        assert each.sha256 == hashlib.sha256(each.path.read_bytes()).hexdigest()
    assert {each.what for each in facts.files} == {
        "video",
        "raw boxes",
        "final boxes",
        "journal of the review",
        "keypoints before",
        "keypoints after",
    }
    assert (np.isnan(raw[:, 0])).sum() == 5


def test_what_became_of_suspects(review: Reviewed) -> None:
    [track] = run_stage(gather(asked(review))).tracks
    became = {
        frame: each.what
        for each in track.suspects
        for frame in range(each.suspect.first, each.suspect.last + 1)
    }
    assert became[51] == CORRECTED
    assert became[121] == ACCEPTED
    assert became[93] == OPEN
    assert track.in_suspects == len(became)


def record_boxes(review: Reviewed, boxes: np.ndarray) -> None:
    """Say in which boxes the pose was found."""
    with Video(review.video) as video:
        identity = video_identity(video.index)
    record = MadeWith({}, "cpu", identity, boxes, file_sha256(review.after))
    write_made_with(made_with_path(review.after), record)


def test_boxes_that_changed_after_the_pose_are_told_by_all_that_shows_keypoints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review = make_review(tmp_path)
    final_csv = review.raw.parent / "bboxes_reviewed" / review.raw.name
    final = run_stage(gather(asked(review))).tracks[0].of_animal
    of = ["--bbox", final_csv, "--preds", review.after]
    commands = {
        "report": ["--bbox", review.raw, "--preds", review.after, "--skip_pixels"],
        "figure": of,
        "show": [*of, "--range", "0:3"],
    }
    outputs = {"report": "r.html", "figure": "f.png", "show": "v.mp4"}

    def said(verb: str) -> str:
        output = tmp_path / outputs[verb]
        words = [verb, review.video, *commands[verb], "--output", output, "--overwrite"]
        assert main([str(word) for word in words]) == 0
        return capsys.readouterr().err

    def made(product: str) -> int:
        args = {
            "product": product, "video": review.video, "bbox_csv": final_csv, "raw_csv": review.raw,
            "preds": review.after, "preds_before": review.before, "frames": (0, 3), "name": "animal",
            "output": tmp_path / f"{product}{get_product(product).suffixes[0]}",
        }  # fmt: skip
        return int(run_stage(STAGES["show"](args))["n_others"])

    record_boxes(review, final)
    words = "the boxes have changed since the pose model ran"
    assert not any(words in said(verb) for verb in commands)
    assert made("frame") == made("report") == 0
    before = final.copy()
    before[20:55] += [0, 3, 0, 0]
    record_boxes(review, before)
    for verb in commands:
        told = said(verb)
        assert f"n 35 {'' if verb == 'report' else 'of 160 '}frames {words}" in told
        assert told.endswith("Run it again on these with `predict --only_changed`.\n")
    shown = " ".join(Page((tmp_path / "r.html").read_text("utf-8")).words)
    assert f"In 35 of 160 frames {words}, so the keypoints there are of other boxes." in shown
    assert "on the reviewed crops but for 35 frames, whose boxes have changed since it ran," in shown
    assert made("frame") == made("report") == made("crop_video") == made("timeline") == 35
    assert made("trajectory") == 0  # which shows no keypoints


def test_suspects_are_those_of_the_window_of_the_pose_too(tmp_path: Path) -> None:
    """Also those of which a part was accepted before they reached further."""
    review = make_review(tmp_path)
    final = read_bbox_csv(review.raw.parent / "bboxes_reviewed" / review.raw.name, N)
    xy = final[:, None, :2] + final[:, None, 2:] * [[0.3, 0.4], [0.6, 0.6]]
    for first, last in [(20, 25), (70, 74)]:
        part = slice(first, last + 1)
        xy[part, 1] = final[part, :2] + final[part, 2:] * [0.005, 0.6]
    write_predictions(review.after, Poses(("nose", "tail-tip"), xy, np.full((N, 2), 0.95)))
    record_boxes(review, final)
    session = Session(Video(review.video))
    session.load_predictions("detector", review.before)
    session.load_boxes(review.raw, allow_missing=True)
    session.load_predictions("pose", review.after)
    session.accept(70, 74)
    session.accept(20, 21)
    session.set_box(50, Box(*(final[50] + [0, 2, 0, 0])))
    left, done = session.suspects.entries()
    session.close()
    [track] = run_stage(gather(asked(review))).tracks
    became = {(each.suspect.first, each.suspect.last): each for each in track.suspects}
    assert TOUCHES in became[22, 25].suspect.reasons
    assert became[22, 25].what == OPEN
    assert became[20, 21].what == became[70, 74].what == ACCEPTED
    assert len(track.with_outcome(OPEN)) == len(left)
    assert len(track.suspects) == len(left) + len(done)
    scores = [each.suspect.score for each in track.suspects]
    assert scores == sorted(scores, reverse=True)


def test_an_undone_edit_and_another_animal_do_not_count(review: Reviewed) -> None:
    facts = run_stage(gather(asked(review)))
    [track] = facts.tracks
    assert track.track.manual_frames().tolist() == [51]
    assert edits_of([], "animal", N) == []
    other = Edit.of("set box of frame 3", BoxTrack(raw_boxes(), "other"), 3, track.track.snapshot(4, 4))
    assert edits_of([other], "animal", N) == []
    assert [each.kind for each in edits_of([other], "other", N)] == ["set box"]


def test_edits_of_one_kind_keep_numbers_that_they_share():
    track = BoxTrack(raw_boxes(), "mouse")
    by_two = [shift(track, first, first + 1, -2, 0) for first in (8, 12)]
    sized = set_size(track, 8, 9, 40, 40)
    copied = copy_from(track, 13, 12)
    assert [each.kind for each in edits_of([*by_two, sized, copied], "mouse", N)] == [
        "shift by -2, +0 px", "copy the box", "set the size 40x40",
    ]  # fmt: skip
    others = [*by_two, shift(track, 20, 21, 3, 1), sized, set_size(track, 20, 21, 60, 50)]
    assert [(each.kind, each.count) for each in edits_of(others, "mouse", N)] == [
        ("shift", 3), ("set the size", 2),
    ]  # fmt: skip
    accepted = [accept_all(track, [(3, 4), (8, 8)], "jumps px"), accept_all(track, [(12, 14)], "no box")]
    assert [each.kind for each in edits_of(accepted, "mouse", N)] == ["accept suspects"]


def test_frames_without_an_animal_are_no_boxes_that_moved(review: Reviewed) -> None:
    facts = run_stage(gather(asked(review)))
    [track] = facts.tracks
    raw = raw_boxes()
    absent = np.flatnonzero(track.track.source == Source.ABSENT)
    assert not np.isnan(raw[absent]).any()
    known = ~np.isnan(raw[:, 0])
    known[absent] = False
    moved = np.flatnonzero(track.changed & known)
    middle = lambda boxes: boxes[:, :2] + boxes[:, 2:] / 2  # noqa: E731
    away = np.hypot(*(middle(track.final) - middle(raw))[moved].T)
    page = " ".join(page_of(facts, {}, {}).split())
    assert (
        f"In {len(moved)} frames a box was changed into another one: its centre moved by "
        f"{np.median(away):.1f} px in the median and {away.max():.1f} px at most."
    ) in page
    assert np.isnan(track.of_animal[absent]).all()


def test_the_page_says_what_the_facts_are(review: Reviewed, page: str) -> None:
    facts = run_stage(gather(asked(review)))
    [track] = facts.tracks
    parsed = Page(page)
    words = " ".join("".join(parsed.words).split())
    rows = {row[0]: row[1:] for row in parsed.rows if row}
    assert rows["set by hand"] == ["1", f"{100 / N:.1f} %"]
    assert rows["fill"] == ["1", "3"]
    assert rows["video"][-1] == hashlib.sha256(review.video.read_bytes()).hexdigest()
    for each in track.suspects:
        place = str(each.suspect.first)
        if each.suspect.n_frames > 1:
            place += f" to {each.suspect.last}"
        assert [each.suspect.reason, f"{each.suspect.score:.2f}", each.what] == rows[place]
    for paragraph in methods_text(facts).split("\n\n"):
        assert " ".join(paragraph.split()) in words
    assert f"Boxes were set by hand in 1 of {N} frames (0.6 %)" in words
    pictures = [value for name, key, value in parsed.attributes if (name, key) == ("img", "src")]
    assert len(pictures) == 2 * min(6, len(track.suspects))
    assert len(set(pictures)) > len(track.suspects)


def test_how_far_it_is_is_counted_once(review: Reviewed, tmp_path: Path) -> None:
    """It was at 95 %, and then at 0 % again."""
    stage = write_report(
        ReportSettings(review.video, review.raw, after=review.after), tmp_path / "r.html"
    )
    counts = list(stage)
    assert {each.total for each in counts} == {100}
    done = [each.done for each in counts]
    assert done == sorted(done)
    assert done[0] < 60
    assert done[-1] == 100


def test_plots_hold_the_numbers_of_every_frame(review: Reviewed, page: str) -> None:
    [text] = re.findall(r'<script type="application/json">(.*?)</script>', page)
    data = json.loads(text)
    with Video(review.video) as video:
        np.testing.assert_allclose(data["times"], video.times, atol=6e-4)
    final = read_bbox_csv(review.raw.parent / "bboxes_reviewed" / review.raw.name, N)
    (_, raw_speed), (_, final_speed) = data["rows"][0]
    steps = np.hypot(*np.diff(final[:, :2] + final[:, 2:] / 2, axis=0).T)
    np.testing.assert_allclose(final_speed[1:], steps, rtol=1e-3)
    assert final_speed[0] is None
    assert [frame for frame in range(90, 96) if raw_speed[frame] is not None] == []
    likelihood = read_predictions(review.after, N).likelihood.mean(axis=1)
    np.testing.assert_allclose(data["rows"][2][1][1], likelihood, rtol=1e-3)


def test_the_page_needs_nothing_else_and_names_no_place(review: Reviewed, page: str) -> None:
    parsed = Page(page)
    links = [value for _, key, value in parsed.attributes if key in ("src", "href", "action", "data")]
    assert links
    assert all(each.startswith("data:image/") for each in links)
    assert "url(" not in page
    assert "@import" not in page
    assert str(review.video.parent) not in page
    words = "".join(parsed.words)
    assert "Reviewed by" not in words
    assert "UTC" not in words


def test_who_when_and_where_only_if_asked(review: Reviewed, tmp_path: Path) -> None:
    more = {"who": "Ada <b>", "when": True, "paths": True, "pictures": 0}
    run_stage(write_report(asked(review, **more), tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "Reviewed by Ada &lt;b&gt;." in page
    assert html.escape(str(review.video)) in page
    assert re.search(r"Report made: 20\d\d-\d\d-\d\d", page)
    assert "<img" not in page


@pytest.mark.skipif(sys.platform == "win32", reason="no file can have such a name there")
def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    name = "<script>alert(1)<script>&quot;.mp4"
    review = make_review(tmp_path, name)
    run_stage(write_report(asked(review), tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text("utf-8")
    assert html.escape(name) in page
    assert "<script>alert" not in page
    assert Page(page).rows
    assert str(tag("p", "<i>", title='"')) == '<p title="&quot;">&lt;i&gt;</p>'
    assert "</script" not in as_script(["</script>"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [375, 1280])
def test_a_browser_shows_it_without_errors(page: str, tmp_path: Path, width: int) -> None:
    """The page's own script draws in it, and the browser says nothing against it."""
    (tmp_path / "r.html").write_text(page, "utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0", "--dump-dom",
        f"file://{tmp_path / 'r.html'}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "drag to enlarge a range" in done.stdout
    assert 'class="chosen"' in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_boxes_without_a_review_are_reported_as_such(review: Reviewed, tmp_path: Path) -> None:
    raw = shutil.copy(review.raw, tmp_path)
    run_stage(write_report(ReportSettings(review.video, Path(raw), pixels=False), tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "These boxes were not reviewed" in page
    assert "The final boxes are not saved yet." in page
    assert "Keypoints before and after" not in page


def test_what_is_not_known_is_said_in_words(tmp_path: Path) -> None:
    video = make_numbered_video(tmp_path / "v.mp4", 6)
    boxes = np.full((6, 4), np.nan)
    boxes[0] = [10, 10, 20, 20]
    write_bbox_csv(tmp_path / "x" / "v_bbox.csv", boxes)
    run_stage(
        write_report(
            ReportSettings(video, tmp_path / "x" / "v_bbox.csv", pixels=False), tmp_path / "r.html"
        )
    )
    words = " ".join(Page((tmp_path / "r.html").read_text("utf-8")).words)
    assert not re.search(r"\bnan\b", words)
    assert "\u2013 → \u2013 px" in words
    assert "were inspected, but not reviewed," in words
    assert "Jitter of the box, the distance" not in words


def test_many_frames_share_a_place_and_none_is_lost() -> None:
    values = np.array([1.0, 5, np.nan, 2, np.nan, np.nan, np.nan, np.nan, 7])
    np.testing.assert_array_equal(reduced(values, 4, "max"), [5, np.nan, 7])
    np.testing.assert_array_equal(reduced(values, 4, "min"), [1, np.nan, 7])
    np.testing.assert_allclose(reduced(values, 4, "mean"), [8 / 3, np.nan, 7])


def test_what_scrolls_is_reached_by_the_keyboard(page: str) -> None:
    assert page.count('class="wide" tabindex="0"') == page.count("<table") > 3
