import pytest
import torch

from lpmodels import make_lp_model
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.heatmaps import speed_up_head


def theirs_and_ours(downsample_factor):
    """The same head twice, the second one quickened."""
    from lightning_pose.models.heads.heatmap import HeatmapHead

    heads = [HeatmapHead("resnet18", 512, 3, downsample_factor=downsample_factor) for _ in range(2)]
    speed_up_head(heads[1])
    return heads


def noisy_peaks(batch, height, width, seed=0):
    """(B, 3, H, W) heatmaps as a network makes them: a bump, noise, sum one."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(batch, 3, height, width, generator=generator) * 0.02
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    for frame in range(batch):
        for part in range(3):
            y, x = torch.rand(2, generator=generator) * torch.tensor([height - 1.0, width - 1.0])
            maps[frame, part] += torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 3)
    return maps / maps.sum((2, 3), keepdim=True)


@pytest.mark.parametrize("downsample_factor", [1, 2, 3])
@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (16, 64)])
def test_keypoints_and_likelihoods_are_lightning_poses(downsample_factor, shape):
    theirs, ours = theirs_and_ours(downsample_factor)
    maps = noisy_peaks(5, *shape)
    with torch.inference_mode():
        wanted, found = theirs.run_subpixelmaxima(maps), ours.run_subpixelmaxima(maps)
    assert any(ours.run_subpixelmaxima.work._ways.values()), "the quick way was not taken"
    assert ours.run_subpixelmaxima.work.own not in ours.run_subpixelmaxima.work._ways.values()
    torch.testing.assert_close(found[0], wanted[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(found[1], wanted[1], rtol=0, atol=1e-4)


def test_another_way_of_upsampling_is_left_alone(monkeypatch):
    from lightning_pose.models.heads import heatmap

    theirs, ours = theirs_and_ours(2)
    plain = heatmap.upsample
    monkeypatch.setattr(heatmap, "upsample", lambda images: plain(images).clamp(max=0.004))
    maps = noisy_peaks(2, 32, 32)
    with torch.inference_mode():
        wanted, found = theirs.run_subpixelmaxima(maps), ours.run_subpixelmaxima(maps)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_keypoints_are_found_in_single_precision_within_autocast_too():
    theirs, ours = theirs_and_ours(2)
    maps = noisy_peaks(2, 16, 16)
    with torch.inference_mode():
        wanted = theirs.run_subpixelmaxima(maps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = ours.run_subpixelmaxima(maps)
    torch.testing.assert_close(found[0], wanted[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(found[1], wanted[1], rtol=0, atol=1e-4)


def test_an_engine_takes_the_quick_way(tmp_path):
    network = Engine.load(ModelFolder.open(make_lp_model(tmp_path / "model"))).network
    head = network.module.head
    maps = noisy_peaks(2, 16, 16)[:, :1].repeat(1, network.module.num_keypoints, 1, 1)
    with torch.inference_mode():
        head.run_subpixelmaxima(maps)
        assert head.run_subpixelmaxima.work.own not in head.run_subpixelmaxima.work._ways.values()
        wanted = type(head).run_subpixelmaxima(head, maps)
    torch.testing.assert_close(head.run_subpixelmaxima(maps), wanted, rtol=0, atol=1e-3)
