"""Re-parameterised convolution: a wide two-layer branch while training, one 3x3 convolution once deployed.

RepConv (LRSRN, NTIRE 2023 real-time 4K) is ``conv1x1(conv3x3(x)) + x``. Both convolutions are linear, and the 3x3 comes
first, so the block equals ONE 3x3 convolution exactly, zero-padded borders included. It is therefore also trained
through the merged kernel: each step merges the weights and runs one convolution; the gradient reaches the branches
through the merge. Same function as the two-layer form at about a sixth of the cost.
"""

import torch
import torch.nn.functional as F
from torch import nn


class RepConv(nn.Module):
    """``squeeze(expand(x)) + skip(x)``: expand 3x3 in->width, squeeze 1x1 width->out, skip the identity.

    Where ``in_channels != out_channels`` the skip is a 1x1 convolution (LRSRN's x3 "advanced" block).
    """

    def __init__(self, in_channels: int, out_channels: int, width: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_channels, width, 3, padding=1)
        self.squeeze = nn.Conv2d(width, out_channels, 1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,in,H,W) -> (N,out,H,W)."""
        weight, bias = self.merged()
        return F.conv2d(x, weight, bias, padding=1)

    def merged(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The equal 3x3 kernel (out,in,3,3) and bias (out), differentiable with respect to the branches.

        ``W[o,i] = sum_m squeeze[o,m] expand[m,i]``, ``b = squeeze @ b_expand + b_squeeze``, the skip at the centre.
        """
        # Sums over `width` products lose too much in bfloat16, and the kernels are tiny next to the feature maps.
        with torch.autocast(self.expand.weight.device.type, enabled=False):
            squeeze = self.squeeze.weight[:, :, 0, 0]
            weight = torch.einsum("om,mihw->oihw", squeeze, self.expand.weight)
            bias = squeeze @ _bias(self.expand) + _bias(self.squeeze)
            if self.shortcut is None:
                skip = torch.eye(weight.shape[0], dtype=weight.dtype, device=weight.device)
            else:
                skip = self.shortcut.weight[:, :, 0, 0]
                bias = bias + _bias(self.shortcut)
            return weight + F.pad(skip[:, :, None, None], (1, 1, 1, 1)), bias

    def scale_output_(self, factor: float) -> None:
        """Multiply everything the block adds (the identity apart) by ``factor``, in place; for initialisation."""
        with torch.no_grad():
            for conv in (self.squeeze, self.shortcut):
                if conv is not None:
                    conv.weight.mul_(factor)
                    _bias(conv).mul_(factor)


def collapse(block: nn.Module) -> nn.Conv2d:
    """The plain 3x3 convolution equal to ``block`` (a RepConv, or already a convolution): a copy, never shared."""
    if isinstance(block, RepConv):
        weight, bias = block.merged()
    elif isinstance(block, nn.Conv2d):
        weight, bias = block.weight, _bias(block)
    else:
        raise TypeError(f"only RepConv and Conv2d collapse to a convolution, not {type(block).__name__}")
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    with torch.no_grad():
        conv.weight.copy_(weight)
        _bias(conv).copy_(bias)
    return conv


def _bias(conv: nn.Conv2d) -> torch.Tensor:
    bias = conv.bias
    if bias is None:
        raise TypeError("a re-parameterised convolution needs a bias")
    return bias
