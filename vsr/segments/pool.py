"""Pieces on several devices of this machine: a process for each device."""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import torch

from vsr.segments.child import begin
from vsr.segments.contract import Job, Piece, PieceDone
from vsr.segments.lanes import LaneCrew, WorkerDied, leave_ctrl_c_to_the_main_thread
from vsr.segments.worker import Failed, News, Outcome, Workplace

# A forked process would inherit threads' locks and a CUDA context, neither of which survives that.
_CONTEXT = get_context("spawn")
_DEATH_S = 10.0
"""How long a process may take to end after its connection broke."""


class PoolCrew(LaneCrew):
    """A Crew with a process for each of ``devices``; they share the processor's cores evenly."""

    def __init__(self, devices: Sequence[str]):
        threads = max(torch.get_num_threads() // len(devices), 1)
        super().__init__([_PoolWorker(device, threads) for device in devices])


class _PoolWorker:
    """A process that upscales on ``name``, started with its first piece."""

    def __init__(self, name: str, threads: int):
        self.name = name
        self._threads = threads
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._ended = False

    def ready(self, wanted: Callable[[], bool]) -> bool:  # noqa: ARG002 - there is nothing to wait for
        return True

    def make(self, job: Job, piece: Piece) -> Iterator[News | Outcome]:
        if self._ended:
            self.close()  # of another job, maybe: it is not this piece's fault
        try:
            connection = self._connection or self._start()
            connection.send((replace(job, spec=replace(job.spec, device=self.name)), piece))
            event = None
            while not isinstance(event, PieceDone | Failed):
                event = connection.recv()
                yield event
        except (EOFError, OSError) as exc:
            raise WorkerDied(self._death()) from exc

    def _start(self) -> Connection:
        self._connection, theirs = _CONTEXT.Pipe()
        with theirs:
            process = _CONTEXT.Process(target=begin, args=(theirs, self._threads), name=f"vsr {self.name}")
            process.start()
        self._process = process
        return self._connection

    def _death(self) -> str:
        """How the process ended; it is gone afterwards."""
        process = self._process
        code = None
        if process is not None:
            process.join(_DEATH_S)
            code = process.exitcode
        self.close()
        if code is None:
            return "did not answer any more"
        if code >= 0:
            return f"ended with exit code {code}"
        hint = ", as a system does that is short of memory" if -code == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-code).name}{hint}"

    def end(self) -> None:
        self._ended = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._connection = None
        self._ended = False


def serve(connection: Connection, threads: int) -> None:
    """What a process does: make the pieces that come through ``connection`` until it closes."""
    leave_ctrl_c_to_the_main_thread()
    torch.set_num_threads(threads)
    workplace = Workplace(connection.send)
    while True:
        try:
            job, piece = connection.recv()
        except EOFError:
            return
        connection.send(workplace.make(job, piece))
