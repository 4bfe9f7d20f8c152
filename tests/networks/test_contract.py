"""What every network promises, over every registered network and scale."""

import pytest
import torch

from vsr.networks import Network, available, build

EVERY = [(entry.name, scale) for entry in available() for scale in entry.scales]


@pytest.fixture(params=EVERY, ids=lambda pair: f"{pair[0]}-x{pair[1]}")
def network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(0)
    name, scale = request.param
    return build(name, scale)


def channels(network: Network) -> int:
    return {"rgb": 3, "luma": 1, "yuv420": 6}[network.domain]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 8), (16, 3)])
def test_any_size_grows_by_the_scale(network: Network, height: int, width: int) -> None:
    height, width = height * network.multiple_of, width * network.multiple_of
    y = network(torch.rand(2, channels(network), height, width))
    assert y.shape == (2, channels(network), height * network.scale, width * network.scale)


def test_deployed_form_is_equal_and_in_eval_mode(network: Network) -> None:
    deployed = network.deploy()
    x = torch.rand(2, channels(network), 12, 10)
    torch.testing.assert_close(deployed(x), network(x), rtol=0, atol=1e-5)
    assert not deployed.training
    assert (deployed.name, deployed.scale, deployed.domain) == (network.name, network.scale, network.domain)


def test_halo_is_exactly_how_far_a_pixel_reaches(network: Network) -> None:
    deployed = network.deploy().double()
    radius = deployed.halo + 3
    x = torch.rand(1, channels(network), 2 * radius + 1, 2 * radius + 1, dtype=torch.float64)
    touched = x.clone()
    touched[..., radius, radius] += 0.5
    with torch.no_grad():
        changed = (deployed(touched) - deployed(x)).abs().amax(dim=(0, 1)) > 0
    reach = torch.nn.functional.max_pool2d(changed[None, None].double(), deployed.scale)[0, 0].nonzero() - radius
    assert int(reach.abs().max()) == deployed.halo


def test_deployed_form_can_be_traced(network: Network) -> None:
    deployed = network.deploy()
    x = torch.rand(1, channels(network), 6, 7)
    exported = torch.export.export(deployed, (x,)).module()
    torch.testing.assert_close(exported(x), deployed(x))
