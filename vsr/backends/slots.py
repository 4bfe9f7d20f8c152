"""The slot ring: batches go through a GPU several at a time, each in a slot with a captured graph of its own.

A slot holds a stream, pinned inputs, device inputs and one CUDA graph: copy in, program. The copy out is submitted
behind the graph, not inside it: what a graph writes to is fixed when it is captured, while the host keeps results for
as long as the encoder needs them, so each batch's planes land in the next of a ring of pinned buffers.

Where the roof is, by arithmetic: PCIe 5.0 x16 moves 63 GB/s each way at once, some 50 of them payload. A 4K 4:2:0 frame
of 8 bits is 12.4 MB, so 800 of them a second are 10 GB/s out and, from 1080p, 2.5 GB/s in: a fifth of the bus, but all
that one core can copy within the host. So results are never copied on the host (the caller reads the pinned memory),
and the inputs are copied once, into pinned memory, by torch's threads while the other slots compute.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch

from vsr.backends import Planes
from vsr.backends.cuda_layer import Layer
from vsr.backends.memory_full import memory_full
from vsr.backends.torch_errors import mapped_errors
from vsr.errors import BackendError, DeviceMemoryError
from vsr.plane_model import Picture

Program = Callable[[Planes], Planes]
"""Planes (N, h, w) of the source on the device to those of the target there, submitted to the current CUDA stream.

It is called a few times to warm up and once under capture, always with the same tensors: it must do the same each time,
never wait for the device, and leave its results in memory that only the next call writes to.
"""

# A card is full with about this many luma samples of input at once: some 130 multiprocessors, each with 2048 of them.
_FULL_CARD_SAMPLES = 1 << 18
_MOST_SLOTS = 8


def default_slots(luma_samples: int) -> int:
    """How many batches of ``luma_samples`` source samples to keep in flight, 3 to 8.

    Enough to fill the card together, and two more: one on its way in, one on its way out. An estimate, not a
    measurement; each slot costs the memory of one batch's activations.
    """
    return min(-(-_FULL_CARD_SAMPLES // luma_samples) + 2, _MOST_SLOTS)


class SlotRing:
    """A ``vsr.backends.Runner`` on a GPU: runs one program a slot, each captured once, several at the same time.

    ``program_for_slot(index)`` makes the program of a slot, once for each set of slots: programs run at the same time
    and must share nothing that they write to. The first batch fixes N; slots are made as they are first needed, and
    made anew when a stream begins with a larger N.

    With ``redo`` a program gives one output more, the last: (N,) bool, True for a frame that overflowed. A batch with
    such a frame goes through ``redo`` (a program without that output, not captured). ``tell`` is told of that, each
    time, and when memory holds fewer slots than wanted.
    """

    def __init__(
        self,
        layer: Layer,
        source: Picture,
        program_for_slot: Callable[[int], Program],
        *,
        redo: Program | None = None,
        tell: Callable[[str], None] | None = None,
        slots: int | None = None,
    ):
        """``slots``: how many batches may be in flight, chosen by the picture's size when None."""
        self.device = layer.device
        self._layer = layer
        self._source = source
        self._program_for_slot = program_for_slot
        self._redo = redo
        self._say = tell or (lambda _: None)
        self._wanted_slots = slots
        self._slots: list[_Slot] = []
        self._idle: deque[_Slot] = deque()
        self._frames = 0
        self._count = 1
        self._streaming = False
        self._closed = False

    def __call__(self, planes: Planes) -> Planes:
        """One batch by itself; the result is new memory. Raises BackendError."""
        (result,) = self.stream((planes,), hold=None)
        return result

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:
        """As ``Runner.stream``; one stream at a time. Raises BackendError.

        The last batch may be smaller: it goes through the same graph with other frames beside it, which nobody looks
        at. That costs no second capture and gives each frame the very arithmetic of the full batches. With
        ``hold`` results are pinned memory, with None they are copied into memory of their own.
        """
        if self._streaming:
            raise BackendError(f"{self.device}: a stream of this runner is still being read; finish or close it first")
        self._streaming = True
        outputs: list[Planes] = []
        flying: deque[_Flight] = deque()
        try:
            for number, planes in enumerate(batches):
                if number == 0:
                    self._begin(planes)
                self._check(planes)
                self._make_slot_if_all_fly()
                if len(flying) == self._count:
                    yield self._land(flying.popleft(), hold)
                flying.append(self._submit(number, planes, outputs, hold))
                # What is ready leaves now rather than when the ring is full: the next batch may be long in coming.
                while flying and self._ready(flying[0]):
                    yield self._land(flying.popleft(), hold)
            while flying:
                yield self._land(flying.popleft(), hold)
        finally:
            self._come_to_rest()
            self._streaming = False

    def close(self) -> None:
        """Wait for what is in flight and give all memory back."""
        self._closed = True
        self._drop_slots()

    def _begin(self, planes: Planes) -> None:
        """Set N and the number of slots by the first batch of a stream."""
        frames = planes[0].shape[0] if planes else 0
        if frames > self._frames:
            self._drop_slots()
            self._frames = frames
            self._count = self._wanted_slots or default_slots(frames * self._source.width * self._source.height)

    def _submit(self, number: int, planes: Planes, outputs: list[Planes], hold: int | None) -> "_Flight":
        with self._errors():
            slot = self._idle.popleft()
            # Of the results not landed yet each needs a buffer of its own, and so do the last `hold` that were taken.
            # Buffers belong to the stream: those still held when it ends are freed by their last reader.
            if number < self._count + (hold or 0):
                outputs.append(slot.new_outputs())
            into = outputs[number % len(outputs)]
            slot.submit(planes, into)
        return _Flight(slot, planes[0].shape[0], into)

    def _land(self, flight: "_Flight", hold: int | None) -> Planes:
        planes, frames = flight.into, flight.frames
        with self._errors():
            flight.slot.lane.wait()
            if self._redo is not None:
                planes, overflowed = planes[:-1], planes[-1]
                if bool(overflowed[:frames].any()):
                    flight.slot.redo(self._redo, planes)
                    self._say("half precision overflowed in some frames: those were upscaled again in float32")
            self._idle.append(flight.slot)
            return tuple(plane[:frames] if hold is not None else plane[:frames].clone() for plane in planes)

    def _ready(self, flight: "_Flight") -> bool:
        with self._errors():
            return flight.slot.lane.reached()

    def _make_slot_if_all_fly(self) -> None:
        """Another slot where none is at rest and there may be more; where memory is full, those that there are do."""
        if self._closed:
            raise BackendError("this runner is closed")
        if self._idle or len(self._slots) == self._count:
            return
        with self._errors():
            slot = None
            try:
                slot = self._new_slot()
            except (RuntimeError, DeviceMemoryError) as exc:
                if not self._slots or not memory_full(exc):
                    raise
            if slot is not None:
                self._slots.append(slot)
                self._idle.append(slot)
                return
            self._count = len(self._slots)
            self._layer.release()  # what the slot took before memory was full
            self._say(f"{self.device} has memory for {self._count} batches in flight only: it may idle at times")

    def _new_slot(self) -> "_Slot":
        sizes = self._source.layout.plane_sizes(self._source.width, self._source.height)
        shapes = [(self._frames, *size) for size in sizes]
        return _Slot(self._layer, self._program_for_slot(len(self._slots)), shapes, self._source.layout.dtype)

    def _check(self, planes: Planes) -> None:
        layout = self._source.layout
        expected = list(layout.plane_sizes(self._source.width, self._source.height))
        given = [tuple(plane.shape[1:]) for plane in planes]
        if given != expected or {plane.dtype for plane in planes} != {layout.dtype}:
            kinds = ", ".join(str(plane.dtype) for plane in planes)
            raise BackendError(f"planes of {given} ({kinds}) were given; this runner takes {expected} ({layout.dtype})")
        frames = {plane.shape[0] for plane in planes}
        if len(frames) > 1 or not 0 < min(frames) <= self._frames:
            raise BackendError(f"a batch of {sorted(frames)} frames was given; this stream began with {self._frames}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Map errors; after one nothing on the device is to be relied on, so the slots go."""
        try:
            with mapped_errors(self.device, "a batch", "if it happens again, use --device cpu"):
                yield
        except BackendError:
            self._drop_slots()
            raise

    def _come_to_rest(self) -> None:
        """Wait until the device leaves all buffers alone; after a fault it will not touch them again."""
        for slot in self._slots:
            with suppress(RuntimeError):
                slot.lane.drain()
        self._idle = deque(self._slots)

    def _drop_slots(self) -> None:
        self._come_to_rest()
        self._slots.clear()
        self._idle.clear()
        self._frames = 0
        with suppress(RuntimeError):  # after a fault nothing can be given back; the fault itself was raised
            self._layer.release()


class _Slot:
    """Buffers of N frames, and the graph that takes them through the program."""

    def __init__(self, layer: Layer, program: Program, shapes: Sequence[tuple[int, ...]], dtype: torch.dtype):
        self._layer = layer
        self._program = program  # its memory is what the graph works on
        self.lane = layer.lane()
        self._pinned = tuple(layer.pinned(shape, dtype) for shape in shapes)
        self._inputs = self.lane.run(lambda: tuple(layer.memory(shape, dtype) for shape in shapes))

        def work() -> Planes:
            for device, host in zip(inputs, pinned, strict=True):
                layer.copy(device, host)
            return tuple(plane.contiguous() for plane in program(inputs))

        inputs, pinned = self._inputs, self._pinned
        try:
            self._replay, self._outputs = self.lane.capture(work)
        except BaseException:
            with suppress(RuntimeError):
                self.lane.drain()  # the warm-up may still read and write the buffers
            raise

    def new_outputs(self) -> Planes:
        """Pinned memory for one batch of results."""
        return tuple(self._layer.pinned(tuple(plane.shape), plane.dtype) for plane in self._outputs)

    def submit(self, planes: Planes, into: Planes) -> None:
        """Start ``planes`` on their way to ``into``; the slot must be at rest."""
        for host, plane in zip(self._pinned, planes, strict=True):
            host[: plane.shape[0]].copy_(plane)

        def work() -> None:
            self._replay()
            self._copy_out(into, self._outputs)

        self.lane.run(work)
        self.lane.mark()

    def redo(self, program: Program, into: Planes) -> None:
        """Run the batch that the slot holds through ``program`` into ``into``, and wait for it."""
        self.lane.run(lambda: self._copy_out(into, tuple(plane.contiguous() for plane in program(self._inputs))))
        self.lane.mark()
        self.lane.wait()

    def _copy_out(self, into: Planes, planes: Planes) -> None:
        for host, device in zip(into, planes, strict=True):
            self._layer.copy(host, device)


@dataclass(frozen=True)
class _Flight:
    """A batch on its way through a slot."""

    slot: _Slot
    frames: int
    into: Planes
