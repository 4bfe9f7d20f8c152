"""Percentiles and means of made-up laps."""

import pytest

from vsr.benchmark.timing import Stopwatch, percentile, timing_of


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (range(1, 101), 50, 50),
        (range(1, 101), 95, 95),
        (range(1, 101), 99, 99),
        ([3, 1, 2], 50, 2),
        ([3, 1, 2], 99, 3),
        ([3, 1, 2], 0, 1),
        ([7], 50, 7),
    ],
)
def test_percentiles_are_nearest_ranks(values: list[float], percent: float, expected: float) -> None:
    assert percentile(list(values), percent) == expected


def test_a_timing_counts_intervals_from_the_start_and_the_flush_at_the_end() -> None:
    timing = timing_of([0.010, 0.030, 0.040], wall_s=0.060, cpu_s=0.090)
    assert timing.frames == 3
    assert timing.p50_ms == pytest.approx(10)
    assert timing.p99_ms == pytest.approx(20)
    assert timing.ms == pytest.approx(20)
    assert timing.cpu_ms == pytest.approx(30)
    assert timing.fps == pytest.approx(50)


def test_a_stopwatch_counts_its_laps() -> None:
    watch = Stopwatch()
    for _ in range(4):
        watch.lap()
    timing = watch.timing()
    assert timing.frames == 4
    assert timing.wall_s >= 0
    assert timing.p50_ms <= timing.p95_ms <= timing.p99_ms
