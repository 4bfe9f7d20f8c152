"""The PyTorch backend: the portable one, eager, on the CPU or an NVIDIA GPU."""

import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

from vsr.backends import Planes, PrecisionChoice
from vsr.errors import BackendError
from vsr.plane_model import PlaneModel, Precision


class TorchBackend:
    """Runs a PlaneModel as it is."""

    name = "torch"

    def unavailable(self) -> str | None:
        """Never: torch is a dependency of vsr."""
        return None

    def devices(self) -> tuple[str, ...]:
        """``cpu`` and each ``cuda:N``."""
        return ("cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())))

    def precision(self, device: str, choice: PrecisionChoice) -> Precision:
        """``auto`` is bf16 where the device multiplies it in hardware, else fp32."""
        native = _bf16_in_hardware(device)
        if choice == "auto":
            return "bf16" if native else "fp32"
        if choice == "fp16" and device == "cpu":
            raise BackendError("precision fp16 needs a GPU; use bf16 or fp32 on the CPU")
        if choice == "int8":
            raise BackendError("the torch backend has no int8; use --backend openvino, or another --precision")
        return choice

    def load(self, model: PlaneModel, device: str) -> "TorchRunner":
        """Move ``model`` to ``device`` in channels_last. Raises BackendError when the device is absent or full."""
        known = self.devices()
        if device == "cuda" and len(known) > 1:
            device = "cuda:0"
        if device not in known:
            raise BackendError(f"no device '{device}' for the torch backend; this machine has: {', '.join(known)}")
        if device != "cpu":
            torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are no float32: 10-bit video shows it
        with _mapped_errors(device):
            placed: PlaneModel = model.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            return TorchRunner(placed, device)


class TorchRunner:
    """A PlaneModel on a torch device."""

    def __init__(self, model: PlaneModel, device: str):
        self._model: PlaneModel | None = model
        self._torch_device = torch.device(device)
        self.device = _device_name(self._torch_device)

    @torch.inference_mode()
    def __call__(self, planes: Planes) -> Planes:
        if self._model is None:
            raise BackendError("this runner is closed")
        with _mapped_errors(self.device):
            if self._torch_device.type == "cpu":
                return tuple(plane.contiguous() for plane in self._model(*planes))
            on_device = (plane.to(self._torch_device, non_blocking=True) for plane in planes)
            return tuple(plane.cpu() for plane in self._model(*on_device))

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:  # noqa: ARG002 - nothing is reused
        """One batch after the other; each is new memory."""
        for planes in batches:
            yield self(planes)

    def close(self) -> None:
        """Drop the model; cached GPU memory goes back to the driver."""
        self._model = None
        if self._torch_device.type == "cuda":
            torch.cuda.empty_cache()


def _bf16_in_hardware(device: str) -> bool:
    if device.startswith("cuda"):
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return any(_torch_says(probe) for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))


def _torch_says(probe: str) -> bool:
    """The answer of one of ``torch.cpu``'s feature probes, which are not public: False where a version lacks it."""
    ask = getattr(torch.cpu, probe, None)
    return bool(ask()) if ask is not None else False


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


@contextmanager
def _mapped_errors(device: str) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as exc:
        raise BackendError(f"{device} is out of memory; use a smaller --batch-size or --strip-rows") from exc
    except RuntimeError as exc:
        raise BackendError(f"the torch backend failed on {device}: {_first_line(exc)}") from exc


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).splitlines()), type(exc).__name__)
