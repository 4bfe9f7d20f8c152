"""Backends behind one small protocol: each loads a PlaneModel onto a device and gives back something that runs it."""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from vsr.errors import BackendError
from vsr.plane_model import PlaneModel, Precision

PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16", "int8"]
Planes = tuple[Tensor, ...]


class Runner(Protocol):
    """A loaded PlaneModel."""

    device: str
    """Where it runs, in words fit for a report."""

    def __call__(self, planes: Planes) -> Planes:
        """Planes (N, h, w) of the model's source on the CPU to those of its target on the CPU."""
        ...

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:
        """As ``__call__`` for each of ``batches``, in order, with as many of them in flight as the device likes.

        What is yielded is not written over until ``hold`` further batches have been taken from the iterator, so that
        a runner may keep a fixed ring of buffers; with ``None`` it never is. No batch has a larger N than the first.
        Raises DeviceMemoryError where the device has not memory enough; the results not yielded by then are lost.
        """
        ...

    def close(self) -> None:
        """Give the device's memory back; the runner is not called afterwards."""
        ...


class Backend(Protocol):
    """One way to run a PlaneModel."""

    name: str

    def unavailable(self) -> str | None:
        """Why this machine can't use it and what to do, or None when it can."""
        ...

    def devices(self) -> tuple[str, ...]:
        """Names that ``load`` takes as ``device`` on this machine."""
        ...

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:
        """The precision that ``choice`` means on ``device``; BackendError where the device can't compute in it."""
        ...

    def load(self, model: PlaneModel, device: str, *, tell: Callable[[str], None] | None = None) -> Runner:
        """Put ``model`` on ``device``; ``tell`` hears, on any thread, what a user should know.

        Raises BackendError; DeviceMemoryError where there is not memory enough for it.
        """
        ...


@dataclass(frozen=True)
class _Entry:
    summary: str
    make: Callable[[], Backend]


def _torch() -> Backend:
    from vsr.backends.torch_ import TorchBackend

    return TorchBackend()


def _openvino() -> Backend:
    from vsr.backends.openvino_ import OpenVinoBackend

    return OpenVinoBackend()


def _tensorrt() -> Backend:
    from vsr.backends.tensorrt_ import TensorRtBackend

    return TensorRtBackend()


_BACKENDS = {
    "torch": _Entry("PyTorch, on the CPU or an NVIDIA GPU", _torch),
    "openvino": _Entry("OpenVINO, on the CPU: the fastest there", _openvino),
    "tensorrt": _Entry("TensorRT or TensorRT-RTX, on an NVIDIA GPU", _tensorrt),
}


def names() -> tuple[str, ...]:
    """Every backend that vsr knows, whether or not this machine can use it."""
    return tuple(_BACKENDS)


def summary(name: str) -> str:
    """One line about a backend."""
    return _BACKENDS[name].summary


def default(device: str) -> tuple[str, str | None]:
    """The backend that ``auto`` means for ``device``, and what to tell the user of the choice, if anything.

    The fastest that needs no time to build an engine: OpenVINO on an x86 CPU, PyTorch on all else.
    """
    on_gpu = device.startswith("cuda") or (device == "auto" and len(get("torch").devices()) > 1)
    if on_gpu or platform.machine().lower() not in ("x86_64", "amd64"):
        return "torch", None
    missing = _BACKENDS["openvino"].make().unavailable()
    if missing is None:
        return "openvino", None
    return "torch", f"running on the slower torch backend, because {missing}"


def get(name: str) -> Backend:
    """The backend called ``name``, imported now. Raises BackendError when it is unknown or unusable here."""
    if name not in _BACKENDS:
        raise BackendError(f"no backend '{name}'; choose one of: {', '.join(_BACKENDS)}")
    backend = _BACKENDS[name].make()
    reason = backend.unavailable()
    if reason is not None:
        raise BackendError(f"backend '{name}' can't be used here: {reason}")
    return backend
