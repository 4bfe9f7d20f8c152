"""How the libraries beneath the backends say that memory is full, which most of them do in words only."""

import torch

from vsr.errors import DeviceMemoryError

_WORDS = (
    "out of memory",  # CUDA, and who passes its words on
    "OutOfMemory",  # TensorRT
    "ALLOC_FAILED",  # cuDNN, cuBLAS
    "can't alloc",  # torch on the CPU, and what assembles OpenVINO's kernels
    "not enough memory",  # torch on the CPU of Windows
    "Failed to allocate",  # OpenVINO
    "bad_alloc",  # C++ libraries, built by GCC or Clang
    "bad allocation",  # and by Visual C++
)


def says_memory_full(words: str) -> bool:
    """Whether a library's message means that memory is full."""
    return any(part in words for part in _WORDS)


def memory_full(error: BaseException) -> bool:
    """Whether ``error``, or one that it came from, means that memory is full."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, MemoryError | torch.OutOfMemoryError | DeviceMemoryError) or says_memory_full(str(chain)):
            return True
        chain = chain.__cause__ or chain.__context__
    return False
