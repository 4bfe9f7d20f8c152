"""How the libraries beneath the backends say that memory is full, which most of them do in words only."""

import re

import torch

from vsr.errors import DeviceMemoryError

_WORDS = (
    r"out of memory",  # CUDA, and who passes its words on
    r"OutOfMemory",  # TensorRT
    r"ALLOC_FAILED",  # cuDNN, cuBLAS
    r"can't alloc",  # torch on the CPU, and what assembles OpenVINO's kernels
    r"not enough memory",  # torch on the CPU of Windows
    r"could not create a primitive$",  # oneDNN in torch; what it has no way to compute fails earlier, at a descriptor
    r"Failed to allocate",  # OpenVINO
    r"bad_alloc",  # C++ libraries, built by GCC or Clang
    r"bad allocation",  # and by Visual C++
)
_FULL = re.compile("|".join(_WORDS), re.MULTILINE)


def says_memory_full(words: str) -> bool:
    """Whether a library's message means that memory is full."""
    return _FULL.search(words) is not None


def memory_full(error: BaseException) -> bool:
    """Whether ``error``, or one that it came from, means that memory is full."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, MemoryError | torch.OutOfMemoryError | DeviceMemoryError) or says_memory_full(str(chain)):
            return True
        chain = chain.__cause__ or chain.__context__
    return False
