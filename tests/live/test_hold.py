"""The last picture stands in while there is nothing new; its pts go on by the time that passes."""

from collections.abc import Iterator

import pytest

from tests.live.moving import MemorySource, live_frame
from vsr.io.live.contract import LiveFrame
from vsr.live import hold as hold_room
from vsr.live.controls import Controls
from vsr.live.hold import TICK_S, Hold


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(hold_room, "time", clock)
    return clock


def controls() -> Controls:
    return Controls(("bicubic",), (2,), network="bicubic", scale=2)


def shown(hold: Hold, clock: Clock, items: list[tuple[float, LiveFrame | None]]) -> list[LiveFrame | None]:
    """What ``hold`` gives for items that come at such seconds."""

    def arriving() -> Iterator[LiveFrame | None]:
        for at_s, item in items:
            clock.now_s = 100.0 + at_s
            yield item

    return list(hold(arriving()))


def test_a_lost_source_is_bridged_and_its_return_goes_on(clock: Clock) -> None:
    source = MemorySource(iter(()), lost=True)
    hold = Hold(source, controls())
    back = live_frame(75)  # at 3 s
    given = shown(hold, clock, [(0, live_frame(0)), *((TICK_S * i, None) for i in range(1, 29)), (3, back)])
    held = [frame for frame in given if frame is not None and frame.held]
    assert len(held) == hold.held == 28
    pts = [frame.frame.pts for frame in given if frame is not None]
    assert pts == sorted(set(pts))
    assert [p / 90_000 for p in pts[1:-1]] == pytest.approx([TICK_S * i for i in range(1, 29)], abs=1e-4)
    assert given[-1] is back


def test_a_frame_older_than_what_stood_in_for_it_is_left_out(clock: Clock) -> None:
    hold = Hold(MemorySource(iter(()), lost=True), controls())
    given = shown(hold, clock, [(0, live_frame(0)), (1, None), (1.01, live_frame(20)), (1.05, live_frame(26))])
    assert [frame and frame.frame.pts for frame in given] == [0, 90_000, None, 26 * 3600]


def test_a_frame_that_comes_late_does_not_stop_what_stands_in(clock: Clock) -> None:
    hold = Hold(MemorySource(iter(()), lost=True), controls())
    late = live_frame(3)
    given = shown(hold, clock, [(0, live_frame(0)), (2, None), (2.1, late), (2.2, None), (2.3, None)])
    assert [frame and frame.frame.pts for frame in given] == [0, 180_000, None, 198_000, 207_000]
    assert given[-1] is not None
    assert given[-1].frame.planes is late.frame.planes


def test_a_source_that_only_pauses_for_breath_is_not_held(clock: Clock) -> None:
    hold = Hold(MemorySource(iter(())), controls())
    assert shown(hold, clock, [(0, live_frame(0)), (0.3, None), (0.6, None)])[1:] == [None, None]
    assert shown(hold, clock, [(1.5, None)]) != [None]


def test_before_the_first_frame_there_is_nothing_to_hold(clock: Clock) -> None:
    assert shown(Hold(MemorySource(iter(()), lost=True), controls()), clock, [(0, None), (9, None)]) == [None, None]


def test_pause_keeps_the_picture_and_time_goes_on(clock: Clock) -> None:
    asked = controls()
    hold = Hold(MemorySource(iter(())), asked)
    first = shown(hold, clock, [(0, live_frame(0))])
    asked.pause(on=True)
    paused = shown(hold, clock, [(0.2, live_frame(5)), (0.4, live_frame(10))])
    assert all(f is not None and f.held and (f.frame.planes[0] == 16).all() for f in paused)
    asked.pause(on=False)
    assert shown(hold, clock, [(0.6, live_frame(15))])[0] is not None
    assert first[0] is not None
