"""Errors that torch raises on a device, as BackendErrors that say in one line what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vsr.errors import BackendError


@contextmanager
def mapped_errors(device: str, subject: str = "the torch backend", advice: str | None = None) -> Iterator[None]:
    """Raise BackendError for what torch raises inside: ``subject`` failed on ``device``; ``advice`` says what to do."""
    try:
        yield
    except RuntimeError as exc:
        origin = _origin(exc)
        if isinstance(origin, torch.OutOfMemoryError) or "out of memory" in str(origin):
            raise BackendError(f"{device} is out of memory; use a smaller --batch-size or --strip-rows") from exc
        suffix = f"; {advice}" if advice else ""
        raise BackendError(f"{subject} failed on {device}: {_first_line(origin)}{suffix}") from exc


def _origin(exc: BaseException) -> BaseException:
    """The first of a chain: an error inside a capture makes ending the capture fail too, which says nothing."""
    while isinstance(exc.__context__, RuntimeError):
        exc = exc.__context__
    return exc


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).splitlines()), type(exc).__name__)
