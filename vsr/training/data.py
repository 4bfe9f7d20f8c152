"""Training data: aligned low- and high-resolution patches, cut at random from images held in memory."""

import hashlib
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vsr.errors import SourceError
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.evaluation.imresize import downscale
from vsr.io.still import read_rgb
from vsr.training.recipe import Recipe

Pixels = npt.NDArray[np.uint8]
Batch = tuple[torch.Tensor, torch.Tensor]

_BATCHES_AHEAD = 4


@dataclass(frozen=True)
class TrainingImage:
    """One image, whole."""

    low: Pixels
    """(h,w,3) uint8 RGB."""
    high: Pixels
    """(scale*h,scale*w,3) uint8 RGB."""
    detail: npt.NDArray[np.uint32]
    """Summed-area table (h+1,w+1) of the detail in ``low``: any patch's in four look-ups."""


@dataclass(frozen=True)
class TrainingImages:
    """Every training image."""

    images: tuple[TrainingImage, ...]
    digest: str
    """sha256 of the files' names and sizes in bytes, hexadecimal."""


_Place = tuple[int, TrainingImage, int, int]
"""Detail there, image, y, x."""


def load_training_images(folder: Path, recipe: Recipe) -> TrainingImages:
    """Read the images of ``folder`` and shrink each ONCE: doing it per patch costs more than the training step.

    SourceError if there are none, one can't be read, or one is smaller than the recipe's patches.
    """
    files = list_images(folder, recipe.pattern)
    least = max(stage.patch for stage in recipe.stages)
    images = []
    for file in files:
        high = crop_to_multiple(read_rgb(file), recipe.scale)
        if min(high.shape[:2]) < least * recipe.scale:
            side = least * recipe.scale
            raise SourceError(f"{file} is {high.shape[1]}x{high.shape[0]}; the recipe needs {side} pixels each way")
        low = downscale(high, recipe.scale)
        images.append(TrainingImage(low, np.ascontiguousarray(high), _summed_detail(low)))
    listing = "".join(f"{file.name} {file.stat().st_size}\n" for file in files)
    return TrainingImages(tuple(images), hashlib.sha256(listing.encode()).hexdigest())


def batches(images: TrainingImages, recipe: Recipe, first_step: int) -> Generator[Batch]:
    """The batches of ``first_step`` and after, to the recipe's end, made ahead on one thread.

    A batch is (low (N,3,p,p), high (N,3,s*p,s*p)), float32 in [0, 1], channels last, and depends on nothing but
    the images, the recipe and its step: a resumed run meets the same batches.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as thread:
        ahead: deque[Future[Batch]] = deque()
        try:
            for step in range(first_step, recipe.steps):
                ahead.append(thread.submit(make_batch, images, recipe, step))
                if len(ahead) > _BATCHES_AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def make_batch(images: TrainingImages, recipe: Recipe, step: int) -> Batch:
    """The batch of ``step``: random image, place, flips and transpose for each patch."""
    stage, _ = recipe.stage_at(step)
    random = np.random.default_rng((recipe.seed, step))
    size, scale = stage.patch, recipe.scale
    lows = np.empty((stage.batch, size, size, 3), np.uint8)
    highs = np.empty((stage.batch, size * scale, size * scale, 3), np.uint8)
    for index in range(stage.batch):
        # Skies and walls teach nothing, so each patch is the most detailed of a few candidates.
        places = [_random_place(images, size, random) for _ in range(stage.candidates)]
        _, image, y, x = max(places, key=itemgetter(0))
        turn = int(random.integers(8))
        lows[index] = _turned(image.low[y : y + size, x : x + size], turn)
        end_y, end_x = (y + size) * scale, (x + size) * scale
        highs[index] = _turned(image.high[y * scale : end_y, x * scale : end_x], turn)
    return _tensor(lows), _tensor(highs)


def _random_place(images: TrainingImages, size: int, random: np.random.Generator) -> _Place:
    image = images.images[random.integers(len(images.images))]
    y, x = (int(random.integers(side - size + 1)) for side in image.low.shape[:2])
    table = image.detail
    corners = table[y, x], table[y, x + size], table[y + size, x], table[y + size, x + size]
    top_left, top_right, bottom_left, bottom_right = (int(corner) for corner in corners)
    return bottom_right - bottom_left - top_right + top_left, image, y, x


def _summed_detail(low: Pixels) -> npt.NDArray[np.uint32]:
    """Summed-area table (h+1,w+1) of how much green changes to the right and below."""
    green = low[:, :, 1].astype(np.int16)
    change = np.zeros(green.shape, np.uint32)
    change[:, :-1] += np.abs(np.diff(green, axis=1)).astype(np.uint32)
    change[:-1] += np.abs(np.diff(green, axis=0)).astype(np.uint32)
    table = change.cumsum(axis=0, dtype=np.uint32).cumsum(axis=1, dtype=np.uint32)
    return np.pad(table, ((1, 0), (1, 0)))


def _turned(pixels: Pixels, turn: int) -> Pixels:
    """One of the eight symmetries of the square, by the bits of ``turn``."""
    if turn & 1:
        pixels = pixels[::-1]
    if turn & 2:
        pixels = pixels[:, ::-1]
    return pixels.transpose(1, 0, 2) if turn & 4 else pixels


def _tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255.0)
