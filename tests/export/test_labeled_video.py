"""Labeled videos: every frame, at its time, with what belongs to it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from export.drawn_videos import HEIGHT, WIDTH, N, boxes_along, decoded, draw, poses_along
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.editing import range_tools
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.export.animals import Animal, cell_of
from napari_cropzoom.export.drawing import BOX, GROUND, THEMES, Strip
from napari_cropzoom.export.keypoints import KeypointLook
from napari_cropzoom.export.labeled_video import Shown, write_labeled_video
from napari_cropzoom.export.palettes import colour_of
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, numbered_frame, read_number, write_video, zero_packets


def test_every_frame_is_there_at_its_own_time(tmp_path: Path) -> None:
    ticks = np.cumsum([0, *np.random.default_rng(2).integers(1, 9, N - 1)]).tolist()
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(N)]
    video = write_video(tmp_path / "v.mp4", pictures, ticks=ticks, time_base=Fraction(1, 100))
    run_stage(write_labeled_video(video, tmp_path / "out.mp4", Shown()))
    shown, times = decoded(tmp_path / "out.mp4")
    assert [read_number(each) for each in shown] == list(range(N))
    assert shown[0].shape == (HEIGHT, WIDTH, 3)
    with Video(video) as source, Video(tmp_path / "out.mp4") as made:
        np.testing.assert_allclose(made.times, source.times - source.times[0], atol=1e-4)
    some = tmp_path / "some.mp4"
    run_stage(write_labeled_video(video, some, Shown(first=5, last=17, speed=2.0)))
    shown, times = decoded(some)
    assert [read_number(each) for each in shown] == list(range(5, 18))
    expected = (np.array(ticks[5:18]) - ticks[5]) / 200
    np.testing.assert_allclose([float(each - times[0]) for each in times], expected, atol=1e-4)


def test_ranges_follow_each_other(tmp_path: Path) -> None:
    ticks = np.cumsum([0, *np.random.default_rng(2).integers(1, 9, N - 1)]).tolist()
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(N)]
    video = write_video(tmp_path / "v.mp4", pictures, ticks=ticks, time_base=Fraction(1, 100))
    boxes, out = tmp_path / "b.csv", tmp_path / "out.mp4"
    write_bbox_csv(boxes, boxes_along())
    words = ["show", video, "--bbox", boxes, "--layout", "frame", "--output", out]
    assert main([str(word) for word in (*words, "--range", "5:9", "30:", "2:2")]) == 0
    shown, times = decoded(out)
    expected = [*range(5, 10), *range(30, N), 2]
    assert [read_number(each) for each in shown] == expected
    within = np.diff([float(time) for time in times])
    steps = np.diff(np.array(ticks)[expected]) / 100
    is_inside = np.diff(expected) == 1
    np.testing.assert_allclose(within[is_inside], steps[is_inside], atol=1e-4)
    assert (within[~is_inside] > 0).all()
    assert within[~is_inside].max() < 0.2  # no pause as long as what lies between


def test_the_worst_suspects_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two boxes that jump, ten frames a second, so five frames before and after each."""
    long = 80
    video = make_numbered_video(tmp_path / "v.mp4", long, size=(WIDTH, HEIGHT), fps=10)
    t = np.arange(long)
    walk = np.column_stack([20 + t, 30 + 5 * np.sin(t / 8), np.full(long, 40), np.full(long, 40)])
    jumps = walk.copy()
    jumps[[20, 60], 0] += 60
    boxes, out = tmp_path / "b.csv", tmp_path / "out.mp4"
    write_bbox_csv(boxes, jumps)
    words = ["show", video, "--bbox", boxes, "--layout", "frame", "--output", out, "--overwrite"]
    assert main([str(word) for word in (*words, "--suspects", 2)]) == 0
    numbers = [read_number(each) for each in decoded(out)[0]]
    assert {*range(15, 26), *range(55, 66)} <= set(numbers)
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 40
    write_bbox_csv(boxes, walk)
    assert main([str(word) for word in (*words, "--suspects", 2)]) == 1
    assert "has no suspects to show" in capsys.readouterr().err
    assert main(["show", str(video), "--suspects", "1", "--output", str(tmp_path / "o.mp4")]) == 1
    assert "Give these with --bbox." in capsys.readouterr().err


def test_a_light_theme_is_beside_the_frame_and_not_in_it(dark: Path, tmp_path: Path) -> None:
    how = {"boxes": boxes_along(), "poses": poses_along(), "layout": "timeline"}
    [night, *_], [day, *_] = (
        draw(dark, tmp_path / f"in_{theme}.mp4", theme=theme, **how) for theme in ("dark", "light")
    )
    differs = np.abs(night[:HEIGHT, :WIDTH].astype(int) - day[:HEIGHT, :WIDTH].astype(int)) > 12
    assert differs.mean() < 0.002  # the encoder is not exact at edges
    assert np.median(night[HEIGHT + 4 :]) < 40
    assert np.median(day[HEIGHT + 4 :]) > 220
    beside = np.median(day[100 : HEIGHT - 4, WIDTH + 4 :].reshape(-1, 3), axis=0)
    assert (beside > 220).all()


def test_a_reviewed_box_shows_where_it_comes_from(tmp_path: Path) -> None:
    """Set by hand thick, of a tool with a tint inside, as in the window."""
    picture = np.full((HEIGHT, WIDTH, 3), 16, np.uint8)
    video = write_video(tmp_path / "v.mp4", [picture] * N, options={"crf": "0"})
    raw = tmp_path / "v_bbox.csv"
    boxes = boxes_along()
    boxes[7] = boxes[6]
    write_bbox_csv(raw, boxes)
    session = Session(Video(video))
    try:
        session.load_boxes(raw)
        session.smoothing = SmoothingSettings("none", 1)
        session.set_box(10, Box(*boxes[10]))
        session.apply(range_tools.hold(session.track, 20, 22))
        final = session.save()
    finally:
        session.close()
    out = tmp_path / "out.mp4"
    words = ["show", video, "--bbox", final, "--layout", "frame", "--output", out]
    assert main([str(word) for word in words]) == 0
    shown = decoded(out)[0]
    inked = [int((each.max(axis=2) > 70).sum()) for each in shown]
    assert inked[10] > 1.5 * inked[9]
    x, y, w, h = boxes[20].astype(int)
    assert shown[21][y + h // 2, x + w // 2].max() > 32 > shown[9][y + h // 2, x + w // 2].max()


@pytest.mark.parametrize("fps", [24, 29.97, 30, 59.94])
def test_a_constant_rate_stays(tmp_path: Path, fps: float) -> None:
    video = tmp_path / "v.mp4"
    make_numbered_video(video, N, fps=fps)
    run_stage(write_labeled_video(video, tmp_path / "out.mp4", Shown()))
    with Video(video) as source, Video(tmp_path / "out.mp4") as made:
        assert made.n_frames == source.n_frames == N
        assert made.index.rate == source.index.rate
        np.testing.assert_allclose(made.times, source.times - source.times[0], atol=1e-4)


def test_box_and_keypoints_lie_where_they_are(dark: Path, tmp_path: Path) -> None:
    boxes = boxes_along()
    for number, picture in enumerate(draw(dark, tmp_path / "out.mp4", boxes=boxes)):
        rows, columns = np.nonzero(picture.max(axis=2) > 90)
        if number == 7:
            assert not len(rows)
            continue
        x, y, w, h = boxes[number]
        edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(edges, [x, y, x + w, y + h], atol=2)
        red, _, blue = picture[rows, columns].mean(axis=0)
        assert blue - red > (BOX[2] - BOX[0]) / 4
    poses = poses_along()
    for number, picture in enumerate(draw(dark, tmp_path / "pose.mp4", poses=poses)):
        rows, columns = np.nonzero(picture.max(axis=2) > 60)
        near = np.hypot(*(np.column_stack([columns, rows]) + 0.5 - poses.xy[number, 0]).T) < 6
        np.testing.assert_allclose(columns[near].mean() + 0.5, poses.xy[number, 0, 0], atol=0.6)
        np.testing.assert_allclose(rows[near].mean() + 0.5, poses.xy[number, 0, 1], atol=0.6)


def test_the_crop_is_the_box_enlarged(tmp_path: Path) -> None:
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(N)]
    video = write_video(tmp_path / "v.mp4", pictures, options={"crf": "4"})
    whole = np.tile([0.0, 0.0, WIDTH, HEIGHT], (N, 1))
    crops = draw(video, tmp_path / "crop.mp4", boxes=whole, layout="crop")
    high = round(512 * HEIGHT / WIDTH)
    assert [read_number(each[:high]) for each in crops] == list(range(N))
    both = draw(video, tmp_path / "both.mp4", boxes=whole, layout="both", poses=poses_along())
    assert both[0].shape[0] == HEIGHT
    panel = both[0].shape[1] - WIDTH
    assert [read_number(each[: round(panel * HEIGHT / WIDTH), WIDTH:]) for each in both] == list(range(N))
    timeline = draw(video, tmp_path / "t.mp4", boxes=whole, layout="timeline", poses=poses_along())
    assert timeline[0].shape[0] > HEIGHT
    heads = [int(each[-2].min(axis=1).argmax()) for each in timeline]  # below the letters
    assert heads == sorted(heads)
    assert heads[-1] - heads[0] > 0.9 * timeline[0].shape[1]


def test_a_frame_that_cannot_be_decoded_is_crossed_out(tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(N)]
    write_video(video, pictures, options={"g": "1"})
    zero_packets(video, [11])
    shown = draw(video, tmp_path / "out.mp4", boxes=boxes_along(), layout="frame")
    assert len(shown) == N
    assert [read_number(each) for n, each in enumerate(shown) if n != 11] == [*range(11), *range(12, N)]
    with Video(video) as source:
        cross = source.frame(11)
        assert 11 in source.index.damage
    assert np.abs(shown[11].astype(int) - cross).mean() < 20


def test_a_gif_keeps_the_time_and_leaves_out_what_nobody_can_see(dark: Path, tmp_path: Path) -> None:
    assert len(draw(dark, tmp_path / "a.gif", boxes=boxes_along())) == N
    _, times = decoded(tmp_path / "a.gif")
    assert float(times[-1] - times[0]) == pytest.approx((N - 1) / 30, abs=0.02)
    fast = draw(dark, tmp_path / "b.gif", boxes=boxes_along(), speed=4.0)
    assert N / 3 < len(fast) < N / 2 + 2


def test_what_does_not_fit_is_refused_and_nothing_is_left(dark: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.mp4"
    for how, message in (
        ({"boxes": boxes_along(3)}, "40 frames, and there are 3 boxes"),
        ({"poses": poses_along(3)}, "there are 3 poses"),
        ({"first": 3, "last": 99}, "no range"),
        ({"layout": "crop"}, "Give the boxes"),
        ({"layout": "cinema"}, "Unknown layout"),
    ):
        with pytest.raises(CropzoomError, match=message):
            draw(dark, out, **how)
    with pytest.raises(CropzoomError, match=r"\.mp4 or \.gif"):
        draw(dark, tmp_path / "out.avi")
    with pytest.raises(CropzoomError, match="is the video itself"):
        draw(dark, dark)
    with pytest.raises(CropzoomError, match=r"--speed of 8 at most"):
        draw(dark, out, speed=9.0)
    with pytest.raises(
        CropzoomError, match=r"for 3\.33e\+07 seconds\. Give a --speed of 0\.00333 at least"
    ):
        draw(dark, out, speed=1e-9)
    for scale in (90.0, 1e6):  # the latter, more than any memory holds
        with pytest.raises(CropzoomError, match=r"smaller --scale"):
            draw(dark, out, scale=scale)
    with pytest.raises(CropzoomError, match=r"larger --scale"):
        draw(dark, out, scale=1e-9)
    stage = write_labeled_video(dark, out, Shown())
    next(stage)
    stage.close()
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_there_stays_unless_one_says_so(dark: Path, tmp_path: Path) -> None:
    other = tmp_path / "recording.mp4"
    other.write_bytes(b"not to be lost")
    with pytest.raises(CropzoomError, match="is there already"):
        draw(dark, other)
    assert other.read_bytes() == b"not to be lost"
    run_stage(write_labeled_video(dark, other, Shown(), overwrite=True))
    assert len(decoded(other)[0]) == N


@pytest.mark.parametrize("layout", ["frame", "crop", "both"])
def test_texts_keep_a_least_size_in_a_video_that_is_scaled_down(
    dark: Path, tmp_path: Path, layout: str
) -> None:
    """The rows in which a name changes the picture, counted without and with it."""
    heights = []
    for scale in (1.0, 0.5):
        shown = [
            draw(
                dark, tmp_path / f"{scale}{names}.mp4", boxes=boxes_along(), poses=poses_along(),
                layout=layout, look=KeypointLook(names=names), scale=scale, last=0,
            )[0].astype(int)
            for names in (False, True)
        ]  # fmt: skip
        is_text = np.abs(shown[1] - shown[0]).max(axis=2).max(axis=1) > 60
        heights.append(int(is_text.sum()))
    assert heights[0] >= 8
    assert heights[1] >= 8


def test_the_timeline_of_a_range_is_that_of_the_whole() -> None:
    boxes = boxes_along()
    boxes[:, 0] += 5 * np.sin(np.arange(N))
    whole = Strip(1016, 100, boxes, None, 0, N - 1)
    part = Strip(1016, 100, boxes, None, 20, N - 1)
    for strip in (whole, part):
        assert (strip.at(25)[40:] > 100).any()
    curve = np.abs(part.at(N - 1).astype(int) - GROUND).max(axis=2)[36:, :12]
    height = np.nonzero(curve.max(axis=1) > 60)[0]
    assert len(height)
    assert height.min() < 45  # the animal runs in its first frame, and does not start from rest


def test_odd_sides_get_one_black_row(tmp_path: Path) -> None:
    picture = np.full((63, 95, 3), 200, np.uint8)
    video = write_video(tmp_path / "v.mkv", [picture] * 4, codec="ffv1", pix_fmt="yuv444p")
    shown = draw(video, tmp_path / "out.mp4")
    assert shown[0].shape == (64, 96, 3)
    assert shown[0][:62, :94].min() > 180


def test_the_command_draws_what_it_is_given(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bbox_csv(tmp_path / "b.csv", boxes_along())
    write_predictions(tmp_path / "p.csv", poses_along())
    out = tmp_path / "out.mp4"
    given = ["--bbox", tmp_path / "b.csv", "--preds", tmp_path / "p.csv", "--output", out]
    more = ["--skeleton", "nose-tail-tip", "--names", "--trail", "5", "--range", "3:9", "--scale", "0.5"]
    assert main([str(word) for word in ("show", dark, *given, *more)]) == 0
    shown, _ = decoded(out)
    assert len(shown) == 7
    assert shown[0].shape[0] == HEIGHT / 2
    assert shown[0].shape[1] > WIDTH / 2  # the crop beside it
    assert f"labeled video saved to {out}" in capsys.readouterr().out
    assert main([str(word) for word in ("show", dark, *given)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    given.append("--overwrite")
    assert main([str(word) for word in ("show", dark, *given, "--model", tmp_path)]) == 0
    assert "names a skeleton" in capsys.readouterr().err
    assert main([str(word) for word in ("show", dark, *given, "--skeleton", "nose-ear")]) == 1
    assert "body parts nose, tail-tip" in capsys.readouterr().err
    for text in ("9", "a:b", "-1:3"):
        with pytest.raises(SystemExit):
            main([str(word) for word in ("show", dark, "--output", out, f"--range={text}")])


def test_likelihood_can_colour_keypoints(dark: Path, tmp_path: Path) -> None:
    by_part = draw(dark, tmp_path / "a.mp4", poses=poses_along())
    by_likelihood = draw(dark, tmp_path / "b.mp4", poses=poses_along(), look=KeypointLook("likelihood"))
    assert np.abs(by_part[0].astype(int) - by_likelihood[0]).max() > 60


def test_the_crops_of_several_animals_stand_in_a_grid(tmp_path: Path) -> None:
    """Each cell is the inside of its animal's box in that frame, by row, with an edge of its colour."""
    pictures = []
    for number in range(N):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for place, shade in enumerate((80, 140, 200)):
            picture[10 + 40 * place : 40 + 40 * place, number : number + 30] = shade
        pictures.append(picture)
    video = write_video(tmp_path / "v.mp4", pictures, options={"crf": "0"})
    x = np.arange(N, dtype=float)
    boxes = [
        np.column_stack([x, np.full(N, 10.0 + 40 * place), *[np.full(N, 30.0)] * 2]) for place in range(3)
    ]
    boxes[2][7] = np.nan
    others = (Animal(boxes[1], name="b"), Animal(boxes[2], name="c"))
    shown = draw(video, tmp_path / "out.mp4", boxes=boxes[0], layout="grid", others=others, name="a")
    side = cell_of(3)
    assert len(shown) == N
    assert shown[0].shape == (2 * side, 2 * side, 3)
    for number in (0, 6, N - 1):
        places = ((side // 2, side // 2), (side // 2, side * 3 // 2), (side * 3 // 2, side // 2))
        middles = [shown[number][top : top + 9, left : left + 9].mean() for top, left in places]
        np.testing.assert_allclose(middles, (80, 140, 200), atol=4)
    assert np.abs(shown[0][side * 3 // 2, side * 3 // 2].astype(int) - GROUND).max() < 6  # no fourth
    assert shown[7][side * 3 // 2, side // 4].mean() < 60  # no box here
    np.testing.assert_allclose(shown[0][side // 2, side + 1], colour_of(1), atol=30)


def test_the_command_makes_a_grid_and_draws_all_boxes_into_the_frame(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = boxes_along()
    other[:, 1] += 50
    write_bbox_csv(tmp_path / "one_bbox.csv", boxes_along())
    write_bbox_csv(tmp_path / "two_bbox.csv", other)
    write_predictions(tmp_path / "p.csv", poses_along())
    out = tmp_path / "out.mp4"
    words = ["show", dark, "--bbox", tmp_path / "one_bbox.csv", "--output", out, "--range", "0:2"]
    also = ["--also", tmp_path / "two_bbox.csv", tmp_path / "p.csv"]
    assert main([str(word) for word in (*words, *also)]) == 0
    grid, _ = decoded(out)
    assert grid[0].shape == (cell_of(2), 2 * cell_of(2), 3)
    frame = [*words, *also, "--layout", "frame", "--overwrite"]
    assert main([str(word) for word in frame]) == 0
    shown, _ = decoded(out)
    for boxes, is_orange in ((boxes_along(), False), (other, True)):
        x, y = int(boxes[0, 0]), int(boxes[0, 1] + 20)
        near = shown[0][y, x - 2 : x + 3].astype(int)
        warmth = near[:, 0] - near[:, 2]
        assert warmth.max() > 40 if is_orange else warmth.min() < -40
    capsys.readouterr()
    three = ["--also", *[tmp_path / "two_bbox.csv"] * 3]
    assert main([str(word) for word in (*words, *three, "--overwrite")]) == 1
    assert "once for each animal" in capsys.readouterr().err


def test_the_rows_of_the_timeline_have_letters_that_read():
    boxes = np.tile([10.0, 10, 20, 20], (N, 1))
    for name, theme in THEMES.items():
        picture = Strip(1600, 160, boxes, None, 0, N - 1, 12, theme).at(N - 1)
        letters = picture[:70, :800].astype(int)
        rows = np.flatnonzero((np.abs(letters - theme.ground) > 100).any(axis=(1, 2)))
        assert np.ptp(rows) >= 20, name
        assert np.abs(letters - theme.ink).max(axis=2).min() < 12, name
