"""Training patches: aligned, random, repeatable, and busy rather than calm."""

import threading
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vsr.errors import SourceError
from vsr.evaluation.imresize import downscale
from vsr.training.data import batches, load_training_images, make_batch
from vsr.training.recipe import Recipe, parse_recipe


@pytest.fixture
def recipe(recipe_table: dict[str, Any]) -> Recipe:
    return parse_recipe(recipe_table, name="small")


def test_low_patch_is_the_shrunk_high_patch(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    for step in range(4):
        low, high = make_batch(images, recipe, step)
        assert low.shape == (4, 3, 12, 12)
        assert high.shape == (4, 3, 24, 24)
        for small, large in zip(low, high, strict=True):
            pixels = (large * 255).round().byte().permute(1, 2, 0).numpy()
            shrunk = torch.from_numpy(downscale(pixels, 2)).permute(2, 0, 1) / 255
            # Away from the patch's edge, where the kernel reaches outside.
            torch.testing.assert_close(small[:, 2:-2, 2:-2], shrunk[:, 2:-2, 2:-2], rtol=0, atol=1.5 / 255)


def test_a_step_always_gives_the_same_batch_and_others_differ(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    assert torch.equal(make_batch(images, recipe, 5)[0], make_batch(images, recipe, 5)[0])
    assert not torch.equal(make_batch(images, recipe, 5)[0], make_batch(images, recipe, 6)[0])


def test_stream_from_any_step_gives_the_batches_of_its_steps(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    stream = list(batches(images, recipe, first_step=9))
    assert len(stream) == recipe.steps - 9
    for step, (low, high) in enumerate(stream, start=9):
        wanted_low, wanted_high = make_batch(images, recipe, step)
        assert torch.equal(low, wanted_low)
        assert torch.equal(high, wanted_high)


def test_stream_left_early_leaves_no_thread(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    before = threading.active_count()
    stream = batches(images, recipe, first_step=0)
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_candidates_prefer_the_busy_half(photographs: Path, recipe_table: dict[str, Any]) -> None:
    def mean_detail(candidates: int) -> float:
        recipe_table["stages"][0]["candidates"] = candidates
        recipe = parse_recipe(recipe_table, name="small")
        images = load_training_images(photographs, recipe)
        lows = [make_batch(images, recipe, step)[0] for step in range(12)]
        return float(torch.cat(lows).diff(dim=-1).abs().mean())

    assert mean_detail(8) > 1.3 * mean_detail(1)


def test_detail_table_sums_the_steps_between_neighbours(photographs: Path, recipe: Recipe) -> None:
    image = load_training_images(photographs, recipe).of_scale[2][0]
    green = image.low[:, :, 1].astype(int)
    total = np.abs(np.diff(green, axis=0)).sum() + np.abs(np.diff(green, axis=1)).sum()
    assert image.detail[-1, -1] == total
    assert image.detail.shape == (image.low.shape[0] + 1, image.low.shape[1] + 1)


def test_digest_follows_the_files(photographs: Path, recipe: Recipe) -> None:
    before = load_training_images(photographs, recipe).digest
    assert load_training_images(photographs, recipe).digest == before
    next(iter(photographs.iterdir())).rename(photographs / "renamed.png")
    assert load_training_images(photographs, recipe).digest != before


def test_unfit_folders_are_one_clear_line(photographs: Path, recipe_table: dict[str, Any], recipe: Recipe) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        load_training_images(photographs / "absent", recipe)
    recipe_table["pattern"] = "*.jpg"
    with pytest.raises(SourceError, match=r"no images in .* match '\*\.jpg'"):
        load_training_images(photographs, parse_recipe(recipe_table, name="small"))
    recipe_table["pattern"] = "*"
    recipe_table["stages"][0]["patch"] = 33
    with pytest.raises(SourceError, match=r"0\.png is 80x64; the recipe needs 66 pixels each way"):
        load_training_images(photographs, parse_recipe(recipe_table, name="small"))


def test_batches_are_eight_bit_values_in_range(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    for part in (part for pair in islice(batches(images, recipe, 0), 2) for part in pair):
        assert part.dtype == torch.float32
        assert 0 <= part.min() < part.max() <= 1
        torch.testing.assert_close(part * 255, (part * 255).round(), rtol=0, atol=1e-4)
