"""SRVGGNetCompact and SPAN: the published counts, the parts that go by rules of their own, and their anchors."""

import pytest
import torch
import torch.nn.functional as F

from vsr.networks import Network, build, parameter_count
from vsr.networks.reparam import SpanConv
from vsr.networks.span import SpanBlock


@pytest.mark.parametrize(
    ("scale", "width", "depth", "count"),
    [(4, 64, 16, 621_424), (4, 64, 32, 1_213_296), (2, 64, 16, 600_652), (2, 64, 8, 304_716), (2, 24, 8, 45_156)],
)
def test_srvgg_has_the_published_number_of_parameters(scale: int, width: int, depth: int, count: int) -> None:
    assert parameter_count(build("srvgg", scale, width=width, depth=depth)) == count


@pytest.mark.parametrize(("scale", "width", "count"), [(4, 28, 150_688), (4, 48, 426_288)])
def test_span_has_the_published_number_of_parameters(scale: int, width: int, count: int) -> None:
    assert parameter_count(build("span", scale, width=width).deploy()) == count


@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("leaky_relu", 0.1)])
def test_srvgg_activates_as_asked(activation: str, slope: float) -> None:
    """A network of one slope throughout is a PReLU network whose slopes are all that one."""
    given = build("srvgg", 2, width=4, depth=2, activation=activation)
    prelu = build("srvgg", 2, width=4, depth=2)
    slopes = {name: torch.full((4,), slope) for name in prelu.state_dict() if name.startswith("activations")}
    prelu.load_state_dict({**given.state_dict(), **slopes})
    x = torch.rand(1, 3, 5, 6)
    torch.testing.assert_close(given(x), prelu(x))


@pytest.mark.parametrize("network", [build("srvgg", 3, width=4, depth=1), build("span", 3, width=4)])
def test_without_a_tail_the_output_is_the_nearest_image(network: Network) -> None:
    for parameter in network.get_submodule("tail").parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(1, 3, 4, 5)
    assert network.anchored
    torch.testing.assert_close(network(x), F.interpolate(x, scale_factor=3, mode="nearest"))


def test_span_sees_codes_less_the_mean_colour() -> None:
    shifted = build("span", 2, width=4, anchor="none")
    plain = build("span", 2, width=4, anchor="none", centred=False)
    plain.load_state_dict(shifted.state_dict())
    x = torch.rand(1, 3, 6, 5)
    codes = 255 * (x - torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1))
    torch.testing.assert_close(shifted(x), plain(codes))


def branches(block: SpanConv, x: torch.Tensor) -> torch.Tensor:
    """The block as its authors train it: the input padded first, then one convolution after the other."""
    inner: torch.Tensor = block.squeeze(block.conv(block.expand(F.pad(x, (1, 1, 1, 1)))))
    result: torch.Tensor = inner + block.shortcut(x)
    return result


@pytest.mark.parametrize(("in_channels", "out_channels"), [(3, 8), (8, 8)])
def test_span_convolution_equals_its_branches_up_to_the_border(in_channels: int, out_channels: int) -> None:
    block = SpanConv(in_channels, out_channels)
    x = torch.rand(2, in_channels, 5, 4)
    torch.testing.assert_close(block(x), branches(block, x))


@pytest.mark.parametrize(("in_channels", "out_channels"), [(3, 8), (8, 8)])
def test_span_convolution_becomes_any_given_one(in_channels: int, out_channels: int) -> None:
    block = SpanConv(in_channels, out_channels)
    weight, bias = torch.randn(out_channels, in_channels, 3, 3), torch.randn(out_channels)
    block.adopt_(weight, bias)
    x = torch.rand(1, in_channels, 5, 4)
    torch.testing.assert_close(branches(block, x), F.conv2d(x, weight, bias, padding=1), rtol=0, atol=1e-4)


def test_span_gates_a_block_by_its_own_output() -> None:
    block, x = SpanBlock(4), torch.rand(1, 4, 5, 6)
    o = block.c3(F.silu(block.c2(F.silu(block.c1(x)))))
    y, first = block(x)
    torch.testing.assert_close(y, (o + x) * (1 / (1 + torch.exp(-o)) - 0.5))
    torch.testing.assert_close(first, F.silu(block.c1(x)))
