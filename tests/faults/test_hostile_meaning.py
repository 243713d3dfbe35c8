"""Files of other programs that are broken, or written otherwise: right, or refused, or doubt is said.

`CROPZOOM_MUTATIONS=2000 pytest -s tests/faults/test_hostile_meaning.py` for the long run; it prints the
table of docs/formats.md.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from broken_formats import ways_of
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.formats.importing import Imported
from outside_files import (
    BY_HAND,
    FIRST,
    FIRST_FILES,
    FIRST_VIDEO,
    POINTS,
    SECOND,
    SECOND_FILES,
    SECOND_VIDEO,
    WRITTEN,
    Expected,
    centres,
    read_truth,
)
from reading_safely import read_safely

VARIANTS = int(os.environ.get("CROPZOOM_MUTATIONS", "200"))
SECONDS, LONGEST_MESSAGE = 5.0, 700
EVEN = 2.0  # pixels: boxes round keypoints have even sides

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="h5py is not installed (the extra `formats`)"
)


def true_boxes(folder: Path, expected: Expected, video) -> dict[str, np.ndarray]:
    """Boxes of each animal as the whole file would give them."""
    truth = list(read_truth(folder / "truth.csv", video).items())
    names = expected.names or tuple(truth[place][0] for place in expected.animals)
    found = {}
    for name, place in zip(names, expected.animals, strict=True):
        boxes = truth[place][1]
        if expected.kind == "keypoints":
            xy = centres(boxes)[:, None] + POINTS
            boxes = boxes_from_keypoints(
                Poses(("a", "b", "c"), xy, np.ones(xy.shape[:2])), SizingSettings(2.0)
            )
        found[name] = boxes
    return found


def n_wrong(found: Imported, true: dict[str, np.ndarray], expected: Expected) -> int:
    """Boxes that are not those of the truth; missing ones are not wrong."""
    count = 0
    for track in found.settled.tracks:
        wanted, got = true.get(track.name), track.boxes
        if wanted is None:
            count += int((~track.is_missing).sum())
            continue
        if expected.kind == "points":
            wanted, got = centres(wanted), centres(got)
        tolerance = max(expected.tolerance, EVEN if expected.kind == "keypoints" else 0)
        far = np.abs(got - wanted).max(axis=1) > tolerance
        count += int((far | (~track.is_missing & np.isnan(wanted[:, 0]))).sum())
    return count


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Files of every format, their truth and the video they are of."""
    folder = tmp_path_factory.mktemp("second")
    with zipfile.ZipFile(SECOND) as archive:
        archive.extractall(folder)
    found = [(folder, name, each, SECOND_VIDEO) for name, each in SECOND_FILES.items()]
    for name, (write, expected) in WRITTEN.items():
        write(folder / name, read_truth(folder / "truth.csv", SECOND_VIDEO))
        found.append((folder, name, expected, SECOND_VIDEO))
    if FIRST.is_dir():
        found += [(FIRST, name, FIRST_FILES[name], FIRST_VIDEO) for name in BY_HAND]
    return found


@pytest.mark.timeout(3600)
def test_no_wrong_track_is_taken_in_without_a_word(sources, tmp_path):
    chance = random.Random(23)
    outcomes: Counter[tuple[str, str]] = Counter()
    for turn in range(VARIANTS):
        folder, name, expected, video = sources[turn % len(sources)]
        path = tmp_path / str(turn) / Path(name).name
        path.parent.mkdir()
        if (folder / name).is_dir():
            shutil.copytree(folder / name, path)
            victim = chance.choice(sorted(path.iterdir()))
        else:
            victim = Path(shutil.copy(folder / name, path))
        victim.chmod(0o600)
        ways = ways_of(victim)
        way = chance.choice(sorted(ways))
        made = ways[way](victim.read_bytes(), chance)
        if made is None:
            continue
        victim.write_bytes(made[0])
        outcome = judged(
            path, made[1], true_boxes(folder, expected, video), expected, video, f"{turn} {way}"
        )
        outcomes[expected.format, outcome] += 1
        shutil.rmtree(path.parent)
    kinds = ("right", "refused", "doubt said", "cannot be told")
    for name in sorted({name for name, _ in outcomes}):
        print("|", f"`{name}`", "|", " | ".join(str(outcomes[name, kind]) for kind in kinds), "|")
    for kind in kinds[:2]:
        assert sum(count for (_, each), count in outcomes.items() if each == kind) > VARIANTS / 20


def judged(path, allowed, true, expected, video, label) -> str:
    """Read a variant, hold it to the limits and say what became of it."""
    start = time.process_time()
    try:
        found = read_safely(path, video, expected.import_options(), expected.format_name)
    except CropzoomError as error:
        message = str(error).replace(str(path), "")
        assert 10 < len(message) < LONGEST_MESSAGE, label
        assert "\n" not in message, label
        assert "Traceback" not in message, label
        outcome = "refused"
    else:
        wrong = n_wrong(found, true, expected)
        assert wrong <= allowed or found.notes, (label, path.name, wrong)
        outcome = "right" if not wrong else "doubt said" if found.notes else "cannot be told"
    assert time.process_time() - start < SECONDS, label
    return outcome
