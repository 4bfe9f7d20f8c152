"""Re-parameterised convolutions: several linear branches while training, one plain convolution once deployed.

Every block here is linear in its input, so it equals ONE convolution exactly, zero-padded borders included. It is
therefore also trained through the merged kernel: each step merges the weights and runs one convolution; the gradient
reaches the branches through the merge. Same function as the branches at about a sixth of the cost. Only a block that
normalises by the statistics of its batch runs its branches, until those statistics are frozen.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn


class Collapsible(nn.Module, ABC):
    """A block that equals one convolution of odd ``kernel`` with zero padding, whatever its branches."""

    kernel: int

    @abstractmethod
    def merged(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The equal kernel (out,in,kernel,kernel) and bias (out), differentiable with respect to the branches."""

    @abstractmethod
    def adopt_(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Become equal to the plain convolution of ``weight`` (out,in,kernel,kernel) and ``bias`` (out), in place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,in,H,W) -> (N,out,H,W)."""
        weight, bias = self.merged()
        return F.conv2d(x, weight, bias, padding=self.kernel // 2)


class RepConv(Collapsible):
    """``squeeze(expand(x)) + skip(x)``: expand kernel x kernel in->width, squeeze 1x1 width->out, skip the identity.

    LRSRN's RepConv (NTIRE 2023 real-time 4K). Where ``in_channels != out_channels`` the skip is a 1x1 convolution
    (LRSRN's x3 "advanced" block), or nothing if ``skip`` is false: SESR's linear block (Bhardwaj et al., MLSys 2022).
    """

    def __init__(self, in_channels: int, out_channels: int, width: int, *, kernel: int = 3, skip: bool = True) -> None:
        super().__init__()
        self.kernel = kernel
        self.expand = nn.Conv2d(in_channels, width, kernel, padding=kernel // 2)
        self.squeeze = nn.Conv2d(width, out_channels, 1)
        self.identity = skip and in_channels == out_channels
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if skip and not self.identity else None

    def merged(self) -> tuple[torch.Tensor, torch.Tensor]:
        """``W[o,i] = sum_m squeeze[o,m] expand[m,i]``, ``b = squeeze @ b_expand + b_squeeze``, skip at the centre."""
        # Sums over `width` products lose too much in bfloat16, and the kernels are tiny next to the feature maps.
        with torch.autocast(self.expand.weight.device.type, enabled=False):
            squeeze = self.squeeze.weight[:, :, 0, 0]
            expand, expand_bias = self._expanding()
            weight = torch.einsum("om,mihw->oihw", squeeze, expand)
            bias = squeeze @ expand_bias + _bias(self.squeeze)
            if self.identity:
                skip = torch.eye(weight.shape[0], dtype=weight.dtype, device=weight.device)
            elif self.shortcut is not None:
                skip = self.shortcut.weight[:, :, 0, 0]
                bias = bias + _bias(self.shortcut)
            else:
                return weight, bias
            return weight + F.pad(skip[:, :, None, None], (self.kernel // 2,) * 4), bias

    def adopt_(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Of all the expanding kernels that give ``weight``, take the one nearest to the present."""
        with torch.no_grad():
            now_weight, now_bias = self.merged()
            inverse = torch.linalg.pinv(self.squeeze.weight[:, :, 0, 0].double())
            change = torch.einsum("mo,oihw->mihw", inverse, (weight - now_weight).double())
            self._change_expanding_(change.to(self.expand.weight.dtype))
            _bias(self.squeeze).add_(bias - now_bias)

    def scale_output_(self, factor: float) -> None:
        """Multiply everything the block adds (the identity apart) by ``factor``, in place; for initialisation."""
        with torch.no_grad():
            for conv in (self.squeeze, self.shortcut):
                if conv is not None:
                    conv.weight.mul_(factor)
                    _bias(conv).mul_(factor)

    def _expanding(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Kernel (width,in,kernel,kernel) and bias (width) of everything before the squeeze."""
        return self.expand.weight, _bias(self.expand)

    def _change_expanding_(self, change: torch.Tensor) -> None:
        """Add ``change`` (width,in,kernel,kernel) to the kernel of ``_expanding``, in place."""
        self.expand.weight.add_(change)


class NormedRepConv(RepConv):
    """RepSR's block, ``squeeze(norm(expand(x))) + x``, with a batch normalisation (Wang et al., ACM MM 2022).

    The paper draws two such paths of ``width`` channels beside the clean identity. Their sum is one path of twice the
    width, whose squeeze takes both sides, and that is how it is kept here. While it trains it normalises by the
    statistics of the batch, where it is not linear; once they are frozen, and in eval mode, by those of the population
    (the running averages), where it is one convolution.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, channels, 2 * width)
        self.norm = nn.BatchNorm2d(2 * width)
        self.frozen = False
        """Training goes on with the population's statistics, which no longer change."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,channels,H,W) -> (N,channels,H,W)."""
        if self.frozen or not self.training:
            return super().forward(x)
        result: torch.Tensor = self.squeeze(self.norm(self.expand(x))) + x
        return result

    def adopt_(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """As RepConv, and freeze the statistics: under a batch's own ones it would not equal the convolution."""
        super().adopt_(weight, bias)
        self.frozen = True

    def _expanding(self) -> tuple[torch.Tensor, torch.Tensor]:
        mean, gain = self._population()
        return self.expand.weight * gain[:, None, None, None], (_bias(self.expand) - mean) * gain + self.norm.bias

    def _change_expanding_(self, change: torch.Tensor) -> None:
        _, gain = self._population()
        super()._change_expanding_(change / gain[:, None, None, None])

    def _population(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each expanded channel, what the normalisation subtracts and what it then multiplies by (width each)."""
        mean, variance = self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None:
            raise TypeError("a re-parameterised normalisation needs running averages")
        return mean, self.norm.weight / (variance + self.norm.eps).sqrt()


class SpanConv(Collapsible):
    """``squeeze(conv(expand(x))) + shortcut(x)``: 1x1 to twice the channels, 3x3, 1x1; the shortcut is 1x1.

    SPAN's block (Wan et al., CVPR Workshops 2024). The input is padded before the expansion, whose bias so reaches
    beyond the border too: the block equals one zero-padded 3x3 convolution up to the last pixel.
    """

    kernel = 3
    GAIN = 2
    """Channels inside, per channel at either end."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(in_channels, self.GAIN * in_channels, 1)
        self.conv = nn.Conv2d(self.GAIN * in_channels, self.GAIN * out_channels, 3)
        self.squeeze = nn.Conv2d(self.GAIN * out_channels, out_channels, 1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)
        # Three convolutions with nothing between them: the usual weights, made for a ReLU, would lose the signal.
        for conv in (self.expand, self.conv, self.squeeze):
            nn.init.kaiming_uniform_(conv.weight, nonlinearity="linear")

    def merged(self) -> tuple[torch.Tensor, torch.Tensor]:
        """``W = squeeze conv expand``, plus the shortcut at the centre; biases pass through what follows them."""
        # The products lose too much in bfloat16, and the kernels are tiny next to the feature maps.
        with torch.autocast(self.conv.weight.device.type, enabled=False):
            expand, squeeze = self.expand.weight[:, :, 0, 0], self.squeeze.weight[:, :, 0, 0]
            weight = torch.einsum("op,pqhw,qi->oihw", squeeze, self.conv.weight, expand)
            inner = self.conv.weight.sum(dim=(2, 3)) @ _bias(self.expand) + _bias(self.conv)
            bias = squeeze @ inner + _bias(self.squeeze) + _bias(self.shortcut)
            return weight + F.pad(self.shortcut.weight, (1, 1, 1, 1)), bias

    def adopt_(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Of all the 3x3 convolutions that give ``weight``, take the one nearest to the present."""
        with torch.no_grad():
            left = torch.linalg.pinv(self.squeeze.weight[:, :, 0, 0].double())
            right = torch.linalg.pinv(self.expand.weight[:, :, 0, 0].double())
            change = torch.einsum("po,oihw,iq->pqhw", left, (weight - self.merged()[0]).double(), right)
            self.conv.weight.add_(change.to(self.conv.weight.dtype))
            _bias(self.squeeze).add_(bias - self.merged()[1])


def freeze_statistics_(network: nn.Module) -> None:
    """Let each NormedRepConv within ``network`` train with the population's statistics from now on (RepSR's FrozenBN).

    Batch statistics help in the beginning; kept to the end, what is deployed would not be what was trained.
    """
    for block in network.modules():
        if isinstance(block, NormedRepConv):
            block.frozen = True


def collapse_all_(network: nn.Module) -> None:
    """Put the plain convolution in the place of each Collapsible within ``network``."""
    for name, block in network.named_children():
        if isinstance(block, Collapsible):
            setattr(network, name, collapse(block))
        else:
            collapse_all_(block)


def collapse(block: nn.Module) -> nn.Conv2d:
    """The plain convolution equal to ``block`` (Collapsible, or already a convolution): a copy, never shared."""
    if isinstance(block, Collapsible):
        weight, bias = block.merged()
    elif isinstance(block, nn.Conv2d):
        weight, bias = block.weight, _bias(block)
    else:
        raise TypeError(f"only Collapsible and Conv2d collapse to a convolution, not {type(block).__name__}")
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    with torch.no_grad():
        conv.weight.copy_(weight)
        _bias(conv).copy_(bias)
    return conv


def adopt_deployed_(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """Start the training form ``network`` from the tensors of a deployed one, wherever name and shape agree.

    Returns the names of the blocks and tensors that do not (another scale's tail); they keep their fresh weights.
    """
    fresh = []
    inside = set[str]()
    for name, block in network.named_modules():
        if isinstance(block, Collapsible):
            inside.update(f"{name}.{inner}" for inner in block.state_dict())
            weight, bias = tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")
            if weight is None or bias is None or weight.shape != block.merged()[0].shape:
                fresh.append(name)
            else:
                block.adopt_(weight, bias)
    for name, tensor in network.state_dict().items():
        if name in inside:
            continue
        given = tensors.get(name)
        if given is None or given.shape != tensor.shape:
            fresh.append(name)
        else:
            tensor.copy_(given)
    return tuple(fresh)


def _bias(conv: nn.Conv2d) -> torch.Tensor:
    bias = conv.bias
    if bias is None:
        raise TypeError("a re-parameterised convolution needs a bias")
    return bias
