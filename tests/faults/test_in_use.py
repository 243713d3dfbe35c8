"""A target that is open in another program, as Windows has it: neither replaced nor removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.in_use import needs_sharing, run
from faults.write_points import crop, outputs, prepare
from napari_cropzoom.crop.record import read_side_file
from napari_cropzoom.files.provenance import read_made_with
from napari_cropzoom.files.review_paths import file_sha256

pytestmark = needs_sharing


WRITE = """
import sys
from pathlib import Path
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_folder, atomic_path
target, when = Path(sys.argv[1]), sys.argv[2]
opened = target.open("rb") if when == "before" else None
worked = False
try:
    if sys.argv[3] == "file":
        with atomic_path(target) as part:
            worked = True
            part.write_text("new")
            opened = opened or target.open("rb")
    else:
        with atomic_folder(target.parent) as part:
            worked = True
            (part / "a.txt").write_text("other")
            (part / target.name).write_text("new")
            opened = opened or target.open("rb")
except CropzoomError as error:
    print(worked, error)
"""


def test_it_is_known_before_the_work_starts(tmp_path: Path) -> None:
    target = tmp_path / "out" / "v_bbox.csv"
    target.parent.mkdir()
    target.write_text("old")
    said = run(WRITE, target, "before", "file")
    assert said.startswith(f"False {target}: is open in another program. Close it there")
    assert {path.name: path.read_text() for path in target.parent.iterdir()} == {target.name: "old"}


def test_what_was_made_meanwhile_is_kept_under_another_name(tmp_path: Path) -> None:
    target = tmp_path / "out" / "v_bbox.csv"
    target.parent.mkdir()
    target.write_text("old")
    for number in (1, 2):
        said = run(WRITE, target, "meanwhile", "file")
        assert "is open in another program, so it was not replaced" in said
        assert f"kept as v_bbox_new{number}.csv" in said
    found = {path.name: path.read_text() for path in target.parent.iterdir()}
    assert found == {"v_bbox.csv": "old", "v_bbox_new1.csv": "new", "v_bbox_new2.csv": "new"}


def test_a_folder_is_kept_whole_beside_the_one_that_is_open(tmp_path: Path) -> None:
    target = tmp_path / "out" / "v_bbox.csv"
    target.parent.mkdir()
    target.write_text("old")
    said = run(WRITE, target, "meanwhile", "folder")
    assert "kept as out_new1" in said
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out_new1"}
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {target.name: "old"}
    assert len(list((tmp_path / "out_new1").iterdir())) == 2


LET_GO = """
import sys, threading
from pathlib import Path
from napari_cropzoom.files.atomic import atomic_path
target = Path(sys.argv[1])
file = target.open("rb")
timer = threading.Timer(0.5, file.close)
timer.start()
with atomic_path(target) as part:
    part.write_text("new")
print(target.read_text())
"""


def test_a_file_that_is_let_go_of_after_a_moment_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "v_bbox.csv"
    target.write_text("old")
    assert run(LET_GO, target) == "new"


PREDICTIONS = """
import sys
from pathlib import Path
from faults.write_points import outputs
from napari_cropzoom.core.errors import CropzoomError
folder, name = Path(sys.argv[1]), sys.argv[2]
outputs(folder)
opened = (folder / "out" / name).open("rb")
try:
    outputs(folder, shift=5)
except CropzoomError as error:
    print(error)
"""


def written(folder: Path) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in (folder / "out").iterdir()}


def predictions_of(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Hashes of what is written before, and of what is written instead where nothing is open."""
    outputs(folder)
    before = written(folder)
    outputs(folder, shift=5)
    after = written(folder)
    assert sorted(after) == ["v.csv", "v_made_with.npz", "v_temporal_norm.csv"]
    assert all(before[name] != after[name] for name in after)
    return before, after


@pytest.mark.parametrize("name", ["v_temporal_norm.csv", "v_made_with.npz"])
def test_metrics_that_are_open_cost_no_predictions(tmp_path: Path, name: str) -> None:
    before, after = predictions_of(tmp_path)
    said = run(PREDICTIONS, tmp_path, name)
    stem, suffix = name.split(".")
    assert f"{name}: is open in another program, so it was not replaced" in said
    assert written(tmp_path) == {**after, name: before[name], f"{stem}_new1.{suffix}": after[name]}


def test_predictions_that_are_open_are_kept_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    before, after = predictions_of(tmp_path)
    said = run(PREDICTIONS, tmp_path, "v.csv")
    assert "kept as v_new1.csv" in said
    kept = {name.replace("v", "v_new1", 1): digest for name, digest in after.items()}
    assert written(tmp_path) == before | kept
    record = read_made_with(tmp_path / "out" / "v_new1_made_with.npz")
    assert record is not None
    assert record.predictions == kept["v_new1.csv"]


CROP = """
import sys
from pathlib import Path
from faults.write_points import crop
from napari_cropzoom.core.errors import CropzoomError
folder, name, when = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
from napari_cropzoom.files.atomic import observe_temporaries
opened = []
def look(part):
    if not opened:
        opened.append((folder / "out" / name).open("rb"))
crop(folder)
try:
    if when == "before":
        look(None)
    with observe_temporaries(look):
        crop(folder, shift=4)
except CropzoomError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["cropped_v.mp4", "cropped_v.json"])
def test_a_crop_and_its_record_stay_together(tmp_path: Path, name: str) -> None:
    prepare(tmp_path)
    crop(tmp_path)
    before = written(tmp_path)
    crop(tmp_path, shift=4)
    after = written(tmp_path)
    said = run(CROP, tmp_path, name, "meanwhile")
    assert "kept as cropped_v_new1.mp4" in said
    assert "Rename cropped_v_new1.json along with it." in said
    found = written(tmp_path)
    assert {name: found.pop(name) for name in before} == before
    assert found["cropped_v_new1.mp4"] == after["cropped_v.mp4"]
    records = [read_side_file(tmp_path / "out" / f"cropped_v{end}.json") for end in ("", "_new1")]
    assert (records[1].boxes[:, 0] - records[0].boxes[:, 0] == 4).all()


@pytest.mark.parametrize("name", ["cropped_v.mp4", "cropped_v.json"])
def test_it_is_known_before_a_crop_is_made(tmp_path: Path, name: str) -> None:
    prepare(tmp_path)
    said = run(CROP, tmp_path, name, "before")
    assert f"{name}: is open in another program. Close it there" in said
    assert sorted(written(tmp_path)) == ["cropped_v.json", "cropped_v.mp4"]
