"""Errors that torch raises on a device, as BackendErrors that say in one line what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from vsr.backends.memory_full import memory_full
from vsr.errors import BackendError, DeviceMemoryError


@contextmanager
def mapped_errors(device: str, subject: str = "the torch backend", advice: str | None = None) -> Iterator[None]:
    """Raise BackendError for what torch raises inside: ``subject`` failed on ``device``; ``advice`` says what to do.

    It is a DeviceMemoryError where memory is full.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as exc:
        # No local variable may hold the error: with its traceback it would keep the frames' tensors alive.
        if memory_full(exc):
            raise DeviceMemoryError(f"{device} is out of memory; use a smaller --batch-size or --strip-rows") from exc
        raise BackendError(_message(_origin(exc), device, subject, advice)) from exc


def _message(error: BaseException, device: str, subject: str, advice: str | None) -> str:
    return f"{subject} failed on {device}: {_first_line(error)}" + (f"; {advice}" if advice else "")


def _origin(exc: BaseException) -> BaseException:
    """The first of a chain: an error inside a capture makes ending the capture fail too, which says nothing."""
    while isinstance(exc.__context__, RuntimeError):
        exc = exc.__context__
    return exc


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).splitlines()), type(exc).__name__)
