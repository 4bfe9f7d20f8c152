"""The PyTorch backend: the portable one, eager, on the CPU or an NVIDIA GPU."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vsr.backends import PrecisionChoice
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
        return choice

    def load(self, model: PlaneModel, device: str) -> "TorchRunner":
        """Move ``model`` to ``device`` in channels_last. Raises BackendError when the device is absent or full."""
        known = self.devices()
        if device == "cuda" and len(known) > 1:
            device = "cuda:0"
        if device not in known:
            raise BackendError(f"no device '{device}' for the torch backend; this machine has: {', '.join(known)}")
        with _mapped_errors(device):
            return TorchRunner(model.eval().to(device).to(memory_format=torch.channels_last), device)


class TorchRunner:
    """A PlaneModel on a torch device."""

    def __init__(self, model: PlaneModel, device: str):
        self._model: PlaneModel | None = model
        self._torch_device = torch.device(device)
        self.device = _device_name(self._torch_device)

    @torch.inference_mode()
    def __call__(self, planes: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._model is None:
            raise BackendError("this runner is closed")
        with _mapped_errors(self.device):
            if self._torch_device.type == "cpu":
                return tuple(plane.contiguous() for plane in self._model(*planes))
            on_device = (plane.to(self._torch_device, non_blocking=True) for plane in planes)
            return tuple(plane.cpu() for plane in self._model(*on_device))

    def close(self) -> None:
        """Drop the model; cached GPU memory goes back to the driver."""
        self._model = None
        if self._torch_device.type == "cuda":
            torch.cuda.empty_cache()


def _bf16_in_hardware(device: str) -> bool:
    if device.startswith("cuda"):
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "amx" in _cpu_flags() or "avx512_bf16" in _cpu_flags()


def _cpu_flags() -> str:
    capabilities = torch.backends.cpu.get_cpu_capability().lower()
    extra = [name for name in ("amx", "avx512_bf16") if _torch_cpu_has(name)]
    return " ".join([capabilities, *extra])


def _torch_cpu_has(feature: str) -> bool:
    probes = {"amx": "_is_amx_tile_supported", "avx512_bf16": "_is_avx512_bf16_supported"}
    probe = getattr(torch.cpu, probes[feature], None)
    return bool(probe()) if probe is not None else False


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
        raise BackendError(f"the torch backend failed on {device}: {str(exc).splitlines()[0]}") from exc
