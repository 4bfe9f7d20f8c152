"""TensorRT's API on the CPU: an "engine" is its ONNX graph, and onnxruntime computes on the addresses it is given.

``Module`` stands for the package ``tensorrt``, ``RtxModule`` for ``tensorrt_rtx``. What is to go wrong is set on them.
"""

import ctypes
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.export.running import session
from vsr.export.tensorrt_library import Library

_KINDS: dict[str, Any] = {
    "tensor(uint8)": ctypes.c_uint8,
    "tensor(float)": ctypes.c_float,
    "tensor(bool)": ctypes.c_bool,
}
MAGIC = b"plan of "


class Module:
    """The package ``tensorrt``."""

    __version__ = "10.0"
    BuilderFlag = SimpleNamespace(TF32="TF32")
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)

    class ILogger:
        ERROR, INTERNAL_ERROR, WARNING = "error", "internal", "warning"

    class IProgressMonitor:
        pass

    def __init__(self) -> None:
        self.builds = 0
        self.steps = 3
        self.build_error: str | None = None
        self.enqueue_error: str | None = None
        self.timings_given: list[bytes] = []
        self.contexts: list[Context] = []
        self.logger: Any = None

    def library(self) -> Library:
        """As ``vsr.export.tensorrt_library.library`` gives it."""
        errors: deque[str] = deque(maxlen=8)
        self.logger = SimpleNamespace(log=lambda severity, words: errors.append(words))
        return Library("tensorrt", self, self.logger, errors)

    def complain(self, words: str) -> None:
        self.logger.log(self.ILogger.ERROR, words)

    def Builder(self, logger: Any) -> "Builder":  # noqa: N802
        return Builder(self)

    def OnnxParser(self, network: Any, logger: Any) -> Any:  # noqa: N802
        return SimpleNamespace(parse=lambda content: bool(network.append(content) or True))

    def Runtime(self, logger: Any) -> Any:  # noqa: N802
        return SimpleNamespace(deserialize_cuda_engine=self._deserialize)

    def _deserialize(self, content: bytes) -> "Engine | None":
        if not content.startswith(MAGIC):
            self.complain("Serialization assertion failed")
            return None
        return Engine(self, content.removeprefix(MAGIC))


class RtxModule(Module):
    """The package ``tensorrt_rtx``."""

    ComputeCapability = SimpleNamespace(SM86="SM86", SM120="SM120", CURRENT="CURRENT")

    def __init__(self) -> None:
        super().__init__()
        self.kernels_given: list[bytes] = []


class Builder:
    def __init__(self, module: Module):
        self._module = module

    def create_network(self, flags: int) -> list[bytes]:
        assert flags == 1 << 1
        return []

    def create_builder_config(self) -> "Config":
        return Config(self._module)

    def build_serialized_network(self, network: list[bytes], config: "Config") -> bytes | None:
        self._module.builds += 1
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, self._module.steps)
        for step in range(self._module.steps):
            if not monitor.step_complete("Building", step):
                return None
        monitor.phase_finish("Building")
        if self._module.build_error is not None:
            self._module.complain(self._module.build_error)
            return None
        return MAGIC + network[0]


class Config:
    def __init__(self, module: Module):
        self._module = module
        self.progress_monitor: Any = None
        self.num_compute_capabilities = 0
        self.capabilities: list[str] = []

    def clear_flag(self, flag: str) -> None:
        assert flag == "TF32"

    def set_compute_capability(self, capability: str, index: int) -> None:
        self.capabilities.append(capability)

    def create_timing_cache(self, content: bytes) -> Any:
        self._module.timings_given.append(content)
        return SimpleNamespace(serialize=lambda: b"timings")

    def set_timing_cache(self, timings: Any, ignore_mismatch: bool) -> bool:
        return not ignore_mismatch


class Engine:
    def __init__(self, module: Module, onnx: bytes):
        self._module = module
        self._onnx = onnx

    def create_runtime_config(self) -> Any:
        def deserialize(content: bytes) -> None:
            assert isinstance(self._module, RtxModule)
            self._module.kernels_given.append(content)

        kernels = SimpleNamespace(serialize=lambda: b"kernels", deserialize=deserialize)
        return SimpleNamespace(create_runtime_cache=lambda: kernels, set_runtime_cache=lambda _: True)

    def create_execution_context(self, config: Any = None) -> "Context":
        context = Context(self._module, self._onnx)
        self._module.contexts.append(context)
        return context


class Context:
    """Reads and writes host memory at the addresses that it is told, as the GPU does with its own."""

    def __init__(self, module: Module, onnx: bytes):
        self._module = module
        self._session = session(onnx)
        self._tensors = {one.name: one for one in (*self._session.get_inputs(), *self._session.get_outputs())}
        self._addresses: dict[str, int] = {}
        self.streams: list[int] = []

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._tensors[name].shape)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return name in self._tensors

    def execute_async_v3(self, stream: int) -> bool:
        self.streams.append(stream)
        if self._module.enqueue_error is not None:
            self._module.complain(self._module.enqueue_error)
            return False
        names = [one.name for one in self._session.get_inputs()]
        results = self._session.run(None, {name: self._at(name) for name in names})
        for one, result in zip(self._session.get_outputs(), results, strict=True):
            self._at(one.name)[...] = result
        return True

    def _at(self, name: str) -> npt.NDArray[Any]:
        one = self._tensors[name]
        kind = _KINDS[one.type]
        memory = ctypes.cast(self._addresses[name], ctypes.POINTER(kind))
        return np.ctypeslib.as_array(memory, tuple(one.shape))
