"""A bound on the numbers of a network that is being built, enforced before they take memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from vsr.errors import NetworkError

_MAKERS = frozenset({torch.empty, torch.zeros, torch.ones, torch.full})
"""What PyTorch's modules and ours make their parameters by; what is made of these is about as large."""


class AtMost(TorchFunctionMode):
    """Within it this thread makes parameters of at most ``most`` numbers together; else NetworkError of ``whose``.

    Building on PyTorch's device "meta" would cost nothing at all, but the first network there takes seconds to import.
    """

    def __init__(self, most: int, whose: str):
        super().__init__()
        self._most, self._whose = most, whose
        self._made = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call ``func``; its memory is reserved then, but what is only empty has not been written to."""
        made = func(*args, **(kwargs or {}))
        if func in _MAKERS:
            self._made += made.numel()
            if self._made > self._most:
                raise NetworkError(
                    f"{self._whose} asks for a network of more than {self._most} parameters; check the card beside it"
                )
        return made
