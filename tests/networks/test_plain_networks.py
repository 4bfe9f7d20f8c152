"""The plain stacks: published sizes, where the skips lead, and what a fresh network begins as."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks import build, parameter_count
from vsr.networks.reparam import freeze_statistics_
from vsr.networks.scsrn import SCSRN
from vsr.networks.sesr import SESR

SIZES = [
    ("ecbsr", 2, {}, 10_100),
    ("ecbsr", 3, {}, 10_825),
    ("ecbsr", 4, {}, 11_840),
    ("ecbsr", 2, {"blocks": 10}, 24_116),
    ("ecbsr", 2, {"activation": "relu"}, 10_020),
    ("sesr", 2, {}, 13_700),
    ("sesr", 2, {"blocks": 11}, 27_716),
    ("sesr", 4, {}, 18_512),
    ("scsrn", 2, {}, 46_828),
    ("scsrn", 3, {}, 53_008),
    ("rtsrn", 2, {}, 193_356),
    ("rtsrn", 3, {}, 202_011),
    ("repsr", 2, {}, 41_516),
    ("packed", 2, {}, 96_168),
    ("packed", 3, {}, 109_158),
    ("packed", 4, {}, 127_344),
    ("packed", 2, {"blocks": 2, "channels": 24}, 16_944),
    ("dcnsr", 2, {}, 370_497),
    ("dcnsr", 4, {}, 370_497),
]


@pytest.mark.parametrize(("name", "scale", "options", "parameters"), SIZES)
def test_deployed_size(name: str, scale: int, options: dict[str, int | str], parameters: int) -> None:
    assert parameter_count(build(name, scale, **options).deploy()) == parameters


def test_sesr_has_the_published_weights_of_m5_and_m11() -> None:
    """The paper's 13.52K and 27.34K at x2 count the kernels only."""
    for blocks, kernels in ((5, 13_520), (11, 27_344)):
        deployed = build("sesr", 2, blocks=blocks).deploy()
        assert sum(conv.weight.numel() for conv in deployed.modules() if isinstance(conv, nn.Conv2d)) == kernels


def silence(part: nn.Module) -> None:
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.zero_()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["ecbsr", "sesr", "repsr"])
def test_input_is_added_to_every_sub_pixel(name: str, scale: int) -> None:
    network = build(name, scale)
    tail = network.get_submodule("tail")
    silence(tail)
    x = torch.rand(1, 3 if network.domain == "rgb" else 1, 5, 6)
    assert torch.equal(network.eval()(x), F.interpolate(x, scale_factor=scale, mode="nearest"))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nearest_planes_are_added_by_the_packed_network(scale: int) -> None:
    network = build("packed", scale)
    silence(network.get_submodule("tail"))
    luma, chroma = torch.rand(1, 1, 10, 12), torch.rand(1, 2, 5, 6)
    result = network.eval()(torch.cat((F.pixel_unshuffle(luma, 2), chroma), 1))
    nearest = [F.interpolate(plane, scale_factor=scale, mode="nearest") for plane in (luma, chroma)]
    assert torch.equal(F.pixel_shuffle(result[:, :4], 2), nearest[0])
    assert torch.equal(result[:, 4:], nearest[1])


def test_bicubic_upscaling_is_added_by_the_dilated_network() -> None:
    network = build("dcnsr", 2)
    silence(network.get_submodule("convs.11"))
    x = torch.rand(1, 1, 5, 6)
    assert torch.equal(network(x), build("bicubic", 2)(x))


@pytest.mark.parametrize("name", ["sesr", "rtsrn"])
def test_first_feature_reaches_the_tail_past_a_silent_body(name: str) -> None:
    """Without the skip a body that gives zeros would leave nothing but the tail's bias."""
    network = build(name, 2).deploy()
    silence(network.get_submodule("body"))
    head, tail = network.get_submodule("head"), network.get_submodule("tail")
    x = torch.rand(1, 3 if network.domain == "rgb" else 1, 8, 9)
    wanted = F.pixel_shuffle(tail(head(x)), 2)
    if network.anchored:
        wanted = wanted + F.interpolate(x, scale_factor=2, mode="nearest")
    torch.testing.assert_close(network(x), wanted)


def test_sesr_shuffles_by_two_twice_at_x4() -> None:
    """Channel 4c + k of the tail takes place k of the first shuffle, and place c of the second within it."""
    network = SESR(4).deploy()
    for part in (network.head, network.body, network.tail):
        silence(part)
    with torch.no_grad():
        network.get_parameter("tail.bias").copy_(torch.arange(16.0))
    y = network(torch.zeros(1, 1, 1, 1))[0, 0]
    for c in range(4):
        for k in range(4):
            assert y[2 * (k // 2) + c // 2, 2 * (k % 2) + c % 2] == 4 * c + k


def test_input_is_concatenated_twice_by_scsrn() -> None:
    network = SCSRN(2).deploy()
    silence(network.body)
    x = torch.rand(1, 3, 6, 7)
    padded = torch.cat((torch.zeros(1, 28, 6, 7), x), dim=1)
    wide = F.relu(network.widen(padded))
    wanted = F.pixel_shuffle(network.tail(network.mix(torch.cat((wide, x), dim=1))), 2)
    assert (wide > 0).any()
    torch.testing.assert_close(network(x), wanted)


@pytest.mark.parametrize("name", ["ecbsr", "sesr", "repsr", "dcnsr"])
def test_fresh_network_begins_near_its_anchor(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, 2).eval()
    x = torch.rand(1, 3 if network.domain == "rgb" else 1, 16, 16)
    anchor = F.interpolate(x, scale_factor=2, mode="nearest") if name != "dcnsr" else build("bicubic", 2)(x)
    assert (network(x) - anchor).abs().mean() < 0.1 * x.mean()


def test_hybrid_dilation_leaves_no_pixel_out() -> None:
    """With no weight negative, the middle sees each of the 49x49 pixels around it, and none beyond."""
    x = torch.zeros(1, 1, 55, 55, requires_grad=True)
    y: torch.Tensor = x
    for conv in build("dcnsr", 2).get_submodule("convs").children():
        nn.init.ones_(conv.get_parameter("weight"))
        y = conv(y)
    (gradient,) = torch.autograd.grad(y[..., 27, 27].sum(), x)
    assert (gradient[..., 3:52, 3:52] > 0).all()
    assert (gradient > 0).sum() == 49 * 49


def test_repsr_trains_by_batch_statistics_until_they_are_frozen() -> None:
    torch.manual_seed(0)
    network = build("repsr", 2).train()
    x = torch.rand(4, 3, 8, 8)
    assert not torch.allclose(network(x), network.eval()(x), atol=1e-4)
    freeze_statistics_(network.train())
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    torch.testing.assert_close(network(x), network.deploy()(x), rtol=0, atol=1e-5)
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
