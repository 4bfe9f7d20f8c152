"""Real programs on loopback: begun, watched, and always ended; no test waits blindly for them."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TypeVar

import pytest

from tests.forked import Forked, end_with_the_tests

T = TypeVar("T")
DEADLINE_S = 30.0
"""Long enough for a program that begins on a busy machine; a test that works never waits so long."""
SYSTEM_PYTHON = "/usr/bin/python3"
"""Where a distribution's GStreamer bindings live."""
RTSP_SERVER = "gst-rtsp-server"
"""Not a program but a library with bindings for Python: ``needs`` knows it all the same."""
_POLL_S = 0.02


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips a test where one of ``programs`` is missing; with VSR_REQUIRE_PROGRAMS=1 it runs, and fails there."""
    missing = [program for program in programs if not _found(program)]
    required = os.environ.get("VSR_REQUIRE_PROGRAMS") == "1"
    return pytest.mark.skipif(bool(missing) and not required, reason=f"not installed: {', '.join(missing)}")


@functools.cache
def _found(program: str) -> bool:
    if program != RTSP_SERVER:
        return shutil.which(program) is not None
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    bindings = "import gi; gi.require_version('GstRtspServer', '1.0')"
    return subprocess.run([SYSTEM_PYTHON, "-c", bindings], capture_output=True, check=False).returncode == 0


def wait_until(condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """What ``condition`` gives as soon as that is true. Fails the test after ``deadline_s``: "no ``what``"."""
    ends = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > ends:
            pytest.fail(f"no {what} within {deadline_s:g} s")
        time.sleep(_POLL_S)
    return value


class Program:
    """One that runs. It has a process group of its own, so that what it began ends with it."""

    def __init__(self, process: subprocess.Popen[bytes] | Forked, stdout: IO[bytes] | None, stderr: IO[bytes]):
        self.process = process
        self._stdout = stdout
        self._stderr = stderr

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def stdout(self) -> str:
        """What it printed so far; empty where its output goes into a pipe."""
        return _text(self._stdout)

    @property
    def stderr(self) -> str:
        """What it said so far."""
        return _text(self._stderr)

    def send(self, number: signal.Signals) -> None:
        """Signal the program alone, not what it began: as a supervisor does."""
        self.process.send_signal(number)

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Its exit code, once it has ended by itself. Fails the test after ``deadline_s``."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self} still runs after {deadline_s:g} s; it said:\n{self.stderr[-3000:]}")

    def wait_until(self, condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
        """As the function, and fails at once when the program ends meanwhile, with what it said."""
        ends = time.monotonic() + deadline_s
        while not (value := condition()):
            if not self.alive or time.monotonic() > ends:
                state = "still runs" if self.alive else f"ended with {self.process.returncode}"
                pytest.fail(f"no {what} from {self}, which {state}; it said:\n{self.stderr[-3000:]}")
            time.sleep(_POLL_S)
        return value

    def wait_for_word(self, word: str, deadline_s: float = DEADLINE_S) -> None:
        """Until it says ``word`` on standard error."""
        self.wait_until(lambda: word in self.stderr, f"'{word}'", deadline_s)

    def kill(self) -> None:
        """End it and all that it began, now, without a chance to clean up."""
        self._signal_group(signal.SIGKILL)
        self.process.wait()

    def end(self, grace_s: float = 3.0) -> None:
        """Ask it to end, then make it; nothing of it is left afterwards."""
        if self.alive:
            self._signal_group(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        self.kill()

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def __str__(self) -> str:
        return " ".join(map(str, self.process.args))  # type: ignore[arg-type]


def _text(file: IO[bytes] | None) -> str:
    if file is None:
        return ""
    # Not by seek and read: the program writes at the position that both sides share.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


@contextmanager
def running(
    command: Sequence[str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    pipe_stdout: bool = False,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Iterator[Program]:
    """``command`` as a program that ends with the block. ``env`` is added to the environment; ``before`` runs in the
    new process ahead of the program (for limits); with ``pipe_stdout`` read ``process.stdout``, else ``stdout``.
    """

    def begin() -> None:
        end_with_the_tests()
        if before is not None:
            before()

    def start(stdout: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE if pipe_stdout else stdout,
                stderr=stderr,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=begin,  # noqa: PLW1509 - tests begin programs from one thread
            )
        except FileNotFoundError:
            pytest.fail(f"{command[0]} is not installed")

    with _ended(start, pipe_stdout) as program:
        yield program


@contextmanager
def module(
    name: str,
    *arguments: object,
    pipe_stdout: bool = False,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Iterator[Program]:
    """``python -m NAME`` with ``arguments``, begun fast (tests.forked); the rest as of ``running``."""

    def start(stdout: IO[bytes], stderr: IO[bytes]) -> Forked:
        out = subprocess.PIPE if pipe_stdout else stdout.fileno()
        return Forked(name, arguments, stdout=out, stderr=stderr.fileno(), env=env, before=before)

    with _ended(start, pipe_stdout) as program:
        yield program


@contextmanager
def _ended(
    start: Callable[[IO[bytes], IO[bytes]], subprocess.Popen[bytes] | Forked], pipe_stdout: bool
) -> Iterator[Program]:
    """What ``start`` begins with files for its standard output and error, ended with the block."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = start(stdout, stderr)
        program = Program(process, None if pipe_stdout else stdout, stderr)
        try:
            yield program
        finally:
            program.end()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()


@contextmanager
def display(size: str = "640x480x24") -> Iterator[str]:
    """A screen of X11 in memory, and its name for DISPLAY."""
    # Xvfb takes the first free number itself and tells it: two tests never fight for one.
    with running(["Xvfb", "-displayfd", "1", "-screen", "0", size, "-nolisten", "tcp"]) as server:
        server.wait_until(lambda: "\n" in server.stdout, "display")
        yield f":{server.stdout.strip()}"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody uses now: TCP's, or with SOCK_DGRAM UDP's."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses now."""
    return free_port(socket.SOCK_DGRAM)
