"""The governor: down at once, up with patience, never up to what will not hold."""

from itertools import pairwise

import pytest

from vsr.live.governor import Governor, Window

BOUND_MS = 300.0
COSTS_MS = (4.0, 10.0, 16.0, 24.0)


class Machine:
    """A machine that needs ``speed`` times the first measured cost of a rung, and drops what it can't do in time.

    As the ladder does, it measures the rung above the one at work again.
    """

    def __init__(self, interval_ms: float = 40.0, speed: float = 1.0):
        self.interval_ms = interval_ms
        self.speed = speed
        self.governor = Governor(BOUND_MS)
        self.now_s = 0.0
        self.rungs: list[int] = []

    def run(self, seconds: float, costs_ms: tuple[float, ...] = COSTS_MS) -> list[int]:
        """The rung of each half second."""
        start = len(self.rungs)
        known = list(costs_ms)
        for _ in range(round(seconds * 2)):
            self.now_s += 0.5
            rung = self.governor.rung
            known[rung + 1 : rung + 2] = [cost * self.speed for cost in costs_ms[rung + 1 : rung + 2]]
            upscale_ms = costs_ms[rung] * self.speed
            arrived = round(500 / self.interval_ms)
            done = min(arrived, round(500 / upscale_ms))
            window = Window(
                latency_ms=upscale_ms * 2 + 20,
                arrived=arrived,
                dropped=arrived - done,
                interval_ms=self.interval_ms,
                upscale_ms=upscale_ms,
            )
            self.rungs.append(self.governor.decide(self.now_s, window, known))
        return self.rungs[start:]


def test_it_takes_networks_as_they_get_ready() -> None:
    machine = Machine()
    assert machine.run(2, COSTS_MS[:1])[-1] == 0
    assert machine.run(1, COSTS_MS[:2])[-1] == 1
    assert machine.run(3)[-1] == 3


def test_it_never_tries_what_can_not_hold() -> None:
    assert max(Machine(speed=2.0).run(600)) == 1  # the next needs 32 of 40 ms, and the sinks want the machine too


def test_it_steps_down_at_once_and_far_enough() -> None:
    machine = Machine()
    machine.run(5)
    machine.speed = 4.0  # of 16, 40, 64 and 96 ms only the first leaves time for the rest
    assert machine.run(1)[0] == 0


def test_it_comes_back_when_the_load_goes_but_not_at_once() -> None:
    machine = Machine()
    machine.run(5)
    machine.speed = 4.0
    assert machine.run(2)[-1] == 0
    machine.speed = 1.0
    back = machine.run(30)
    assert back[0] == 0
    assert back[-1] == 3


def test_a_climb_that_fails_is_tried_less_and_less_often() -> None:
    """The cost of the dearest was measured too low, so that every climb to it fails."""
    machine = Machine()
    tries_s: list[float] = []
    for _ in range(1200):
        before = machine.governor.rung
        true_ms = (4.0, 10.0, 16.0, 60.0)[before]
        machine.now_s += 0.5
        dropped = 5 if true_ms > machine.interval_ms else 0
        # Rung 2 shows its measured cost, so that 24 ms are expected of rung 3.
        window = Window(latency_ms=60.0, arrived=12, dropped=dropped, interval_ms=40.0, upscale_ms=true_ms)
        if machine.governor.decide(machine.now_s, window, COSTS_MS) == 3 != before:
            tries_s.append(machine.now_s)
    waits = [b - a for a, b in pairwise(tries_s)]
    assert waits == sorted(waits)
    assert waits[-1] > 8 * waits[0]
    assert len(tries_s) < 20


@pytest.mark.parametrize("late", [True, False])
def test_late_frames_alone_are_a_reason(late: bool) -> None:
    governor = Governor(BOUND_MS)
    governor.restart(2)
    latency_ms = BOUND_MS + 1 if late else BOUND_MS * 0.9
    rung = governor.decide(1.0, Window(latency_ms, 12, 0, 40.0, 16.0), COSTS_MS)
    assert rung == (1 if late else 2)


def test_it_says_when_even_the_cheapest_is_too_slow() -> None:
    machine = Machine(speed=20.0)
    machine.run(1)
    assert machine.governor.exhausted
    machine.speed = 1.0
    machine.run(1)
    assert not machine.governor.exhausted


def test_a_window_without_frames_changes_nothing() -> None:
    governor = Governor(BOUND_MS)
    governor.restart(1)
    assert governor.decide(1.0, Window(None, 0, 0, None, None), COSTS_MS) == 1
