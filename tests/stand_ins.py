"""Networks that stand in for trained ones: bicubic in each domain, and one that hides all but its result."""

import torch

from tests.pictures import YUV420, Identity, yuv
from vsr.color import plane_grids
from vsr.domains import pack, unpack
from vsr.networks import Network, load
from vsr.resample import Resample


def bicubic(scale: int) -> Network:
    return load("bicubic", scale).network


def bicubic_through_rgb(scale: int) -> Network:
    """Bicubic on R, G and B."""

    class OnRgb(Identity):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n, c, h, w = x.shape
            y: torch.Tensor = bicubic(self.scale)(x.reshape(n * c, 1, h, w))
            return y.reshape(n, c, h * self.scale, w * self.scale)

    network = OnRgb()
    network.name, network.scale, network.halo = "bicubic on RGB", scale, 2
    return network


class PackedBicubic(Identity):
    """Bicubic on the packed form: luma to luma, chroma from one "left" grid to the other, as in training."""

    def __init__(self, scale: int) -> None:
        super().__init__("yuv420")
        self.name, self.scale = "bicubic on packed planes", scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        luma, chroma = unpack(x)
        size = luma.shape[2], luma.shape[3]
        small, large = (plane_grids((size[0] * s, size[1] * s), yuv(YUV420), "left") for s in (1, self.scale))
        return pack(bicubic(self.scale)(luma), Resample(small, large)(chroma))


class Opaque(Network):
    """A network that hides all but its forward, so that nothing of it is done in another way."""

    name = "opaque"

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.domain, self.scale, self.halo = network, network.domain, network.scale, network.halo

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)  # type: ignore[no-any-return]
