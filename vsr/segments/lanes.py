"""A crew of several workers: a thread for each hands it one piece after another, and goes on when it dies."""

import atexit
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from queue import SimpleQueue
from typing import Protocol, Self

from vsr.errors import BackendError
from vsr.notices import Notices
from vsr.segments.contract import Job, Piece, PieceDone
from vsr.segments.worker import Failed, FramesMade, News, Outcome, Said

_TRIES = 3
"""How often a piece is begun whose worker dies: a piece may be what kills them."""
_INSIST_S = 0.2


class WorkerDied(Exception):  # noqa: N818 - no error of the run: it is survived
    """A worker ended in the middle of a piece; says in what way."""


class Worker(Protocol):
    """A process somewhere that makes one piece at a time; a new one takes its place after ``end``."""

    name: str
    """Where it is, in words."""

    def ready(self, wanted: Callable[[], bool]) -> bool:
        """Wait until it could begin, as long as it is ``wanted``. Raises WorkerDied and VsrError."""
        ...

    def make(self, job: Job, piece: Piece) -> Iterator[News | Outcome]:
        """Make ``piece``: news of it, the outcome last. Raises WorkerDied."""
        ...

    def end(self) -> None:
        """Kill the process, at once; called on any thread."""
        ...

    def close(self) -> None:
        """Leave nothing of it behind; called when no piece is being made."""
        ...


@dataclass(eq=False)
class _Order:
    """A call of ``make``: what its lanes tell it."""

    job: Job
    events: SimpleQueue[News | Outcome] = field(default_factory=SimpleQueue)
    withdrawn: bool = False


@dataclass(eq=False)
class _Task:
    """A piece of an order, until it is made."""

    order: _Order
    piece: Piece
    deaths: int = 0


@dataclass(eq=False)
class _Lane:
    """A worker and the piece that it is making."""

    worker: Worker
    task: _Task | None = None

    def is_at(self, order: _Order) -> bool:
        return self.task is not None and self.task.order is order


class LaneCrew:
    """A Crew of ``workers``. Several threads may call ``make`` at once: pieces are begun in the order of the calls.

    Takes hold of the workers when it is entered; when it is left they are ended, whatever they are doing.
    """

    def __init__(self, workers: Sequence[Worker]):
        self._lanes = [_Lane(worker) for worker in workers]
        self._threads: list[threading.Thread] = []
        self._waiting: deque[_Task] = deque()
        self._orders: list[_Order] = []
        self._closed = False
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """How many pieces it makes at once: its workers."""
        return len(self._lanes)

    def make(
        self, job: Job, pieces: Sequence[Piece], notices: Notices, *, frames: Callable[[int], None]
    ) -> Generator[PieceDone, None, None]:
        """As Crew.make; ``frames`` hears a negative number when frames are lost with their worker."""
        order = _Order(job)
        with self._changed:
            self._orders.append(order)
            self._waiting.extend(_Task(order, piece) for piece in pieces)
            if self._closed:
                order.events.put(_left())
            self._changed.notify_all()
        left = len(pieces)
        try:
            while left:
                event = order.events.get()
                if isinstance(event, FramesMade):
                    frames(event.count)
                elif isinstance(event, Said):
                    notices.say(event.text)
                elif isinstance(event, PieceDone):
                    left -= 1
                    yield event
                else:
                    self._withdraw(order)
                    yield from _finished(order)
                    raise event.error
        finally:
            if left:
                self._withdraw(order)
            with self._changed:
                self._orders.remove(order)

    def _withdraw(self, order: _Order) -> None:
        """Begin no further piece of ``order``, and end those under way."""
        with self._changed:
            order.withdrawn = True
            self._waiting = deque(task for task in self._waiting if task.order is not order)
            while busy := [lane for lane in self._lanes if lane.is_at(order)]:
                for lane in busy:
                    lane.worker.end()  # again and again: it may have been about to start
                self._changed.wait(_INSIST_S)

    def _run(self, lane: _Lane) -> None:
        """The thread of a lane."""
        leave_ctrl_c_to_the_main_thread()
        try:
            while self._await_task():
                trouble: Exception | None = None
                try:
                    if not lane.worker.ready(self._is_wanted):
                        continue
                except Exception as error:  # noqa: BLE001 - it is told to the job that needed the worker
                    trouble = error
                if (task := self._take(lane)) is not None:
                    self._carry_out(lane, task, trouble)
        finally:
            lane.worker.close()

    def _is_wanted(self) -> bool:
        return bool(self._waiting) and not self._closed

    def _await_task(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return not self._closed

    def _take(self, lane: _Lane) -> _Task | None:
        with self._changed:
            lane.task = self._waiting.popleft() if self._is_wanted() else None
            return lane.task

    def _carry_out(self, lane: _Lane, task: _Task, trouble: Exception | None) -> None:
        try:
            outcome: Outcome | None = self._outcome(lane, task, trouble)
        except WorkerDied as death:
            outcome = self._outlived(lane, task, death)
        except Exception as error:  # noqa: BLE001 - raised again where the job is
            outcome = Failed(error)
        with self._changed:
            lane.task = None
            if outcome is None and not task.order.withdrawn:
                self._waiting.appendleft(task)
            if outcome is not None:
                task.order.events.put(outcome)  # before anybody sees that the lane is free
            self._changed.notify_all()

    def _outcome(self, lane: _Lane, task: _Task, trouble: Exception | None) -> Outcome:
        if trouble is not None:
            raise trouble
        made = 0
        try:
            for event in lane.worker.make(task.order.job, task.piece):
                if isinstance(event, PieceDone | Failed):
                    return event
                if isinstance(event, FramesMade):
                    made += event.count
                task.order.events.put(event)
        except WorkerDied:
            task.order.events.put(FramesMade(-made))
            raise
        raise WorkerDied("ended without a word")

    def _outlived(self, lane: _Lane, task: _Task, death: WorkerDied) -> Failed | None:
        """None where the piece is to be made again."""
        if task.order.withdrawn:
            return None
        task.deaths += 1
        piece = _in_words(task.piece, task.order.job.time_base)
        if task.deaths < _TRIES:
            again = f"the worker on {lane.worker.name} {death}; {piece} is made again (death {task.deaths} of it)"
            task.order.events.put(Said(again))
            return None
        return Failed(
            BackendError(
                f"{piece} can't be made: its worker died {task.deaths} times, at last the one on {lane.worker.name}, "
                f"which {death}; finished pieces are kept"
            )
        )

    def __enter__(self) -> Self:
        # As in vsr.flow: an iterator that is half read when Python ends is never closed.
        atexit.register(self._close)
        for number, lane in enumerate(self._lanes):
            thread = threading.Thread(target=self._run, args=(lane,), name=f"lane-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._close)
        self._close()

    def _close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            for order in self._orders:
                order.events.put(_left())
            self._changed.notify_all()
        for lane, thread in zip(self._lanes, self._threads, strict=False):
            while thread.is_alive():
                lane.worker.end()
                thread.join(_INSIST_S)


def _finished(order: _Order) -> Iterator[PieceDone]:
    """Pieces that were finished while the order was being withdrawn."""
    while not order.events.empty():
        event = order.events.get()
        if isinstance(event, PieceDone):
            yield event


def _left() -> Failed:
    return Failed(RuntimeError("the crew was left before its work was done"))


def _in_words(piece: Piece, time_base: Fraction) -> str:
    start = "the beginning" if piece.start is None else f"{float(piece.start * time_base):.2f} s"
    end = "the end" if piece.end is None else f"{float(piece.end * time_base):.2f} s"
    return f"piece {piece.index} (from {start} to {end})"


def leave_ctrl_c_to_the_main_thread() -> None:
    """Processes inherit it too: Ctrl-C reaches all of a terminal's processes, and the first one ends the others."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
