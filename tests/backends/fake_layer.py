"""A device for the slot ring on the CPU: what is submitted runs later, as late as its pace says, or fails on demand."""

import random
import weakref
from collections import deque
from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import Tensor

from vsr.backends import Planes

T = TypeVar("T")
Pace = Literal["late", "early", "random"]
"""``late``: nothing runs before somebody waits for it. ``early``: at once. ``random``: some of it, whenever asked."""
POISON = 0xAB


class FakeLayer:
    """A ``vsr.backends.cuda_layer.Layer`` that keeps account.

    ``fail`` names a call and which one of its kind raises an ``error()``; with ``sticky`` every later call raises too.
    """

    device = "fake"

    def __init__(self, pace: Pace = "late", *, fail: tuple[str, int] | None = None, sticky: bool = False):
        self.pace: Pace = pace
        self.error: Callable[[], Exception] = lambda: RuntimeError("device lost\nand a long story")
        self.lanes: list[FakeLane] = []
        self.current: FakeLane | None = None
        self.most_in_flight = 0
        self.random = random.Random(0)
        self._fail, self._sticky, self._broken = fail, sticky, False
        self.calls: dict[str, int] = {}
        self._memory: list[weakref.ref[Tensor]] = []

    def note(self, call: str) -> None:
        """Count a call; raise where this one is to fail."""
        number = self.calls.get(call, 0)
        self.calls[call] = number + 1
        if self._fail == (call, number) or (self._broken and self._sticky):
            self._broken = True
            if self._sticky:  # a dead device runs nothing more
                for lane in self.lanes:
                    lane.queue.clear()
            raise self.error()

    def lane(self) -> "FakeLane":
        self.note("lane")
        self.lanes.append(FakeLane(self))
        return self.lanes[-1]

    def pinned(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        self.note("pinned")
        return self._poisoned(shape, dtype)

    def memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        self.note("memory")
        return self._poisoned(shape, dtype)

    def _poisoned(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        tensor = torch.full(shape, POISON % 2 if dtype == torch.bool else POISON, dtype=dtype)
        self._memory.append(weakref.ref(tensor))
        return tensor

    def copy(self, target: Tensor, source: Tensor) -> None:
        self.note("copy")
        if self.current is None:
            target.copy_(source)
        else:
            self.current.submit(lambda: target.copy_(source))

    def release(self) -> None:
        self.note("release")

    @property
    def pending(self) -> int:
        """How many operations were submitted and have not run."""
        return sum(len(lane.queue) for lane in self.lanes)

    @property
    def tensors_alive(self) -> int:
        """How many of the tensors given out are still in use."""
        return sum(ref() is not None for ref in self._memory)

    def progress(self) -> None:
        """Let the device work on, as far as its pace wants."""
        self.most_in_flight = max(self.most_in_flight, sum(bool(lane.queue) for lane in self.lanes))
        while self.pending and (self.pace == "early" or (self.pace == "random" and self.random.random() < 0.6)):
            self.random.choice([lane for lane in self.lanes if lane.queue]).step()


class FakeLane:
    """A ``vsr.backends.cuda_layer.Lane``: a queue of functions that have not run yet."""

    def __init__(self, layer: FakeLayer):
        self._layer = layer
        self.queue: deque[Callable[[], object]] = deque()
        self._submitted = self._ran = self._mark = 0

    def submit(self, operation: Callable[[], object]) -> None:
        self.queue.append(operation)
        self._submitted += 1
        self._layer.progress()

    def step(self) -> None:
        """Run the oldest operation; what it does happens on the device, so at once."""
        before, self._layer.current = self._layer.current, None
        try:
            self._ran += 1
            self.queue.popleft()()
        finally:
            self._layer.current = before

    def run(self, work: Callable[[], T]) -> T:
        self._layer.note("run")
        before, self._layer.current = self._layer.current, self
        try:
            return work()
        finally:
            self._layer.current = before

    def capture(self, work: Callable[[], Planes]) -> tuple[Callable[[], None], Planes]:
        self._layer.note("capture")
        for _ in range(2):
            self.submit(work)
        while self.queue:
            self.step()
        # Warmed up, now captured: the outputs' memory holds nothing yet.
        outputs = tuple(torch.full_like(plane, POISON % 2 if plane.dtype == torch.bool else POISON) for plane in work())

        def all_at_once() -> None:
            for output, plane in zip(outputs, work(), strict=True):
                output.copy_(plane)

        def replay() -> None:
            self._layer.note("replay")
            assert self._layer.current is self
            self.submit(all_at_once)

        return replay, outputs

    def mark(self) -> None:
        self._layer.note("mark")
        self._mark = self._submitted

    def reached(self) -> bool:
        self._layer.note("reached")
        self._layer.progress()
        return self._ran >= self._mark

    def wait(self) -> None:
        self._layer.note("wait")
        while self._ran < self._mark:
            self.step()

    def drain(self) -> None:
        self._layer.note("drain")
        while self.queue:
            self.step()
