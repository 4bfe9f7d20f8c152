"""The OpenVINO backend: the whole PlaneModel compiled for this CPU, the fastest way to run one on x86."""

import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vsr.backends import Planes, PrecisionChoice
from vsr.backends.memory_full import memory_full
from vsr.errors import BackendError, DeviceMemoryError
from vsr.plane_model import PlaneModel, Precision

_STREAMS = 2
"""Batches at work at once, each on its share of the threads. On two cores that is 5 to 10% faster than one on both, and
14% where an encoder wants them too; fewer threads for it or for x264 made the whole slower."""
_ALONE = 1
"""For a batch that is waited for: every thread works on it, so that it is done soonest."""

if TYPE_CHECKING:
    import numpy.typing as npt
    import openvino as ov


class OpenVinoBackend:
    """Compiles a PlaneModel for the CPU."""

    name = "openvino"

    def unavailable(self) -> str | None:
        """Where the package is missing."""
        if find_spec("openvino") is None:
            return "the package openvino is not installed; pip install openvino, or use --backend torch"
        return None

    def devices(self) -> tuple[str, ...]:
        """``cpu`` only."""
        return ("cpu",)

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:  # noqa: ARG002
        """``auto`` is bf16 where the CPU multiplies it in hardware, else fp32.

        Never int8: what its ranges clip was not among the photographs that they were calibrated on.
        """
        from vsr.backends.openvino_compiler import multiplies_bf16, multiplies_int8

        if choice == "auto":
            return "bf16" if multiplies_bf16() else "fp32"
        if choice == "fp16":
            raise BackendError("the openvino backend has no fp16 on a CPU; use bf16 or fp32")
        if choice == "int8" and not multiplies_int8():
            raise BackendError("int8 is inexact on this CPU, which has no VNNI; use bf16 or fp32")
        return choice

    def load(
        self,
        model: PlaneModel,
        device: str,
        *,
        tell: Callable[[str], None] | None = None,  # noqa: ARG002 - there is nothing to tell
    ) -> "OpenVinoRunner":
        """Get ready to compile ``model``; each batch size is compiled when it is first met."""
        if device != "cpu":
            raise BackendError(f"no device '{device}' for the openvino backend; it runs on: cpu")
        return OpenVinoRunner(model.eval())


class OpenVinoRunner:
    """A PlaneModel compiled for the CPU, once for each batch size that comes, alone or in a stream."""

    def __init__(self, model: PlaneModel):
        self._model = model
        self._compiled: dict[_Form, ov.CompiledModel] = {}
        self._idle: dict[_Form, list[ov.InferRequest]] = {}
        self._closed = False
        self._threads = torch.get_num_threads()
        self.device = f"{platform.machine()} CPU, {self._threads} threads"

    def __call__(self, planes: Planes) -> Planes:
        """One batch, alone."""
        return self._finish(self._start(planes, _ALONE))

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:  # noqa: ARG002
        """As many batches at work as there are streams, and one ready; each result is new memory, whatever ``hold``."""
        working: deque[_Working] = deque()
        try:
            for planes in batches:
                working.append(self._start(planes, _STREAMS))
                if len(working) > _STREAMS:
                    yield self._finish(working.popleft())
            while working:
                yield self._finish(working.popleft())
        finally:
            for left in working:
                left.request.cancel()
                with suppress(RuntimeError):  # cancelled
                    left.request.wait()

    def close(self) -> None:
        """Drop the compiled models and their memory."""
        self._closed = True
        self._idle.clear()
        self._compiled.clear()

    def _start(self, planes: Planes, streams: int) -> "_Working":
        import openvino as ov

        if self._closed:
            raise BackendError("this runner is closed")
        form = _Form(planes[0].shape[0], streams)
        with _mapped_errors():
            idle = self._idle.setdefault(form, [])
            request = idle.pop() if idle else self._compile(form).create_infer_request()
            # What the request reads and writes is kept alive with it: OpenVINO shares the memory.
            inputs = [np.ascontiguousarray(plane.numpy()) for plane in planes]
            outputs = [np.empty(port.shape, port.element_type.to_dtype()) for port in self._compiled[form].outputs]
            for index, array in enumerate(inputs):
                request.set_input_tensor(index, ov.Tensor(array, shared_memory=True))
            for index, array in enumerate(outputs):
                request.set_output_tensor(index, ov.Tensor(array, shared_memory=True))
            request.start_async()
        return _Working(form, request, inputs, outputs)

    def _finish(self, working: "_Working") -> Planes:
        with _mapped_errors():
            working.request.wait()
        self._idle[working.form].append(working.request)
        return tuple(torch.from_numpy(array) for array in working.outputs)

    def _compile(self, form: "_Form") -> "ov.CompiledModel":
        from vsr.backends.openvino_compiler import compile_model

        if form not in self._compiled:
            self._compiled[form] = compile_model(
                self._model, form.batch_size, threads=self._threads, streams=form.streams
            )
        return self._compiled[form]


@dataclass(frozen=True)
class _Form:
    """What OpenVINO compiles a model for."""

    batch_size: int
    streams: int


@dataclass(frozen=True)
class _Working:
    """A request that was started, with the memory that it reads and writes."""

    form: _Form
    request: "ov.InferRequest"
    inputs: "list[npt.NDArray[Any]]"
    outputs: "list[npt.NDArray[Any]]"


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as exc:
        if memory_full(exc):
            raise DeviceMemoryError("the CPU is out of memory; use a smaller --batch-size or --strip-rows") from exc
        raise BackendError(f"the openvino backend failed: {_last_line(exc)}") from exc


def _last_line(exc: BaseException) -> str:
    """OpenVINO's messages begin with places in its source; what happened is the last line."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[-1] if lines else type(exc).__name__
