"""Bicubic as a network: it is the interpolation that it says."""

import pytest
import torch
import torch.nn.functional as F

from vsr.networks import build
from vsr.networks.bicubic import Bicubic, keys_cubic


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_equals_torch_antialiased_bicubic_away_from_the_border(scale: int) -> None:
    x = torch.rand(2, 1, 13, 17, dtype=torch.float64)
    wanted = F.interpolate(x, scale_factor=scale, mode="bicubic", antialias=True)
    inner = (..., slice(2 * scale, -2 * scale), slice(2 * scale, -2 * scale))
    torch.testing.assert_close(build("bicubic", scale)(x)[inner], wanted[inner], rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_keeps_a_constant_plane_to_its_edges(scale: int) -> None:
    x = torch.full((1, 1, 4, 5), 0.3)
    torch.testing.assert_close(build("bicubic", scale)(x), torch.full((1, 1, 4 * scale, 5 * scale), 0.3))


def test_kernel_is_keys_with_a_minus_one_half() -> None:
    distances = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, -0.5, 3.0], dtype=torch.float64)
    wanted = torch.tensor([1.0, 0.5625, 0.0, -0.0625, 0.0, 0.5625, 0.0], dtype=torch.float64)
    torch.testing.assert_close(keys_cubic(distances), wanted)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("radius", [0, 1, 5, 8, 20])
def test_halo_with_a_network_behind_it_is_exact(scale: int, radius: int) -> None:
    network = Bicubic(scale).double()
    side, middle = 45, 22
    x = torch.rand(1, 1, side, side, dtype=torch.float64)
    touched = x.clone()
    touched[..., middle, middle] += 0.5
    changed = ((network(touched) - network(x)).abs() > 0).double()
    seen = F.max_pool2d(changed, 2 * radius + 1, stride=1, padding=radius)
    reach = F.max_pool2d(seen, scale)[0, 0].nonzero() - middle
    assert int(reach.abs().max()) == network.halo_before(radius)


def test_autocast_does_not_round_it() -> None:
    x = torch.rand(1, 1, 9, 9)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = Bicubic(2)(x)
    assert torch.equal(under_autocast, Bicubic(2)(x))
