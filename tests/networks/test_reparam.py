"""RepConv: the merged kernel is the explicit two-convolution block, while training and after the collapse."""

import pytest
import torch
from torch import nn

from vsr.networks import build
from vsr.networks.reparam import RepConv, adopt_deployed_, collapse


def explicit(block: RepConv, x: torch.Tensor) -> torch.Tensor:
    """The block as the paper draws it: two convolutions and a skip, run one after the other."""
    skip = x if block.shortcut is None else block.shortcut(x)
    result: torch.Tensor = block.squeeze(block.expand(x)) + skip
    return result


@pytest.mark.parametrize(("channels_in", "channels_out"), [(8, 8), (3, 8), (8, 12)])
def test_merged_form_equals_two_convolutions_borders_included(channels_in: int, channels_out: int) -> None:
    torch.manual_seed(0)
    block = RepConv(channels_in, channels_out, width=40)
    x = torch.randn(2, channels_in, 9, 7)
    torch.testing.assert_close(block(x), explicit(block, x), rtol=0, atol=1e-5)
    torch.testing.assert_close(collapse(block)(x), explicit(block, x), rtol=0, atol=1e-5)


def test_gradients_through_the_merge_are_those_of_the_two_convolutions() -> None:
    torch.manual_seed(0)
    block = RepConv(4, 4, width=16).double()
    x = torch.randn(1, 4, 6, 6, dtype=torch.float64)
    names = [name for name, _ in block.named_parameters()]
    merged = torch.autograd.grad(block(x).square().sum(), list(block.parameters()))
    branches = torch.autograd.grad(explicit(block, x).square().sum(), list(block.parameters()))
    for name, one, other in zip(names, merged, branches, strict=True):
        torch.testing.assert_close(one, other, msg=name)


def test_collapse_copies_so_that_later_training_does_not_change_it() -> None:
    conv = nn.Conv2d(3, 4, 3, padding=1)
    copy = collapse(conv)
    before = copy.weight.detach().clone()
    with torch.no_grad():
        conv.weight.add_(1)
    assert torch.equal(copy.weight, before)


def test_collapse_refuses_what_is_no_convolution() -> None:
    with pytest.raises(TypeError, match="ReLU"):
        collapse(nn.ReLU())


def test_scaled_output_leaves_the_identity() -> None:
    block = RepConv(4, 4, width=16)
    block.scale_output_(0.0)
    x = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize(("channels_in", "channels_out", "kernel", "skip"), [(3, 8, 3, True), (8, 8, 5, False)])
def test_a_block_adopts_any_plain_convolution(channels_in: int, channels_out: int, kernel: int, skip: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    block = RepConv(channels_in, channels_out, width=40, kernel=kernel, skip=skip)
    assert conv.bias is not None
    block.adopt_(conv.weight, conv.bias)
    x = torch.randn(1, channels_in, 9, 7)
    torch.testing.assert_close(block(x), conv(x), rtol=0, atol=1e-5)


def test_a_training_form_starts_from_deployed_weights_of_another_scale() -> None:
    torch.manual_seed(0)
    small, large = build("lrsrn", 2), build("lrsrn", 4)
    tensors = small.deploy().state_dict()
    assert adopt_deployed_(large, tensors) == ("tail.weight", "tail.bias")
    adopted = large.deploy().state_dict()
    for name in tensors.keys() - {"tail.weight", "tail.bias"}:
        torch.testing.assert_close(adopted[name], tensors[name], rtol=0, atol=1e-5, msg=name)
