"""Views: what a network of each domain sees of a batch of photographs."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from vsr.color import ChannelMatrix, luma_grids, ycc_to_rgb_matrix
from vsr.domains import PackedConversion
from vsr.errors import UsageError
from vsr.evaluation.metrics import luma_codes
from vsr.frames import MATRIX_SMPTE170M
from vsr.networks.base import Domain
from vsr.training.recipe import Recipe

View = Callable[[Tensor], Tensor]
"""Square patches of RGB (N,3,side,side) in [0, 1] to what the network takes, or should give, of them."""


class PackedView(nn.Module):
    """The packed 4:2:0 form of BT.601 (N,6,side/2,side/2), its chroma sited "left" (H.273 type 0).

    Reduced and original patches are packed each by itself, so both have that siting, as a video and its larger version
    have; turning a patch beforehand does not turn it. It is how a PlaneModel packs RGB. What the degradation "video"
    had as 4:2:0 comes as RGB too, so the finest of its chroma is softened once more (by 11% at half its Nyquist).
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        size = (side, side)
        self.rgb_to_ycc = ChannelMatrix(torch.linalg.inv(ycc_to_rgb_matrix(MATRIX_SMPTE170M)))
        self.packing = PackedConversion(size, luma_grids(size), scale=1)

    def forward(self, rgb: Tensor) -> Tensor:
        """(N,3,side,side) -> (N,6,side/2,side/2)."""
        ycc = self.rgb_to_ycc(rgb)
        return self.packing.enter(ycc[:, :1], ycc[:, 1:])


def views(recipe: Recipe, domain: Domain, device: torch.device) -> Mapping[int, View]:
    """By side, for the patches of every stage and scale; UsageError where a patch can't be packed."""
    if domain == "yuv420":
        for stage in recipe.stages:
            if stage.patch % 2:
                raise UsageError(
                    f"recipe '{recipe.name}': 'patch' must be even, as 4:2:0 planes of '{recipe.network}' are made of "
                    f"squares of 2x2 pixels, met {stage.patch}"
                )
    sides = {stage.patch * scale for stage in recipe.stages for scale in (1, *recipe.scales)}
    return {side: _view(domain, side, device) for side in sides}


def _view(domain: Domain, side: int, device: torch.device) -> View:
    if domain == "rgb":
        return nn.Identity()
    return luma_codes if domain == "luma" else PackedView(side).to(device)
