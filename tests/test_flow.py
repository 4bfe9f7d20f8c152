"""Flow: order, bounded queues, errors that arrive, threads that end; synchronised by events, never by time."""

import _thread
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.conftest import stage_threads
from vsr.flow import Flow

PATIENCE_S = 20
"""After which a wait counts as a hang."""
STAGES = ("a", "b", "c")


class BoomError(Exception):
    """A stage's own error."""


def counting(total: int, at: int | None = None, error: BaseException | None = None) -> Iterator[int]:
    """0, 1, ..., raising ``error`` instead of item ``at``."""
    for index in range(total):
        if index == at and error is not None:
            raise error
        yield index
    if at == total and error is not None:
        raise error


def passing(items: Iterable[int], at: int | None = None, error: BaseException | None = None) -> Iterator[int]:
    """Each item plus 100, raising ``error`` instead of the one numbered ``at``."""
    for index, item in enumerate(items):
        if index == at and error is not None:
            raise error
        yield item + 100


def chain(flow: Flow, failing: str | None = None, at: int = 0, error: BaseException | None = None) -> Iterable[int]:
    """Three buffered stages over ten items."""
    stage: Iterable[int] = flow.buffer(counting(10, at if failing == "a" else None, error), depth=2, name="a")
    for name in STAGES[1:]:
        stage = flow.buffer(passing(stage, at if failing == name else None, error), depth=1, name=name)
    return stage


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("total", [0, 1, 50])
def test_items_arrive_in_order(depth: int, total: int) -> None:
    with Flow() as flow:
        first = flow.buffer(counting(total), depth=depth, name="first")
        assert list(flow.buffer(passing(first), depth=depth, name="second")) == [i + 100 for i in range(total)]


class Tally:
    """Counts items made and asked for, and how far the making ran ahead."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.made = self.asked = self.most_ahead = 0

    def make(self, total: int) -> Iterator[int]:
        for index in range(total):
            with self.changed:
                self.made += 1
                self.most_ahead = max(self.most_ahead, self.made - self.asked)
                self.changed.notify_all()
            yield index

    def await_made(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.made >= count, PATIENCE_S)

    def ask(self) -> None:
        with self.changed:
            self.asked += 1


@pytest.mark.parametrize("depth", [1, 3])
def test_a_stage_runs_ahead_by_its_depth_and_one_in_hand(depth: int) -> None:
    tally, total = Tally(), 60
    with Flow() as flow:
        items = iter(flow.buffer(tally.make(total), depth=depth, name="maker"))
        for taken in range(total):
            tally.await_made(min(taken + depth + 1, total))
            tally.ask()
            assert next(items) == taken
    assert tally.most_ahead == depth + 1


@pytest.mark.parametrize("failing", STAGES)
@pytest.mark.parametrize("at", [0, 4])
@pytest.mark.parametrize("kind", [BoomError, KeyboardInterrupt, MemoryError])
def test_an_error_of_any_stage_reaches_the_consumer(failing: str, at: int, kind: type[BaseException]) -> None:
    error = kind("of the stage")
    received: list[int] = []
    with pytest.raises(kind) as caught, Flow() as flow:
        received.extend(chain(flow, failing, at, error))
    assert caught.value is error
    assert error.__notes__ == [f"in stage '{failing}'"]
    assert received == [i + 200 for i in range(len(received))]
    assert len(received) <= at
    assert stage_threads() == []


def test_items_made_before_an_error_are_delivered_first() -> None:
    received = []
    with pytest.raises(BoomError), Flow() as flow:
        for item in chain(flow, "a", 10, BoomError()):
            received.append(item)  # noqa: PERF402 - must be kept when the loop raises
    assert received == [i + 200 for i in range(10)]


def test_a_source_that_cannot_start_is_an_error_of_its_stage() -> None:
    class Unopenable:
        def __iter__(self) -> Iterator[int]:
            raise BoomError

    with pytest.raises(BoomError) as caught, Flow() as flow:
        list(flow.buffer(Unopenable(), depth=1, name="source"))
    assert caught.value.__notes__ == ["in stage 'source'"]


@pytest.mark.parametrize("kind", [BoomError, KeyboardInterrupt])
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_of_the_consumer_ends_every_stage(kind: type[BaseException], after: int) -> None:
    with pytest.raises(kind), Flow() as flow:
        for count, _ in enumerate(chain(flow)):
            if count == after:
                raise kind
    assert stage_threads() == []


def test_leaving_early_ends_every_stage() -> None:
    with Flow() as flow:
        for _ in chain(flow):
            break
    assert stage_threads() == []


def test_never_iterating_ends_every_stage() -> None:
    with Flow() as flow:
        chain(flow)
    assert stage_threads() == []


def test_ctrl_c_wakes_a_consumer_that_waits() -> None:
    """The signal itself, while the main thread sits in the queue's wait."""
    released = threading.Event()

    def stuck() -> Iterator[int]:
        yield 0
        _thread.interrupt_main()
        released.wait(PATIENCE_S)

    with pytest.raises(KeyboardInterrupt), Flow() as flow:
        try:
            list(flow.buffer(stuck(), depth=1, name="stuck"))
        finally:
            released.set()
    assert stage_threads() == []


def finish(flow: Flow, stage: Iterable[int]) -> None:
    list(stage)


def leave(flow: Flow, stage: Iterable[int]) -> None:
    next(iter(stage))


def fail(flow: Flow, stage: Iterable[int]) -> None:
    for _ in stage:
        raise BoomError


@pytest.mark.parametrize("end", [finish, leave, fail])
def test_generators_run_their_finally_on_their_own_thread(end: Callable[[Flow, Iterable[int]], None]) -> None:
    finished: list[str] = []

    def careful(items: Iterable[int]) -> Iterator[int]:
        try:
            yield from items
        finally:
            finished.append(threading.current_thread().name)

    try:
        with Flow() as flow:
            held = careful(counting(50))  # still referred to here, so that only closing it ends it
            first = flow.buffer(held, depth=1, name="first")
            end(flow, flow.buffer(careful(first), depth=1, name="second"))
    except BoomError:
        assert end is fail
    assert sorted(finished) == ["vsr-first", "vsr-second"]


@pytest.mark.parametrize("begins_late", [False, True])
def test_ctrl_c_while_a_thread_is_started_is_just_that(begins_late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python can't join such a thread. It may never begin, or later, when all that it would use is closed."""
    started: list[threading.Thread] = []
    taken: list[int] = []
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        started.append(thread)
        raise KeyboardInterrupt

    def source() -> Iterator[int]:
        taken.append(0)
        yield 0

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), Flow() as flow:
        flow.buffer(source(), depth=1, name="stage")
    if begins_late:
        start(started[0])
        started[0].join()
    assert taken == []
    assert stage_threads() == []


def test_an_error_of_a_finally_is_not_lost() -> None:
    def untidy() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise BoomError

    with pytest.raises(BoomError) as caught, Flow() as flow:
        list(flow.buffer(untidy(), depth=1, name="untidy"))
    assert caught.value.__notes__ == ["in stage 'untidy'"]


@pytest.mark.parametrize("depth", [1, 4])
def test_drop_oldest_keeps_the_newest_and_counts_the_rest(depth: int) -> None:
    made_all = threading.Event()

    def camera() -> Iterator[int]:
        yield from range(20)
        made_all.set()

    with Flow() as flow:
        frames = flow.buffer(camera(), depth=depth, name="camera", overflow="drop_oldest")
        assert made_all.wait(PATIENCE_S)
        assert list(frames) == list(range(20 - depth, 20))
        (timing,) = flow.timings()
    assert timing.dropped == 20 - depth


def test_timings_count_work_and_leave_waiting_out() -> None:
    def working(total: int) -> Iterator[int]:
        for index in range(total):
            until = time.perf_counter() + 0.02
            while time.perf_counter() < until:
                pass
            yield index

    with Flow() as flow:
        slow = flow.buffer(working(6), depth=1, name="slow")
        list(flow.buffer(passing(slow), depth=1, name="quick"))
        timings = flow.timings()
        assert [t.name for t in timings] == ["slow", "quick"]
        assert [t.items for t in timings] == [6, 6]
        assert [t.dropped for t in timings] == [0, 0]
        assert timings[0].busy_s >= 6 * 0.02
        assert 0 <= timings[1].busy_s < timings[0].busy_s / 2
        assert flow.consumer_wait_s > 0


def test_an_empty_flow_has_nothing_to_say() -> None:
    with Flow() as flow:
        assert flow.timings() == []
        assert flow.consumer_wait_s == 0


def test_a_ticking_buffer_gives_none_while_nothing_comes_and_loses_no_item() -> None:
    going_on = threading.Event()

    def waiting() -> Iterator[int]:
        yield 1
        assert going_on.wait(PATIENCE_S)
        yield 2

    seen: list[int | None] = []
    with Flow() as flow:
        for item in flow.buffer(waiting(), depth=1, name="a").ticking(0.001):
            seen.append(item)
            if item is None:
                going_on.set()
    assert None in seen
    assert [item for item in seen if item is not None] == [1, 2]


def test_an_error_reaches_the_consumer_of_a_ticking_buffer() -> None:
    with Flow() as flow, pytest.raises(BoomError):
        list(flow.buffer(counting(2, 1, BoomError()), depth=1, name="a").ticking(0.001))
