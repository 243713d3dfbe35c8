"""Labeled videos where the video is not there, not wanted, or is pictures in files."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from export.drawn_videos import HEIGHT, WIDTH, N, boxes_along, decoded, draw, poses_along
from napari_cropzoom.cli import main
from napari_cropzoom.crop.record import CropRecord, write_side_file
from napari_cropzoom.export.grounds import PlainGround
from napari_cropzoom.export.keypoints import KeypointLook
from napari_cropzoom.export.overlay import LabelOverlay
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.video.index import VideoIndex
from videos import numbered_frame, read_number


def predictions(folder: Path, video: Path, stem: str = "dark") -> Path:
    """Keypoints with the record of what they were made of."""
    path = folder / f"{stem}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_predictions(path, poses_along())
    of = video_identity(VideoIndex.scan(video))
    record = MadeWith({}, "cpu", of, None, file_sha256(path), video_name=video.name)
    write_made_with(made_with_path(path), record)
    return path


def show(*words: object) -> int:
    return main([str(word) for word in ("show", *words, "--overwrite")])


def drawn_places(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(picture.max(axis=2) > 90)
    return np.column_stack([columns, rows])


def test_records_say_how_large_and_how_fast_a_lost_video_was(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preds = predictions(tmp_path / "pose" / "video_preds", dark)
    predictions(tmp_path / "detector" / "video_preds", dark)
    bbox = tmp_path / "detector" / "video_preds" / "dark_bbox.csv"
    write_bbox_csv(bbox, boxes_along())
    crop = tmp_path / "detector" / "cropped_videos" / "cropped_dark.json"
    crop.parent.mkdir()
    cut = boxes_along()
    cut[7] = cut[6]
    write_side_file(crop, CropRecord("dark.mp4", cut, (40, 40), 12.5))
    with_video, without = tmp_path / "with.mp4", tmp_path / "without.mp4"
    drawn = ["--bbox", bbox, "--layout", "frame"]
    assert show(dark, *drawn, "--preds", preds, "--output", with_video) == 0
    dark.unlink()
    capsys.readouterr()
    assert show(dark, *drawn, "--preds", preds, "--output", without, "--background", "16,16,16") == 0
    said = capsys.readouterr().err
    assert f"{N} frames of {WIDTH}x{HEIGHT} pixels ({made_with_path(preds)})" in said
    assert f"12.5 a second ({crop})" in said
    there, gone = decoded(with_video)[0], decoded(without)[0]
    assert decoded(without)[1][1] == Fraction(2, 25)
    for one, other in zip(there, gone, strict=True):
        np.testing.assert_allclose(one.astype(int), other.astype(int), atol=60)
    # boxes alone: the record of the detector's keypoints beside them, also out of a review
    reviewed = bbox.parent / "bboxes_reviewed" / bbox.name
    reviewed.parent.mkdir()
    reviewed.write_bytes(bbox.read_bytes())
    for boxes in (bbox, reviewed):
        assert show("--bbox", boxes, "--layout", "frame", "--output", without) == 0
        pictures = decoded(without)[0]
        assert pictures[0].shape == (HEIGHT, WIDTH, 3)
        assert pictures[0][2, 2].max() < 8  # black
        assert len(drawn_places(pictures[9]))


def test_without_records_the_size_is_asked_for(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preds, out = tmp_path / "p.csv", tmp_path / "out.mp4"
    write_predictions(preds, poses_along())
    gone = tmp_path / "gone.mp4"
    for words, said in {
        (gone, "--background", "black", "--preds", preds): f"{preds}: no record beside it says how large",
        (gone, "--preds", preds): "--background black",
        ("--background", "black"): "nothing to draw",
        (dark, "--preds", preds, "--size", "64x48"): "Leave out one of them",
        ("--preds", preds, "--size", "64x99999"): "Give another --size",
    }.items():
        assert show(*words, "--output", out) == 1
        assert said in capsys.readouterr().err
    assert not out.exists()
    assert show("--preds", preds, "--size", "256x160", "--fps", 5, "--output", out) == 0
    pictures, times = decoded(out)
    assert pictures[0].shape == (160, 256, 3)
    assert (len(pictures), times[1]) == (N, Fraction(1, 5))
    assert show("--preds", preds, "--size", "256x160", "--range", "3:4", "--output", out) == 0
    assert decoded(out)[1][1] == Fraction(1, 30)
    assert "not known; --fps gives another" in capsys.readouterr().err
    for words in (("--size", "64"), ("--size", "0x5"), ("--background", "1,2,300")):
        with pytest.raises(SystemExit):
            show("--preds", preds, *words, "--output", out)


def test_a_record_of_another_video_does_not_count(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preds = predictions(tmp_path / "video_preds", dark)
    write_predictions(preds, poses_along())  # by another program, perhaps of another video
    preds.write_text(preds.read_text().replace("0.9", "0.8"), encoding="utf-8")
    assert show("--preds", preds, "--output", tmp_path / "out.mp4") == 1
    assert "no record beside it" in capsys.readouterr().err
    bbox = tmp_path / "video_preds" / "dark_bbox.csv"
    write_bbox_csv(bbox, boxes_along())
    preds = predictions(tmp_path / "video_preds", dark)
    about = {"name": "dark.mp4", "bytes": 5, "sample": "other"}
    made_of = {"version": 1, "made_of": about, "sha256": file_sha256(bbox)}
    bbox.with_name("dark_bbox_made_of.json").write_text(json.dumps(made_of), encoding="utf-8")
    assert show("--bbox", bbox, "--output", tmp_path / "out.mp4") == 1
    assert "no record beside it" in capsys.readouterr().err
    assert (
        show("--bbox", bbox, "--preds", preds, "--size", "192x128", "--output", tmp_path / "o.mp4") == 1
    )
    assert "another video" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["png", "tif", "stack", "deep"])
def test_pictures_in_files_are_frames_in_the_order_of_their_numbers(kind: str, tmp_path: Path) -> None:
    pictures = [numbered_frame(number, (WIDTH, HEIGHT)) for number in range(1, 13)]  # 0 is black
    source = tmp_path / "frames"
    if kind in ("stack", "deep"):
        source = tmp_path / "frames.tif"
        stack = np.stack(pictures)
        if kind == "deep":
            stack = stack[..., 0].astype(np.uint16) * 4 + 100
        tifffile.imwrite(source, stack, photometric="minisblack" if kind == "deep" else "rgb")
    else:
        source.mkdir()
        for number, picture in enumerate(pictures):  # 10 comes after 9, not after 1
            path = source / f"img{number}.{kind}"
            if kind == "png":
                path.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
            else:
                tifffile.imwrite(path, picture, photometric="rgb")
        (source / "notes.txt").write_text("no picture", encoding="utf-8")
    out = tmp_path / "out.mp4"
    assert show(source, "--fps", 10, "--output", out) == 0
    shown, times = decoded(out)
    assert [read_number(each) for each in shown] == list(range(1, 13))
    assert times[1] == Fraction(1, 10)
    assert show(source, "--range", "11:11", "--output", tmp_path / "out.png") == 0
    still = cv2.imread(str(tmp_path / "out.png"))
    assert still is not None
    assert read_number(still[..., ::-1]) == 12


def test_pictures_that_are_none_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    out = tmp_path / "out.mp4"
    assert show(folder, "--output", out) == 1
    assert f"{folder}: has no pictures" in capsys.readouterr().err
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    (folder / "1.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    (folder / "2.png").write_bytes(cv2.imencode(".png", picture[:-2])[1].tobytes())
    assert show(folder, "--output", out) == 1
    assert "Give pictures of one size" in capsys.readouterr().err
    for name, content in {"2.png": b"no picture", "2.tif": b"no picture", "2.jpg": b""}.items():
        (folder / "2.png").unlink(missing_ok=True)
        (folder / name).write_bytes(content)
        assert show(folder, "--output", out) == 1
        assert str(folder / name) in capsys.readouterr().err
        (folder / name).unlink()
    assert not out.exists()
    damaged = tmp_path / "frames.tif"
    damaged.write_bytes(b"no picture")
    assert show(damaged, "--output", out) == 1
    assert "is no TIFF, or damaged" in capsys.readouterr().err


def test_one_page_of_masks_lies_over_all_and_a_folder_page_by_page(dark: Path, tmp_path: Path) -> None:
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    label[20:60, 30:70] = 1
    still, folder = tmp_path / "arena.tif", tmp_path / "masks"
    tifffile.imwrite(still, label)
    folder.mkdir()
    for number in range(N):
        tifffile.imwrite(folder / f"m{number}.tif", np.roll(label, number, axis=1))
    for picture in draw(dark, tmp_path / "a.mp4", masks=LabelOverlay(still, 0.5), last=3):
        places = drawn_places(picture)
        assert (places.min(axis=0) == [30, 20]).all()
    moving = draw(dark, tmp_path / "b.mp4", masks=LabelOverlay(folder, 0.5), first=9, last=11)
    for number, picture in enumerate(moving, 9):
        assert abs(drawn_places(picture)[:, 0].min() - 30 - number) <= 1


def test_masks_take_palettes_and_outlines_of_their_own(dark: Path, tmp_path: Path) -> None:
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    label[20:60, 30:70] = 1
    still, out = tmp_path / "arena.tif", tmp_path / "out.png"
    tifffile.imwrite(still, label)

    def picture(*words: object) -> np.ndarray:
        assert show(dark, "--range", "0:0", "--masks", still, "--output", out, *words) == 0
        return cv2.imread(str(out))[..., ::-1].astype(int)

    filled = picture("--masks_palette", "standard", "--masks_alpha", 1)
    np.testing.assert_allclose(filled[40, 50], [0x00, 0x72, 0xBD], atol=1)
    outlined = picture("--masks_width", 5, "--masks_color", "white")
    assert outlined[40, 50].max() < 30  # nothing inside
    assert (outlined[40, 29:32] > 200).all()
    both = picture("--masks_outline", "--masks_alpha", 0.5, "--masks_color", "255,255,255")
    assert both[40, 50].max() > 60
    assert both[40, 30].min() > 200
    assert show(dark, "--masks_width", 5, "--output", out) == 1


def test_trails_take_a_colour_and_an_opacity(dark: Path, tmp_path: Path) -> None:
    how = {"poses": poses_along(), "last": 30}
    look = {"trail": 20, "marks_shown": False, "trail_fades": False, "trail_width": 3}
    levels = {}
    for opacity in (1.0, 0.5):
        painted = KeypointLook(**look, trail_opacity=opacity, trail_colour=(255, 255, 255))
        picture = draw(dark, tmp_path / f"{opacity}.mp4", look=painted, **how)[30].astype(int)
        y, x = np.unravel_index(picture.min(axis=2).argmax(), picture.shape[:2])
        assert np.ptp(picture[y, x]) < 30  # white or grey, not in the colour of the keypoint
        levels[opacity] = picture[y, x].mean()
    assert levels[1.0] > 230
    np.testing.assert_allclose(levels[0.5], (255 + 16) / 2, atol=20)


def test_frames_in_which_nothing_is_can_be_left_out(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = np.full((N, 4), np.nan)
    boxes[[3, 4, 9]] = 30, 30, 40, 40
    write_bbox_csv(tmp_path / "b.csv", boxes)
    words = [dark, "--bbox", tmp_path / "b.csv", "--layout", "frame", "--skip_empty"]
    out = tmp_path / "out.mp4"
    assert show(*words, "--output", out) == 0
    pictures = decoded(out)[0]
    assert len(pictures) == 3
    assert all(len(drawn_places(picture)) for picture in pictures)
    assert show(*words, "--range", "10:20", "--output", out) == 1
    assert "neither a box nor a keypoint" in capsys.readouterr().err
    assert show(*words, "--range", "0:5", "--output", tmp_path / "out.png") == 1
    assert "there are 2 to draw" in capsys.readouterr().err


def test_a_plain_ground_is_as_many_frames_of_one_colour() -> None:
    ground = PlainGround(Path("gone.mp4"), 5, (8, 6), Fraction(25), (1, 2, 3))
    pictures = list(ground.pictures(1, 3))
    assert [picture.shape for picture in pictures] == [(6, 8, 3)] * 3
    assert (np.stack(pictures) == (1, 2, 3)).all()
    assert ground.pts.tolist() == [0, 1, 2, 3, 4]
    assert ground.time_base == Fraction(1, 25)
