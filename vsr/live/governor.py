"""Which network a live run can afford: down at once when frames come late, up again only when that will hold."""

from collections.abc import Sequence
from dataclasses import dataclass

_LATE_SHARE = 0.1
"""Of frames dropped in a window, from which the machine can't keep up."""
_BUSY_SHARE = 0.75
"""Of a frame's interval that upscaling may take: the sinks want the machine too."""
_ROOM_SHARE = 0.75
"""Of the bound that a dearer network may be expected to reach."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 4.0, 120.0
_TRIAL_S = 10.0
"""A climb that is taken back within this time was a mistake: the next one waits twice as long."""


@dataclass(frozen=True)
class Window:
    """What happened since the last decision."""

    latency_ms: float | None
    """From capture to after the slowest sink, upper quartile: one odd frame is no reason. None without a frame."""
    arrived: int
    dropped: int
    interval_ms: float | None
    """Between two frames of the source; None while it is not known."""
    upscale_ms: float | None
    """A frame's, with the network now at work; None when there was none."""


class Governor:
    """Decides the rung of a ladder of networks, 0 the cheapest, from one window after the other.

    ``costs_ms`` are what the rungs that are ready were last found to take; ``bound_ms`` is the latency to hold.
    """

    def __init__(self, bound_ms: float):
        self._bound_ms = bound_ms
        self.restart(0)

    def restart(self, rung: int) -> None:
        """Begin anew on ``rung``: another picture size or another ladder."""
        self.rung = rung
        self.exhausted = False
        """True while even the cheapest rung is too slow."""
        self._wait_s = _FIRST_WAIT_S
        self._changed_s: float | None = None
        self._climbed_s: float | None = None
        self._settled = False

    def decide(self, now_s: float, window: Window, costs_ms: Sequence[float]) -> int:
        """The rung to use from now on; ``costs_ms`` has the rungs that are ready, in their order."""
        expected = self._expected(window, costs_ms)
        if self._changed_s is None:
            self._changed_s = now_s
        late = window.latency_ms is not None and window.latency_ms > self._bound_ms
        self.exhausted = False
        if late or window.dropped > max(window.arrived * _LATE_SHARE, 1):
            self._descend(now_s, window, expected)
        elif self.rung + 1 < len(costs_ms) and self._may_climb(now_s, window, expected):
            self.rung, self._changed_s, self._climbed_s = self.rung + 1, now_s, now_s
        return self.rung

    def _expected(self, window: Window, costs_ms: Sequence[float]) -> list[float]:
        """Milliseconds of each rung now: where the one at work takes longer than it did, the cheaper ones will too."""
        if window.upscale_ms is None or not 0 < self.rung < len(costs_ms):
            return list(costs_ms)
        slower = max(window.upscale_ms / costs_ms[self.rung], 1.0)
        below = [cost * slower for cost in costs_ms[: self.rung]]
        return [*below, window.upscale_ms, *costs_ms[self.rung + 1 :]]

    def _descend(self, now_s: float, window: Window, expected: list[float]) -> None:
        if self.rung == 0:
            self.exhausted = True
            return
        if self._climbed_s is not None:
            mistaken = now_s - self._climbed_s < _TRIAL_S
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S) if mistaken else _FIRST_WAIT_S
        budget_ms = self._bound_ms if window.interval_ms is None else window.interval_ms * _BUSY_SHARE
        self.rung = next((r for r in range(self.rung - 1, 0, -1) if expected[r] <= budget_ms), 0)
        self._changed_s, self._climbed_s, self._settled = now_s, None, True

    def _may_climb(self, now_s: float, window: Window, expected: list[float]) -> bool:
        if window.interval_ms is None or window.latency_ms is None:
            return False
        # Until something was late there is nothing to be careful about: networks are taken as they get ready.
        wait_s = self._wait_s if self._settled else 0.0
        rise_ms = expected[self.rung + 1] - expected[self.rung]
        return (
            now_s - (self._changed_s or 0.0) >= wait_s
            and expected[self.rung + 1] <= window.interval_ms * _BUSY_SHARE
            and window.latency_ms + rise_ms <= self._bound_ms * _ROOM_SHARE
        )
