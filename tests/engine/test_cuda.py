"""What a graphics card predicts, against the processor; for machines with CUDA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.samples import blank
from napari_cropzoom.engine.network.torch_network import TorchNetwork
from napari_cropzoom.sample import sample_project

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")

FRAMES = 64


@pytest.fixture(scope="module")
def clip() -> tuple[Path, np.ndarray]:
    """The sample's video, and boxes for its first frames."""
    boxes = np.full((sample_video_frames(), 4), np.nan)
    boxes[:FRAMES] = (400, 300, 480, 480)
    return sample_project().video, boxes


def sample_video_frames() -> int:
    from napari_cropzoom.video.video import Video

    with Video(sample_project().video) as video:
        return video.n_frames


@pytest.fixture(scope="module")
def on_processor(clip):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        engine = Engine.load(ModelFolder.open(sample_project().pose))
    assert engine.device == "cpu"
    return run_stage(engine.predict(*clip))


@pytest.mark.parametrize(
    ("precision", "usual", "worst"), [("fp32", 0.001, 0.01), ("fp16", 0.05, 1.0), ("bf16", 0.4, 16.0)]
)
def test_keypoints_are_those_of_the_processor(clip, on_processor, precision, usual, worst):
    engine = Engine.load(ModelFolder.open(sample_project().pose), precision)
    assert engine.description == "heatmap model, cuda"
    found = run_stage(engine.predict(*clip))
    sure = on_processor.likelihood >= 0.5
    assert sure.sum() > FRAMES
    assert np.isnan(found.xy[FRAMES:]).all()
    off = np.hypot(*(found.xy - on_processor.xy)[sure].T)
    assert np.median(off) < usual
    assert off.max() < worst


def test_the_batch_size_changes_nothing_much(clip, on_processor):
    engine = Engine.load(ModelFolder.open(sample_project().pose))
    one = run_stage(engine.predict(*clip, batch_size=7))
    sure = on_processor.likelihood >= 0.5
    assert np.hypot(*(one.xy - on_processor.xy)[sure].T).max() < 0.01


def test_too_large_a_batch_is_told_with_the_cure(clip, monkeypatch):
    engine = Engine.load(ModelFolder.open(sample_project().pose))

    def too_much(self, samples):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")

    monkeypatch.setattr(TorchNetwork, "__call__", too_much)
    with pytest.raises(CropzoomError, match=r"graphics card ran out of memory. Set a smaller batch"):
        run_stage(engine.predict(*clip))
    monkeypatch.undo()
    assert np.isfinite(engine.network(blank(engine.image_size, 2))[0]).all()
