"""What a layout is: one way in which others name the tensors of a network that vsr has."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vsr.errors import NetworkError
from vsr.networks.reparam import Collapsible
from vsr.networks.weights import OptionValue


class Given:
    """The tensors of a file, each to be taken once: what nobody takes, nobody has understood."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], path: Path, title: str) -> None:
        self._left = dict(tensors)
        self._file = f"{path}, of the layout {title},"

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> torch.Tensor:
        """The tensor called ``name`` in the file, as float32; NetworkError if there is none."""
        self.shape(name)
        tensor = self._left.pop(name).detach()
        if not tensor.is_floating_point():
            raise self.refuse(f"holds '{name}' as {tensor.dtype}, which are no weights; get the file again")
        return tensor.float()

    def layers(self, names: Mapping[str, str], *kinds: str) -> dict[str, torch.Tensor]:
        """The weight and bias, or other ``kinds``, of layers; ``names`` is our name of a layer -> the file's."""
        return {
            f"{ours}.{kind}": self.take(f"{theirs}.{kind}")
            for ours, theirs in names.items()
            for kind in kinds or ("weight", "bias")
        }

    def collapsed(self, block: Collapsible, names: Mapping[str, str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The one convolution (weight, bias) that the branches of ``block`` come to; ``names`` as for ``layers``.

        ``block`` may be on the device "meta": a file's claims of size cost nothing before they are known to agree.
        """
        block.load_state_dict(self.layers(names), assign=True)
        # float64: deep networks multiply the rounding of their kernels.
        with torch.no_grad():
            weight, bias = block.double().merged()
        return weight.float(), bias.float()

    def shape(self, name: str) -> torch.Size:
        """Of a tensor that is still to be taken; NetworkError if there is none."""
        if name not in self._left:
            raise self.refuse(f"lacks the tensor '{name}'; get the file again")
        return self._left[name].shape

    def ignore(self, *names: str) -> None:
        """Take these where they are there: they are understood and not needed."""
        for name in names:
            self._left.pop(name, None)

    def numbered(self, name: str) -> int:
        """How many tensors there are in the row ``name``, such as ``body.{}.weight``, counted from 0 on."""
        return next(count for count in itertools.count() if name.format(count) not in self._left)

    def refuse(self, why: str) -> NetworkError:
        """The error to raise where this layout's network is one that vsr has not."""
        return NetworkError(f"{self._file} {why}")

    def finish(self) -> None:
        """NetworkError naming a tensor that nobody took."""
        for name in self._left:
            raise self.refuse(f"holds '{name}', which vsr does not know there; no such network is built in")

    def scale_of(self, channels: int, per_pixel: int) -> int:
        """The scale whose pixel shuffle makes ``per_pixel`` channels of ``channels``; NetworkError if there is none."""
        scale = round(math.sqrt(channels / per_pixel))
        if per_pixel * scale * scale != channels:
            raise self.refuse(f"ends in {channels} channels, which is no square number of {per_pixel}-channel pixels")
        return scale


@dataclass(frozen=True)
class Recognised:
    """A file's network, and its tensors as vsr names them."""

    network: str
    """Name in the registry."""
    words: str
    """What was recognised, for people: whose network of what size."""
    tensors: Mapping[int, Mapping[str, torch.Tensor]]
    """Scale -> the deployed form's tensors. More than one scale: the network has them all, or see ``says_scale``."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """How to build it."""
    says_scale: bool = True
    """False: the tensors fit each of the scales and were made for one of them; the file does not say for which."""


@dataclass(frozen=True)
class Layout:
    """How to tell a layout and what to make of it."""

    title: str
    """Whose, in a few words."""
    marks: Mapping[str, int]
    """Names that a file of this layout has, and the dimensions of each; together no other layout has them."""
    convert: Callable[[Given], Recognised]
    """Takes everything from the file; NetworkError where it holds a network that vsr has not."""

    def matches(self, tensors: Mapping[str, torch.Tensor]) -> bool:
        """Whether the file is of this layout."""
        return all(name in tensors and tensors[name].dim() == dim for name, dim in self.marks.items())


ANY_SCALE = (2, 3, 4)


def any_scale(tensors: Mapping[str, torch.Tensor]) -> Mapping[int, Mapping[str, torch.Tensor]]:
    """The same tensors for each scale, of networks whose shapes do not depend on it."""
    return dict.fromkeys(ANY_SCALE, tensors)
