import numpy as np
import pytest
import torch

from lpmodels import make_lp_model
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.batchnorm import folded
from napari_cropzoom.engine.network.samples import noise


def norms(module):
    return [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
def test_an_engine_runs_the_same_network_without_batch_norm(tmp_path, backbone):
    from lightning_pose.api import Model

    folder = make_lp_model(tmp_path / "model", backbone)
    ours = Engine.load(ModelFolder.open(folder)).network.module.backbone
    theirs = Model.from_dir(folder)
    theirs._load()
    plain = theirs.model.eval().backbone
    assert norms(plain)
    assert not norms(ours)
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        wanted, found = plain(images), ours(images)
    assert float((found - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())


@pytest.mark.parametrize("backbone", ["resnet50", "efficientnet_b0"])
def test_one_core_convolves_single_pixels_without_copying_each_image_first(tmp_path, backbone):
    folder = make_lp_model(tmp_path / "model", backbone)
    network = Engine.load(ModelFolder.open(folder)).network
    every = torch.get_num_threads()
    torch.set_num_threads(1)  # as each thread of the pool has
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            network(noise((64, 64), 2))
    finally:
        torch.set_num_threads(every)
    names = {event.key for event in seen.key_averages()}
    assert "aten::mkldnn_convolution" in names
    assert "aten::_slow_conv2d_forward" not in names


def test_half_precision_on_a_processor_is_torchs_own_affair(tmp_path):
    folder = make_lp_model(tmp_path / "model", "efficientnet_b0")
    half = Engine.load(ModelFolder.open(folder), precision="bf16").network
    single = Engine.load(ModelFolder.open(folder)).network
    samples = noise((64, 64), 2)
    assert np.isfinite(half(samples)[0]).all()
    assert half(samples)[0].shape == single(samples)[0].shape


class Branching(torch.nn.Module):
    """Its way depends on the numbers, which torch cannot trace."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))

    def forward(self, images):
        found = self.layers(images)
        return found * 2 if found.mean() > 0 else found


class Doubling(torch.nn.Module):
    """Looks at its own batch norm, which is gone once it is folded."""

    def __init__(self):
        super().__init__()
        self.convolution, self.norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)

    def forward(self, images):
        return self.norm(self.convolution(images)) + self.norm(self.convolution(images) * 2)


@pytest.mark.parametrize("kind", [Branching, Doubling])
def test_a_network_that_cannot_be_folded_computes_what_it_did(kind):
    torch.manual_seed(0)
    module = kind().eval()
    module.get_submodule("layers.1" if kind is Branching else "norm").running_mean.fill_(0.7)
    images = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        wanted = module(images)
        found = folded(module, (16, 16))(images)
    assert float((found - wanted).abs().max()) <= 1e-4 * float(wanted.abs().max())
