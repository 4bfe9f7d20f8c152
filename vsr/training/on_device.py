"""Training images held on the device: each step only says where to cut, and no pixel travels."""

from collections.abc import Generator, Sequence
from functools import cache, partial

import torch

from vsr.training.data import Batch, Patch, Pixels, TrainingImages, draw_patches, made_ahead, to_unit
from vsr.training.recipe import Recipe

_SHARE = 0.5
"""Of the free memory that the images may take: training needs the rest."""


def fits(images: TrainingImages, device: torch.device) -> bool:
    """Whether the images leave half of the CUDA device's free memory."""
    free, _ = torch.cuda.mem_get_info(device)
    size = sum(pixels.nbytes for many in images.of_scale.values() for one in many for pixels in (one.low, one.high))
    return size <= _SHARE * free


def batches_on(device: torch.device, images: TrainingImages, recipe: Recipe, first_step: int) -> Generator[Batch]:
    """The very batches of ``vsr.training.data.batches``, cut and turned on ``device``."""
    lows = {scale: _Pile([one.low for one in many], device) for scale, many in images.of_scale.items()}
    highs = {scale: _Pile([one.high for one in many], device) for scale, many in images.of_scale.items()}
    steps = range(first_step, recipe.steps)
    for step, patches in zip(steps, made_ahead(partial(draw_patches, images, recipe), steps), strict=True):
        size, scale = recipe.stage_at(step)[0].patch, recipe.scale_at(step)
        yield lows[scale].cut(patches, size, 1), highs[scale].cut(patches, size, scale)


class _Pile:
    """The pixels of many images, one after another."""

    def __init__(self, images: Sequence[Pixels], device: torch.device) -> None:
        starts: dict[tuple[int, tuple[int, ...]], int] = {}
        length = 0
        for image in images:
            if _identity(image) not in starts:
                starts[_identity(image)] = length
                length += image.size // 3
        self._places = [(starts[_identity(image)], image.shape[1]) for image in images]
        self._pixels = torch.empty((length, 3), dtype=torch.uint8, device=device)
        for (start, _), image in zip(self._places, images, strict=True):
            self._pixels[start : start + image.size // 3] = torch.from_numpy(image.reshape(-1, 3))

    def cut(self, patches: Sequence[Patch], size: int, scale: int) -> torch.Tensor:
        """(N,3,scale*size,scale*size) float32 in [0, 1]; the patches' places count ``scale`` pixels as one."""
        corners = []
        for patch in patches:
            start, width = self._places[patch.image]
            corners.append((start + scale * (patch.y * width + patch.x), width, patch.turn))
        corner, width, turn = torch.tensor(corners).to(self._pixels.device, non_blocking=True).T
        rows, columns = _turned_grids(scale * size, self._pixels.device)
        index = corner[:, None, None] + rows[turn] * width[:, None, None] + columns[turn]
        return to_unit(self._pixels[index])


def _identity(image: Pixels) -> tuple[int, tuple[int, ...]]:
    """Equal for the same pixels in memory: the degraded versions of a tile share one original."""
    return image.ctypes.data, image.shape


@cache
def _turned_grids(side: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Row and column (8,side,side) that each pixel of a patch takes for each ``Patch.turn``."""
    turn = torch.arange(8)[:, None, None]
    down, across = torch.arange(side)[None, :, None], torch.arange(side)[None, None, :]
    row, column = torch.where(turn & 4 > 0, across, down), torch.where(turn & 4 > 0, down, across)
    row = torch.where(turn & 1 > 0, side - 1 - row, row)
    column = torch.where(turn & 2 > 0, side - 1 - column, column)
    return row.to(device), column.to(device)
