"""What every network promises, over every registered network and scale."""

import pytest
import torch

from vsr.networks import Network, available, build
from vsr.networks.weights import OptionValue

EVERY: list[tuple[str, int, dict[str, OptionValue]]] = [
    *((entry.name, scale, {}) for entry in available() for scale in entry.scales),
    # Options that change what a network looks at.
    ("litesrnet", 4, {"depth": 2}),
    ("imdn", 2, {"variant": "challenge"}),
    ("edsr", 3, {"blocks": 3, "width": 24}),
    ("packed", 2, {"blocks": 2, "channels": 24}),
]


LARGEST = [case for case in EVERY if case[2] or case[1] == max(scale for name, scale, _ in EVERY if name == case[0])]
"""Each network once, where it enlarges in the most steps."""

DIRECTIONS = [*((case, False) for case in EVERY), *((case, True) for case in LARGEST)]


def name_of(case: tuple[str, int, dict[str, OptionValue]]) -> str:
    return "-".join([case[0], f"x{case[1]}", *map(str, case[2].values())])


@pytest.fixture(params=EVERY, ids=name_of)
def network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(0)
    name, scale, options = request.param
    return build(name, scale, **options)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 8), (16, 3)])
def test_any_size_grows_by_the_scale(network: Network, height: int, width: int) -> None:
    height, width = height * network.multiple_of, width * network.multiple_of
    y = network(torch.rand(2, network.channels, height, width))
    assert y.shape == (2, network.channels, height * network.scale, width * network.scale)


def test_deployed_form_is_equal_and_in_eval_mode(network: Network) -> None:
    deployed = network.deploy()
    x = torch.rand(2, network.channels, 12, 10)
    torch.testing.assert_close(deployed(x), network.eval()(x), rtol=0, atol=1e-5)
    assert not deployed.training
    assert (deployed.name, deployed.scale, deployed.domain) == (network.name, network.scale, network.domain)


@pytest.mark.parametrize(
    ("network", "tall"),
    [pytest.param(case, tall, id=f"{name_of(case)}-{'tall' if tall else 'wide'}") for case, tall in DIRECTIONS],
    indirect=["network"],
)
def test_halo_is_exactly_how_far_a_pixel_looks(network: Network, tall: bool) -> None:
    """By the gradient, which is exactly zero beyond and, unlike a difference, not lost in rounding within."""
    deployed = network.deploy().double()
    radius = 50 if deployed.halo is None else deployed.halo + 3
    length = 2 * radius + 1
    size = (length, 7) if tall else (7, length)
    x = torch.rand(1, network.channels, *size, dtype=torch.float64, requires_grad=True)
    top, left = (side // 2 * deployed.scale for side in size)
    deployed(x)[..., top : top + deployed.scale, left : left + deployed.scale].sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().amax(dim=(0, 1, 3) if tall else (0, 1, 2)).nonzero() - radius
    assert int(seen.abs().max()) == (radius if deployed.halo is None else deployed.halo)


@pytest.mark.parametrize("network", LARGEST, indirect=True, ids=name_of)
def test_deployed_form_can_be_traced(network: Network) -> None:
    deployed = network.deploy()
    x = torch.rand(1, network.channels, 6, 7)
    exported = torch.export.export(deployed, (x,)).module()
    torch.testing.assert_close(exported(x), deployed(x))
