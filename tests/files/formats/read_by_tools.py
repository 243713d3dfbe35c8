"""Print what another program reads from a file, as JSON: of each animal the numbers of every frame.

Run by `test_exports.py` in an environment that has these programs and not this package.
"""

import json
import sys

import numpy as np

N = 12


def motmetrics(path):
    # py-motmetrics itself takes the coordinates for 1-based, as MOTChallenge's own evaluation does
    import motmetrics

    table = motmetrics.io.loadtxt(path, fmt="mot15-2D").reset_index()
    found = {}
    for row in table.itertuples():
        track = found.setdefault(str(row.Id), np.full((N, 4), np.nan))
        track[row.FrameId - 1] = [row.X + 1, row.Y + 1, row.Width, row.Height]
    return found


def trackeval(path):
    from trackeval.datasets._base_dataset import _BaseDataset

    rows, _ = _BaseDataset._load_simple_text_file(path, time_col=0, id_col=1)
    found = {}
    for frame, boxes in rows.items():
        for _, name, *box in boxes:
            found.setdefault(name, np.full((N, 4), np.nan))[int(frame) - 1] = [float(x) for x in box[:4]]
    return found


def datumaro(path):
    from datumaro import Dataset

    found = {}
    for item in Dataset.import_from(path, "cvat"):
        for box in item.annotations:
            if not box.attributes["outside"]:
                track = found.setdefault(box.attributes["name"], np.full((N, 4), np.nan))
                track[item.attributes["frame"]] = box.get_bbox()
    return found


def supervision(path):
    # it has no tracks: the animals are in the order in which they were written
    from supervision import DetectionDataset

    data = DetectionDataset.from_coco(path.rpartition("/")[0], path)
    frames = [data.annotations[name].xyxy for name in sorted(data.annotations)]
    most = max(map(len, frames))
    found = np.full((most, N, 4), np.nan)
    for frame, corners in enumerate(frames):
        found[: len(corners), frame] = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    return {str(place): each for place, each in enumerate(found)}


def pycocotools(path):
    from pycocotools.coco import COCO

    coco = COCO(path)
    found = {}
    for each in coco.loadAnns(coco.getAnnIds()):
        [image] = coco.loadImgs(each["image_id"])
        found.setdefault(each["attributes"]["track"], np.full((N, 4), np.nan))[image["frame_id"]] = each[
            "bbox"
        ]
    return found


def _boxes(data):
    position, shape = data["position"].values, data["shape"].values
    return {
        str(name): np.concatenate([position[:, :, k] - shape[:, :, k] / 2, shape[:, :, k]], axis=1)
        for k, name in enumerate(data["individuals"].values)
    }


def movement_via(path):
    from movement.io import load_bboxes

    return _boxes(load_bboxes.from_via_tracks_file(path))


def movement_netcdf(path):
    import xarray
    from movement.validators.datasets import ValidBboxesInputs

    data = xarray.load_dataset(path)
    assert data.attrs["ds_type"] == "bboxes"
    ValidBboxesInputs.validate(data)
    np.testing.assert_allclose(data["time"].values, np.arange(N) / data.attrs["fps"])
    return _boxes(data)


def _poses(data):
    return {
        str(name): data["position"].values[..., k].transpose(0, 2, 1)
        for k, name in enumerate(data["individuals"].values)
    }


def movement_dlc(path):
    from movement.io import load_poses

    return _poses(load_poses.from_dlc_file(path))


def movement_lp(path):
    from movement.io import load_poses

    return _poses(load_poses.from_lp_file(path))


def movement_sleap(path):
    from movement.io import load_poses

    return _poses(load_poses.from_sleap_file(path))


def sleap_io(path):
    import sleap_io

    labels = sleap_io.load_slp(path, open_videos=False)
    found = {track.name: np.full((N, 3, 2), np.nan) for track in labels.tracks}
    for frame in labels:
        for instance in frame:
            found[instance.track.name][frame.frame_idx] = instance.numpy()
    return found


def pynwb(path):
    from pynwb import NWBHDF5IO

    counts = {}
    with NWBHDF5IO(path, "r", load_namespaces=True) as file:
        for module in file.read().processing.values():
            for name, each in module.data_interfaces.items():
                if type(each).__name__ == "PoseEstimation":
                    counts[name.removeprefix("track=")] = len(each["nose"].data)
    return counts


found = globals()[sys.argv[1]](sys.argv[2])


def plain(value):
    if isinstance(value, np.ndarray):
        return json.loads(json.dumps(value.tolist()).replace("NaN", "null"))
    return value


print(json.dumps({name: plain(value) for name, value in found.items()}))
