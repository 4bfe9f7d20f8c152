"""How late frames are: exact percentiles of the last seconds and of a whole run, in memory that does not grow."""

import threading
from collections import deque

import numpy as np

from vsr.live.controls import Percentiles

_RECENT_S = 5.0
_LONGEST_MS = 60_000


class LatencyMeter:
    """One sink's. Fed on its thread, read on others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = np.zeros(_LONGEST_MS + 1, np.int64)
        self._recent: deque[tuple[float, float]] = deque()

    def add(self, latency_ms: float, now_s: float) -> None:
        """Count one frame; more than a minute counts as a minute."""
        with self._lock:
            self._counts[min(max(round(latency_ms), 0), _LONGEST_MS)] += 1
            self._recent.append((now_s, latency_ms))
            while self._recent[0][0] < now_s - _RECENT_S:
                self._recent.popleft()

    @property
    def frames(self) -> int:
        """Counted so far."""
        with self._lock:
            return int(self._counts.sum())

    def since(self, start_s: float) -> list[float]:
        """Latencies counted from ``start_s`` on, at most the last seconds, in milliseconds."""
        with self._lock:
            return [latency_ms for at_s, latency_ms in self._recent if at_s >= start_s]

    def recent(self) -> Percentiles | None:
        """Of the last five seconds in which frames came; None before the first."""
        with self._lock:
            values = [latency_ms for _, latency_ms in self._recent]
        if not values:
            return None
        return Percentiles(*(float(value) for value in np.percentile(values, (50, 95, 99))))

    def whole(self) -> Percentiles | None:
        """Of the whole run, to the millisecond; None when nothing was counted."""
        with self._lock:
            ends = np.cumsum(self._counts)
        if not ends[-1]:
            return None
        # The nearest rank: the smallest latency that so many per cent of the frames stay within.
        return Percentiles(*(float(np.searchsorted(ends, np.ceil(ends[-1] * share))) for share in (0.5, 0.95, 0.99)))
