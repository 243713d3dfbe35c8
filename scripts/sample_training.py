"""Training of the sample models: labels in memory, fast augmentation, Lightning Pose's network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import torch
from lightning_pose.api import Model
from lightning_pose.data.heatmaps import generate_heatmaps
from lightning_pose.models import HeatmapTracker
from numpy.typing import NDArray
from tqdm import tqdm

from make_sample_data import is_easy
from sample_render import Take
from sample_rodent import KEYPOINTS
from sample_scene import HEIGHT, WIDTH

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
SHARED_INPUT = 96
CROP_INPUT = 128
SHARP_INPUT = 256
WINDOW_INPUT = 256
FRAME_INPUT = 384
HEATMAP_STRIDE = 4
MIRRORED = [KEYPOINTS.index(n) for n in (
    "nose", "ear_right", "ear_left", "neck", "body_center", "hips", "tail_base", "tail_mid", "tail_tip",
)]  # fmt: skip

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Batch = tuple[Pixels, Array]


@dataclass(frozen=True)
class Shots:
    """Labeled frames.

    Attributes
    ----------
    images : list of ndarray, (H, W, 3) uint8
        Full frames, RGB.
    points : ndarray, (S, K, 2)
        True keypoints, pixels of the full frame.
    """

    images: list[Pixels]
    points: Array

    def __len__(self) -> int:
        return len(self.images)

    def __add__(self, other: Shots) -> Shots:
        return Shots(self.images + other.images, np.concatenate([self.points, other.points]))


BatchMaker = Callable[[Shots, NDArray[np.intp], np.random.Generator], Batch]


def points_of(truth: pd.DataFrame) -> Array:
    """Keypoints of a truth table, (T, K, 2)."""
    columns = [f"{name}_{axis}" for name in KEYPOINTS for axis in "xy"]
    return truth[columns].to_numpy(float).reshape(len(truth), -1, 2)


def shots_from_video(video: Path, truth: pd.DataFrame) -> Shots:
    """The frames of ``video`` that ``truth``'s index names."""
    wanted = set(truth.index)
    images = []
    with av.open(str(video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in wanted:
                images.append(frame.to_ndarray(format="rgb24"))
            if index > max(wanted):
                break
    return Shots(images, points_of(truth))


def shots_from_take(take: Take, count: int) -> Shots:
    """``count`` easy frames of ``take``, compressed much as a codec does."""
    truth = take.truth()
    easy = truth.index[is_easy(truth)]
    chosen = easy[np.linspace(0, len(easy) - 1, count).astype(int)]
    images = []
    for index in tqdm(chosen, unit="frame", mininterval=5):
        _, packed = cv2.imencode(".jpg", take.frame(int(index)), [cv2.IMWRITE_JPEG_QUALITY, 80])
        images.append(np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8))
    return Shots(images, points_of(truth.loc[chosen]))


def new_model() -> HeatmapTracker:
    """Lightning Pose's heatmap tracker on an untrained efficientnet_b0."""
    return HeatmapTracker(
        num_keypoints=len(KEYPOINTS),
        num_targets=2 * len(KEYPOINTS),
        backbone="efficientnet_b0",
        downsample_factor=2,
        pretrained=False,
        torch_seed=0,
    )


def train(
    model: HeatmapTracker,
    shots: Shots,
    make: BatchMaker,
    steps: int,
    batch_size: int,
    rate: float,
    seed: int,
) -> None:
    """Run ``steps`` steps of AdamW on batches from ``make``, cross-entropy between heatmaps.

    Lightning Pose's own loss is the squared difference; from untrained weights cross-entropy gets there
    in a fraction of the steps, and the heatmaps mean the same.
    """
    rng = np.random.default_rng(seed)
    _drop_nothing(model)
    model.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.backbone.parameters(), "lr": rate},
            {"params": model.head.parameters(), "lr": 3 * rate},
        ],
        weight_decay=0.01,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [rate, 3 * rate], total_steps=steps, pct_start=0.15, final_div_factor=300
    )
    losses = []
    bar = tqdm(range(steps), unit="step", mininterval=5)
    for _ in bar:
        images, points = make(shots, rng.integers(len(shots), size=batch_size), rng)
        loss = _loss(model, images, points)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")


def _loss(model: HeatmapTracker, images: Pixels, points: Array) -> torch.Tensor:
    size = images.shape[1]
    heat = generate_heatmaps(
        torch.tensor(points, dtype=torch.float32), size, size, (size // HEATMAP_STRIDE,) * 2
    )
    predicted = model(to_tensor(images))
    inside = heat.sum(dim=(2, 3)) > 0
    cross = -(heat * torch.log(predicted + 1e-9)).sum(dim=(2, 3))
    own = -(heat * torch.log(heat + 1e-9)).sum(dim=(2, 3))
    return ((cross - own) * inside).sum() / inside.sum()


def _drop_nothing(model: HeatmapTracker) -> None:
    """Stochastic depth only slows a short training down."""
    for module in model.modules():
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0


def to_tensor(images: Pixels) -> torch.Tensor:
    """Normalise as Lightning Pose does, (B, H, W, 3) uint8 to (B, 3, H, W) float32."""
    scaled = (images.astype(np.float32) / 255 - MEAN) / STD
    tensor = torch.from_numpy(scaled).permute(0, 3, 1, 2)
    return tensor.contiguous(memory_format=torch.channels_last)


def shared_batch(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Crops in which the animal spans a third to most of the input: both models start here."""
    return _crops(shots, chosen, rng, SHARED_INPUT, span=(0.34, 0.84), off_centre=0.13)


def pose_batch(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Small crops: the animal spans half of the input, and is about as large as the detector sees it."""
    return _crops(shots, chosen, rng, CROP_INPUT, span=(0.40, 0.66), off_centre=0.08)


def sharp_batch(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Crops as the pose model will get them, made with crop ratios of 1.2 to 2.2."""
    return _crops(shots, chosen, rng, SHARP_INPUT, span=(0.44, 0.86), off_centre=0.06)


def window_batch(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Windows of the frames the detector sees, with the animal in them: cheaper than whole frames."""
    return _views(shots, chosen, rng, WINDOW_INPUT)


def frame_batch(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Whole frames, as the detector will get them."""
    return _views(shots, chosen, rng, FRAME_INPUT)


def _views(shots: Shots, chosen: NDArray[np.intp], rng: np.random.Generator, size: int) -> Batch:
    """Frames squeezed as for the detector, cut to ``size``, scaled a little and turned over."""
    images, points = [], []
    for index in chosen:
        scale = np.array([FRAME_INPUT / WIDTH, FRAME_INPUT / HEIGHT]) * rng.uniform(0.94, 1.06)
        at = shots.points[index] * scale
        spare = scale * [WIDTH, HEIGHT] - size
        low = np.maximum(np.minimum(at.max(axis=0) + 6 - size, spare), np.minimum(spare, 0) - 8)
        high = np.maximum(low, np.minimum(at.min(axis=0) - 6, np.maximum(spare, 0) + 8))
        matrix = np.column_stack([np.diag(scale), -rng.uniform(low, high)])
        image, moved = _warped(shots.images[index], shots.points[index], matrix, size)
        for axis in (0, 1):
            if rng.random() < 0.5:
                image, moved = _flipped(image, moved, axis)
        images.append(_relit(image, rng))
        points.append(moved)
    return np.stack(images), np.stack(points)


def _crops(
    shots: Shots,
    chosen: NDArray[np.intp],
    rng: np.random.Generator,
    input_size: int,
    span: tuple[float, float],
    off_centre: float,
) -> Batch:
    images, points = [], []
    for index in chosen:
        at = shots.points[index]
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = at @ turn.T
        size = float((turned.max(axis=0) - turned.min(axis=0)).max())
        scale = rng.uniform(*span) * input_size / size
        centre = turned.mean(axis=0) * scale
        shift = input_size * (0.5 + rng.uniform(-off_centre, off_centre, 2)) - centre
        matrix = np.column_stack([turn * scale, shift])
        image, moved = _warped(shots.images[index], at, matrix, input_size)
        if rng.random() < 0.5:
            image, moved = _flipped(image, moved, 1)
        images.append(_relit(image, rng))
        points.append(moved)
    return np.stack(images), np.stack(points)


def _warped(image: Pixels, points: Array, matrix: Array, size: int) -> tuple[Pixels, Array]:
    """Apply an affine map of pixel edges (not centres).

    Shrinking is left to alias, as it does in Lightning Pose's own bilinear resizing.
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    centre = matrix.copy()
    centre[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    corners = np.linalg.inv(matrix[:, :2]) @ (
        np.array([[0, 0, size, size], [0, size, 0, size]]) - matrix[:, 2:]
    )
    margin = int(4 * shrink)
    low = np.clip(corners.min(axis=1).astype(int) - margin, 0, [WIDTH - 2, HEIGHT - 2])
    high = np.clip(corners.max(axis=1).astype(int) + margin, low + 1, [WIDTH, HEIGHT])
    part = image[low[1] : high[1], low[0] : high[0]]
    centre[:, 2] += centre[:, :2] @ low
    warped = cv2.warpAffine(part, centre, (size, size), flags=cv2.INTER_LINEAR, borderValue=(20, 20, 22))
    return np.asarray(warped, np.uint8), points @ matrix[:, :2].T + matrix[:, 2]


def _flipped(image: Pixels, points: Array, axis: int) -> tuple[Pixels, Array]:
    turned = points[MIRRORED].copy()
    turned[:, 1 - axis] = image.shape[axis] - turned[:, 1 - axis]
    return np.ascontiguousarray(np.flip(image, axis)), turned


def _relit(image: Pixels, rng: np.random.Generator) -> Pixels:
    gain, lift, noise = rng.uniform(0.8, 1.2), rng.uniform(-12, 12), rng.uniform(0, 4)
    grain = noise * rng.standard_normal(image.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(image * gain + lift + grain[..., None], 0, 255), np.uint8)


def save_weights(model: torch.nn.Module, path: Path, steps: int) -> None:
    """A Lightning checkpoint of half-precision weights and plain values only."""
    state = {
        key: value.half().contiguous() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    hyper = {
        "num_keypoints": len(KEYPOINTS),
        "num_targets": 2 * len(KEYPOINTS),
        "backbone": "efficientnet_b0",
        "downsample_factor": 2,
        "pretrained": False,
        "torch_seed": 0,
    }
    from lightning.pytorch import __version__

    checkpoint = {
        "epoch": 0,
        "global_step": steps,
        "pytorch-lightning_version": __version__,
        "state_dict": state,
        "hparams_name": "kwargs",
        "hyper_parameters": hyper,
    }
    torch.save(checkpoint, path)


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Read what ``save_weights`` wrote into ``model``."""
    model.load_state_dict(torch.load(path, weights_only=True)["state_dict"])


def predict(folder: Path, shots: Shots, box_ratio: float | None) -> tuple[Array, Array]:
    """Run a saved model on whole frames, or on boxes of ``box_ratio`` spans round the true keypoints.

    Returns
    -------
    (S, K, 2) keypoints in pixels of the full frame, (S, K) likelihoods
    """
    model = Model.from_dir(folder)
    found, likelihood = [], []
    for image, points in zip(shots.images, shots.points, strict=True):
        box = None if box_ratio is None else _box(points, box_ratio)
        result = model.predict_frame(image, box)
        found.append(result["keypoints"])
        likelihood.append(result["confidence"])
    return np.stack(found).astype(float), np.stack(likelihood).astype(float)


def _box(points: Array, ratio: float) -> tuple[int, int, int, int]:
    side = int(np.ceil((points.max(axis=0) - points.min(axis=0)).max() * ratio))
    x, y = np.clip((points.mean(axis=0) - side / 2).astype(int), 0, None)
    return int(x), int(y), side, side
