"""ONNX to a TensorRT engine: strongly typed, so that the graph's own casts decide what is multiplied in what."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vsr.errors import BackendError
from vsr.export.tensorrt_library import Library

Progress = Callable[[str], None]
_FIRST_WORD_AFTER_S = 5.0
_WORD_EVERY_S = 10.0


@dataclass(frozen=True)
class Engine:
    """What a build gives."""

    content: bytes
    """The serialized engine."""
    timing_cache: bytes | None
    """What was measured of the GPU's kernels, for the next build; None from TensorRT-RTX, which measures nothing."""


def build_engine(
    library: Library,
    onnx: bytes,
    *,
    batches: tuple[int, int, int] | None = None,
    capability: tuple[int, int] | None = None,
    timing_cache: bytes | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Engine:
    """Build the engine of an ONNX graph for the current CUDA device, or for GPUs of compute ``capability``.

    ``batches`` (least, usual, most) is for graphs whose first axis is free, and only that may be. ``progress`` hears
    how far a long build has come. Raises BackendError with the library's own words where it fails.
    """
    trt = library.module
    library.errors.clear()
    builder = trt.Builder(library.logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, library.logger)
    if not parser.parse(onnx):
        raise BackendError(f"{library.name} can't read the graph: {_parser_error(parser)}")
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # ten bits of mantissa are no float32: 10-bit video shows it
    if capability is not None:
        _aim(library, config, capability)
    if batches is not None:
        _add_profile(builder, network, config, batches)
    timings = _use_timings(library, config, timing_cache)
    monitor = _monitor(trt, progress, clock)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    monitor.reraise()
    if plan is None:
        raise BackendError(f"{library.name} could not build the engine: {library.last_error()}")
    return Engine(bytes(plan), bytes(timings.serialize()) if timings is not None else None)


def _parser_error(parser: Any) -> str:
    """The first error: the others follow from it."""
    error = parser.get_error(0)
    where = f" ({error.node_operator()} {error.node_name()})" if error.node_operator() else ""
    return " ".join(f"{error.desc()}{where}".split())


def _aim(library: Library, config: Any, capability: tuple[int, int]) -> None:
    """Make the engine for ``capability``. TensorRT knows only the GPU that it runs on, which is not asked here."""
    known = library.capabilities()
    if known is None:
        return
    if capability not in known:
        choices = ", ".join(f"{major}.{minor}" for major, minor in known)
        raise BackendError(
            f"{library.name} makes no engine for compute capability {capability[0]}.{capability[1]}; "
            f"it does for: {choices}"
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(library.module.ComputeCapability, f"SM{capability[0]}{capability[1]}"), 0)


def _add_profile(builder: Any, network: Any, config: Any, batches: tuple[int, int, int]) -> None:
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        rest = tuple(tensor.shape)[1:]
        profile.set_shape(tensor.name, *((frames, *rest) for frames in batches))
    config.add_optimization_profile(profile)


def _use_timings(library: Library, config: Any, content: bytes | None) -> Any:
    """The timing cache in use; one of another GPU or version is begun anew. TensorRT-RTX has none."""
    if library.rtx:
        return None
    for candidate in (content or b"", b""):
        timings = config.create_timing_cache(candidate)
        if timings is not None and config.set_timing_cache(timings, False):
            return timings
    return None


def _monitor(trt: Any, progress: Progress | None, clock: Callable[[], float]) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Tells the innermost phase and its step now and then; stops the build when telling fails (Ctrl-C)."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}
            self._next_word_s = clock() + _FIRST_WORD_AFTER_S
            self._error: BaseException | None = None

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:  # noqa: ARG002
            self._steps[phase_name] = num_steps

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

        def step_complete(self, phase_name: str, step: int) -> bool:
            try:
                if progress is not None and clock() >= self._next_word_s:
                    self._next_word_s = clock() + _WORD_EVERY_S
                    of = self._steps.get(phase_name)
                    progress(f"building the TensorRT engine: {phase_name.lower()}, step {step + 1} of {of or '?'}")
            except BaseException as exc:  # noqa: BLE001 - C++ is no way for an exception to take
                self._error = exc
            return self._error is None

        def reraise(self) -> None:
            if self._error is not None:
                raise self._error

    return Monitor()
