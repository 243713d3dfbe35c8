"""Make ``sample_data``: the video, its truth, and the Lightning Pose project round it.

    python scripts/make_sample_data.py

Takes two to four minutes on one core and always makes the same frames. The models are made
afterwards, by ``train_sample_models.py``.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import yaml
from tqdm import tqdm

from sample_motion import FPS
from sample_render import Take
from sample_rodent import KEYPOINTS
from sample_scene import HEIGHT, WIDTH

ROOT = Path(__file__).resolve().parents[1] / "sample_data"
VIDEO_SEED = 11
FRAMES = 1200
HELD_OUT_FROM = FRAMES // 2
LABELED = 24
SCORER = "cropzoom"
CRF = 25
HARD = ("shelter", "mirror", "dash")
INPUT_SIZE = {"detector": 384, "pose": 256}


def main() -> None:
    """Write everything but the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output_dir", type=Path, default=ROOT)
    parser.add_argument("--frames", type=int, default=FRAMES, help="fewer, for a quick look")
    options = parser.parse_args()
    take = Take(VIDEO_SEED, options.frames)
    truth = take.truth()
    write_video(options.output_dir / "videos" / "roaming.mp4", take)
    truth.to_csv(options.output_dir / "truth.csv")
    write_labels(options.output_dir, take, truth)
    for name, size in INPUT_SIZE.items():
        config = yaml.safe_dump(project_config(name, size), sort_keys=False)
        (options.output_dir / f"config_{name}.yaml").write_text(config)


def is_easy(truth: pd.DataFrame) -> pd.Series:
    """Frames with nothing hidden, mirrored or dashing, (T,) bool."""
    return ~truth["places"].fillna("").str.contains("|".join(HARD))


def write_video(path: Path, take: Take) -> None:
    """Encode all frames with H.264, a keyframe every two seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": str(CRF), "preset": "medium", "g": str(2 * FPS), "threads": "1"}
        stream.time_base = Fraction(1, FPS)
        for index in tqdm(range(take.frames), unit="frame"):
            frame = av.VideoFrame.from_ndarray(take.frame(index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_labels(root: Path, take: Take, truth: pd.DataFrame) -> None:
    """Labeled frames from the first half, away from the hard places, as people would choose them."""
    half = truth.iloc[: min(HELD_OUT_FROM, take.frames)]
    easy = half.index[is_easy(half)]
    chosen = easy[np.linspace(0, len(easy) - 1, LABELED).astype(int)]
    folder = root / "labeled-data" / "roaming"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("img*.jpg"):
        old.unlink()
    names = [f"labeled-data/roaming/img{index:08d}.jpg" for index in chosen]
    for index, name in zip(chosen, names, strict=True):
        image = cv2.cvtColor(take.frame(int(index)), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(root / name), image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    labels_table(truth.loc[chosen], names).to_csv(root / "CollectedData.csv")


def labels_table(truth: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Lightning Pose's table of labels: hidden keypoints are left empty."""
    columns = pd.MultiIndex.from_product(
        [[SCORER], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    values = np.stack([truth[f"{name}_{axis}"] for name in KEYPOINTS for axis in "xy"], axis=1)
    seen = np.stack([truth[f"{name}_visible"] for name in KEYPOINTS for _ in "xy"], axis=1)
    return pd.DataFrame(np.where(seen == 1, values, np.nan), index=names, columns=columns)


def project_config(name: str, size: int) -> dict[str, object]:
    """A Lightning Pose configuration, its paths relative to ``sample_data``."""
    return {
        "data": {
            "image_resize_dims": {"height": size, "width": size},
            "data_dir": ".",
            "video_dir": "videos",
            "csv_file": "CollectedData.csv",
            "downsample_factor": 2,
            "num_keypoints": len(KEYPOINTS),
            "keypoint_names": list(KEYPOINTS),
            "mirrored_column_matches": None,
            "columns_for_singleview_pca": None,
        },
        "training": {
            "imgaug": "dlc",
            "train_batch_size": 8,
            "val_batch_size": 8,
            "test_batch_size": 8,
            "train_prob": 0.8,
            "val_prob": 0.2,
            "train_frames": 1,
            "num_gpus": 1,
            "num_workers": 0,
            "unfreezing_epoch": 0,
            "min_epochs": 1,
            "max_epochs": 200,
            "log_every_n_steps": 1,
            "check_val_every_n_epoch": 5,
            "early_stop_patience": 100,
            "optimizer": "Adam",
            "optimizer_params": {"learning_rate": 0.001},
            "lr_scheduler": "multisteplr",
            "lr_scheduler_params": {"multisteplr": {"milestones": [100, 150], "gamma": 0.3}},
            "rng_seed_data_pt": 0,
            "rng_seed_model_pt": 0,
        },
        "model": {
            "losses_to_use": [],
            "backbone": "efficientnet_b0",
            "backbone_pretrained": False,
            "model_type": "heatmap",
            "heatmap_loss_type": "mse",
            "model_name": name,
        },
        "dali": {
            "base": {"train": {"sequence_length": 16}, "predict": {"sequence_length": 64}},
            "context": {"train": {"batch_size": 6}, "predict": {"sequence_length": 64}},
        },
        "losses": {"temporal": {"log_weight": 10.7, "epsilon": 20.0, "prob_threshold": 0.05}},
        "eval": {
            "predict_vids_after_training": False,
            "save_vids_after_training": False,
            "test_videos_directory": "videos",
            "confidence_thresh_for_vid": 0.9,
        },
        "callbacks": {
            "anneal_weight": {
                "attr_name": "total_unsupervised_importance",
                "init_val": 0.0,
                "increase_factor": 0.01,
                "final_val": 1.0,
                "freeze_until_epoch": 0,
            }
        },
    }


if __name__ == "__main__":
    main()
