"""Batches of planes in, larger ones out: a PlaneModel loaded on a backend for one run."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Self

import torch

from vsr import backends, fields
from vsr.frames import Batch
from vsr.memory_ladder import MemoryLadder, Strips
from vsr.networks.loading import LoadedNetwork
from vsr.placement import Placement
from vsr.plane_model import Picture, PlaneModel

# A strip is run with the halo above and below it: far fewer rows than those cost no less memory.
_LEAST_STRIP_ROWS = 16


class Upscaler:
    """Call it with an iterable of batches for an iterator of upscaled ones, in order, one out for each in.

    ``by_field`` upscales the two fields of interlaced frames by themselves and weaves them again. An upscaled batch
    stays as it is until ``hold`` further ones have been taken, then its memory may be used again; None: for ever.
    ``tell`` hears what the user should know of the running, such as frames that half precision could not hold. Where
    the device has not memory enough, the same batch is run in smaller parts, see MemoryLadder.
    """

    def __init__(
        self,
        loaded: LoadedNetwork,
        placement: Placement,
        source: Picture,
        target: Picture,
        *,
        by_field: bool = False,
        hold: int | None = None,
        tell: Callable[[str], None] | None = None,
    ):
        self._by_field = by_field
        self._hold = hold
        if by_field:
            source, target = (replace(picture, height=picture.height // 2) for picture in (source, target))

        def load(where: Placement) -> backends.Runner:
            network = loaded.quantised() if where.precision == "int8" else loaded.network
            model = PlaneModel(network, source, target, where.precision, where.strip_rows)
            return backends.get(where.backend).load(model, where.device, tell=tell)

        halo, cell = loaded.network.halo, loaded.network.cell
        least = None if halo is None else max(_LEAST_STRIP_ROWS, halo * cell)
        self._runner = MemoryLadder(load, placement, Strips(source.height, least), tell)

    @property
    def placement(self) -> Placement:
        """Where and how the network runs now; not as it was asked for where memory was short."""
        return self._runner.placement

    @property
    def stepped_down(self) -> bool:
        """Whether the device had not memory enough for what was asked of it, so that less is asked at once."""
        return self._runner.stepped_down

    @property
    def device(self) -> str:
        """Where it runs now, in words fit for a report."""
        return self._runner.device

    def __call__(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        inside: deque[Batch] = deque()

        def entering() -> Iterator[backends.Planes]:
            for item in batches:
                inside.append(item)
                yield fields.split(item.planes) if self._by_field else item.planes

        for planes in self._runner.stream(entering(), hold=self._hold):
            yield replace(inside.popleft(), planes=fields.weave(planes) if self._by_field else planes)

    def upscale(self, planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Planes (N, h, w) of the source picture to those of the target picture. Raises BackendError."""
        if self._by_field:
            return fields.weave(self._runner(fields.split(planes)))
        return self._runner(planes)

    def close(self) -> None:
        """Give the device back."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
