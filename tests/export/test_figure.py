"""Figures for print: the very frame, places in millimetres, and numbers counted another way."""

from __future__ import annotations

import base64
import io
import re
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest

from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export.drawing import BEFORE, BOX
from napari_cropzoom.export.figure import Figure, arena_of, write_figure
from napari_cropzoom.export.keypoints import KeypointLook
from napari_cropzoom.export.plate import Dot, Plate, Way, Words, name_places
from napari_cropzoom.export.plates import (
    MOST_PLACES,
    Drawn,
    Scale,
    occupancy,
    timeline_plate,
    trajectory_plate,
)
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.video.video import Video
from videos import numbered_frame, read_number, write_video

N, WIDTH, HEIGHT = 40, 192, 128
SVG = "{http://www.w3.org/2000/svg}"


def boxes_along() -> np.ndarray:
    """A box that moves by two pixels a frame; one is missing."""
    boxes = np.column_stack([20 + 2 * np.arange(N), np.full(N, 30), np.full(N, 40), np.full(N, 40)])
    boxes = boxes.astype(float)
    boxes[7:8] = np.nan
    return boxes


def poses_along() -> Poses:
    centre = np.nan_to_num(boxes_along()[:, :2]) + 20
    return Poses(
        ("nose", "tail-tip"), np.stack([centre - 8, centre + 8], axis=1), np.tile([0.9, 0.2], (N, 1))
    )


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that carry their number, at a variable rate."""
    ticks = np.cumsum([0, *np.random.default_rng(3).integers(1, 9, N - 1)]).tolist()
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(N)]
    path = tmp_path_factory.mktemp("coded") / "v.mp4"
    return write_video(path, pictures, ticks=ticks, time_base=Fraction(1, 100))


def made(video: Path, output: Path, **how: object) -> Path:
    return run_stage(write_figure(video, output, Figure(**how)))  # type: ignore[arg-type]


def pixels(path: Path) -> np.ndarray:
    return np.asarray(PIL.Image.open(path).convert("RGB"))


def picture_in(svg: Path, number: int = 0) -> np.ndarray:
    """A picture inside an SVG file."""
    images = [each for each in ElementTree.parse(svg).iter() if each.tag == f"{SVG}image"]
    content = images[number].attrib["href"].partition(",")[2]
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


@pytest.mark.parametrize("number", [0, 1, 17, N - 1])
def test_a_figure_shows_the_very_frame(coded: Path, tmp_path: Path, number: int) -> None:
    png = made(coded, tmp_path / "f.png", frame=number, width=50.8, dpi=300)
    picture = pixels(png)
    assert picture.shape == (400, 600, 3)
    assert read_number(picture) == number
    with PIL.Image.open(png) as opened:
        np.testing.assert_allclose(opened.info["dpi"], 300, atol=0.1)
    svg = made(coded, tmp_path / "f.svg", frame=number)
    with Video(coded) as video:
        np.testing.assert_array_equal(picture_in(svg), video.frame(number))


def test_the_box_lies_where_it_is(coded: Path, tmp_path: Path) -> None:
    boxes, number = boxes_along(), 12
    drawn = Drawn(boxes, boxes + np.array([6, 0, 0, 0]), poses_along(), KeypointLook(names=True, trail=5))
    svg = made(coded, tmp_path / "f.svg", frame=number, drawn=drawn, width=96)
    root = ElementTree.parse(svg).getroot()
    assert (root.attrib["width"], root.attrib["height"]) == ("96mm", "64mm")
    paths = {each.attrib["stroke"]: each for each in root.iter(f"{SVG}path")}
    for colour, shift in ((BOX, 0), (BEFORE, 6)):
        path = paths["#" + "".join(f"{part:02x}" for part in colour)]
        corners = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path.attrib["d"]), float)
        x, y, w, h = boxes[number] + np.array([shift, 0, 0, 0])
        np.testing.assert_allclose(2 * corners.min(axis=0), [x, y])
        np.testing.assert_allclose(2 * corners.max(axis=0), [x + w, y + h])
        assert ("stroke-dasharray" in path.attrib) == bool(shift)
    dots = [each.attrib for each in root.iter(f"{SVG}circle")]
    places = [(2 * float(each["cx"]), 2 * float(each["cy"])) for each in dots]
    np.testing.assert_allclose(places, poses_along().xy[number])
    assert [each["fill"] == "none" for each in dots] == [False, True]  # the unlikely one is hollow
    assert [each.text for each in root.iter(f"{SVG}text")] == ["nose", "tail-tip"]


def test_pixels_lie_where_lines_do() -> None:
    plate = Plate(50.8, 25.4)
    plate.add(Way(np.array([[10.0, 12.7], [40.0, 12.7]]), (200, 0, 0), 1.0))
    plate.add(Dot(25.4, 5.08, 1.0, (0, 0, 200)))
    picture = plate.pixels(200).astype(int)
    assert picture.shape == (200, 400, 3)
    rows, columns = np.nonzero(picture[..., 0] - picture[..., 2] > 100)
    assert abs(rows.mean() + 0.5 - 100) < 0.6
    ends = np.array([10, 40]) / 25.4 * 200 + [-3.9, 3.9]  # and half its width, since it ends round
    np.testing.assert_allclose([columns.min(), columns.max() + 1], ends, atol=1.5)
    rows, columns = np.nonzero(picture[..., 2] - picture[..., 0] > 100)
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], [200, 40], atol=0.6)


def test_the_inside_of_the_box_alone(coded: Path, tmp_path: Path) -> None:
    boxes = boxes_along()
    boxes[3] = [-10, 100, 40, 60]
    svg = made(coded, tmp_path / "c.svg", frame=3, kind="crop", drawn=Drawn(boxes))
    inside = picture_in(svg)
    with Video(coded) as video:
        np.testing.assert_array_equal(inside[:28, 10:], video.frame(3)[100:128, :30])
    assert inside.shape == (60, 40, 3)
    assert not inside[28:].any()


def test_a_scale_bar_is_as_long_as_it_says(coded: Path, tmp_path: Path) -> None:
    svg = made(coded, tmp_path / "f.svg", scale=Scale(1.5), width=96)
    root = ElementTree.parse(svg).getroot()
    [words] = [each.text for each in root.iter(f"{SVG}text")]
    assert words == "2 cm"
    edge, bar = root.iter(f"{SVG}path")
    assert (edge.attrib["fill"], bar.attrib["fill"]) == ("#191b1f", "#ffffff")
    across = [float(x) for x, _ in re.findall(r"[ML]([\d.]+) ([\d.]+)", bar.attrib["d"])]
    assert (max(across) - min(across)) * WIDTH / 96 == pytest.approx(20 * 1.5, abs=0.01)
    for wide, per_mm in ((100, 0.01), (5000, 700.0), (640, 3.3)):
        length, _ = Scale(per_mm).bar(wide)
        assert wide / 13 < length <= wide / 5 * 1.0001


def test_occupancy_counts_seconds() -> None:
    rng = np.random.default_rng(4)
    places = np.column_stack([rng.uniform(-20, 220, 500), rng.uniform(-20, 150, 500)])
    places[40:50] = np.nan
    times = np.cumsum(rng.uniform(0.01, 0.1, 500))
    seconds, cell = occupancy(places, times, (WIDTH, HEIGHT))
    expected = np.zeros_like(seconds)
    for number, (x, y) in enumerate(places):
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            after = min(number, 498)
            expected[int(y // cell), int(x // cell)] += times[after + 1] - times[after]
    np.testing.assert_allclose(seconds, expected)
    assert seconds.shape == (-(-HEIGHT // cell), -(-WIDTH // cell))


def test_the_way_passes_through_the_centres(coded: Path) -> None:
    boxes = boxes_along()
    with Video(coded) as video:
        arena, times = run_stage(arena_of(video)), video.times
    assert arena.shape == (HEIGHT, WIDTH, 3)
    plate = trajectory_plate(arena, boxes, times, 100.0, Scale())
    ways = [mark for mark in plate.marks if isinstance(mark, Way)]
    places = np.unique(np.vstack([way.places for way in ways]), axis=0) * WIDTH / 48
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    np.testing.assert_allclose(places, centres[~np.isnan(centres[:, 0])][: len(places)], atol=1e-9)
    assert len(places) >= N - 2
    said = [mark.text for mark in plate.marks if isinstance(mark, Words)]
    assert f"{times[-1]:.4g} s" in said


def test_a_timeline_has_speed_by_time_and_stays_small() -> None:
    n = 100_000
    boxes = np.column_stack([np.arange(n) * 0.01, np.zeros(n), np.full((n, 2), 40)])
    boxes[70_000, 0] += 500
    times = np.arange(n) / 25
    plate = timeline_plate(boxes, None, None, times, 120.0, Scale(2.0))
    lines = [mark for mark in plate.marks if isinstance(mark, Way) and len(mark.places) > 10]
    assert sum(len(line.places) for line in lines) <= 2 * MOST_PLACES + 10
    said = [mark.text for mark in plate.marks if isinstance(mark, Words)]
    assert "speed, mm/s" in said
    assert "25" in said  # a quarter above the size: 40 px, of 2 px a mm
    assert "time, min" in said
    assert lines[0].places[:, 1].min() < 10  # the jump of a single frame is there


def test_what_does_not_fit_is_refused(coded: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for how, message in (
        ({"frame": N}, f"Give one from 0 to {N - 1}"),
        ({"kind": "trajectory"}, "Give the boxes"),
        ({"kind": "cinema"}, "Unknown figure"),
        ({"kind": "crop", "frame": 7, "drawn": Drawn(boxes_along())}, "has no box"),
        ({"drawn": Drawn(boxes_along()[:3])}, "there are 3 boxes"),
        ({"width": 9000.0}, "smaller --width"),
        ({"width": 1e-9}, "larger --width"),
    ):
        with pytest.raises(CropzoomError, match=message):
            made(coded, tmp_path / "f.png", **how)
    with pytest.raises(CropzoomError, match=r"\.png or \.svg"):
        made(coded, tmp_path / "f.pdf")
    assert sorted(tmp_path.iterdir()) == before


def test_the_command_draws(coded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bbox_csv(tmp_path / "b.csv", boxes_along())
    write_predictions(tmp_path / "p.csv", poses_along())
    given = ["figure", coded, "--bbox", tmp_path / "b.csv", "--preds", tmp_path / "p.csv"]
    for kind in ("frame", "crop", "trajectory", "timeline"):
        for suffix in ("png", "svg"):
            out = tmp_path / f"{kind}.{suffix}"
            words = [
                *given,
                "--kind",
                kind,
                "--frame",
                5,
                "--output",
                out,
                "--px_per_mm",
                2,
                "--dpi",
                100,
            ]
            assert main([str(word) for word in words]) == 0
            assert f"figure saved to {out}" in capsys.readouterr().out
            assert out.stat().st_size > 500
    assert read_number(pixels(tmp_path / "frame.png")) == 5
    assert main([str(word) for word in (*given, "--output", tmp_path / "frame.png")]) == 1
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(8))
def test_names_of_points_that_lie_close_stand_beside_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.array([60.0, 40.0]) + rng.normal(0, (1.5, 4.0), (9, 2))
    widths = rng.uniform(6, 18, 9).tolist()
    places = name_places(points, widths, 3.0, 0.8, (120.0, 80.0))
    pairs = zip(places, widths, strict=True)
    boxes = [(each.x, each.y - 1.5, each.x + width, each.y + 1.5) for each, width in pairs]
    for one, other in combinations(boxes, 2):
        assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    assert all(x0 >= 0 and y0 >= 0 and x1 <= 120 and y1 <= 80 for x0, y0, x1, y1 in boxes)
    at_the_edge = name_places(np.array([[119.0, 0.5]]), [20.0], 3.0, 0.8, (120.0, 80.0))[0]
    assert at_the_edge.x + 20 <= 119
    assert at_the_edge.y >= 1.5
