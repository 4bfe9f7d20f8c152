"""The few CUDA calls that the slot ring makes, behind protocols: the ring is tested without a GPU against others."""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from vsr.backends import Planes

T = TypeVar("T")
# Libraries choose algorithms, load kernels and make workspaces in the first runs, none of which a capture allows.
_WARM_UPS = 3
# PyTorch captures one graph at a time in a process, and may not give memory back meanwhile.
_capturing = threading.Lock()
# torch hands out the same 32 streams of a device in turn, while a lane that captures must have its own to itself:
# streams that lanes leave behind are taken before new ones are asked for.
_free_streams: dict[torch.device, list[torch.cuda.Stream]] = {}


class Lane(Protocol):
    """One queue of device work: what is submitted to it runs in order, beside what other lanes run."""

    def run(self, work: Callable[[], T]) -> T:
        """Call ``work`` with this lane as the current stream; what it submits may not have run when this returns."""
        ...

    def capture(self, work: Callable[[], Planes]) -> tuple[Callable[[], None], Planes]:
        """``work`` as a graph: (replay, outputs). ``replay``, called inside ``run``, does it again.

        The outputs are the same memory after each replay. ``work`` is called a few times before, to warm up, and must
        do the same each time, on the same addresses.
        """
        ...

    def mark(self) -> None:
        """Remember this point: what was submitted until now."""
        ...

    def reached(self) -> bool:
        """Whether all work up to the mark has run; True without a mark."""
        ...

    def wait(self) -> None:
        """Sleep until all work up to the mark has run; raises RuntimeError when that work failed."""
        ...

    def drain(self) -> None:
        """Sleep until all work submitted, marked or not, has run; raises RuntimeError when that work failed."""
        ...


class Layer(Protocol):
    """A device as the slot ring sees it."""

    device: str
    """In words fit for a report."""

    def lane(self) -> Lane:
        """A new lane."""
        ...

    def pinned(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Uninitialised memory on the host, page-locked: the device copies from and to it by itself."""
        ...

    def memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Uninitialised memory on the device, for the current lane."""
        ...

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Submit a copy between host and device to the current lane; the host doesn't wait for it."""
        ...

    def release(self) -> None:
        """Give memory that nothing uses any more back to the driver."""
        ...


class CudaLane:
    """A CUDA stream and one event.

    The stream is one of torch's, which do not wait for the legacy default stream, nor that one for them. Nothing here
    is done in inference mode: a first capture in that mode makes tensors of torch's own that no later one outside of
    it may write to (pytorch/pytorch#166792).
    """

    def __init__(self, device: torch.device):
        free = _free_streams.setdefault(device, [])
        self._stream = free.pop() if free else torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        weakref.finalize(self, free.append, self._stream)
        # `blocking`: the thread sleeps instead of spinning on a core that the decoder and the encoder can use.
        self._event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self._default = torch.cuda.default_stream(device)

    @torch.no_grad()
    def run(self, work: Callable[[], T]) -> T:
        with torch.cuda.stream(self._stream):
            return work()

    @torch.no_grad()
    def capture(self, work: Callable[[], Planes]) -> tuple[Callable[[], None], Planes]:
        # The outer `stream` restores the thread's stream where a failed capture does not.
        with _capturing, torch.cuda.stream(self._stream), _algorithms_measured():
            self._stream.wait_stream(self._default)  # weights were put on the device there
            for _ in range(_WARM_UPS):
                work()
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # Each graph has a memory pool of its own: graphs that share one must never run at the same time, and
            # these do. `thread_local`: decoders and encoders on other threads may go on calling CUDA meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                outputs = work()
            return graph.replay, outputs

    def mark(self) -> None:
        self._event.record(self._stream)

    def reached(self) -> bool:
        return bool(self._event.query())  # type: ignore[no-untyped-call]

    def wait(self) -> None:
        self._event.synchronize()

    def drain(self) -> None:
        self._stream.synchronize()


class CudaLayer:
    """An NVIDIA GPU through torch."""

    def __init__(self, device: torch.device):
        self._device = device
        self.device = f"{torch.cuda.get_device_name(device)} ({device})"

    def lane(self) -> CudaLane:
        return CudaLane(self._device)

    def pinned(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=self._device)

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.copy_(source, non_blocking=True)

    def release(self) -> None:
        with _capturing:
            torch.cuda.empty_cache()


@contextmanager
def _algorithms_measured() -> Iterator[None]:
    """Let cuDNN time its algorithms in the warm-up runs: the shapes never change afterwards."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
