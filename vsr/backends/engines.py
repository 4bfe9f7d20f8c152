"""The engines of a PlaneModel: from the cache on disk, else built and kept there, with a word on what happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vsr import cache
from vsr.backends.engine_cache import EngineCache
from vsr.backends.fingerprint import fingerprint
from vsr.backends.guard import LARGEST_SAMPLE, Guarded
from vsr.backends.memory_full import says_memory_full
from vsr.errors import BackendError, DeviceMemoryError
from vsr.export.engine import build_engine
from vsr.export.forms import Form, planes_form
from vsr.export.onnx_ import to_onnx
from vsr.export.tensorrt_library import Library
from vsr.plane_model import PlaneModel

DEEP = torch.float32
"""What TensorRT, which has no uint16, takes and gives for planes of more than 8 bits: it holds every code exactly."""


@dataclass(frozen=True)
class Gpu:
    """For which GPU an engine is made."""

    name: str
    capability: tuple[int, int]

    @property
    def words(self) -> str:
        """Both, for messages and for telling engines apart."""
        return f"{self.name} (compute capability {self.capability[0]}.{self.capability[1]})"


class Engines:
    """The engines of one PlaneModel, one for each number of frames in a batch.

    On disk an engine is told from others by the model (weights, sizes, precision and vsr's code), the number of frames
    and the GPU; the library's version stands in the file, so that engines of an older one are replaced.
    """

    def __init__(self, model: PlaneModel, library: Library, gpu: Gpu, tell: Callable[[str], None] | None = None):
        self.model = model
        self.library = library
        self._gpu = gpu
        self._tell = tell or (lambda _: None)
        self._cache = EngineCache(cache.folder("tensorrt"))
        self._of_library = cache.key(library.version, gpu.words)
        self._runtime = library.module.Runtime(library.logger)
        self._engines: dict[int, Any] = {}
        self._kernels: Any = None

    def context(self, frames: int) -> Any:
        """A new execution context for batches of ``frames``. Raises BackendError where no engine can be had."""
        if frames not in self._engines:
            self._engines[frames] = self._load(frames)
        context = self._new_context(self._engines[frames])
        if context is None:
            raise self._error(
                f"{self.library.name} can't run its engine on {self._gpu.name}: {self.library.last_error()}; "
                "use a smaller --batch-size, or --backend torch"
            )
        return context

    @staticmethod
    def _error(message: str) -> BackendError:
        """The library returns nothing where it fails, and says why in words."""
        return DeviceMemoryError(message) if says_memory_full(message) else BackendError(message)

    def close(self) -> None:
        """Let the engines go, and keep the kernels that TensorRT-RTX compiled for them."""
        if self._kernels is not None:
            self._cache.write_plain(f"{self._of_library}.kernels", bytes(self._kernels.serialize()))
        self._kernels = None
        self._engines.clear()

    def _new_context(self, engine: Any) -> Any:
        """TensorRT-RTX compiles an engine's kernels for the GPU only here; its runtime cache keeps them."""
        if not self.library.rtx:
            return engine.create_execution_context()
        config = engine.create_runtime_config()
        if self._kernels is None:
            self._kernels = config.create_runtime_cache()
            kept = self._cache.read_plain(f"{self._of_library}.kernels")
            if kept:
                self._kernels.deserialize(kept)
        config.set_runtime_cache(self._kernels)
        return engine.create_execution_context(config)

    def _load(self, frames: int) -> Any:
        """The engine from the cache, else a new one."""
        name, made_for = self._name(frames), {"library": self.library.version, "gpu": self._gpu.words}
        content, problem = self._cache.read(name, made_for)
        if content is not None:
            engine = self._runtime.deserialize_cuda_engine(content)
            if engine is not None:
                return engine
            problem = f"{self.library.name} refuses it: {self.library.last_error()}"
        if problem is not None:
            self._tell(f"the cached TensorRT engine can't be used, {problem}")
        network, source = self.model.network, self.model.source
        size = f"{source.width}x{source.height}"
        self._tell(f"building the TensorRT engine of {network.name} x{network.scale} for {size}, once")
        content = self._build(frames)
        refused = self._cache.write(name, content, made_for)
        if refused is not None:
            self._tell(f"the TensorRT engine can't be kept for the next run: {refused}")
        engine = self._runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise self._error(f"{self.library.name} can't load the engine it built: {self.library.last_error()}")
        return engine

    def _name(self, frames: int) -> str:
        """Words for people who look into the folder, and a digest of all that matters."""
        network, source = self.model.network, self.model.source
        words = f"{network.name}-x{network.scale}-{source.width}x{source.height}-{frames}-{self.model.precision}"
        return f"{words}-{cache.key(fingerprint(self.model), frames, self._gpu.words, self.library.name)}.engine"

    def _build(self, frames: int) -> bytes:
        # The ring calls this in inference mode, in which nothing can be traced.
        with torch.inference_mode(mode=False):
            onnx = to_onnx(engine_form(self.model, frames))
        timings = f"{self._of_library}.timings"
        built = build_engine(
            self.library,
            onnx,
            capability=self._gpu.capability,
            timing_cache=self._cache.read_plain(timings),
            progress=self._tell,
        )
        if built.timing_cache is not None:
            self._cache.write_plain(timings, built.timing_cache)
        return built.content


def engine_form(model: PlaneModel, frames: int) -> Form:
    """What is built; with half precision it says of each frame whether the network overflowed."""
    return planes_form(model, batch=frames, deep=DEEP, guard=None if model.precision == "fp32" else _Watched)


class _Watched(Guarded):
    """As Guarded, so put that TensorRT can't lose a NaN: its maximum of samples need not give it."""

    @staticmethod
    def overflowed(x: Tensor) -> Tensor:
        """Each sample compared before the maximum is taken."""
        outside = torch.logical_not(x.abs() < LARGEST_SAMPLE)  # so written, NaN is True
        return outside.to(torch.float32).amax((1, 2, 3)) > 0
