"""Re-parameterised convolutions: the merged kernel is the explicit branches, while training and after the collapse."""

import pytest
import torch
from torch import nn

from vsr.networks import build
from vsr.networks.reparam import NormedRepConv, RepConv, adopt_deployed_, collapse, freeze_statistics_


def explicit(block: RepConv, x: torch.Tensor) -> torch.Tensor:
    """The block as the papers draw it: two convolutions and a skip, run one after the other."""
    result: torch.Tensor = block.squeeze(block.expand(x))
    if block.identity:
        return result + x
    return result if block.shortcut is None else result + block.shortcut(x)


@pytest.mark.parametrize(
    ("channels_in", "channels_out", "kernel", "skip"),
    [(8, 8, 3, True), (3, 8, 3, True), (8, 12, 3, True), (1, 8, 5, False), (8, 8, 5, False), (8, 8, 5, True)],
)
def test_merged_form_equals_two_convolutions_borders_included(
    channels_in: int, channels_out: int, kernel: int, skip: bool
) -> None:
    torch.manual_seed(0)
    block = RepConv(channels_in, channels_out, width=40, kernel=kernel, skip=skip)
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


def normed_block(channels: int = 6) -> NormedRepConv:
    """A block some way into its training: the statistics and the affine part of its normalisation are not the first."""
    torch.manual_seed(0)
    block = NormedRepConv(channels, width=10)
    nn.init.uniform_(block.norm.weight, -1.5, 1.5)
    nn.init.normal_(block.norm.bias)
    for _ in range(20):
        block(3 * torch.randn(2, channels, 9, 7) + 1)
    return block


def drawn(block: NormedRepConv, x: torch.Tensor) -> torch.Tensor:
    """RepSR's block as its paper draws it: two paths of half the convolutions each, and the clean identity."""
    normed = block.norm(block.expand(x)).chunk(2, dim=1)
    squeezes = block.squeeze.weight.chunk(2, dim=1)
    paths = [nn.functional.conv2d(half, squeeze) for half, squeeze in zip(normed, squeezes, strict=True)]
    assert block.squeeze.bias is not None
    return x + paths[0] + paths[1] + block.squeeze.bias[:, None, None]


def test_normed_block_in_training_is_the_drawn_one_on_the_statistics_of_the_batch() -> None:
    block = normed_block()
    x = torch.randn(2, 6, 9, 7)
    torch.testing.assert_close(block(x), drawn(block, x))
    normed = block.norm(block.expand(x))
    torch.testing.assert_close(normed.mean(dim=(0, 2, 3)), block.norm.bias, rtol=0, atol=1e-5)


def test_normed_block_folds_with_the_statistics_of_the_population() -> None:
    block = normed_block()
    x = torch.randn(2, 6, 9, 7)
    assert not torch.allclose(block(x), collapse(block)(x), atol=0.1)
    block.eval()
    torch.testing.assert_close(collapse(block)(x), drawn(block, x), rtol=0, atol=1e-5)
    torch.testing.assert_close(block(x), drawn(block, x), rtol=0, atol=1e-5)


def test_frozen_statistics_train_what_is_deployed() -> None:
    block = normed_block()
    freeze_statistics_(nn.Sequential(nn.ReLU(), block))
    buffers = {name: buffer.clone() for name, buffer in block.named_buffers()}
    x = torch.randn(2, 6, 9, 7)
    y = block.train()(x)
    torch.testing.assert_close(y, collapse(block)(x), rtol=0, atol=1e-5)
    y.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in block.parameters())
    for name, buffer in block.named_buffers():
        assert torch.equal(buffer, buffers[name]), name


def test_normed_block_adopts_a_plain_convolution_and_freezes() -> None:
    conv = nn.Conv2d(6, 6, 3, padding=1)
    block = normed_block()
    assert conv.bias is not None
    block.adopt_(conv.weight, conv.bias)
    x = torch.randn(2, 6, 9, 7)
    torch.testing.assert_close(block.train()(x), conv(x), rtol=0, atol=1e-4)


def test_a_normalised_network_starts_from_deployed_weights() -> None:
    torch.manual_seed(0)
    trained, fresh = build("repsr", 2), build("repsr", 2)
    for _ in range(5):
        trained(torch.rand(2, 3, 12, 12))
    assert adopt_deployed_(fresh, trained.deploy().state_dict()) == ()
    x = torch.rand(2, 3, 9, 8)
    torch.testing.assert_close(fresh.train()(x), trained.eval()(x), rtol=0, atol=1e-5)
