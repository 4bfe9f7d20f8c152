"""Latency percentiles, against numpy's on the same values."""

import numpy as np
import pytest

from vsr.live.latency import LatencyMeter


def test_percentiles_of_a_run_and_of_its_last_seconds() -> None:
    meter = LatencyMeter()
    values = np.random.default_rng(0).gamma(3, 20, 5000)
    for index, value in enumerate(values):
        meter.add(value, index / 100)
    whole = meter.whole()
    assert whole is not None
    expected = np.percentile(values, (50, 95, 99), method="inverted_cdf")
    assert (whole.p50_ms, whole.p95_ms, whole.p99_ms) == pytest.approx(expected, abs=0.51)
    recent = meter.recent()
    assert recent is not None
    assert recent.p50_ms == pytest.approx(np.median(values[-501:]))
    assert meter.since(49.9) == pytest.approx(values[-10:])
    assert meter.frames == 5000


def test_nothing_counted_is_none() -> None:
    assert LatencyMeter().whole() is None
    assert LatencyMeter().recent() is None


def test_what_is_beyond_a_minute_counts_as_a_minute() -> None:
    meter = LatencyMeter()
    meter.add(1e9, 0.0)
    assert getattr(meter.whole(), "p50_ms", None) == 60_000
