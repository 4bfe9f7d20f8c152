"""A folder of small training images and a recipe small enough to train in a test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vsr.io.still import write_rgb


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost more than they gain on such small patches, all the more where the cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Four images: a calm half and a busy half each."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    y, x = np.mgrid[0:64, 0:80]
    for seed in range(4):
        random = np.random.default_rng(seed)
        waves = np.stack([128 + 80 * np.sin((x + seed) / 9 + c) * np.cos(y / 11) for c in range(3)], axis=-1)
        stripes = 60.0 * (((x + seed * y) // 3) % 2)[:, :, None] * (x >= 40)[:, :, None]
        pixels = (waves + stripes + random.normal(0, 1, waves.shape)).clip(0, 255).astype(np.uint8)
        write_rgb(folder / f"{seed}.png", pixels)
    return folder


@pytest.fixture
def recipe_table() -> dict[str, Any]:
    """A recipe as its parsed TOML: two short stages."""
    stage = {"steps": 12, "lr": 2e-3, "batch": 4, "patch": 12, "warmup": 2}
    return {
        "network": "lrsrn",
        "scale": 2,
        "options": {"anchor": "nearest", "expand": 16},
        "data_note": "made by a test",
        "evaluate_every": 10,
        "checkpoint_every": 5,
        "log_every": 4,
        "stages": [
            {**stage, "luma_weight": 1.0, "candidates": 3},
            {**stage, "steps": 6, "loss": "l2", "precision": "fp32", "schedule": "cosine"},
        ],
    }
