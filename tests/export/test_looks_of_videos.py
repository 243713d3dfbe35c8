"""How labeled videos may look: marks, palettes, trails, regions, masks and qualities."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from export.drawn_videos import HEIGHT, WIDTH, N, boxes_along, decoded, draw, poses_along
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.export.drawing import FramePart
from napari_cropzoom.export.keypoints import MARKS, KeypointLook, paint_pose
from napari_cropzoom.export.overlay import LabelOverlay
from napari_cropzoom.export.palettes import LISTS, MAPS, PALETTES, check_palette, colour_of, colours_of
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions


def lit(picture: np.ndarray, above: int = 60) -> np.ndarray:
    """(N, 2) x, y of what is painted on a dark frame."""
    rows, columns = np.nonzero(picture.max(axis=2) > above)
    return np.column_stack([columns, rows])


def one_keypoint(n: int = N, likelihood: float = 0.9) -> Poses:
    """A keypoint that goes from (40, 64) to the right, two pixels a frame."""
    xy = np.stack([np.column_stack([40.0 + 2 * np.arange(n), np.full(n, 64.0)])], axis=1)
    return Poses(("nose",), xy, np.full((n, 1), likelihood))


@pytest.mark.parametrize("mark", list(MARKS))
def test_each_shape_lies_at_its_keypoint_and_no_two_are_alike(mark: str) -> None:
    poses, pictures = one_keypoint(1), {}
    for each in MARKS:
        for size in (6.0, 12.0):
            view = FramePart(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
            paint_pose(view, poses, 0, KeypointLook(mark=each, size=size))
            pictures[each, size] = view.picture
    places = lit(pictures[mark, 6.0])
    np.testing.assert_allclose(places.mean(axis=0) + 0.5, [40, 64], atol=1.5)
    wide = np.ptp(lit(pictures[mark, 12.0]), axis=0)
    np.testing.assert_allclose(wide, 2 * np.ptp(places, axis=0), atol=3)
    others = [picture for (name, size), picture in pictures.items() if name != mark and size == 12.0]
    assert all((pictures[mark, 12.0] != other).any() for other in others)
    hollow = FramePart(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    paint_pose(hollow, one_keypoint(1, 0.2), 0, KeypointLook(mark=mark, size=12.0))
    assert 0 < len(lit(hollow.picture)) < len(lit(pictures[mark, 12.0]))


def test_palettes_give_body_parts_animals_and_likelihood_their_colours() -> None:
    likelihood = np.array([0.1, 0.5, 1.0])
    for name in PALETTES:
        assert len(set(colours_of("part", name, likelihood))) == 3, name
        animals = {colours_of("animal", name, likelihood, animal)[0] for animal in range(5)}
        assert len(animals) == 5, name
    for name in MAPS:
        assert len(set(colours_of("likelihood", name, likelihood))) == 3, name
    assert colours_of("animal", None, likelihood, 1) == [colour_of(1)] * 3
    for name in LISTS:
        with pytest.raises(CropzoomError, match="list of colours"):
            check_palette("likelihood", name)


def test_a_trail_fades_towards_its_end_and_a_box_leaves_one(dark: Path, tmp_path: Path) -> None:
    poses = one_keypoint()
    for fades in (True, False):
        look = KeypointLook(trail=15, trail_fades=fades, marks_shown=False, trail_width=3)
        picture = draw(dark, tmp_path / f"{fades}.mp4", poses=poses, look=look, last=30)[30]
        row = picture[64, :, :].max(axis=1).astype(int)
        now, oldest = row[97], row[73]  # x from 70 to 100
        assert row[60] < 40
        assert (oldest < now / 2) == fades
        assert (oldest > 0.8 * now) != fades
    boxes = boxes_along()
    look = KeypointLook(trail=10, trails_shown=False, trail_fades=False)
    how = {"boxes": boxes, "look": look, "box_trail": True, "layout": "frame"}
    picture = draw(dark, tmp_path / "box.mp4", **how, last=30)[30]
    middle = picture[50, 62:98].max(axis=1)  # centres from x = 80 to 100, between the edges of the box
    assert middle[20:].min() > 90
    assert middle[:16].max() < 60
    again = draw(dark, tmp_path / "none.mp4", **{**how, "box_trail": False}, last=30)[30]
    assert again[50, 82:98].max() < 60


def test_opacity_leaves_what_is_below(dark: Path, tmp_path: Path) -> None:
    full, half = (
        draw(dark, tmp_path / f"{opacity}.mp4", poses=one_keypoint(), last=0, look=look)[0][64, 40]
        for opacity in (1.0, 0.5)
        for look in (KeypointLook(opacity=opacity, size=8.0),)
    )
    np.testing.assert_allclose(half.astype(float), (full.astype(float) + 16) / 2, atol=8)


def test_a_region_is_that_part_of_the_frame(dark: Path, tmp_path: Path) -> None:
    poses = one_keypoint()
    whole = draw(dark, tmp_path / "whole.mp4", poses=poses, look=KeypointLook(size=3.0), last=5)
    part = draw(
        dark,
        tmp_path / "part.mp4",
        poses=poses,
        look=KeypointLook(size=3.0),
        last=5,
        region=(30, 40, 60, 50),
    )
    for large, small in zip(whole, part, strict=True):
        assert small.shape == (50, 60, 3)
        np.testing.assert_allclose(large[40:90, 30:90].astype(int), small, atol=30)
    for wrong in ((0, 0, WIDTH + 1, 10), (WIDTH - 5, 0, 10, 10)):
        with pytest.raises(CropzoomError, match="--region"):
            draw(dark, tmp_path / "no.mp4", poses=poses, region=wrong)


def test_one_colour_stands_in_for_the_video(dark: Path, tmp_path: Path) -> None:
    picture = draw(dark, tmp_path / "plain.mp4", poses=one_keypoint(), background=(200, 30, 30), last=2)[
        2
    ]
    np.testing.assert_allclose(picture[10, 10].astype(int), [200, 30, 30], atol=12)
    assert (np.abs(picture[64, 44].astype(int) - [200, 30, 30]) > 40).any()


def test_masks_lie_over_their_own_frames(dark: Path, tmp_path: Path) -> None:
    import tifffile

    labels = np.zeros((N, HEIGHT, WIDTH), np.uint8)
    for number in range(N):
        labels[number, 20:60, 10 + number : 50 + number] = 1
        labels[number, 80:100, 100:140] = 2
    stack = tmp_path / "masks.tif"
    tifffile.imwrite(stack, labels)
    pictures = draw(dark, tmp_path / "m.mp4", masks=LabelOverlay(stack, 0.5), first=8, last=12)
    for number, picture in enumerate(pictures, 8):
        places = lit(picture[20:60])
        assert abs(places[:, 0].min() - (10 + number)) <= 1
        assert abs(places[:, 0].max() + 1 - (50 + number)) <= 1
        np.testing.assert_allclose(
            picture[90, 120].astype(int), (np.array(colour_of(1)) + 16) / 2, atol=14
        )
    outline = draw(dark, tmp_path / "o.mp4", masks=LabelOverlay(stack, 0.0, outlined=True), last=0)[0]
    assert outline[40, 30].max() < 40
    assert outline[40, 10].max() > 60
    tifffile.imwrite(stack, labels[:-1])
    with pytest.raises(CropzoomError, match="39 pages"):
        draw(dark, tmp_path / "no.mp4", masks=LabelOverlay(stack))
    stack.write_bytes(b"no picture at all")
    with pytest.raises(CropzoomError, match="no TIFF of label images"):
        draw(dark, tmp_path / "no.mp4", masks=LabelOverlay(stack))


def test_the_command_takes_looks_and_qualities(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bbox_csv(tmp_path / "b.csv", boxes_along())
    write_predictions(tmp_path / "p.csv", poses_along())
    out = tmp_path / "out.mp4"

    def show(*words: object) -> int:
        given = ["--bbox", tmp_path / "b.csv", "--preds", tmp_path / "p.csv", "--layout", "frame"]
        return main(
            [str(word) for word in ("show", dark, *given, "--output", out, "--overwrite", *words)]
        )

    looks = ["--palette", "tableau10", "--marker", "diamond", "--marker_size", 4, "--line_width", 2]
    trails = ["--trail", 5, "--trail_of", "nose,box", "--trail_width", 2, "--no_fade", "--alpha", 0.8]
    assert show(*looks, *trails, "--range", "3:9", "--region", "0,0,0.5,1") == 0
    assert decoded(out)[0][0].shape == (HEIGHT, WIDTH // 2, 3)
    assert show("--quality", "preview", "--fps", 5, "--range", "0:9") == 0
    pictures, times = decoded(out)
    assert pictures[0].shape == (HEIGHT // 4, WIDTH // 4, 3)
    assert times[1] == Fraction(1, 5)
    assert show("--quality", "preview", "--scale", 0.5, "--background", "black", "--range", "0:1") == 0
    assert decoded(out)[0][0].shape == (HEIGHT // 2, WIDTH // 2, 3)
    capsys.readouterr()
    for words, said in {
        ("--trail", 3, "--trail_of", "ear"): "they are nose, tail-tip",
        ("--trail_of", "nose"): "--trail N",
        ("--color", "likelihood", "--palette", "pastel"): "list of colours",
    }.items():
        assert show(*words) == 1
        assert said in capsys.readouterr().err
    for words in (("--region", "1,2,3"), ("--background", "sky-ish"), ("--fps", 3, "--speed", 2)):
        with pytest.raises(SystemExit):
            show(*words)
