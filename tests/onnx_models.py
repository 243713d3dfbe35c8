"""Models whose ONNX export is run: loading them, and what lies in their folders."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.loop import some_frames
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.onnx.build import NEEDED
from napari_cropzoom.engine.onnx.note import Export

MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def load(folder: Path, video: Path, said: list[str] | None = None, runtime: str = "onnx") -> Engine:
    examples = partial(some_frames, video, None, "pad")
    notify = (said if said is not None else []).append
    return Engine.load(ModelFolder.open(folder), runtime=runtime, examples=examples, notify=notify)


def export_of(folder: Path) -> Export:
    return Export(ModelFolder.open(folder), "fp32")


def turn_head(folder: Path) -> None:
    """Change the weights of the checkpoint under its name, as training again does."""
    import torch

    (checkpoint,) = folder.rglob("*.ckpt")
    content = torch.load(checkpoint, weights_only=False)
    weights = content["state_dict"]
    last = [name for name in weights if name.startswith("head.") and name.endswith("weight")][-1]
    weights[last] = -weights[last]
    torch.save(content, checkpoint)


def assert_same_keypoints(engine: Engine, other: Engine, video: Path) -> None:
    ours, theirs = (run_stage(each.predict(video)) for each in (engine, other))
    sure = theirs.likelihood >= 0.5
    assert sure.sum() > 20
    assert np.abs(ours.xy - theirs.xy)[sure].max() < 0.01
    np.testing.assert_allclose(ours.likelihood, theirs.likelihood, atol=1e-3)
