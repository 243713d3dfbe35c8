"""A journal that would fill the memory, take forever or lead out of its folder."""

from __future__ import annotations

import base64
import contextlib
import json
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.review_paths import file_sha256, journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.video.video import Video

N = 40


@pytest.fixture
def raw_csv(tmp_path: Path) -> Path:
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, np.tile([5.0, 6, 30, 30], (N, 1)))
    return path


def track_line(raw_csv: Path, name: str = "animal", raw: str = "../mouse_bbox.csv") -> dict[str, Any]:
    what = {"source": 1, "color": "#56b4e9", "sizing": None, "interpolated": []}
    return {"do": "track", "name": name, "raw": raw, "sha256": file_sha256(raw_csv), **what}


def edit_line(frame: int = 0, track: str = "animal", **changes: Any) -> dict[str, Any]:
    change = {
        "track": track,
        "first": frame,
        "count": 1,
        "boxes": [[1.0, 2.0, 20.0, 20.0]],
        "source": [[3, 1]],
        "review": [[3, 1]],
    }
    return {"do": "edit", "label": "set box", "changes": [change | changes]}


def read(raw_csv: Path, *lines: dict[str, Any] | str) -> StoredReview:
    head = {"do": "begin", "version": 2, "video": "mouse.mp4", "n_frames": N}
    path = journal_file(raw_csv)
    path.parent.mkdir(exist_ok=True)
    every = (head, track_line(raw_csv), *lines)
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in every))
    return read_review(raw_csv, N, Source.DETECTED)


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


BOXES = np.tile([1.0, 2, 20, 20], (N, 1))


@pytest.mark.parametrize(
    "line",
    [
        edit_line(source=[[3, 4_000_000_000]]),
        edit_line(source=[[3, 1], [3, 4_000_000_000]]),
        edit_line(source=[[3, -1], [3, 2]]),
        edit_line(source=[[3, 2**62]] * 4),
        edit_line(source=[[200, 1]]),
        edit_line(review=[[-1, 1]]),
        edit_line(count=N, source=[[3, N]], review=[[3, N]], boxes=packed(bytes(10**9))),
        edit_line(count=N, source=[[3, N]], review=[[3, N]], boxes=packed(BOXES[1:].tobytes())),
        edit_line(count=N, source=[[3, N]], review=[[3, N]], boxes=packed(BOXES.tobytes())[:-8]),
        edit_line(count=N, source=[[3, N]], review=[[3, N]], boxes=packed((BOXES * np.inf).tobytes())),
        edit_line(count=10**12),
        edit_line(count=-5),
        edit_line(first=10**30),
        edit_line(first=float("inf")),
        edit_line(boxes=[[1.0, 2.0, float("inf"), 3.0]]),
        edit_line(boxes=[[float("nan"), 2.0, 3.0, 3.0]]),
        edit_line(boxes=[[None, 2.0, 3.0, 3.0]]),
        edit_line(boxes=[[1e300, 2.0, 3.0, 3.0]]),
        edit_line(track="nobody"),
        {"do": "smoothing", "method": "mean", "window": 10**12},
        {"do": "smoothing", "method": "magic", "window": 3},
        {"do": "fill", "how": "magic"},
        {"do": "undo", "count": float("inf")},
        {"do": "rename", "old": "animal", "new": "../../x"},
        {"do": "rename", "old": "nobody", "new": "x"},
        {"do": "remove", "name": ["animal"]},
        {"do": ["edit"]},
        "[" * 100_000,
        '{"do": ' * 100_000,
        "x" * 100_000,
        "9" * 10_000,
    ],
)
def test_a_hostile_line_is_named_and_takes_no_time(raw_csv: Path, line: dict[str, Any] | str) -> None:
    tracemalloc.start()
    with pytest.raises(CropzoomError, match=r"line 3: not a line of a review's journal") as caught:
        read(raw_csv, line)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
    assert len(str(caught.value).replace(str(raw_csv.parent), "")) < 300


def test_undoing_more_than_there_is_takes_no_time(raw_csv: Path) -> None:
    review = read(
        raw_csv,
        edit_line(),
        {"do": "undo", "count": 10**10},
        {"do": "redo", "count": 10**10},
        edit_line(1),
    )
    assert len(review.tracks.history) == 2


def test_renaming_again_and_again_takes_no_time(raw_csv: Path) -> None:
    names = [f"n{number}" for number in range(5_000)]
    renames = [
        {"do": "rename", "old": a, "new": b} for a, b in zip(["animal", *names], names, strict=False)
    ]
    lines = [edit_line(number % N) for number in range(20_000)]
    review = read(raw_csv, *lines, *renames, edit_line(5, names[-1]))
    assert list(review.tracks) == [names[-1]]
    assert review.tracks.history.newest is not None
    assert review.tracks.history.newest.changes[0].track == names[-1]
    review.tracks.undo()


def test_names_are_swapped_and_reused_as_they_were(raw_csv: Path) -> None:
    other = raw_csv.parent / "white" / raw_csv.name
    write_bbox_csv(other, np.tile([50.0, 6, 30, 30], (N, 1)))
    review = read(
        raw_csv,
        track_line(other, "white", "../white/mouse_bbox.csv"),
        edit_line(1, "white"),
        {"do": "rename", "old": "animal", "new": "x"},
        {"do": "rename", "old": "white", "new": "animal"},
        {"do": "rename", "old": "x", "new": "white"},
        edit_line(2, "animal"),
        edit_line(3, "white"),
    )
    assert list(review.tracks) == ["white", "animal"]
    assert review.tracks["white"].raw[0, 0] == 5
    assert review.tracks["animal"].raw[0, 0] == 50
    assert review.tracks["animal"].manual_frames().tolist() == [1, 2]
    assert review.tracks["white"].manual_frames().tolist() == [3]
    for _ in range(3):
        review.tracks.undo()
    assert not review.tracks["animal"].is_manual.any()


def test_so_many_tracks_nobody_has(raw_csv: Path) -> None:
    lines = [track_line(raw_csv, f"t{number}") for number in range(200)]
    with pytest.raises(CropzoomError, match="more than 100 tracks"):
        read(raw_csv, *lines)


@pytest.mark.parametrize("raw", ["../../elsewhere/mouse_bbox.csv", "{folder}/elsewhere/mouse_bbox.csv"])
def test_raw_boxes_stay_beside_the_journal(raw_csv: Path, tmp_path: Path, raw: str) -> None:
    raw = raw.format(folder=tmp_path)
    other = tmp_path / "elsewhere" / "mouse_bbox.csv"
    write_bbox_csv(other, np.tile([50.0, 6, 30, 30], (N, 1)))
    with pytest.raises(CropzoomError, match="lie outside the folder of this review"):
        read(raw_csv, track_line(raw_csv, "white", raw))  # of another hash
    # as an earlier version has it
    review = read(raw_csv, track_line(other, "white", raw))
    assert review.tracks["white"].raw[0, 0] == 50
    own = review.tracks.entries["white"].raw_csv
    assert own == raw_csv.parent / "white" / "mouse_bbox.csv"
    assert not own.exists()


@pytest.mark.parametrize(
    "raw", ["/dev/zero", "/dev/stdin", "../../../../../../dev/zero", "..", "a\0b", "x" * 5000]
)
def test_raw_boxes_that_are_no_file_are_not_waited_for(raw_csv: Path, raw: str) -> None:
    with pytest.raises(CropzoomError, match=r"are not there|line 3"):
        read(raw_csv, track_line(raw_csv, "white", raw))


def test_a_colour_that_is_none_is_the_usual_one(raw_csv: Path) -> None:
    other = raw_csv.parent / "white" / raw_csv.name
    write_bbox_csv(other, np.tile([50.0, 6, 30, 30], (N, 1)))
    line = track_line(other, "white", "../white/mouse_bbox.csv") | {"color": "url(x)"}
    assert read(raw_csv, line).tracks.entries["white"].color == "#56b4e9"


def test_boxes_loaded_from_elsewhere_are_copied_beside_the_journal(
    raw_csv: Path, tmp_path: Path, video_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "tracker.csv"
    other.parent.mkdir()
    other.write_text(",x,y,h,w\n" + "".join(f"{n},{n + 0.25},6.5,30,31.125\n" for n in range(N)))
    with contextlib.closing(Session(Video(video_path))) as session:
        session.load_boxes(raw_csv)
        session.load_track("white", other)
        session.set_box(3, Box(1, 2, 20, 20))
        before = session.track.boxes.copy()
    kept = raw_csv.parent / "white" / raw_csv.name
    assert kept.is_file()
    other.unlink()
    again = read_review(raw_csv, N, Source.DETECTED)
    np.testing.assert_array_equal(again.tracks["white"].boxes, before)
    assert again.tracks.entries["white"].raw_csv == kept
    assert sorted(path.name for path in other.parent.iterdir()) == []
