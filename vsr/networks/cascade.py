"""Two passes of networks as one: how a factor that no single trained network has is reached."""

import torch

from vsr.networks.base import Network


class Cascade(Network):
    """``second(first(x))``: scale is the product, both in the same domain."""

    def __init__(self, first: Network, second: Network) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.name = f"{first.name} x{first.scale}, then {second.name} x{second.scale}"
        self.scale = first.scale * second.scale
        self.domain = first.domain
        self.anchored = first.anchored and second.anchored
        if first.halo is None or second.halo is None:
            self.halo = None
        else:
            self.halo = first.halo + -(-second.halo // first.scale)
        self.multiple_of = first.multiple_of * second.multiple_of

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,C,H,W) -> (N,C,scale*H,scale*W)."""
        result: torch.Tensor = self.second(self.first(x))
        return result
