"""A backend with a fake device of little memory, for the tests of what is done where it is full."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from tests.backends.fake_layer import FakeLayer, Pace
from vsr.backends import Planes, PrecisionChoice, Runner
from vsr.backends.slots import SlotRing
from vsr.errors import DeviceMemoryError
from vsr.plane_model import PlaneModel, Precision


class Layer(FakeLayer):
    """A fake device whose own memory is told apart from the host's."""

    device = "small:0"

    def __init__(self, pace: Pace):
        super().__init__(pace)
        self.on_device: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()

    def memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        tensor = super().memory(shape, dtype)
        self.on_device.add(tensor)
        return tensor


@dataclass
class Small:
    """A backend whose device runs a slot ring, and holds so many samples of what the network sees at once."""

    memory: Callable[[int], float]
    """Of how many runs there have been, in samples."""
    pace: Pace = "late"
    name: str = "small"
    too_full_to_load: bool = False
    runs: int = 0
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    """Pictures and rows at once, whenever they changed."""
    layers: list[Layer] = field(default_factory=list)
    rings: weakref.WeakSet[SlotRing] = field(default_factory=weakref.WeakSet)

    def unavailable(self) -> str | None:
        return None

    def devices(self) -> tuple[str, ...]:
        return ("small:0",)

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:
        return "fp32"

    def load(self, model: PlaneModel, device: str, *, tell: Callable[[str], None] | None = None) -> Runner:
        for lane in (lane for layer in self.layers for lane in layer.lanes):
            lane.queue.clear()  # of the work behind a failed one, this fake device keeps account for ever
        assert all(len(layer.on_device) == 0 for layer in self.layers)  # the runner before gave everything back
        assert not self.rings
        if self.too_full_to_load:
            raise DeviceMemoryError(f"{device} is out of memory")
        layer = Layer(self.pace)
        self.layers.append(layer)

        def program(planes: Planes) -> Planes:
            count, rows, columns = planes[0].shape
            if (count, model.strip_rows) not in self.asked[-1:]:
                self.asked.append((count, model.strip_rows))
            self.runs += 1
            if count * min(model.strip_rows or rows, rows) * columns > self.memory(self.runs):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return model(*planes)  # type: ignore[no-any-return]

        ring = SlotRing(layer, model.source, lambda _: torch.no_grad()(program), tell=tell, slots=2)
        self.rings.add(ring)
        return ring
