"""Every error that vsr raises on purpose, as one tree; each class carries the exit code of the command line.

    VsrError                    1   anything below, never raised bare
    ├── UsageError              2   an option, a combination of options or a recipe that makes no sense
    ├── SourceError             3   the input can't be found, opened, read or decoded
    ├── SinkError               4   the output can't be created, encoded or written
    ├── NetworkError            5   unknown network, scale or weights; a weights file that does not fit
    ├── BackendError            6   a backend, device or precision that this machine can't give
    │   └── DeviceMemoryError   6   a device has not memory enough for what was asked of it
    └── IntegrityError          7   frames, timestamps or streams came out other than they went in

Ctrl-C exits with 130, as a shell expects. A message says what happened, the value met, and what to do about it,
in one line. Errors of other libraries are mapped at the edges (``raise SourceError(...) from exc``).
"""


class VsrError(Exception):
    """Base of all errors that vsr raises on purpose; ``str(error)`` is one line fit for a user."""

    exit_code: int = 1


class UsageError(VsrError):
    """An option, a combination of options or a recipe that makes no sense."""

    exit_code = 2


class SourceError(VsrError):
    """The input can't be found, opened, read or decoded."""

    exit_code = 3


class SinkError(VsrError):
    """The output can't be created, encoded or written."""

    exit_code = 4


class NetworkError(VsrError):
    """Unknown network, scale or weights, or a weights file that does not fit."""

    exit_code = 5


class BackendError(VsrError):
    """A backend, device or precision that this machine can't give."""

    exit_code = 6


class DeviceMemoryError(BackendError):
    """A device has not memory enough for what was asked of it; asking for less may do."""


class IntegrityError(VsrError):
    """Frames, timestamps or streams came out other than they went in."""

    exit_code = 7
