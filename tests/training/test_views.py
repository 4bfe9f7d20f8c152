"""What networks see of photographs in training is what a PlaneModel shows them of the same pixels."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.pictures import Identity, run_model
from vsr.errors import UsageError
from vsr.evaluation.benchmark import rgb_picture
from vsr.networks.base import Domain
from vsr.training.recipe import parse_recipe
from vsr.training.views import views

CPU = torch.device("cpu")


class Recorder(Identity):
    """Remembers what the network saw."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return x


@pytest.mark.parametrize("domain", ["rgb", "luma", "yuv420"])
def test_a_view_is_what_a_plane_model_shows_the_network(domain: Domain, recipe_table: dict[str, Any]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    network = Recorder(domain)
    planes = tuple(np.ascontiguousarray(pixels[:, :, channel]) for channel in range(3))
    run_model(network, rgb_picture(24, 24), rgb_picture(24, 24), planes)
    rgb = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    view = views(parse_recipe(recipe_table, name="small"), domain, CPU)[24]
    torch.testing.assert_close(view(rgb), network.seen, rtol=0, atol=1e-5)


def test_there_is_a_view_for_each_size_that_a_recipe_has(recipe_table: dict[str, Any]) -> None:
    recipe_table["stages"][1]["patch"] = 20
    assert set(views(parse_recipe(recipe_table, name="small"), "yuv420", CPU)) == {12, 24, 20, 40}


def test_chroma_lies_left_before_and_after(recipe_table: dict[str, Any]) -> None:
    """Blue rises across, seen by 32 pixels and by 16: each chroma sample says where it lies."""
    recipe_table["stages"] = [{"steps": 1, "lr": 1e-3, "patch": 16}]
    by_side = views(parse_recipe(recipe_table, name="small"), "yuv420", CPU)
    for side in (16, 32):
        rgb = torch.zeros(1, 3, side, side)
        rgb[:, 2] = (torch.arange(side) + 0.5) / side
        blue = (by_side[side](rgb)[0, 4] * 255 - 128) / 112
        # On the first of each two columns, so a quarter of a chroma sample from the left edge of its square.
        wanted = (torch.arange(side // 2) + 0.25) / (side // 2)
        torch.testing.assert_close(blue[:, 2:-2], wanted.expand(side // 2, -1)[:, 2:-2], rtol=0, atol=2e-3)


def test_luma_is_not_touched_by_chroma(recipe_table: dict[str, Any]) -> None:
    rgb = torch.rand(2, 3, 24, 24)
    recipe = parse_recipe(recipe_table, name="small")
    packed, luma = (views(recipe, domain, CPU)[24](rgb) for domain in ("yuv420", "luma"))
    torch.testing.assert_close(F.pixel_shuffle(packed[:, :4], 2), luma, rtol=0, atol=1e-6)


def test_odd_patches_can_not_be_packed(recipe_table: dict[str, Any]) -> None:
    recipe_table["stages"][1]["patch"] = 13
    recipe = parse_recipe(recipe_table, name="small")
    with pytest.raises(UsageError, match=r"recipe 'small': 'patch' must be even.*met 13") as caught:
        views(recipe, "yuv420", CPU)
    assert "\n" not in str(caught.value)
    assert set(views(recipe, "luma", CPU)) == {12, 24, 13, 26}
