"""Patches cut on the device are those cut in memory."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vsr.training.data import batches, draw_patches, load_training_images
from vsr.training.on_device import batches_on
from vsr.training.recipe import parse_recipe

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scales", [[2], [3, 2]])
def test_batches_cut_on_the_device_are_the_batches(
    device: str, scales: list[int], photographs: Path, recipe_table: dict[str, Any]
) -> None:
    del recipe_table["scale"]
    recipe = parse_recipe({**recipe_table, "scales": scales}, name="small")
    images = load_training_images(photographs, recipe)
    turns = {patch.turn for step in range(5, recipe.steps) for patch in draw_patches(images, recipe, step)}
    assert turns == set(range(8))
    ours = list(batches_on(torch.device(device), images, recipe, 5))
    theirs = list(batches(images, recipe, 5))
    for (low, high), (wanted_low, wanted_high) in zip(ours, theirs, strict=True):
        torch.testing.assert_close(low.cpu(), wanted_low, rtol=0, atol=1e-7)
        torch.testing.assert_close(high.cpu(), wanted_high, rtol=0, atol=1e-7)
        assert low.is_contiguous(memory_format=torch.channels_last)


def test_degraded_versions_of_a_tile_are_cut_like_other_images(photographs: Path, recipe_table: dict[str, Any]) -> None:
    video = {"versions": 2, "clean_share": 0.5, "frames": 1}
    recipe = parse_recipe({**recipe_table, "degradation": "video", "video": video}, name="small")
    images = load_training_images(photographs, recipe)
    for (low, high), (wanted_low, wanted_high) in zip(
        batches_on(torch.device("cpu"), images, recipe, 0), batches(images, recipe, 0), strict=True
    ):
        assert torch.equal(low, wanted_low)
        assert torch.equal(high, wanted_high)
