"""``python -m MODULE`` without the seconds that importing PyTorch takes: forked from a process that imported it."""

import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver, reduction
from multiprocessing.context import ForkServerContext
from typing import IO, Any

_PRELOADED = ["pytest", "openvino", "vsr.cli.app", "vsr.live.run", "vsr.live.sinks", "vsr.pipeline"]
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def end_with_the_tests() -> None:
    """In a new process: have the kernel end it when the tests are killed and can't end it themselves."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def prepared() -> ForkServerContext:
    """The process that does the importing runs from here on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    forkserver.ensure_running()
    return context


class Forked:
    """A process of its own from its first line on; used as subprocess.Popen is. The caller must wait for its end."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[object],
        *,
        stdout: int,
        stderr: int,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ):
        """``stdout`` may be subprocess.PIPE, else both are descriptors; ``before`` must be a function of a module."""
        self.args = [sys.executable, "-m", module, *map(str, arguments)]
        context = prepared()
        environment = {**os.environ, **(env or {})}
        read, write = os.pipe() if stdout == subprocess.PIPE else (None, stdout)
        files = (_Descriptor(write), _Descriptor(stderr))
        self._process = context.Process(target=_run, args=(self.args[2:], files, environment, before))
        self._process.start()
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        if read is not None:
            os.close(write)
            self.stdout = os.fdopen(read, "rb")
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class _Descriptor:
    """A file descriptor that goes into the new process."""

    def __init__(self, number: int):
        self.number = number

    def __reduce__(self) -> tuple[object, ...]:
        return _detached, (reduction.DupFd(self.number),)


def _detached(sent: Any) -> int:
    return int(sent.detach())


def _run(
    command: list[str], files: tuple[int, int], environment: dict[str, str], before: Callable[[], None] | None
) -> None:
    os.setsid()
    end_with_the_tests()
    for own, given in enumerate(files, start=1):
        os.dup2(given, own)
        os.close(given)
    os.environ.clear()
    os.environ.update(environment)
    if before is not None:
        before()
    module, *arguments = command
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
