"""The library that builds and runs engines: TensorRT or TensorRT-RTX, one API under two names."""

import importlib
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from vsr.errors import BackendError

_NAMES = ("tensorrt", "tensorrt_rtx")
INSTALL = (
    "pip install 'vsr[tensorrt-rtx]' (GPUs of compute capability 7.5 to 8.9 and from 12.0), "
    "or 'vsr[tensorrt]' (every NVIDIA GPU from 7.5)"
)
_KEPT_ERRORS = 8


@dataclass(frozen=True)
class Library:
    """An imported library, and the logger that all its objects share."""

    name: str
    module: Any
    logger: Any
    errors: "deque[str]"
    """The last error messages, oldest first, one line each."""

    @property
    def version(self) -> str:
        """Name and version, as engines are told apart by it."""
        return f"{self.name} {self.module.__version__}"

    @property
    def rtx(self) -> bool:
        """True where engines are made for a GPU that need not be there: TensorRT-RTX."""
        return hasattr(self.module, "ComputeCapability")

    def capabilities(self) -> tuple[tuple[int, int], ...] | None:
        """The compute capabilities that engines can be made for; None: whatever this machine has."""
        if not self.rtx:
            return None
        digits = (name[2:] for name in dir(self.module.ComputeCapability) if name.startswith("SM"))
        return tuple(sorted((int(text[:-1]), int(text[-1])) for text in digits))

    def last_error(self) -> str:
        """What the library said last, in one line."""
        return self.errors[-1] if self.errors else f"{self.name} did not say why"


@cache
def library() -> Library:
    """TensorRT, or TensorRT-RTX where that is absent. Raises BackendError where both are."""
    name = next((name for name in _NAMES if find_spec(name) is not None), None)
    if name is None:
        raise BackendError(f"neither of the packages tensorrt and tensorrt_rtx is installed; {INSTALL}")
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as exc:
        raise BackendError(f"the package {name} is installed but can't be imported: {exc}") from exc
    errors: deque[str] = deque(maxlen=_KEPT_ERRORS)
    return Library(name, module, _logger(module, errors), errors)


def _logger(trt: Any, errors: "deque[str]") -> Any:
    grave = (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)

    class Collecting(trt.ILogger):  # type: ignore[misc]
        """Keeps errors for the message of the BackendError; says nothing itself."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in grave:
                errors.append(" ".join(message.split()))

    return Collecting()
