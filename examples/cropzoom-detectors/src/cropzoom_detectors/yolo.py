"""What a YOLO in an ONNX file is given and what its numbers mean; arrays only."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import cv2
import numpy as np

GRAY = 114  # of the bars beside a picture, as Ultralytics has them
END_TO_END = 6  # x1, y1, x2, y2, confidence, class
MOST = 300


def names_of(metadata: dict[str, str]) -> dict[int, str]:
    """Names of the classes by their numbers, as Ultralytics writes them; none where it says nothing."""
    try:
        found = ast.literal_eval(metadata.get("names", "{}"))
    except (ValueError, SyntaxError):
        return {}
    pairs = (
        found.items() if isinstance(found, dict) else enumerate(found if isinstance(found, list) else [])
    )
    return {int(number): str(name) for number, name in pairs}


def sides_of(metadata: dict[str, str]) -> tuple[int, int] | None:
    """Height and width of the pictures that a network was exported for, None if it does not say."""
    try:
        height, width = ast.literal_eval(metadata.get("imgsz", ""))
        sides = int(height), int(width)
    except (ValueError, SyntaxError, TypeError):
        return None
    return sides if min(sides) > 0 else None


def final_of(metadata: dict[str, str]) -> bool | None:
    """Whether NMS, or what takes its place, is in the network; None where the file does not say."""
    try:
        options = ast.literal_eval(metadata["args"])
        return bool(options.get("nms")) or metadata["end2end"] == "True"
    except (KeyError, ValueError, SyntaxError, AttributeError):
        return None


def letterbox(image: np.ndarray, width: int, height: int) -> tuple[np.ndarray, float, float, float]:
    """Picture (H, W, 3) uint8 as the network takes it, (1, 3, height, width) float32, 0 to 1.

    Returns it with the scale and the left and upper bar, in pixels of the network.
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(image.shape[1] * scale), round(image.shape[0] * scale)
    left, top = (width - w) // 2, (height - h) // 2
    put = np.full((height, width, 3), GRAY, np.uint8)
    put[top : top + h, left : left + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(put.transpose(2, 0, 1)[None], np.float32) / 255, scale, left, top


def decoded(
    output: np.ndarray, n_classes: int, has_more: bool = False, is_final: bool | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (N, 4) as x1, y1, x2, y2 in pixels of the network, scores (N,) and classes (N,).

    Parameters
    ----------
    output : ndarray
        ``(1, N, 6)`` of a network with NMS in it; ``(1, 4 + classes, N)`` of YOLO 8 and later, or
        ``(1, N, 5 + classes)`` of YOLO 5, both with the centre and the size of each box.
    n_classes : int
        As the file says; 0 if it does not.
    has_more : bool
        Whether there are masks or keypoints behind the classes, which are passed over.
    is_final : bool or None
        Whether NMS is in the network; None to tell by the shape.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if output.ndim != 3 or len(output) != 1:
        raise ValueError(f"its output has the shape {output.shape}")
    rows = output[0]
    if is_final is None:
        is_few = len(rows) == MOST if has_more else len(rows) <= MOST and rows.shape[1] == END_TO_END
        is_final = is_few and len(rows) not in (4 + n_classes, 5 + n_classes)
    if is_final and rows.shape[1] >= END_TO_END:
        return rows[:, :4], rows[:, 4], rows[:, 5].astype(int)
    if has_more and n_classes:
        rows = rows[: 4 + n_classes]
    if len(rows) == 4 + n_classes or (not n_classes and len(rows) < rows.shape[1]):
        centred, scores = rows[:4].T, rows[4:].T
    elif rows.shape[1] == 5 + n_classes or not n_classes:
        centred, scores = rows[:, :4], rows[:, 5:] * rows[:, 4:5]
    else:
        raise ValueError(f"its output has the shape {output.shape}, for {n_classes} classes")
    corners = np.hstack([centred[:, :2] - centred[:, 2:] / 2, centred[:, :2] + centred[:, 2:] / 2])
    best = scores.argmax(axis=1)
    return corners, scores[np.arange(len(best)), best], best


def nms(corners: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    """Places of boxes, the best first, of which none overlaps a better one by more than ``overlap``."""
    kept: list[int] = []
    area = (corners[:, 2:] - corners[:, :2]).clip(0).prod(axis=1)
    for place in np.argsort(-scores, kind="stable").tolist():
        if all(_iou(corners, area, place, other) <= overlap for other in kept):
            kept.append(place)
    return kept


def _iou(corners: np.ndarray, area: np.ndarray, a: int, b: int) -> float:
    low, high = np.maximum(corners[a, :2], corners[b, :2]), np.minimum(corners[a, 2:], corners[b, 2:])
    both = float((high - low).clip(0).prod())
    return both / max(float(area[a] + area[b]) - both, 1e-9)


def wanted_classes(names: dict[int, str], wanted: Sequence[str]) -> set[int] | None:
    """Numbers of classes by their names; None for all.

    Raises
    ------
    ValueError
        If the network has no class of that name.
    """
    if not wanted:
        return None
    numbers = {name.lower(): number for number, name in names.items()}
    unknown = [name for name in wanted if name.lower() not in numbers]
    if unknown:
        known = ", ".join(names.values()) or "none with a name"
        raise ValueError(f"it has no class {unknown[0]!r}; it has: {known[:300]}")
    return {numbers[name.lower()] for name in wanted}
