"""One recording in the formats of other tools, and what is true of it.

The first lies in the shared folder of the work place (`CROPZOOM_SHARED`, by default beside the
repository), the second, of another geometry, in `tests/data/formats_second.zip`: what sleap-io 0.9.5,
movement 0.15.0 and pandas wrote for `make_formats.py --size 641x479 --frames 25 --box 51x90 --gap 9:17
--names "A 1,zebra-fish" --step 9.3`. The files of `WRITTEN` are written when the tests run.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CROPZOOM_SHARED", ROOT.parent / "shared"))
FIRST = SHARED / "data" / "formats"
SECOND = ROOT / "tests" / "data" / "formats_second.zip"
NO_SHARED = f"{FIRST} is not here (CROPZOOM_SHARED)"
FIRST_VIDEO = VideoFacts("clip.mp4", 480, 240, 60, 30.0)
SECOND_VIDEO = VideoFacts("clip.mp4", 641, 479, 25, 30.0)
POINTS = np.array([[20, 0], [0, 0], [-25, -3]], np.float64)
"""Keypoints nose, body and tail, from the centre of the animal."""


@dataclass(frozen=True)
class Expected:
    """What a file of the recording should be read as.

    `animals` are the places of the animals in the truth, in the order of the file; `names` their names
    if the file has others than the truth.
    """

    format: str
    kind: str = "boxes"
    animals: tuple[int, ...] = (0, 1)
    names: tuple[str, ...] | None = None
    confidence: float = np.nan
    format_name: str | None = None
    late: int = 0
    tolerance: float = 0.5
    options: dict[str, object] = field(default_factory=dict)

    def import_options(self) -> ImportOptions:
        sizes = {"boxes": {}, "keypoints": {"crop_ratio": 2.0}, "points": {"crop_size": 64}}
        return ImportOptions(**sizes[self.kind], **self.options)


NUMBERED = ("animal_1", "animal_2")
ONE = {"animals": (0,), "names": ("animal",)}
POSES = {"kind": "keypoints", "confidence": 0.8}
BY_TOOLS = {
    "boxes.coco.json": Expected("coco", names=NUMBERED, confidence=0.9),
    "boxes.movement.nc": Expected("movement", confidence=0.9),
    "boxes.slp": Expected("sleap", confidence=0.9),
    "boxes.via_tracks.csv": Expected("via", names=("animal_0", "animal_1"), confidence=0.9),
    "poses.analysis.h5": Expected("sleap", **POSES),
    "poses.coco.json": Expected("coco", kind="keypoints", names=NUMBERED),
    "poses.dlc.csv": Expected("keypoints", kind="keypoints"),
    "poses.movement.nc": Expected("movement", **POSES),
    "poses.mv_0.nwb": Expected("nwb", animals=(0,), **POSES),
    "poses.mv_1.nwb": Expected("nwb", animals=(1,), **POSES),
    "poses.mv_dlc.csv": Expected("keypoints", **POSES),
    "poses.mv_dlc.h5": Expected("dlc_h5", **POSES),
    "poses.nwb": Expected("nwb", **POSES),
    "poses.slp": Expected("sleap", **POSES),
}
ONLY_FIRST = {
    "boxes.via_tracks.csv": Expected(
        "via", animals=(1, 0), names=("animal_0", "animal_1"), confidence=0.9
    ),
    "poses.nwb": Expected("nwb", animals=(1, 0), **POSES),
    "poses.mv_lp_white.csv": Expected("keypoints", animals=(0,), names=("animal",), **POSES),
    "poses.mv_lp_brown.csv": Expected("keypoints", animals=(1,), names=("animal",), **POSES),
}
ONLY_SECOND = {
    "poses.dlc_table.h5": Expected("dlc_h5", **POSES),
    "poses.mv_lp_A 1.csv": Expected("keypoints", animals=(0,), names=("animal",), **POSES),
    "poses.mv_lp_zebra-fish.csv": Expected("keypoints", animals=(1,), names=("animal",), **POSES),
}
BY_HAND = {
    "hand/centre_xywh.csv": Expected("csv", format_name="centre", **ONE),
    "hand/cvat_video_1.1.xml": Expected("cvat", tolerance=2.0),  # of the curve between keyframes
    "hand/decimal_comma.csv": Expected("csv", **ONE),
    "hand/frames_from_1.csv": Expected("csv", **ONE),
    "hand/idtracker_trajectories.csv": Expected("idtracker", kind="points", names=NUMBERED),
    "hand/idtracker_trajectories.h5": Expected(
        "idtracker", kind="points", names=NUMBERED, confidence=0.99
    ),
    "hand/masks.tif": Expected("masks", names=NUMBERED),
    "hand/mot.txt": Expected("mot", names=NUMBERED, confidence=0.9),
    "hand/normalised.csv": Expected("csv", **ONE),
    "hand/sam_boxes.json": Expected("sam", names=NUMBERED, confidence=0.93),
    "hand/sam_boxes.npz": Expected("sam", names=NUMBERED, confidence=0.93),
    "hand/semicolon.csv": Expected("csv", **ONE),
    "hand/track_column.csv": Expected("csv"),
    "hand/trex_fish0.npz": Expected(
        "trex", kind="points", animals=(0,), names=("fish0",), late=3, options={"cm_per_pixel": 0.1}
    ),
    "hand/xyxy.csv": Expected("csv", **ONE),
    "hand/yolo_labels": Expected("yolo", names=("class_0", "class_1"), confidence=0.9),
}


def write_short_mot(path: Path, truth: dict[str, np.ndarray]) -> None:
    """MOTChallenge with its first six columns only."""
    lines = [
        ",".join(map(str, (frame + 1, number, *boxes[frame])))
        for number, boxes in enumerate(truth.values(), 1)
        for frame in np.flatnonzero(~np.isnan(boxes[:, 0]))
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


WRITTEN: dict[str, tuple[Callable[[Path, dict[str, np.ndarray]], None], Expected]] = {
    "mot_of_six.txt": (write_short_mot, Expected("mot", names=NUMBERED)),
}
"""Files that a function here writes, of the boxes of each animal: the place for those of a new format."""
REFUSED = {"hand/idtracker_trajectories.npy": "can run code"}
FIRST_FILES = {**BY_TOOLS, **ONLY_FIRST, **BY_HAND}
SECOND_FILES = {**BY_TOOLS, **ONLY_SECOND}


def read_truth(path: Path, video: VideoFacts) -> dict[str, np.ndarray]:
    """Boxes of each animal, (T, 4), NaN where absent."""
    boxes: dict[str, np.ndarray] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            track = boxes.setdefault(row["name"], np.full((video.n_frames, 4), np.nan))
            track[int(row["frame"])] = [float(row[name]) for name in "xywh"]
    return boxes


def centres(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2
