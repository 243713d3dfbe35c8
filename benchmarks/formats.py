"""How long large files of other programs take to read, and how much memory: ``formats.py [NAME...]``.

A million boxes for formats that are tables, 100,000 for the others, of one animal. Each is read by a
process of its own as ``import_bbox`` reads it; prints a row of a table for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from common import wandering_boxes
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside_rows import BoxesOut, ImportOptions, VideoFacts
from napari_cropzoom.files.formats.registry import get_export
from napari_cropzoom.files.predictions_csv import write_predictions

MILLION, OTHERS = 1_000_000, 100_000
SIZE = (1280, 960)
Boxes = np.ndarray
Writer = Callable[[Path, Boxes, VideoFacts], None]


def exported(name: str) -> Writer:
    """Write as ``cropzoom export`` does."""
    return lambda path, boxes, video: get_export(name).write(path, BoxesOut({"mouse": boxes}, video))


def rows(path: Path, header: str, columns: list[Boxes], form: str) -> None:
    """Write a table."""
    np.savetxt(path, np.column_stack(columns), form, ",", header=header, comments="")


def table(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """A script's own table."""
    rows(path, "frame,x,y,w,h", [np.arange(len(boxes)), *boxes.T], "%.8g")


def keypoints(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """Three body parts as Lightning Pose has them."""
    xy = boxes[:, None, :2] + np.array([[0, 0], [30, 10], [60, 5]])
    write_predictions(path, Poses(("nose", "body", "tail"), xy, np.full(xy.shape[:2], 0.9)))


def idtracker(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """Centres."""
    rows(path, "time,x1,y1", [np.arange(len(boxes)) / 30, boxes[:, 0], boxes[:, 1]], "%.3f")


def sam_json(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """An entry a frame."""
    parts = (boxes / [*SIZE, *SIZE]).tolist()
    path.write_text(
        json.dumps(
            [
                {"frame": n, "out_obj_ids": [1], "out_boxes_xywh": [box], "out_probs": [0.9]}
                for n, box in enumerate(parts)
            ]
        )
    )


def sam_npz(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """Arrays."""
    with path.open("wb") as file:
        np.savez(file, out_boxes_xywh=(boxes / [*SIZE, *SIZE])[:, None])


def trex(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """Centres in cm."""
    with path.open("wb") as file:
        np.savez(file, frame=np.arange(len(boxes)), X=boxes[:, 0], Y=boxes[:, 1], cm_per_pixel=1.0)


def yolo(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """A file a frame."""
    path.mkdir()
    for n, (x, y, w, h) in enumerate((boxes / [*SIZE, *SIZE]).tolist()):
        (path / f"v_{n}.txt").write_text(f"0 {x + w / 2:.6f} {y + h / 2:.6f} {w:.6f} {h:.6f} 0.9\n")


def masks(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """A page a frame."""
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for x, y, w, h in boxes.astype(int).tolist():
            page = np.zeros((video.height, video.width), np.uint8)
            page[y : y + h, x : x + w] = 1
            file.write(page, compression="zlib", contiguous=False)


def sleap_boxes(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """A project with boxes."""
    import h5py

    with h5py.File(path, "w") as file:
        file["frames"], file["instances"] = np.zeros(0), np.zeros(0)
        file["videos_json"] = [json.dumps({"filename": video.name})]
        file["tracks_json"] = [json.dumps([0, "mouse"])]
        group = file.create_group("bboxes")
        corners = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        for name, column in zip(("x1", "y1", "x2", "y2"), corners.T, strict=True):
            group[name] = column
        group["frame_idx"], group["track"] = np.arange(len(boxes)), np.zeros(len(boxes), int)


def sleap_poses(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """An analysis file."""
    import h5py

    xy = boxes[:, None, :2] + np.array([[0, 0], [30, 10], [60, 5]])
    with h5py.File(path, "w") as file:
        file["tracks"] = xy.transpose(2, 1, 0)[None]
        file["track_occupancy"], file["node_names"] = np.ones((len(boxes), 1)), ["a", "b", "c"]
        file["track_names"] = ["mouse"]


def nwb(path: Path, boxes: Boxes, video: VideoFacts) -> None:
    """Time series of body parts."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.8.0"
        pose = file.create_group("processing/behavior/mouse")
        pose.attrs["neurodata_type"] = "PoseEstimation"
        for part in range(3):
            series = pose.create_group(f"part{part}")
            series.attrs["neurodata_type"] = "PoseEstimationSeries"
            series["data"] = boxes[:, :2] + part * 20
            series["timestamps"] = np.arange(len(boxes)) / 30


FORMATS: dict[str, tuple[Writer, int, dict[str, float]]] = {
    "csv": (table, MILLION, {}),
    "keypoints": (keypoints, MILLION, {"crop_ratio": 2.0}),
    "mot": (exported("mot"), MILLION, {}),
    "via": (exported("via"), MILLION, {}),
    "idtracker": (idtracker, MILLION, {"crop_size": 64}),
    "yolo": (yolo, OTHERS, {}),
    "coco": (exported("coco"), OTHERS, {}),
    "cvat": (exported("cvat"), OTHERS, {}),
    "movement": (exported("movement"), OTHERS, {}),
    "sam JSON": (sam_json, OTHERS, {}),
    "sam npz": (sam_npz, OTHERS, {}),
    "trex": (trex, OTHERS, {"crop_size": 64}),
    "sleap boxes": (sleap_boxes, OTHERS, {}),
    "sleap analysis": (sleap_poses, OTHERS, {"crop_ratio": 2.0}),
    "nwb": (nwb, OTHERS, {"crop_ratio": 2.0}),
    "masks": (masks, OTHERS, {}),
}


def facts(name: str) -> VideoFacts:
    """Of the video; label images are small, as a hundred thousand would not be otherwise."""
    size = (64, 48) if name == "masks" else SIZE
    return VideoFacts("v.mp4", *size, FORMATS[name][1], 30.0)


def read(name: str, path: Path) -> None:
    """In the process of its own: print seconds, seconds of the processor and megabytes at most."""
    start, cpu = time.perf_counter(), time.process_time()
    found = read_outside(path, facts(name), ImportOptions(**FORMATS[name][2]))  # type: ignore[arg-type]
    took = time.perf_counter() - start, time.process_time() - cpu
    assert int((~found.settled.tracks[0].is_missing).sum()) == FORMATS[name][1]
    print(f"{FORMATS[name][1]:,} | {took[0]:.1f} | {took[1]:.1f} | {most_memory():.0f}")


def most_memory() -> float:
    """Megabytes that this process had at most; `ru_maxrss` counts what its parent had, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Write, read and print all, or those that are named."""
    for name in sys.argv[1:] or FORMATS:
        write, count, _ = FORMATS[name]
        boxes = wandering_boxes(count)
        if name == "masks":
            boxes = np.tile([10.0, 8, 20, 16], (count, 1))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "boxes.dat")
            write(path, boxes, facts(name))
            done = subprocess.run(
                [sys.executable, __file__, "--read", name, path],
                capture_output=True,
                text=True,
                check=False,
            )
        print(f"| {name} | {done.stdout.strip() or done.stderr.strip()[-300:]} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
