"""Sinks apart: none waits for another, a failure stays its own, what returns is opened again."""

import threading
from collections.abc import Callable

import pytest

from tests.live.moving import PATIENCE_S, MemorySink, live_frame
from tests.live.programs import wait_until
from vsr.errors import SinkError
from vsr.io.live.contract import LiveFrame
from vsr.live import outlets as outlets_room
from vsr.live.outlets import Outlets
from vsr.notices import Notices


def silent() -> bool:
    return False


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets_room, "_FIRST_WAIT_S", 0.01)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    perf_counter = monotonic

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


def held_up(until: threading.Event) -> Callable[[LiveFrame], None]:
    def gate(_: LiveFrame) -> None:
        assert until.wait(PATIENCE_S)

    return gate


def test_a_slow_sink_loses_frames_and_the_other_none() -> None:
    go_on = threading.Event()
    slow, fast = MemorySink("slow", gate=held_up(go_on)), MemorySink("fast")
    with Outlets([slow, fast], silent, Notices()) as outlets:
        for number in range(20):
            outlets.write(live_frame(number))
            wait_until(lambda n=number: len(fast.frames) == n + 1, "the frame")  # type: ignore[misc]
        go_on.set()
        outlets.finish()
    assert fast.numbers == list(range(20))
    assert slow.numbers in ([0, 19], [0, 1, 19]), "the one at work, and the newest"
    assert outlets.outlets[0].dropped == 20 - len(slow.numbers)
    assert slow.calls == fast.calls == ["open", "finish"]


def test_the_next_frame_is_made_just_in_time_for_the_first_sink_that_can_take_it() -> None:
    go_on = threading.Event()
    sink = MemorySink(gate=held_up(go_on))
    with Outlets([sink], silent, Notices()) as outlets:
        assert outlets.wait_room(0, lead_s=0), "nothing was written yet"
        outlets.write(live_frame(0))
        assert outlets.wait_room(PATIENCE_S, lead_s=0), "it began at once, and nothing is known of its time"
        outlets.write(live_frame(1))
        assert not outlets.wait_room(0.01, lead_s=PATIENCE_S), "one waits already"
        go_on.set()
        wait_until(lambda: len(sink.frames) == 2, "both")
        go_on.clear()
        outlets.write(live_frame(2))
        assert outlets.wait_room(PATIENCE_S, lead_s=PATIENCE_S), "it takes as long to make one as to write one"
        go_on.set()
        outlets.finish()
    assert sink.numbers == [0, 1, 2]


def test_a_sink_is_expected_to_be_free_when_its_usual_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(outlets_room, "time", clock)
    sink = MemorySink(gate=lambda _: clock.advance(8.0))
    with Outlets([sink], silent, Notices()) as outlets:
        for number in range(30):
            outlets.write(live_frame(number))
            wait_until(lambda n=number: len(sink.frames) == n + 1, "the frame")  # type: ignore[misc]
        sink.gate = held_up(go_on := threading.Event())
        outlets.write(live_frame(30))
        wait_until(lambda: outlets.wait_room(0, lead_s=9.0), "the sink to begin")
        assert not outlets.wait_room(0, lead_s=5.0)
        clock.advance(4.0)
        assert outlets.wait_room(0, lead_s=5.0)
        go_on.set()
        outlets.finish()


def test_a_dead_sink_leaves_the_others_and_the_last_one_ends_the_run() -> None:
    dies, lives = MemorySink("dies", fail=lambda f: f.frame.pts >= 3600), MemorySink("lives")
    notices = Notices()
    with Outlets([dies, lives], silent, notices) as outlets:
        for number in range(5):
            outlets.write(live_frame(number))
            wait_until(lambda n=number: len(lives.frames) == n + 1, "the frame")  # type: ignore[misc]
        assert dies.calls == ["open", "abort"]
        assert any("dies is given up" in said and "on purpose" in said for said in notices.said)
        lives.fail = lambda _: True
        outlets.write(live_frame(5))
        wait_until(lambda: outlets.outlets[1].error is not None, "the failure")
        with pytest.raises(SinkError, match="lives fails on purpose"):
            outlets.write(live_frame(6))


def test_a_sink_that_returns_is_opened_again() -> None:
    away = threading.Event()
    away.set()
    sink = MemorySink("server", returns=True, fail=lambda _: away.is_set())
    notices = Notices()
    with Outlets([sink], silent, notices) as outlets:
        for number in range(100_000):
            wait_until(lambda: outlets.outlets[0].ready, "the next try")
            outlets.write(live_frame(number))
            if len(sink.calls) > 6:
                away.clear()
            if sink.frames:
                break
        outlets.finish()
    assert sink.frames
    assert sink.calls[:2] == ["open", "abort"]
    assert sink.calls[-1] == "finish"
    assert sum("is lost" in said for said in notices.said) == 1, "said once for one absence"
    assert sum("is back at" in said for said in notices.said) == 1


def test_leaving_without_finish_aborts_and_leaves_no_thread() -> None:
    sink = MemorySink()
    with pytest.raises(ZeroDivisionError), Outlets([sink], silent, Notices()) as outlets:
        outlets.write(live_frame(0))
        wait_until(lambda: bool(sink.frames), "a frame")
        raise ZeroDivisionError
    assert sink.calls == ["open", "abort"]


def test_what_fails_while_finishing_does_not_keep_the_others_from_it() -> None:
    class Full(MemorySink):
        def finish(self) -> None:
            raise SinkError("the disk is full")

    full, fine = Full("full"), MemorySink("fine")
    with Outlets([full, fine], silent, Notices()) as outlets:
        outlets.write(live_frame(0))
        wait_until(lambda: full.frames and fine.frames, "a frame in both")
        outlets.finish()
        assert "disk is full" in str(outlets.outlets[0].error)
    assert fine.calls == ["open", "finish"]


def test_what_no_sink_should_raise_reaches_the_main_thread() -> None:
    class Broken(MemorySink):
        def write(self, frame: LiveFrame) -> None:
            raise ZeroDivisionError

    with Outlets([Broken("broken")], silent, Notices()) as outlets:
        outlets.write(live_frame(0))
        with pytest.raises(ZeroDivisionError) as caught:
            for number in range(1, 1_000_000):
                outlets.write(live_frame(number))
                outlets.wait_room(0.01, lead_s=0)
    assert "in sink 'broken'" in caught.value.__notes__
