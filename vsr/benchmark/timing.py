"""How long frames took: wall clock, processor time and percentiles of the intervals between them."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """One stage, or all of them, over a clip."""

    frames: int
    wall_s: float
    """From the start to the end of everything, filling and flushing included."""
    cpu_s: float
    """Processor time of the whole process meanwhile, threads that spin while they wait included."""
    p50_ms: float
    """Percentiles of the intervals from one finished frame to the next (the first: from the start)."""
    p95_ms: float
    p99_ms: float

    @property
    def ms(self) -> float:
        """Wall clock a frame."""
        return 1e3 * self.wall_s / self.frames

    @property
    def cpu_ms(self) -> float:
        """Processor time a frame, over all cores."""
        return 1e3 * self.cpu_s / self.frames

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.wall_s


class Stopwatch:
    """Begins on creation; ``lap`` after each frame, ``timing`` when all is done."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._begin_s = time.perf_counter()
        self._laps_s: list[float] = []

    def lap(self) -> None:
        """A frame is done."""
        self._laps_s.append(time.perf_counter() - self._begin_s)

    def timing(self) -> Timing:
        """Everything is done, and at least one frame was."""
        wall_s = time.perf_counter() - self._begin_s
        return timing_of(self._laps_s, wall_s, time.process_time() - self._cpu_s)


def timing_of(laps_s: Sequence[float], wall_s: float, cpu_s: float) -> Timing:
    """The Timing of frames that were done ``laps_s`` after the start."""
    intervals_ms = [1e3 * (b - a) for a, b in zip((0.0, *laps_s), laps_s, strict=False)]
    p50, p95, p99 = (percentile(intervals_ms, share) for share in (50, 95, 99))
    return Timing(len(laps_s), wall_s, cpu_s, p50, p95, p99)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of ``values`` that at least ``percent`` % of them do not exceed (the nearest-rank method)."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
