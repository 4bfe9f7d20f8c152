"""From a PlaneModel to OpenVINO's compiled form for this CPU, cached: tracing takes seconds, loading a moment."""

import logging
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from openvino import opset8 as ops
from openvino import properties
from openvino.properties import hint

from vsr import cache as disk
from vsr.backends.fingerprint import fingerprint
from vsr.backends.openvino_graph import keep_exact, to_openvino
from vsr.plane_model import PlaneModel

# In int8, the compiler moves colour work into nodes of its own, for which no promise of float32 can be made; and what
# is not quantised costs little.
_FLOATS = {"fp32": ov.Type.f32, "bf16": ov.Type.bf16, "int8": ov.Type.f32}
_log = logging.getLogger(__name__)


@cache
def core() -> ov.Core:
    """The process's one OpenVINO runtime."""
    return ov.Core()


def multiplies_bf16() -> bool:
    """True where the CPU has bfloat16 instructions (AVX512-BF16, AMX)."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def multiplies_int8() -> bool:
    """True where the CPU sums products of 8 bits exactly (VNNI, AMX). Others may saturate at 16 bits; no property says.

    So the largest sum of 64 products is tried, in one convolution.
    """
    channels, high, weight = 64, 255.0, 127.0
    x = ops.parameter([1, channels, 8, 8], ov.Type.f32)
    values = ops.fake_quantize(x, 0.0, high, 0.0, high, 256)
    kernels = ops.constant(np.full((channels, channels, 1, 1), weight, np.float32))
    kernels = ops.fake_quantize(kernels, -weight, weight, -weight, weight, 255)
    sums = ops.convolution(values, kernels, [1, 1], [0, 0], [0, 0], [1, 1])
    compiled = core().compile_model(ov.Model([sums], [x]), "CPU", {hint.inference_precision: ov.Type.f32})
    found = compiled([np.full((1, channels, 8, 8), high, np.float32)])[0]
    return bool((found == channels * high * weight).all())


def compile_model(model: PlaneModel, batch: int, *, threads: int, streams: int) -> ov.CompiledModel:
    """``model`` compiled for batches of exactly ``batch`` frames; ``streams`` of them share ``threads``.

    Raises RuntimeError as OpenVINO does.
    """
    config = {
        hint.inference_precision: _FLOATS[model.precision],
        properties.num_streams: min(streams, threads),
        properties.inference_num_threads: threads,
    }
    cpu = core().get_property("CPU", "FULL_DEVICE_NAME")
    name = disk.key(fingerprint(model), batch, threads, streams, ov.get_version(), torch.__version__, cpu)
    file = disk.folder("openvino") / f"{model.network.name}-{name}.blob"
    found = _read(file, config)
    if found is not None:
        return found
    graph = to_openvino(model, batch)
    if model.precision == "bf16":
        graph = keep_exact(core(), graph)
    compiled = core().compile_model(graph, "CPU", config)
    _write(file, compiled)
    return compiled


def _read(file: Path, config: dict[str, object]) -> ov.CompiledModel | None:
    """The compiled form in ``file``, or None where there is none that OpenVINO accepts."""
    try:
        return core().import_model(file.read_bytes(), "CPU", config)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as exc:
        _log.info("compiling again, because %s is of no use: %s", file, exc)
        return None


def _write(file: Path, compiled: ov.CompiledModel) -> None:
    """Keep ``compiled`` in ``file``, which appears whole or not at all; without room for it the run goes on."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Removed with its folder, whatever happens to it.
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            part.write_bytes(compiled.export_model().getbuffer())
            part.replace(file)
    except OSError as exc:
        _log.info("not cached: %s", exc)
