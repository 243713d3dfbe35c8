"""Which device a network runs on, and what it keeps off it."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.devices import best_device, half_precision, no_tf32
from napari_cropzoom.engine.network.samples import blank
from napari_cropzoom.engine.network.torch_network import TorchNetwork


@pytest.mark.parametrize(
    ("cuda", "mps", "device"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device_is_taken(monkeypatch, cuda, mps, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device() == device


def test_half_precision_suits_the_device(monkeypatch):
    assert half_precision("cuda", "fp16") == half_precision("mps", "fp16") == torch.float16
    assert half_precision("cpu", "fp16") == half_precision("cpu", "bf16") == torch.bfloat16
    assert half_precision("cuda", "bf16") == torch.bfloat16
    assert half_precision("cuda", "fp32") is None
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda device: device != "mps")
    assert half_precision("mps", "fp16") is half_precision("mps", "bf16") is None


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has MPS")
def test_a_network_that_mps_cannot_run_runs_on_the_cpu(model: ModelFolder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    said: list[str] = []
    engine = Engine.load(model, notify=said.append)
    assert engine.device == "cpu"
    assert len(said) == 1
    assert said[0].startswith("Apple's mps cannot run this network (")
    assert engine.description == f"heatmap model, cpu ({said[0]})"
    assert len(engine.network(blank((64, 64), 2))[0]) == 2


class DoubleWatch(TorchDispatchMode):
    """Notes the operations that make a float64 tensor, which MPS refuses."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, tuple | list) else (result,):
            if isinstance(part, torch.Tensor) and part.dtype == torch.float64:
                self.found.append(str(func))
        return result


@pytest.mark.parametrize("kind", ["heatmap", "heatmap_mhcrnn", "regression"])
def test_nothing_is_double_on_the_device(tmp_path, monkeypatch, kind):
    from lpmodels import make_lp_model

    network = Engine.load(ModelFolder.open(make_lp_model(tmp_path / kind, model_type=kind))).network
    arrived: list[int] = []
    watch = DoubleWatch()
    to_cpu = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda t: (arrived.append(len(watch.found)), to_cpu(t))[1])
    with watch:
        network(blank((64, 64), 6))
    assert len(arrived) == 2  # keypoints and likelihoods
    assert arrived[0] == 0
    assert watch.found


def test_autocast_is_left_out_in_single_precision(model: ModelFolder, monkeypatch):
    engine = Engine.load(model)
    seen: list[bool] = []
    step = engine.network.module.predict_step

    def watched(batch, index):
        seen.append(torch.is_autocast_enabled("cpu"))
        return step(batch, index)

    for precision in ("fp32", "bf16"):
        network = TorchNetwork(engine.network.module, precision)
        monkeypatch.setattr(network.module, "predict_step", watched)
        network(blank((64, 64), 2))
    assert seen == [False, True]


@pytest.mark.parametrize("kind", ["heatmap", "heatmap_mhcrnn", "regression"])
def test_half_precision_ends_before_the_head(tmp_path, kind):
    from lpmodels import make_lp_model

    folder = ModelFolder.open(make_lp_model(tmp_path / kind, model_type=kind))
    network = Engine.load(folder, "bf16").network
    made: list[torch.dtype] = []

    def watched(head, arguments, result):
        made.append((result[0] if isinstance(result, tuple) else result).dtype)

    network.module.head.register_forward_hook(watched)
    xy, _ = network(blank((64, 64), 6))
    assert made == [torch.float32]
    assert xy.shape[1:] == (network.module.num_keypoints, 2)


def test_convolutions_are_not_rounded_on_a_graphics_card():
    before = torch.backends.cudnn.allow_tf32
    with no_tf32("cuda"):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
    with no_tf32("cpu"):
        assert torch.backends.cudnn.allow_tf32 == before
