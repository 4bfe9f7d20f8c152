"""The PyTorch backend: the portable one. Eager on the CPU; on an NVIDIA GPU a ring of captured CUDA graphs."""

import copy
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from vsr.backends import Planes, PrecisionChoice, Runner
from vsr.backends.cuda_layer import CudaLayer, Layer
from vsr.backends.guard import Guarded
from vsr.backends.slots import Program, SlotRing
from vsr.backends.torch_errors import mapped_errors
from vsr.errors import BackendError
from vsr.plane_model import PlaneModel, Precision

_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
_AUTOCAST_TO_HALF = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
_WITH_TENSOR_CORES = (7, 0)  # NVIDIA Volta; before it, float16 is slow


@dataclass(frozen=True)
class TorchBackend:
    """Runs a PlaneModel as it is."""

    compiled: bool = False
    """Give the model to ``torch.compile`` on a GPU. It fuses what lies between the convolutions, colour work included,
    and takes a minute or so at the start; whether that pays depends on the network and the card. Only code sets it."""
    name = "torch"

    def unavailable(self) -> str | None:
        """Never: torch is a dependency of vsr."""
        return None

    def devices(self) -> tuple[str, ...]:
        """``cpu`` and each ``cuda:N``."""
        return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())))

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:
        """``auto`` is fp16 on a GPU and bf16 on a CPU that multiply it in hardware, else fp32.

        fp16 has three bits more than bf16 and runs as fast; what its range can't hold is found and done again.
        """
        if choice == "auto":
            if device.startswith("cuda") and torch.cuda.is_available():
                return "fp16" if torch.cuda.get_device_capability(device) >= _WITH_TENSOR_CORES else "fp32"
            return "bf16" if _bf16_in_hardware() else "fp32"
        if choice == "fp16" and device == "cpu":
            raise BackendError("precision fp16 needs a GPU; use bf16 or fp32 on the CPU")
        if choice == "int8":
            raise BackendError("the torch backend has no int8; use --backend openvino, or another --precision")
        return choice

    def load(self, model: PlaneModel, device: str, *, tell: Callable[[str], None] | None = None) -> Runner:
        """Put ``model`` on ``device`` in channels_last. Raises BackendError when the device is absent or full.

        ``tell`` hears what a user should know of the running, such as frames that half precision could not hold.
        """
        known = self.devices()
        if device == "cuda" and len(known) > 1:
            device = "cuda:0"
        if device not in known:
            raise BackendError(f"no device '{device}' for the torch backend; this machine has: {', '.join(known)}")
        with mapped_errors(device):
            if device == "cpu":
                return TorchRunner(model.eval().to(memory_format=torch.channels_last))  # type: ignore[call-overload]
            torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are no float32: 10-bit video shows it
            on_gpu = torch.device(device)
            return ring(model.eval(), on_gpu, CudaLayer(on_gpu), compiled=self.compiled, tell=tell)


def ring(
    model: PlaneModel,
    device: torch.device,
    layer: Layer,
    *,
    compiled: bool = False,
    tell: Callable[[str], None] | None = None,
) -> SlotRing:
    """``model`` in the slots of ``layer``, its weights on ``device``; half precision is guarded by float32."""
    fast, exact = _placed(model, device, model.precision), None
    module: nn.Module = fast
    if model.precision != "fp32":
        module, exact = Guarded(fast), _program(_placed(model, device, "fp32"))
    if compiled:
        module.compile(dynamic=False)
    program = _program(module)
    return SlotRing(layer, model.source, lambda _: program, redo=exact, tell=tell)


class TorchRunner:
    """A PlaneModel on the CPU."""

    def __init__(self, model: PlaneModel):
        self._model: PlaneModel | None = model
        self.device = f"{platform.machine()} CPU, {torch.get_num_threads()} threads"

    @torch.inference_mode()
    def __call__(self, planes: Planes) -> Planes:
        if self._model is None:
            raise BackendError("this runner is closed")
        with mapped_errors(self.device):
            return tuple(plane.contiguous() for plane in self._model(*planes))

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:  # noqa: ARG002 - nothing is reused
        """One batch after the other; each is new memory."""
        for planes in batches:
            yield self(planes)

    def close(self) -> None:
        """Drop the model."""
        self._model = None


def _placed(model: PlaneModel, device: torch.device, precision: Precision) -> PlaneModel:
    """A copy of ``model`` on ``device``; the caller's own, whose network others may use, stays as it is."""
    placed = copy.deepcopy(model)
    placed.precision = precision
    if precision in _HALF:
        # What autocast would do in each run. Everything else stays float32, as autocast leaves it.
        for module in placed.network.modules():
            if isinstance(module, _AUTOCAST_TO_HALF):
                module.to(_HALF[precision])
    return placed.to(device).to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]


def _program(module: nn.Module) -> Program:
    return lambda planes: module(*planes)


def _bf16_in_hardware() -> bool:
    return any(_torch_says(probe) for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))


def _torch_says(probe: str) -> bool:
    """The answer of one of ``torch.cpu``'s feature probes, which are not public: False where a version lacks it."""
    ask = getattr(torch.cpu, probe, None)
    return bool(ask()) if ask is not None else False
