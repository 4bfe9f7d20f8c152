"""Pictures go into the page as fine as the budget allows, and never take more than it."""

import base64
from pathlib import Path

import numpy as np
import pytest

from vsr.comparison.embedding import Embedded, embed
from vsr.comparison.rendering import Rgb
from vsr.io.still import read_rgb


@pytest.fixture(scope="module")
def pictures() -> tuple[Rgb, Rgb]:
    """Soft waves with a little noise: what PNG holds poorly and JPEG well."""
    y, x = np.mgrid[:96, :128]
    waves = np.stack([128 + 90 * np.sin(x / 9 + y / (7 + c)) for c in range(3)], -1)
    noise = np.random.default_rng(0).normal(0, 2, (2, 96, 128, 3))
    first, second = np.clip(waves + noise, 0, 255).astype(np.uint8)
    return first, second


def decoded(embedded: Embedded, folder: Path) -> list[Rgb]:
    result = []
    for uri in embedded.uris:
        (folder / "picture").write_bytes(base64.b64decode(uri.partition(";base64,")[2], validate=True))
        result.append(read_rgb(folder / "picture"))
    return result


def length(embedded: Embedded) -> int:
    return sum(len(uri) for uri in embedded.uris)


def test_with_room_they_are_exact(pictures: tuple[Rgb, Rgb], tmp_path: Path) -> None:
    embedded = embed(pictures, 10_000_000, lossy=True)
    assert all(np.array_equal(a, b) for a, b in zip(decoded(embedded, tmp_path), pictures, strict=True))
    assert (embedded.width, embedded.height, embedded.how) == (128, 96, "lossless (PNG)")


def test_with_less_room_videos_become_fine_jpegs(pictures: tuple[Rgb, Rgb], tmp_path: Path) -> None:
    budget = length(embed(pictures, 10_000_000, lossy=True)) - 1
    embedded = embed(pictures, budget, lossy=True)
    assert length(embedded) <= budget
    assert embedded.how.startswith("JPEG")
    for picture, original in zip(decoded(embedded, tmp_path), pictures, strict=True):
        error = picture.astype(float) - original
        assert np.abs(error).mean() < 2.5
        assert np.abs(error.mean((0, 1))).max() < 0.6  # the tint stays; FFmpeg's reader alone may add half a code


def test_with_less_room_pictures_stay_exact_and_lose_their_borders(pictures: tuple[Rgb, Rgb], tmp_path: Path) -> None:
    budget = length(embed(pictures, 10_000_000, lossy=False)) - 1
    embedded = embed(pictures, budget, lossy=False)
    assert length(embedded) <= budget
    assert (embedded.width, embedded.height) == (64, 48)
    assert embedded.how == "lossless (PNG), the middle 64x48 of 128x96"
    for picture, original in zip(decoded(embedded, tmp_path), pictures, strict=True):
        assert np.array_equal(picture, original[24:72, 32:96])


@pytest.mark.parametrize("budget", [600, 2_000, 6_000, 20_000, 60_000])
@pytest.mark.parametrize("lossy", [True, False])
def test_the_budget_holds_always(pictures: tuple[Rgb, Rgb], budget: int, lossy: bool) -> None:
    assert length(embed(pictures, budget, lossy=lossy)) <= budget
