"""The only concurrency of vsr: a stage is an iterator; ``Flow.buffer`` runs it on a thread behind a bounded queue.

Knows nothing of video. A Flow owns its threads: leaving the ``with`` block, in whatever way, stops and joins them all.
"""

import atexit
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Self, TypeVar

T = TypeVar("T")
Overflow = Literal["wait", "drop_oldest"]
_NOTE = "in stage"


@dataclass(frozen=True)
class StageTiming:
    """How a stage spent the run."""

    name: str
    items: int
    busy_s: float
    """Time at work: neither waiting for the stage before nor for room in its own queue."""
    dropped: int


class _Nothing:
    """What a consumer that lost patience gets; a stage may well make None."""


class Buffer(Generic[T]):
    """A bounded queue between the thread that runs ``source`` and the one that iterates over the buffer."""

    def __init__(
        self, source: Iterable[T], depth: int, name: str, overflow: Overflow, upstream: "Buffer[object] | None"
    ):
        self.name = name
        self.items = 0
        self.dropped = 0
        self.get_wait_s = 0.0
        self._produce_s = 0.0
        self._depth = depth
        self._overflow = overflow
        self._upstream = upstream
        self.waited_s = 0.0
        """How long the item that was taken last had been there."""
        self._queue: deque[tuple[float, T]] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._finished = False
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._produce, args=(source,), name=f"vsr-{name}", daemon=True)

    def _produce(self, source: Iterable[T]) -> None:
        iterator: Iterator[T] = iter(())
        try:
            if self._stopped:
                return  # the flow was left while this thread was starting; nobody waits for it, see ``join``
            iterator = iter(source)
            while True:
                started = time.perf_counter()
                item = next(iterator, self)
                self._produce_s += time.perf_counter() - started
                if item is self or not self._put(item):  # type: ignore[arg-type]
                    break
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, which raises it
            self._fail(error)
        finally:
            self._close_iterator(iterator)
            with self._changed:
                self._finished = True
                self._changed.notify_all()

    def _close_iterator(self, iterator: Iterator[T]) -> None:
        """Let a generator run its ``finally`` on the thread that ran its body."""
        close = getattr(iterator, "close", None)
        if close is None:
            return
        try:
            close()
        except BaseException as error:  # noqa: BLE001 - the first error is the one that tells
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Keep the first error, with the name of the stage where it began: it passes the later ones on its way."""
        if self._error is None:
            if not any(note.startswith(_NOTE) for note in getattr(error, "__notes__", ())):
                error.add_note(f"{_NOTE} {self.name!r}")
            self._error = error

    def _put(self, item: T) -> bool:
        with self._changed:
            if self._overflow == "drop_oldest" and len(self._queue) >= self._depth:
                self._queue.popleft()
                self.dropped += 1
            self._changed.wait_for(lambda: self._stopped or len(self._queue) < self._depth)
            if self._stopped:
                return False
            self._queue.append((time.perf_counter(), item))
            self.items += 1
            self._changed.notify_all()
            return True

    def __iter__(self) -> Iterator[T]:
        return (item for item in self._taken(None) if not isinstance(item, _Nothing))

    def ticking(self, period_s: float) -> Iterator[T | None]:
        """The items, and a None whenever none has come for ``period_s``: for a consumer that can't wait for ever."""
        return (None if isinstance(item, _Nothing) else item for item in self._taken(period_s))

    def _taken(self, patience_s: float | None) -> Iterator["T | _Nothing"]:
        while True:
            started = time.perf_counter()
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._finished or self._stopped, patience_s)
                self.get_wait_s += time.perf_counter() - started
                item: T | _Nothing = _Nothing()
                if self._queue and not self._stopped:
                    entered, item = self._queue.popleft()
                    self.waited_s = time.perf_counter() - entered
                    self._changed.notify_all()
                elif self._error is not None:
                    raise self._error
                elif self._finished or self._stopped:
                    return
            yield item

    @property
    def waiting(self) -> int:
        """Items that are there to be taken."""
        return len(self._queue)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._queue.clear()
            self._changed.notify_all()

    def join(self) -> None:
        """Wait, after ``stop``, until the thread is at nothing.

        Ctrl-C may come while it is started. Then Python does not let it be joined, but it will not begin any more.
        """
        if self.thread.is_alive():
            self.thread.join()

    def timing(self) -> StageTiming:
        upstream_wait_s = self._upstream.get_wait_s if self._upstream else 0.0
        return StageTiming(self.name, self.items, max(self._produce_s - upstream_wait_s, 0.0), self.dropped)


class Flow:
    """Owner of the threads of one run.

    Buffers are made in the order in which items flow. An error in a stage reaches whoever iterates over its buffer,
    with the stage's name as a note; the stages before it are stopped when the Flow is left.
    """

    def __init__(self) -> None:
        self._buffers: list[Buffer[object]] = []

    def buffer(self, source: Iterable[T], *, depth: int, name: str, overflow: Overflow = "wait") -> Buffer[T]:
        """Run ``source`` on a thread of its own, at most ``depth`` items ahead of the consumer."""
        upstream = self._buffers[-1] if self._buffers else None
        buffer = Buffer(source, depth, name, overflow, upstream)
        self._buffers.append(buffer)  # type: ignore[arg-type]
        buffer.thread.start()
        return buffer

    def timings(self) -> list[StageTiming]:
        """One row a buffered stage, in the order of the flow."""
        return [buffer.timing() for buffer in self._buffers]

    @property
    def consumer_wait_s(self) -> float:
        """How long the consumer of the last buffer waited for items."""
        return self._buffers[-1].get_wait_s if self._buffers else 0.0

    def __enter__(self) -> Self:
        # An iterator that is still half read when Python ends is never closed: its threads must not outlive Python.
        atexit.register(self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._stop)
        self._stop()

    def _stop(self) -> None:
        for buffer in self._buffers:
            buffer.stop()
        for buffer in self._buffers:
            buffer.join()
