"""The TensorRT backend: an engine of the whole PlaneModel inside the slot ring's captured graphs."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vsr.backends import Planes, PrecisionChoice
from vsr.backends.cuda_layer import CudaLayer, Layer
from vsr.backends.engines import DEEP, Engines, Gpu
from vsr.backends.slots import Program, SlotRing
from vsr.backends.torch_errors import mapped_errors
from vsr.errors import BackendError
from vsr.export import onnx_
from vsr.export.forms import OVERFLOWED, code_dtype, output_names, plane_names
from vsr.export.tensorrt_library import INSTALL, library
from vsr.plane_model import PlaneModel, Precision

_BF16_FROM = (8, 0)  # NVIDIA Ampere


class TensorRtBackend:
    """Builds engines with TensorRT, or with TensorRT-RTX, and runs them on an NVIDIA GPU."""

    name = "tensorrt"

    def unavailable(self) -> str | None:
        """What is missing: the library, a GPU for torch, one that the library knows, or what makes ONNX graphs."""
        try:
            found = library()
        except BackendError as error:
            return str(error)
        if torch.cuda.device_count() == 0:
            return "PyTorch finds no NVIDIA GPU; use --backend openvino or torch"
        if not self.devices():
            return f"{found.name} makes no engine for {_gpu(torch.device('cuda:0')).words}; {INSTALL}"
        return onnx_.unavailable()

    def devices(self) -> tuple[str, ...]:
        """Each ``cuda:N`` that the library makes engines for."""
        known = library().capabilities()
        return tuple(
            f"cuda:{i}"
            for i in range(torch.cuda.device_count())
            if known is None or torch.cuda.get_device_capability(i) in known
        )

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:
        """``auto`` is fp16; bf16 only where the GPU multiplies it."""
        if choice == "int8":
            raise BackendError("the tensorrt backend has no int8; use fp16")
        if choice == "bf16" and torch.cuda.get_device_capability(device) < _BF16_FROM:
            raise BackendError(f"{device} does not multiply bf16; use fp16")
        return "fp16" if choice == "auto" else choice

    def load(self, model: PlaneModel, device: str, *, tell: Callable[[str], None] | None = None) -> "TensorRtRunner":
        """Get ready to run ``model``; its engine is taken from the cache, or built, when the first batch comes.

        ``tell`` hears of builds and how far they are, and of frames that half precision could not hold. Raises
        BackendError when the device is absent.
        """
        known = self.devices()
        if device == "cuda" and known:
            device = known[0]
        if device not in known:
            raise BackendError(f"no device '{device}' for the tensorrt backend; this machine has: {', '.join(known)}")
        place = torch.device(device)
        with mapped_errors(device):
            engines = Engines(model.eval(), library(), _gpu(place), tell)
            exact = None if model.precision == "fp32" else _exact(model, place)
            return TensorRtRunner(CudaLayer(place), engines, lambda: EngineProgram(engines), exact, tell)


class TensorRtRunner(SlotRing):
    """A slot ring whose programs are execution contexts of one engine."""

    def __init__(
        self,
        layer: Layer,
        engines: Engines,
        program: Callable[[], Program],
        exact: Program | None,
        tell: Callable[[str], None] | None = None,
    ):
        """``exact`` is the model in float32, for frames that half precision can't hold."""
        super().__init__(layer, engines.model.source, lambda _: program(), redo=exact, tell=tell)
        self._engines = engines

    def close(self) -> None:
        """As SlotRing; what the library compiled for this GPU is kept for the next run."""
        super().close()
        self._engines.close()


class EngineProgram:
    """One execution context as a slot's program: planes on the device to planes there, on the current stream."""

    def __init__(self, engines: Engines, stream: Callable[[], int] | None = None):
        """``stream`` gives the handle of the stream to submit to; None: torch's current one."""
        self._engines = engines
        self._stream = stream or (lambda: torch.cuda.current_stream().cuda_stream)
        self._context: Any = None
        self._outputs: dict[str, Tensor] = {}
        model = engines.model
        self._inputs = plane_names(model.source.layout)
        self._input_dtype = code_dtype(model.source.layout, DEEP)
        self._result_dtype = model.target.layout.dtype

    def __call__(self, planes: Planes) -> Planes:
        """As ``slots.Program``. The first call makes the context, and the engine where there is none."""
        if self._context is None:
            self._prepare(planes[0])
        inputs = [plane.to(self._input_dtype) for plane in planes]
        for name, tensor in (*zip(self._inputs, inputs, strict=True), *self._outputs.items()):
            self._check(self._context.set_tensor_address(name, tensor.data_ptr()))
        self._check(self._context.execute_async_v3(self._stream()))
        return tuple(
            tensor if name == OVERFLOWED else tensor.to(self._result_dtype) for name, tensor in self._outputs.items()
        )

    def _prepare(self, plane: Tensor) -> None:
        """A context for as many frames as ``plane`` has, and memory on its device for what comes out."""
        model = self._engines.model
        context = self._engines.context(plane.shape[0])
        for name in output_names(model, guarded=model.precision != "fp32"):
            dtype = torch.bool if name == OVERFLOWED else code_dtype(model.target.layout, DEEP)
            self._outputs[name] = torch.empty(tuple(context.get_tensor_shape(name)), dtype=dtype, device=plane.device)
        self._context = context

    def _check(self, done: bool) -> None:
        if not done:  # what the ring takes for an error of the device
            raise RuntimeError(f"{self._engines.library.name}: {self._engines.library.last_error()}")


def _exact(model: PlaneModel, device: torch.device) -> Program:
    """A copy of ``model`` in float32 on ``device``, run by torch."""
    torch.backends.cudnn.allow_tf32 = False
    placed = copy.deepcopy(model)
    placed.precision = "fp32"
    placed.to(device)
    return lambda planes: placed(*planes)


def _gpu(device: torch.device) -> Gpu:
    return Gpu(torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device))
