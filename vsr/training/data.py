"""Training data: aligned low- and high-resolution patches, cut at random from images held in memory."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from vsr.errors import SourceError
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.io.still import read_rgb
from vsr.training.degradation import Box, MovingPicture, degrade, draw
from vsr.training.recipe import Recipe

Pixels = npt.NDArray[np.uint8]
Batch = tuple[torch.Tensor, torch.Tensor]
Made = TypeVar("Made")

_BATCHES_AHEAD = 4


@dataclass(frozen=True)
class TrainingImage:
    """One image, or one tile of it in one degradation."""

    low: Pixels
    """(h,w,3) uint8 RGB."""
    high: Pixels
    """(scale*h,scale*w,3) uint8 RGB."""
    detail: npt.NDArray[np.uint32]
    """Summed-area table (h+1,w+1) of the detail in ``low`` before it was degraded: any patch's in four look-ups."""


@dataclass(frozen=True)
class TrainingImages:
    """Every training image."""

    of_scale: Mapping[int, tuple[TrainingImage, ...]]
    files: int
    digest: str
    """Of the files, see ``files_digest``."""


@dataclass(frozen=True)
class Patch:
    """A square of one image, and how it is turned."""

    image: int
    """Number of the image among those of the scale."""
    y: int
    x: int
    """Upper left corner, low-resolution pixels."""
    turn: int = 0
    """One of the eight symmetries of the square: bit 0 flips the rows, 1 the columns, then 2 swaps the two."""


def load_training_images(folder: Path, recipe: Recipe) -> TrainingImages:
    """Read the images of ``folder`` and shrink each ONCE: doing it per patch costs more than the training step.

    The degradation "video" cuts them into tiles and codes each several times, on every core: a minute or two for 200
    photographs. SourceError if there are none, one can't be read, or one is smaller than the recipe's patches.
    """
    files = list_images(folder, recipe.pattern)
    of_scale: dict[int, tuple[TrainingImage, ...]] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="degrade") as threads:
        for scale in recipe.scales:
            loads = threads.map(partial(_load, scale=scale, recipe=recipe), range(len(files)), files)
            of_scale[scale] = tuple(image for images in loads for image in images)
    return TrainingImages(of_scale, len(files), files_digest(files))


def files_digest(files: Iterable[Path]) -> str:
    """sha256 of the files' names and sizes in bytes, hexadecimal."""
    listing = "".join(f"{file.name} {file.stat().st_size}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def _load(number: int, file: Path, *, scale: int, recipe: Recipe) -> list[TrainingImage]:
    """What file ``number`` gives at ``scale``."""
    high = np.ascontiguousarray(crop_to_multiple(read_rgb(file), scale))
    side = max(stage.patch for stage in recipe.stages)
    if min(high.shape[:2]) < side * scale:
        raise SourceError(f"{file} is {high.shape[1]}x{high.shape[0]}; the recipe needs {side * scale} pixels each way")
    picture = MovingPicture(high, scale)
    height, width = (length // scale for length in high.shape[:2])
    if recipe.degradation == "bicubic":
        low = picture.low((slice(0, height), slice(0, width)))
        return [TrainingImage(low, high, _summed_detail(low))]
    images = []
    for tile, box in enumerate(_tiles(height, width, max(side, recipe.video.tile))):
        detail = _summed_detail(picture.low(box))
        rows, columns = (slice(part.start * scale, part.stop * scale) for part in box)
        for version in range(recipe.video.versions):
            random = np.random.default_rng((recipe.seed, scale, number, tile, version))
            low = degrade(picture, box, draw(recipe.video, scale, random), random)
            images.append(TrainingImage(low, high[rows, columns], detail))
    return images


def _tiles(height: int, width: int, least: int) -> Iterator[Box]:
    """Equal boxes that cover the picture, at least ``least`` each way where the picture is."""
    down, across = (max(length // least, 1) for length in (height, width))
    for row in range(down):
        for column in range(across):
            yield (
                slice(row * height // down, (row + 1) * height // down),
                slice(column * width // across, (column + 1) * width // across),
            )


def batches(images: TrainingImages, recipe: Recipe, first_step: int) -> Generator[Batch]:
    """The batches of ``first_step`` and after, to the recipe's end, made ahead on one thread.

    A batch is (low (N,3,p,p), high (N,3,s*p,s*p)), float32 in [0, 1], channels last, and depends on nothing but
    the images, the recipe and its step: a resumed run meets the same batches.
    """
    return made_ahead(partial(make_batch, images, recipe), range(first_step, recipe.steps))


def made_ahead(make: Callable[[int], Made], steps: range) -> Generator[Made]:
    """What ``make`` makes of each step, a few ahead, on one thread."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as thread:
        ahead: deque[Future[Made]] = deque()
        try:
            for step in steps:
                ahead.append(thread.submit(make, step))
                if len(ahead) > _BATCHES_AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def make_batch(images: TrainingImages, recipe: Recipe, step: int) -> Batch:
    """The batch of ``step``: its patches cut out."""
    stage, _ = recipe.stage_at(step)
    size, scale = stage.patch, recipe.scale_at(step)
    lows = np.empty((stage.batch, size, size, 3), np.uint8)
    highs = np.empty((stage.batch, size * scale, size * scale, 3), np.uint8)
    for index, patch in enumerate(draw_patches(images, recipe, step)):
        image, y, x = images.of_scale[scale][patch.image], patch.y, patch.x
        lows[index] = _turned(image.low[y : y + size, x : x + size], patch.turn)
        end_y, end_x = (y + size) * scale, (x + size) * scale
        highs[index] = _turned(image.high[y * scale : end_y, x * scale : end_x], patch.turn)
    return to_unit(torch.from_numpy(lows)), to_unit(torch.from_numpy(highs))


def draw_patches(images: TrainingImages, recipe: Recipe, step: int) -> tuple[Patch, ...]:
    """The patches of ``step``: each of a random image, at a random place, turned at random."""
    stage, _ = recipe.stage_at(step)
    random = np.random.default_rng((recipe.seed, step))
    candidates = images.of_scale[recipe.scale_at(step)]
    patches = []
    for _ in range(stage.batch):
        # Skies and walls teach nothing, so each patch is the most detailed of a few candidates.
        places = [_random_place(candidates, stage.patch, random) for _ in range(stage.candidates)]
        _, place = max(places, key=itemgetter(0))
        patches.append(replace(place, turn=int(random.integers(8))))
    return tuple(patches)


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """(N,H,W,3) uint8 to (N,3,H,W) float32 in [0, 1], channels last."""
    return pixels.permute(0, 3, 1, 2).float().div_(255.0)


def _random_place(images: tuple[TrainingImage, ...], size: int, random: np.random.Generator) -> tuple[int, Patch]:
    """A patch and the detail within it."""
    number = int(random.integers(len(images)))
    y, x = (int(random.integers(side - size + 1)) for side in images[number].low.shape[:2])
    table = images[number].detail
    corners = table[y, x], table[y, x + size], table[y + size, x], table[y + size, x + size]
    top_left, top_right, bottom_left, bottom_right = (int(corner) for corner in corners)
    return bottom_right - bottom_left - top_right + top_left, Patch(number, y, x)


def _summed_detail(low: Pixels) -> npt.NDArray[np.uint32]:
    """Summed-area table (h+1,w+1) of how much green changes to the right and below."""
    green = low[:, :, 1].astype(np.int16)
    change = np.zeros(green.shape, np.uint32)
    change[:, :-1] += np.abs(np.diff(green, axis=1)).astype(np.uint32)
    change[:-1] += np.abs(np.diff(green, axis=0)).astype(np.uint32)
    table = change.cumsum(axis=0, dtype=np.uint32).cumsum(axis=1, dtype=np.uint32)
    return np.pad(table, ((1, 0), (1, 0)))


def _turned(pixels: Pixels, turn: int) -> Pixels:
    """``Patch.turn`` done."""
    if turn & 1:
        pixels = pixels[::-1]
    if turn & 2:
        pixels = pixels[:, ::-1]
    return pixels.transpose(1, 0, 2) if turn & 4 else pixels
