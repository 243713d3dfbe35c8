"""Any table, whatever happened to it, gives a result that can be used or one clear message, at once.

``CROPZOOM_EXAMPLES=10000 pytest tests/files/test_hostile_tables.py`` tries more than the suite does.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import FARTHEST
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults
from napari_cropzoom.files.bbox_csv import plain_bbox, read_bbox_csv, read_labeled_bbox
from napari_cropzoom.files.formats.registry import as_table, dialog_filter, read_boxes
from napari_cropzoom.files.predictions_csv import plain_labels, read_predictions, read_predictions_table

EXAMPLES = int(os.environ.get("CROPZOOM_EXAMPLES", "300"))
MOST_BYTES = 100e6
MOST_SECONDS = 5.0  # of this process alone: the machine may be busy with others
LONGEST_MESSAGE = 450  # characters, paths apart
N, SIZE = 6, (640, 480)

HEAD = "scorer,m,m,m,m,m,m\nbodyparts,a,a,a,b,b,b\ncoords,x,y,likelihood,x,y,likelihood\n"
SEEDS = (
    ",x,y,h,w\n" + "".join(f"{i},{10 + i},{20 + i},60,80\n" for i in range(N)),
    "x,y,w,h\n" + "".join(f"{10.5 + i},{20 + i},60,80\n" for i in range(N)),
    "frame,x,y,h,w,confidence\n" + "".join(f"{i},{10 + i},{20 + i},60,80,0.9\n" for i in (1, 2, 5)),
    '"","x","y","h","w"\n"0","10","20","60","80"\n',
    ",x,y,h,w\nlabeled-data/v/img1.png,10,20,60,80\nlabeled-data\\v\\img2.png,11,21,60,80\n",
    HEAD + "".join(f"{i},{10 + i},20,0.9,{50 + i},60,0.8\n" for i in range(N)),
    "scorer,,,m,m\nbodyparts,,,a,a\ncoords,,,x,y\nlabeled-data,v,img1.png,1,2\nlabeled-data,v,img2.png,,\n",
    HEAD.replace("likelihood", "x_ens_var") + "img1.png,10,20,0.9,50,60,0.8\n",
)
NUMBERS = "0 1 5 0.0 -1 1e5 -0 00 1_000 0x10 1e308 -1e300 1e400 1e-400 0.033 12,5 inf -inf nan 150000000"
WORDS = "True None null NA 10:30:00 2024-05-01 #REF! =1+1 x y w h frame scorer individuals likelihood"
CELLS = (
    *f"{NUMBERS} {WORDS} {'9' * 20} {'9' * 400} 2147483648 \uff11\uff12 \u0663".split(),
    *("a/b.png", "..\\b.png", "%s%n", "{0}", "x_ens_var"),
    *("", " ", '"', '""', "'", "\0", "\r", "\r\n", "\n", "\t", ";", ",", "\\", ",,,,", "\n\n", "\ufeff"),
    *("\u2028", "Unnamed: 1", "z" * 3000, "," * 3000, '"' * 51, "\x1b[31m", "\u00e9"),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """One of the tables, to which some things have happened."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        place, other = (draw(st.integers(0, len(text))) for _ in range(2))
        first, last = min(place, other), max(place, other)
        what = draw(st.sampled_from(("cell", "insert", "cut", "end", "twice", "replace")))
        if what == "cell":
            cells = text.split(",")
            cells[place % len(cells)] = draw(st.sampled_from(CELLS))
            text = ",".join(cells)
        elif what == "insert":
            text = text[:place] + draw(st.sampled_from(CELLS)) + text[place:]
        elif what == "cut":
            text = text[:first] + text[min(last, first + 40) :]
        elif what == "end":
            text = text[: max(place, 1)]
        elif what == "twice":
            text = text[:last] + text[first:last] * draw(st.integers(1, 5)) + text[last:]
        else:
            text = text.replace(
                *draw(st.sampled_from(((",", ";"), ("\n", "\r"), ("0", ""), ("1", "9e99"))))
            )
    data = bytearray(text.encode())
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=2)):
        at = place % max(1, len(data))
        data[at : at + 1] = bytes([byte])
    return bytes(data)


@st.composite
def generated(draw: st.DrawFn) -> bytes:
    """A header of boxes or keypoints over rows of anything."""
    header = draw(st.sampled_from([*(seed.split("\n")[0] for seed in SEEDS[:5]), HEAD.strip(), ""]))
    width = header.split("\n")[0].count(",") + 1
    row = st.lists(st.sampled_from(CELLS) | st.integers(-9, 999).map(str), min_size=width, max_size=width)
    rows = draw(st.lists(row, max_size=8))
    return "\n".join([header, *map(",".join, rows)]).encode()


TABLES = mutated() | mutated() | generated() | st.binary(max_size=200)


def usable(boxes: np.ndarray) -> None:
    """What the rest of the program counts on."""
    missing = np.isnan(boxes).all(axis=1)
    assert boxes.dtype == np.float64
    assert boxes.shape == (len(boxes), 4)
    assert (np.abs(boxes[~missing]) <= FARTHEST).all()
    assert (boxes[~missing, 2:] > 0).all()


def boxes_of(n_frames: int | None, allow: bool, faults: Faults, size: Any) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        notes: list[str] = []
        options = {"allow_missing": allow, "faults": faults, "frame_size": size, "notify": notes.append}
        boxes = read_boxes(path, n_frames, **options)
        usable(boxes)
        assert n_frames is None or len(boxes) == n_frames
        assert allow or not np.isnan(boxes).any()
        assert all("\n" not in note and len(note) < LONGEST_MESSAGE for note in notes)
        if path.suffix == ".csv" and faults == "refuse":
            np.testing.assert_array_equal(boxes, read_boxes(path, n_frames, **options))

    return read


def labelled(path: Path) -> None:
    images, boxes = read_labeled_bbox(path)
    usable(boxes)
    assert len(images) == len(boxes) == len(set(images))


def keypoints(path: Path) -> None:
    poses = read_predictions(path)
    assert (np.abs(poses.xy[~np.isnan(poses.xy)]) <= FARTHEST).all()
    with pytest.raises(CropzoomError, match="frames"):
        read_predictions(path, len(poses) + 1)


def whole_table(path: Path) -> None:
    table = read_predictions_table(path)
    table.poses()
    ones = np.ones((len(table.index), 2))
    copy = path.with_name("copy.csv")
    table.moved(ones, 0 * ones).write(copy)
    again = read_predictions_table(copy)
    assert again.index == table.index
    assert again.is_labeled_frames == table.is_labeled_frames
    np.testing.assert_allclose(again.poses().xy, table.poses().xy)


def for_lightning_pose(path: Path) -> None:
    plain = plain_labels(path, path.parent / "plain")
    assert read_predictions_table(plain).is_plain


READERS: tuple[Callable[[Path], object], ...] = (
    read_bbox_csv,
    boxes_of(None, False, "refuse", None),
    boxes_of(N, False, "refuse", SIZE),
    boxes_of(None, True, "refuse", None),
    boxes_of(N, True, "refuse", SIZE),
    boxes_of(N, True, "skip", SIZE),
    boxes_of(N, True, "tell", (64, 48)),
    labelled,
    keypoints,
    whole_table,
    for_lightning_pose,
    lambda path: plain_bbox(path, path.parent / "plain"),
    lambda path: as_table(path, path.parent, path.with_name("v.mp4"), N, SIZE),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=TABLES)
@example(data=b"frame,x,y,h,w\n150000000,1,2,30,40\n")
@example(data=b"frame,x,h,w,y,confidence\n-")
@example(data=b"time,x,y,h,w\n1714550000000,1,2,30,40\n")
@example(data=b"x,y,h,w\n1e308,1e308,1e308,1e308\n")
@example(data=b"x,y,h,w\n" + b"," * 1_000_000)
@example(data=b"," * 9_000 + b"x,y,h,w\n0,10,20,60,80\n")
@example(data=HEAD.encode() + b"," * 1_000_000)
@example(
    data=b"scorer" + b",m" * 200_000 + b"\nbodyparts" + b",a" * 200_000 + b"\ncoords" + b",x" * 200_000
)
@example(data=HEAD.encode() + b"0" * 5_000 + b",1,2,.5,3,4,.6\n")
@example(data=HEAD.encode() + b"0," + b"1" * 200_000 + b",2,.5,3,4,.6\n")
@example(data=HEAD.encode() + b",,,,,,\n\n0.0,1,2,.5,3,4,.6\n")
def test_a_table_gives_a_result_or_one_clear_message(folder: Path, data: bytes) -> None:
    path = folder / "v_bbox.csv"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        for read in READERS:
            tracemalloc.reset_peak()
            begin = time.process_time()
            try:
                read(path)
            except CropzoomError as error:
                said = str(error).replace(str(folder), "")
                assert "v_bbox.csv: " in said
                assert "\n" not in said
                assert len(said) < LONGEST_MESSAGE
            assert time.process_time() - begin < MOST_SECONDS
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert path.read_bytes() == data


def test_the_tables_as_they_are_can_be_read(folder: Path) -> None:
    """What is mutated is not refused for something else."""
    taken = []
    for seed in SEEDS:
        path = folder / "seed.csv"
        path.write_text(seed, encoding="utf-8")
        for read in (lambda path: read_boxes(path, allow_missing=True), labelled, keypoints):
            try:
                read(path)
            except CropzoomError:
                continue
            taken.append(seed)
            break
    assert taken == list(SEEDS)
    assert "csv" in dialog_filter()
