"""Figures of made-up rounds: medians, the ideal schedule, shares, ratios."""

from dataclasses import replace

import pytest

from tests.benchmark.making import CASE, FACTS, LANCZOS, sample, timing, together
from vsr.benchmark.figures import ideal_fps, make_row
from vsr.benchmark.ratios import make_ratios


def test_the_ideal_is_bound_by_the_slowest_stage_where_there_are_cores_enough() -> None:
    assert ideal_fps([timing(2), timing(20, cpu_ms=20), timing(10)], cores=16) == pytest.approx(50)


def test_the_ideal_is_bound_by_the_work_where_stages_share_the_cores() -> None:
    assert ideal_fps([timing(2), timing(20, cpu_ms=40), timing(8, cpu_ms=12)], cores=2) == pytest.approx(1000 / 27)


def test_shares_of_the_ideal_and_of_the_slowest_stage() -> None:
    row = make_row(CASE, FACTS, [sample()], cores=2)
    assert row.without_encoder.ideal_fps == pytest.approx(1000 / 21)
    assert row.without_encoder.share_of_ideal == pytest.approx(21 / 25)
    assert row.with_encoder.ideal_fps == pytest.approx(1000 / 27)
    assert row.with_encoder.share_of_ideal == pytest.approx(27 / 30)
    assert row.with_encoder.share_of_slowest == pytest.approx(20 / 30)


def test_the_share_of_the_roof_is_taken_within_each_round() -> None:
    slow = sample(upscale=timing(40), roof_gflops=2000.0)
    row = make_row(CASE, FACTS, [sample(), slow, sample()], cores=2)
    assert row.gflop == pytest.approx(1e-4 * 960 * 540)
    assert row.share_of_roof == pytest.approx(row.gflop / 0.020 / 4000)
    assert row.roof_gflops == 4000
    assert make_row(CASE, FACTS, [sample(roof_gflops=None)], cores=2).share_of_roof is None


def test_the_median_and_the_best_of_the_rounds() -> None:
    row = make_row(CASE, FACTS, [sample(upscale=timing(ms)) for ms in (30, 10, 20)], cores=2)
    assert (row.upscale.ms, row.upscale.best_ms) == (20, 10)
    assert row.upscale.fps == pytest.approx(50)
    assert row.upscale.best_fps == pytest.approx(100)
    assert (row.upscale.p50_ms, row.upscale.p99_ms) == (20, 60)


def test_the_bottleneck_is_the_stage_that_is_mostly_at_work_over_the_rounds() -> None:
    rounds = [
        together(30, decode=0.1, upscale=0.8, encode=0.9),
        together(30, decode=0.1, upscale=0.7, encode=0.6),
        together(30, decode=0.1, upscale=0.8, encode=0.6),
    ]
    row = make_row(CASE, FACTS, [sample(with_encoder=one) for one in rounds], cores=2)
    assert row.with_encoder.bottleneck == "upscale"
    assert row.with_encoder.occupancy == {"decode": 0.1, "upscale": 0.8, "encode": 0.6}


def test_warm_up_tells_the_first_round_apart_and_memory_the_most() -> None:
    cold = sample(load_ms=9000.0, first_frame_ms=500.0, peak_host_bytes=1 << 30, peak_device_bytes=7)
    row = make_row(CASE, FACTS, [cold, sample(), sample(start_s=None)], cores=2)
    assert (row.first_round_load_ms, row.load_ms) == (9000, 100)
    assert (row.first_round_first_frame_ms, row.first_frame_ms) == (500, 50)
    assert (row.peak_host_bytes, row.peak_device_bytes) == (1 << 30, 7)
    assert row.start_s == 1.5


def test_each_row_is_held_against_the_first_that_differs_in_one_thing() -> None:
    int8 = replace(CASE, precision="int8")
    light = replace(CASE, network="realtime", weights=None)
    light_int8 = replace(light, precision="int8")
    rounds = {CASE: 20, int8: 16, light: 8, light_int8: 4}
    samples = [(case, [sample(upscale=timing(ms))]) for case, ms in rounds.items()]
    found = {(ratio.kind, ratio.row, ratio.over): ratio.upscale_time for ratio in make_ratios(samples, [])}
    assert found == {
        ("precision", int8.label, CASE.label): pytest.approx(0.8),
        ("network", light.label, CASE.label): pytest.approx(0.4),
        ("network", light_int8.label, int8.label): pytest.approx(0.25),
        ("precision", light_int8.label, light.label): pytest.approx(0.5),
    }


def test_ratios_are_medians_of_those_within_the_rounds() -> None:
    other = replace(CASE, network="realtime")
    ours, theirs = [20, 30, 40], [10, 30, 10]
    samples = [
        (CASE, [sample(upscale=timing(ms)) for ms in ours]),
        (other, [sample(upscale=timing(ms)) for ms in theirs]),
    ]
    (ratio,) = make_ratios(samples, [])
    assert ratio.upscale_time == pytest.approx(0.5)


def test_peers_are_compared_on_the_same_clip_only() -> None:
    elsewhere = replace(LANCZOS, width=640, height=360)
    (ratio,) = make_ratios([(CASE, [sample()])], [(LANCZOS, [timing(5)]), (elsewhere, [timing(1)])])
    assert (ratio.kind, ratio.over, ratio.upscale_time) == ("peer", LANCZOS.label, None)
    assert ratio.fps == pytest.approx(5 / 25)


def test_peers_with_a_network_are_compared_with_the_row_of_that_network_and_of_the_first() -> None:
    cases = [replace(CASE, network=name) for name in ("lrsrn", "realtime", "fast")]
    peers = [replace(LANCZOS, peer="vs-mlrt", network=case.network, setting=case.network) for case in cases]
    found = make_ratios([(case, [sample()]) for case in cases], [(peer, [timing(5)]) for peer in peers])
    pairs = [(ratio.row.split()[0], ratio.over.split()[-1]) for ratio in found if ratio.kind == "peer"]
    assert pairs == [
        ("lrsrn", "lrsrn"), ("realtime", "lrsrn"), ("realtime", "realtime"), ("fast", "lrsrn"), ("fast", "fast"),
    ]  # fmt: skip
