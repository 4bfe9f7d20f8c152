"""A full memory is told from every other fault, whatever library meets it and however it says so."""

import subprocess
import sys

import pytest
import torch

from tests.backends.test_tensorrt import GPU, plane_model
from tests.export.fake_tensorrt import Module
from vsr.backends.engines import Engines
from vsr.backends.memory_full import memory_full
from vsr.backends.torch_errors import mapped_errors
from vsr.errors import BackendError, DeviceMemoryError

FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("Exception from src/core/src/runtime/allocator.cpp:79:\nstd::bad_alloc\n"),
    RuntimeError(
        "Exception from src/inference/src/cpp/infer_request.cpp:193:\nFailed to allocate 241459200 bytes of memory"
    ),
    RuntimeError("Exception from src/core.cpp:117:\ncan't alloc"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:115] data. DefaultCPUAllocator: not enough memory: you tried to allocate"
    ),
    RuntimeError("could not create a primitive"),
    RuntimeError("TensorRT: [executionContext.cpp::470] Error Code 2: OutOfMemory (no further information)"),
]
OTHERS = [
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("could not create a primitive descriptor for the convolution forward propagation primitive"),
    RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_memory_is_known_by_its_words(error: Exception) -> None:
    told = r"^gpu is out of memory; use a smaller --batch-size or --strip-rows$"
    with pytest.raises(DeviceMemoryError, match=told), mapped_errors("gpu"):
        raise error


@pytest.mark.parametrize("error", FULL, ids=str)
def test_what_a_full_memory_led_to_is_a_full_memory(error: Exception) -> None:
    """A capture or a tracing that fails for it fails with words of its own."""
    try:
        try:
            raise error
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")
    except RuntimeError as later:
        assert memory_full(later)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_faults_are_none(error: Exception) -> None:
    with pytest.raises(BackendError) as caught, mapped_errors("gpu"):
        raise error
    assert not isinstance(caught.value, DeviceMemoryError)


@pytest.mark.parametrize(("words", "full"), [("Error Code 2: OutOfMemory", True), ("Error Code 4: bad plan", False)])
def test_an_engine_without_memory_for_its_context_is_told_from_a_broken_one(words: str, full: bool) -> None:
    library = Module().library()
    engines = Engines(plane_model().eval(), library, GPU)
    library.errors.append(words)
    engines._engines[1] = "an engine"
    engines._new_context = lambda engine: None  # type: ignore[method-assign]
    with pytest.raises(BackendError, match=words) as caught:
        engines.context(1)
    assert isinstance(caught.value, DeviceMemoryError) == full


SCRIPT = """
import resource, sys
from pathlib import Path
import torch
from tests.pictures import YUV420, color, noise, scaled, tensors, yuv
from vsr import backends
from vsr.errors import DeviceMemoryError
from vsr.networks import load
from vsr.plane_model import Picture, PlaneModel

source = Picture(640, 360, yuv(YUV420), color())
runner = backends.get(sys.argv[1]).load(PlaneModel(load("lrsrn", 2).network, source, scaled(source, 2)), "cpu")
one = tensors(noise(source))
runner(one)
many = tuple(torch.cat([plane] * 12) for plane in one)
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (20 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    runner(many)
except DeviceMemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the system's limit on a process's memory")
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_cpu_without_memory_says_so(backend: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, backend], capture_output=True, text=True, check=False)
    assert "CPU" in done.stdout.partition(" is out of memory")[0], done.stderr
    assert done.stdout.endswith("is out of memory; use a smaller --batch-size or --strip-rows\n")
