"""A project of two reviewed videos in which a detector was wrong for some time, and one not looked at."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from lpmodels import make_lp_model, make_predictions_folder
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.engine.fingerprint import fingerprint
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions_table, write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256, reviewed_csv
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 60
WRONG = range(20, 40)
LABELS = (
    "scorer,me,me,me,me,me,me\nbodyparts,nose,nose,ear,ear,tail,tail\ncoords,x,y,x,y,x,y\n"
    "labeled-data/old/img00000001.png,1.50,2,3,4,,\nlabeled-data/a/img00000021.png,1,2,3,4,5,6\n"
)


def true_poses() -> Poses:
    t = np.arange(N, dtype=float)[:, None]
    xy = np.stack([20 + 0.8 * t + [[0, 8]], 25 + 0 * t + [[0, 6]]], axis=2)
    likelihood = np.full((N, 2), 0.9)
    likelihood[30:32] = 0.1
    likelihood[25, 1] = 0.1
    return Poses(("tail", "nose"), xy, likelihood)


def detected() -> Poses:
    poses = true_poses()
    xy = poses.xy.copy()
    xy[WRONG.start : WRONG.stop] += (-15, 20)
    return Poses(poses.names, xy, poses.likelihood)


def corrected(video: Path, raw: Path) -> None:
    """Correct every wrong frame, and touch one that was right."""
    session = Session(Video(video))
    session.load_boxes(raw, source=Source.DETECTED)
    right = boxes_from_keypoints(true_poses(), SizingSettings())
    for frame in (*WRONG, 50):
        session.set_box(frame, Box(*right[frame].tolist()))
    session.save()
    session.close()


def make_lab(root: Path) -> Path:
    """Write it; the pose was found in the reviewed boxes."""
    (root / "videos").mkdir(parents=True)
    for name in ("a", "b", "new"):
        make_numbered_video(root / "videos" / f"{name}.mp4", N)
    (root / "CollectedData.csv").write_text(LABELS)
    for kind in ("detector", "pose"):
        folder = make_predictions_folder(root / "models" / kind, root / "videos" / "a.mp4", detected())
        write_predictions(folder / "video_preds" / "b.csv", detected())
    for name in ("a", "b"):
        video = root / "videos" / f"{name}.mp4"
        raw = root / "models" / "detector" / "video_preds" / f"{name}_bbox.csv"
        write_bbox_csv(raw, boxes_from_keypoints(detected(), SizingSettings()))
        corrected(video, raw)
        path = root / "models" / "pose" / "video_preds" / f"{name}.csv"
        write_predictions(path, true_poses())
        about = fingerprint(ModelFolder.open(root / "models" / "pose"))
        boxes = read_bbox_csv(reviewed_csv(raw, video))
        index = VideoIndex.scan(video)
        record = MadeWith(about, "cpu", video_identity(index), boxes, file_sha256(path))
        write_made_with(made_with_path(path), record)
    return root


def told_of(lab: Path, name: str, poses: Poses, begun: Path | None = None) -> Path:
    """A detector that has predicted both reviewed videos, and may have begun with other weights."""
    folder = make_predictions_folder(lab / "models" / name, lab / "videos" / "a.mp4", poses)
    write_predictions(folder / "video_preds" / "b.csv", poses)
    if begun is not None:
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["model"]["checkpoint"] = str(begun)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for video in ("a", "b"):
        path = folder / "video_preds" / f"{video}.csv"
        about = fingerprint(ModelFolder.open(folder))
        index = VideoIndex.scan(lab / "videos" / f"{video}.mp4")
        record = MadeWith(about, "cpu", video_identity(index), None, file_sha256(path))
        write_made_with(made_with_path(path), record)
    return folder


def make_trainable(lab: Path, epochs: int) -> None:
    """Give the detector weights and a configuration to train by, and the labels their images."""
    real = make_lp_model(lab / "real", keypoint_names=("nose", "ear", "tail"), size=128)
    shutil.rmtree(lab / "models" / "detector" / "tb_logs")
    shutil.copytree(real / "tb_logs", lab / "models" / "detector" / "tb_logs")
    config = yaml.safe_load((real / "config.yaml").read_text())
    training = config["training"]
    training |= {
        "min_epochs": epochs,
        "max_epochs": epochs,
        "unfreezing_epoch": 0,
        "log_every_n_steps": 1,
    }
    training |= {"train_prob": 0.7, "val_prob": 0.3, "check_val_every_n_epoch": 1}
    training["lr_scheduler_params"] = {"multisteplr": {"milestones": [1], "gamma": 0.5}}
    config["eval"] |= {"predict_vids_after_training": False, "save_vids_after_training": False}
    config["callbacks"] = {"anneal_weight": None}
    config["data"] |= {"data_dir": str(lab), "video_dir": str(lab / "videos")}
    (lab / "models" / "detector" / "config.yaml").write_text(yaml.safe_dump(config))
    shutil.rmtree(lab / "real")
    for image in read_predictions_table(lab / "CollectedData.csv").index:
        (lab / image).parent.mkdir(parents=True, exist_ok=True)
        with Video(lab / "videos" / "a.mp4") as video:
            Image.fromarray(video.frame(0)).save(lab / image)
