"""What is asked, beside what a made-up benchmark measured."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.benchmark.making import CASE, FACTS, LANCZOS, benchmark, sample, timing
from vsr.benchmark.figures import make_row, stage_figures
from vsr.benchmark.ratios import make_ratios
from vsr.benchmark.run import Benchmark, PeerRow, as_dict
from vsr.benchmark.targets import Results, Target, cpu_targets, gpu_targets, main
from vsr.plane_model import Precision


def measured(width: int = 960, height: int = 540, **upscale_ms: float) -> Benchmark:
    """Networks by their milliseconds; ``lrsrn_int8`` is LRSRN in int8."""
    base = replace(CASE, width=width, height=height)
    cases, rounds = [], []
    for name, ms in upscale_ms.items():
        network, _, precision = name.partition("_")
        cases.append(replace(base, network=network, weights=network, precision=cast("Precision", precision or "bf16")))
        rounds.append((sample(upscale=timing(ms)),))
    facts = {"lrsrn": 37.3, "realtime": 36.95}
    rows = [
        make_row(case, replace(FACTS, set5_psnr_y=facts.get(case.network)), taken, cores=2)
        for case, taken in zip(cases, rounds, strict=True)
    ]
    peer = replace(LANCZOS, peer="vs-mlrt", network="lrsrn", width=width, height=height)
    figures = [PeerRow(replace(peer, setting=str(ms)), stage_figures([timing(ms)])) for ms in (50, 40)]
    ratios = make_ratios(list(zip(cases, rounds, strict=True)), [])
    return benchmark(rows=tuple(rows), samples=tuple(rounds), peers=tuple(figures), ratios=ratios)


INT8 = "lrsrn x2 960x540 torch int8: faster than lrsrn x2 960x540 torch bf16"


@pytest.mark.parametrize(
    ("what", "figure", "reached"),
    [
        ("lrsrn: share of the roof of 3x3 convolutions", 0.648, False),
        # The faster of the peer's settings counts: 40 ms, against 25 ms of ours.
        ("lrsrn: end to end over vs-mlrt with the same weights", 1.6, True),
        ("realtime: end to end over vs-mlrt with LRSRN", 1.6, False),
        ("realtime: fps into a file", 1000 / 30, True),
        ("every network: seconds to the first frame", 1.5, True),
        ("realtime: upscale time over LRSRN's", 0.4, False),
        ("realtime: PSNR of Y on Set5, dB", 36.95, True),
        ("fast: upscale time over LRSRN's", None, False),
        (INT8, 1.25, True),
    ],
)
def test_the_acceptance_of_a_cpu(what: str, figure: float | None, reached: bool) -> None:
    results = as_dict(measured(lrsrn=20, realtime=8, lrsrn_int8=16))
    (target,) = [target for target in cpu_targets(results) if target.what == what]
    assert target.measured == pytest.approx(figure)
    assert target.reached == reached


def test_the_acceptance_of_a_gpu_takes_the_fastest_row() -> None:
    found = gpu_targets(as_dict(measured(1920, 1080, lrsrn=1, lrsrn_fp16=2, realtime=1)))
    assert [target.measured for target in found] == pytest.approx([1000, 1000, 8 / 30])
    assert [target.reached for target in found] == [True, False, False]


@pytest.mark.parametrize("targets", [cpu_targets, gpu_targets])
def test_other_sizes_than_the_one_asked_for_tell_nothing(targets: Callable[[Results], tuple[Target, ...]]) -> None:
    found = targets(as_dict(measured(1280, 720, lrsrn=20, realtime=8, lrsrn_int8=16)))
    assert {target.measured for target in found} == {None}


def test_the_table_is_printed_for_what_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(as_dict(measured(lrsrn=20))))
    main("cpu", str(tmp_path / "bench.json"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| what | asked | measured | reached |"
    assert "| lrsrn: end to end over vs-mlrt with the same weights | >= 1.5 | 1.6 | yes |" in lines
    assert "| realtime: fps into a file | >= 25 | not measured | no |" in lines
