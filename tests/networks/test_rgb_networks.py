"""LiteSRNet, LESRCNN, CARN-M, IMDN and EDSR: their sizes, and what distinguishes each."""

from itertools import pairwise
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks import Network, build, parameter_count
from vsr.networks.base import MultiScale
from vsr.networks.cascade import Cascade
from vsr.networks.lesrcnn import SingleScaleLESRCNN
from vsr.networks.litesrnet import LiteSRNet

SCALES = (2, 3, 4)
LESRCNN_SIZES = (626_304, 810_944, 774_016)
# EDSR and IMDN: 1.37M, 694K/703K/715K and the challenges' 873K/882K/894K are the published counts, rounded.
SIZES: list[tuple[str, dict[str, str], tuple[int, int, int]]] = [
    ("litesrnet", {}, (57_175, 58_135, 65_015)),
    ("lesrcnn", {}, LESRCNN_SIZES),
    ("lesrcnn-s", {}, LESRCNN_SIZES),
    ("lesrcnn-upgraded", {}, (855_680, 1_040_320, 1_003_392)),
    ("carn-m", {}, (257_027, 303_427, 294_147)),
    ("imdn", {}, (694_404, 703_059, 715_176)),
    ("imdn", {"variant": "challenge"}, (873_164, 881_819, 893_936)),
    ("edsr", {}, (1_369_859, 1_554_499, 1_517_571)),
]
every_multi_scale_network = pytest.mark.parametrize("name", ["lesrcnn", "carn-m"])


@pytest.mark.parametrize(("name", "options", "sizes"), SIZES, ids=lambda value: value if isinstance(value, str) else "")
def test_deployed_sizes(name: str, options: dict[str, str], sizes: tuple[int, int, int]) -> None:
    assert tuple(parameter_count(build(name, scale, **options).deploy()) for scale in SCALES) == sizes


@pytest.mark.parametrize(("name", "size"), [("lesrcnn-s", 478_592), ("lesrcnn-upgraded", 707_968)])
def test_lesrcnn_has_the_counted_size_beside_the_upsampler(name: str, size: int) -> None:
    network = cast(SingleScaleLESRCNN, build(name, 2))
    assert parameter_count(network) - parameter_count(network.up) == size


def test_carn_m_has_its_published_412k_weights_over_all_scales() -> None:
    weights = [p for name, p in build("carn-m", 2).named_parameters() if name.endswith("weight")]
    assert sum(weight.numel() for weight in weights) == 412_032


def calls_of(part: nn.Module) -> list[torch.Tensor]:
    """The outputs that ``part`` gives from here on."""
    outputs: list[torch.Tensor] = []
    part.register_forward_hook(lambda _, __, output: outputs.append(output))
    return outputs


@pytest.mark.parametrize(("scale", "depth", "steps"), [(2, None, 12), (3, None, 6), (4, None, 8), (2, 3, 3)])
def test_litesrnet_applies_one_convolution_many_times_and_decodes_the_last(
    scale: int, depth: int | None, steps: int
) -> None:
    network = LiteSRNet(scale, depth=depth)
    states, pictures = calls_of(network.recur), calls_of(network.decode)
    network(torch.rand(1, 3, 5, 6))
    assert len(states) == steps
    for state, following in pairwise(states):
        torch.testing.assert_close(
            F.conv2d(F.relu(state), network.recur.weight, network.recur.bias, padding=1), following
        )
    assert len(pictures) == 1
    torch.testing.assert_close(network.decode(F.relu(states[-1])), pictures[0])


def test_litesrnet_has_one_size_at_any_depth() -> None:
    assert {parameter_count(build("litesrnet", 2, depth=depth)) for depth in (1, 5, 40)} == {57_175}


@pytest.mark.parametrize("scale", SCALES)
def test_litesrnet_with_the_anchor_adds_the_nearest_upscaled_input(scale: int) -> None:
    anchored, plain = LiteSRNet(scale), LiteSRNet(scale, anchor="none")
    plain.load_state_dict(anchored.state_dict())
    x = torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(anchored(x) - plain(x), F.interpolate(x, scale_factor=scale, mode="nearest"))


def lesrcnn_features(network: SingleScaleLESRCNN, x: torch.Tensor, *, sum_before_relu: bool) -> torch.Tensor:
    """``ReLU(p8)`` by either reading of the paper."""
    p = network.head(x - network.mean)
    for pair in network.pairs:
        r = F.relu(p)
        p = (p if sum_before_relu else r) + pair(r)
    return F.relu(p)


@pytest.mark.parametrize("name", ["lesrcnn-s", "lesrcnn", "lesrcnn-upgraded"])
def test_lesrcnn_pairs_add_to_the_value_after_the_relu(name: str) -> None:
    torch.manual_seed(0)
    network = cast(SingleScaleLESRCNN, build(name, 2))
    upsampled: list[torch.Tensor] = []
    network.up.register_forward_pre_hook(lambda _, inputs: upsampled.append(inputs[0]))
    x = torch.rand(1, 3, 6, 5)
    network(x)
    after, before = (lesrcnn_features(network, x, sum_before_relu=early) for early in (False, True))
    torch.testing.assert_close(upsampled[0], after)
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(upsampled[1], F.relu(network.head(x - network.mean)))


def test_upgraded_lesrcnn_keeps_the_first_pair_and_widens_the_others() -> None:
    network = cast(SingleScaleLESRCNN, build("lesrcnn-upgraded", 2))
    kernels = [
        {part.kernel_size[0] for part in pair.modules() if isinstance(part, nn.Conv2d)} for pair in network.pairs
    ]
    assert kernels == [{3, 1}] + [{3, 5, 1}] * 7


@every_multi_scale_network
@pytest.mark.parametrize("scale", SCALES)
def test_multi_scale_networks_deploy_to_the_scale_in_use(name: str, scale: int) -> None:
    other = 2 if scale == 4 else scale + 1
    network = cast(MultiScale, build(name, other))
    network.use_scale(scale)
    deployed = network.deploy()
    x = torch.rand(1, 3, 6, 5)
    assert network(x).shape == (1, 3, 6 * scale, 5 * scale)
    torch.testing.assert_close(deployed(x), network(x))
    fresh = build(name, scale)
    for one in (network, deployed):
        assert (one.scale, one.halo) == (scale, fresh.halo)
    assert (network.scales, deployed.scales) == (SCALES, (scale,))
    assert parameter_count(deployed) == parameter_count(fresh.deploy()) < parameter_count(network)


@every_multi_scale_network
def test_multi_scale_networks_share_all_but_the_upsampler(name: str) -> None:
    """A step at one scale has no gradient for the other scales' upsamplers, and one for everything else."""
    network = cast(MultiScale, build(name, 2))
    network.use_scale(3)
    network(torch.rand(1, 3, 6, 5)).square().sum().backward()
    untouched = {part for part, parameter in network.named_parameters() if parameter.grad is None}
    assert untouched == {part for part, _ in network.named_parameters() if part.startswith(("up.2.", "up.4."))}


@every_multi_scale_network
def test_multi_scale_networks_refuse_a_scale_that_they_lack(name: str) -> None:
    network = cast(MultiScale, build(name, 2))
    with pytest.raises(ValueError, match=f"{name} has no scale 5 here; it has: 2, 3, 4"):
        network.use_scale(5)
    with pytest.raises(ValueError, match=f"{name} has no scale 3 here; it has: 2"):
        network.deploy().use_scale(3)


@pytest.mark.parametrize("scale", SCALES)
def test_lesrcnn_deploys_to_tensors_that_lesrcnn_s_takes(scale: int) -> None:
    several, single = build("lesrcnn", scale).deploy(), build("lesrcnn-s", scale).deploy()
    single.load_state_dict(several.state_dict())
    x = torch.rand(1, 3, 5, 4)
    torch.testing.assert_close(single(x), several(x))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_passes_of_which_one_sees_the_whole_picture_have_no_halo(order: tuple[int, int]) -> None:
    networks: tuple[Network, Network] = build("imdn", 2), build("edsr", 2)
    assert networks[0].halo is None
    assert networks[1].halo is not None
    assert Cascade(networks[order[0]], networks[order[1]]).halo is None


def test_imdn_learns_from_a_flat_picture() -> None:
    """Its attention takes a standard deviation, whose slope at zero is infinite."""
    network = build("imdn", 2)
    network(torch.full((1, 3, 1, 1), 0.5)).sum().backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
