from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from napari_cropzoom.pipeline.winograd import POINTS, QuickConvolution, best_tile, filtering, in_tiles

BATCH = 16


def convolution(channels, kernels, **more):
    torch.manual_seed(0)
    return nn.Conv2d(channels, kernels, 3, padding=1, **more).eval()


def images(*shape):
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(1)).relu()
    return made.to(memory_format=torch.channels_last)


def off(own, found, seen):
    """Root mean square of the difference from what double precision gives, relative to its size."""
    with torch.no_grad():
        wanted = nn.functional.conv2d(
            seen.double(), own.weight.double(), None if own.bias is None else own.bias.double(), padding=1
        )
    return float((found - wanted).pow(2).mean().sqrt() / wanted.pow(2).mean().sqrt())


@pytest.mark.parametrize("m", POINTS)
def test_minimal_filtering_is_a_correlation_of_three_numbers(m):
    by, rng = filtering(m), np.random.default_rng(m)
    kernel, numbers = rng.normal(size=3), rng.normal(size=m + 2)
    found = by.outputs @ ((by.kernels @ kernel) * (by.inputs @ numbers))
    assert found == pytest.approx(np.correlate(numbers, kernel, "valid"))


@pytest.mark.parametrize(
    ("size", "channels", "kernels", "m"),
    [
        ((16, 16), 128, 128, 4),
        ((8, 8), 256, 256, 4),
        ((4, 4), 512, 512, 2),
        ((13, 9), 256, 160, 2),
        ((15, 11), 256, 160, 4),
    ],
)
@pytest.mark.parametrize("count", [1, 5, 16])
@pytest.mark.parametrize("bias", [True, False])
def test_tiles_give_what_the_convolution_gives(size, channels, kernels, m, count, bias):
    own = convolution(channels, kernels, bias=bias)
    assert best_tile(BATCH, *size, channels, kernels) == m
    seen = images(count, channels, *size)
    with torch.inference_mode():
        direct, found = own(seen), QuickConvolution(own, BATCH)(seen)
    assert found.shape == direct.shape
    assert off(own, found, seen) < 1e-6
    assert not torch.equal(found, direct), "tiles round otherwise: it was torch's own way"


def test_an_image_gets_nearly_the_same_numbers_in_any_batch():
    quick = QuickConvolution(convolution(256, 256), BATCH)
    seen = images(16, 256, 8, 8)
    with torch.inference_mode():
        together, alone = quick(seen), quick(seen[3:4])
    torch.testing.assert_close(alone[0], together[3], rtol=0, atol=1e-5)


def test_several_threads_and_sizes_do_not_disturb_each_other():
    quick = QuickConvolution(convolution(256, 256), BATCH)
    batches = [images(count, 256, size, size) for count in (3, 16) for size in (7, 8, 12)] * 4
    with torch.inference_mode():
        wanted = [quick.own(batch) for batch in batches]

    def run(batch):
        with torch.inference_mode():
            return quick(batch)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, batches))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("height", "channels", "kernels"), [(32, 64, 64), (64, 16, 16), (4, 8, 8)])
def test_few_channels_are_left_to_torch(height, channels, kernels):
    assert best_tile(BATCH, height, height, channels, kernels) is None
    own, seen = convolution(channels, kernels), images(2, channels, height, height)
    with torch.inference_mode():
        assert torch.equal(QuickConvolution(own, BATCH)(seen), own(seen))


def test_gradients_and_half_precision_are_left_to_torch():
    own = convolution(512, 512)
    quick, seen = QuickConvolution(own, BATCH), images(2, 512, 4, 4)
    assert torch.equal(quick(seen), own(seen))
    assert quick(seen).requires_grad
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert quick(seen).dtype == torch.bfloat16


def test_only_plain_convolutions_of_three_by_three_are_replaced():
    layers = [
        nn.Conv2d(64, 64, 3, padding=1),
        nn.Conv2d(64, 64, 3, padding="same"),
        nn.Conv2d(64, 64, 3),
        nn.Conv2d(64, 64, 3, padding=1, stride=2),
        nn.Conv2d(64, 64, 3, padding=2, dilation=2),
        nn.Conv2d(64, 64, 3, padding=1, groups=64),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(64, 64, 5, padding=1),
        nn.ConvTranspose2d(64, 64, 3, padding=1),
    ]
    network = nn.Sequential(*layers).eval()
    found = in_tiles(network, BATCH)
    assert [isinstance(layer, QuickConvolution) for layer in found] == [True] * 2 + [False] * 7
    assert list(network) == layers
    assert found[0].own.weight is layers[0].weight
