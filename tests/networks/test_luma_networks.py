"""ESPCN, FSRCNN, SRCNN, VDSR and DRRN: their sizes, and what distinguishes each."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks import Network, parameter_count
from vsr.networks.base import Anchor
from vsr.networks.bicubic import Bicubic
from vsr.networks.drrn import DRRN, RecursiveBlock
from vsr.networks.espcn import ESPCN
from vsr.networks.fsrcnn import FSRCNN
from vsr.networks.srcnn import SRCNN
from vsr.networks.vdsr import VDSR

SCALES = (2, 3, 4)


def small_vdsr(scale: int) -> Network:
    return VDSR(scale, depth=3)


def small_drrn(scale: int) -> Network:
    return DRRN(scale, units=1)


residual_networks = pytest.mark.parametrize("built", [small_vdsr, small_drrn])


# Often quoted as 26.8K, which is this network on RGB at x2 (26,796).
@pytest.mark.parametrize(("scale", "parameters"), [(2, 21_284), (3, 22_729), (4, 24_752)])
def test_espcn_has_its_size(scale: int, parameters: int) -> None:
    assert parameter_count(ESPCN(scale)) == parameters


@pytest.mark.parametrize("scale", SCALES)
def test_fsrcnn_has_the_published_size(scale: int) -> None:
    # The paper counts 12,464 weights, without biases and slopes. (25.35K is quoted too: neither this network nor the
    # same on RGB, 24,683.)
    network = FSRCNN(scale)
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)]
    assert sum(part.weight.numel() for part in convolutions) == 12_464
    assert parameter_count(network) == 12_809


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (SRCNN(2, middle=1), 8_129),
        (SRCNN(2, middle=5), 57_281),
        (VDSR(2), 665_921),
        (VDSR(2, depth=5), 640 + 3 * 36_928 + 577),
    ],
    ids=["srcnn-9-1-5", "srcnn-9-5-5", "vdsr", "vdsr-5"],
)
def test_networks_on_bicubic_have_their_sizes(network: Network, parameters: int) -> None:
    assert parameter_count(network) == parameters


@pytest.mark.parametrize(("units", "blocks", "parameters"), [(9, 1, 297_601), (25, 1, 297_601), (4, 2, 740_353)])
def test_drrn_has_the_published_size_whatever_its_units(units: int, blocks: int, parameters: int) -> None:
    network = DRRN(2, units=units, blocks=blocks)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    assert len(norms) == blocks * (1 + 2 * units) + 1
    assert parameter_count(network) - sum(map(parameter_count, norms)) == parameters


@pytest.mark.parametrize("kind", [ESPCN, FSRCNN])
@pytest.mark.parametrize("scale", SCALES)
def test_nearest_anchor_adds_the_nearest_upscaled_input(kind: type[ESPCN | FSRCNN], scale: int) -> None:
    network, plain = kind(scale, anchor="nearest"), kind(scale, anchor="none")
    assert (network.anchored, plain.anchored) == (True, False)
    plain.load_state_dict(network.state_dict())
    x = torch.rand(1, 1, 6, 5)
    torch.testing.assert_close(network(x) - plain(x), F.interpolate(x, scale_factor=scale, mode="nearest"))


@pytest.mark.parametrize("kind", [ESPCN, FSRCNN])
@pytest.mark.parametrize("anchor", ["nearest", "none"])
def test_fresh_network_starts_at_its_anchor(kind: type[ESPCN | FSRCNN], anchor: Anchor) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 1, 16, 16)
    distance = (kind(2, anchor=anchor)(x) - F.interpolate(x, scale_factor=2, mode="nearest")).abs().mean()
    assert (distance < 0.05) == (anchor == "nearest")


def test_fsrcnn_spreads_a_pixel_around_the_first_of_its_sub_pixels() -> None:
    # The authors' padding of 4 puts the deconvolution's middle there at every scale: ported files depend on it.
    for scale in SCALES:
        deconv = FSRCNN(scale).deconv
        features = torch.zeros(1, deconv.in_channels, 7, 7)
        features[..., 3, 3] = 1.0
        with torch.no_grad():
            deconv.weight.fill_(1.0)
            rows = deconv(features)[0, 0].amax(dim=1).nonzero()
        assert (int(rows.min()), int(rows.max())) == (3 * scale - 4, 3 * scale + 4)


@pytest.mark.parametrize("scale", SCALES)
@residual_networks
def test_residual_of_zero_leaves_bicubic(built: Callable[[int], Network], scale: int) -> None:
    network = built(scale)
    assert network.anchored
    *_, last = (part for part in network.modules() if isinstance(part, nn.Conv2d))
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(2, 1, 5, 6)
    assert torch.equal(network(x), Bicubic(scale)(x))


def test_srcnn_replaces_bicubic_rather_than_correcting_it() -> None:
    network = SRCNN(2, middle=1)
    nn.init.zeros_(network.tail.weight)
    nn.init.constant_(network.tail.bias, 0.25)  # type: ignore[arg-type]
    assert torch.equal(network(torch.rand(1, 1, 4, 4)), torch.full((1, 1, 8, 8), 0.25))
    assert not network.anchored


@residual_networks
def test_half_precision_rounds_only_the_residual(built: Callable[[int], Network]) -> None:
    torch.manual_seed(0)
    network = built(2).deploy()
    x = torch.rand(1, 1, 12, 12) * 0.5 + 0.25
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        result = network(x)
    assert result.dtype == torch.float32
    residual = (network(x) - Bicubic(2)(x)).abs().max()
    assert (result - network(x)).abs().max() < 0.05 * residual


def test_drrn_units_share_their_convolutions_but_not_their_normalisations() -> None:
    torch.manual_seed(0)
    block = RecursiveBlock(1, units=2)
    calls: list[nn.Module] = []
    for part in block.modules():
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d):
            part.register_forward_hook(lambda module, *_: calls.append(module))
    block(torch.rand(1, 1, 6, 6))
    names = {part: name for name, part in block.named_modules()}
    assert [names[part] for part in calls] == [
        *("head_norm", "head"),
        *("first_norms.0", "first", "second_norms.0", "second"),
        *("first_norms.1", "first", "second_norms.1", "second"),
    ]


def test_drrn_units_add_to_the_start_of_their_block() -> None:
    block = RecursiveBlock(1, units=3).eval()
    nn.init.zeros_(block.second.weight)
    nn.init.ones_(block.second.bias)  # type: ignore[arg-type]
    x = torch.rand(1, 1, 6, 6)
    # Each unit's own part is 1 here; were the sum to take the unit before, there would be three of them.
    torch.testing.assert_close(block(x), block.head(F.relu(block.head_norm(x))) + 1.0)


def test_deployed_drrn_has_the_gathered_statistics() -> None:
    torch.manual_seed(0)
    network = DRRN(2, units=2, blocks=2)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, mean=-0.5)
            nn.init.normal_(part.bias)
    for _ in range(3):
        network(torch.rand(2, 1, 8, 8))
    deployed = network.deploy()
    assert not any(isinstance(part, nn.BatchNorm2d) for part in deployed.modules())
    x = torch.rand(1, 1, 9, 7)
    torch.testing.assert_close(deployed(x), network.eval()(x), rtol=1e-4, atol=1e-5)
    assert all(tensor.is_floating_point() for tensor in deployed.state_dict().values())


def test_fresh_drrn_lets_the_dark_half_of_the_picture_through() -> None:
    torch.manual_seed(0)
    network = DRRN(2, units=1)
    head = next(part for part in network.modules() if isinstance(part, nn.Conv2d))
    given: list[torch.Tensor] = []
    head.register_forward_pre_hook(lambda _, inputs: given.extend(inputs))
    network(torch.rand(4, 1, 16, 16))
    assert (given[0] > 0).all()
