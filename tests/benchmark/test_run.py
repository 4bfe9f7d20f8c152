"""A whole benchmark: rounds in turns, rows that fail later, and the JSON."""

import json

import pytest

from tests.benchmark.conftest import SPEC
from tests.benchmark.making import benchmark, sample
from vsr.benchmark.cases import Case
from vsr.benchmark.measuring import Sample
from vsr.benchmark.run import as_dict, run_benchmark
from vsr.benchmark.spec import BenchSpec
from vsr.errors import BackendError, NetworkError, VsrError

TWO = BenchSpec(networks=("bicubic", "lrsrn"), sizes=((64, 48),), backends=("torch",), frames=2, rounds=2)


def test_each_round_measures_every_row_in_turn() -> None:
    asked: list[str] = []
    said: list[str] = []

    def measure(case: Case) -> Sample:
        asked.append(case.network)
        return sample()

    result = run_benchmark(TWO, tell=said.append, measure=measure)
    assert asked == ["bicubic", "lrsrn"] * 2
    assert [text.split(":")[0] for text in said] == ["round 1 of 2"] * 2 + ["round 2 of 2"] * 2
    assert [row.case.network for row in result.rows] == ["bicubic", "lrsrn"]
    assert [len(taken) for taken in result.samples] == [2, 2]


@pytest.mark.parametrize("kind", [BackendError, NetworkError])
def test_a_row_that_can_not_be_run_is_told_and_the_others_measured(kind: type[VsrError]) -> None:
    def measure(case: Case) -> Sample:
        if case.network == "lrsrn":
            raise kind("no engine for it")
        return sample()

    result = run_benchmark(TWO, measure=measure)
    assert [row.case.network for row in result.rows] == ["bicubic"]
    assert result.refused == ("no engine for it",)


def test_where_nothing_can_be_run_the_reason_is_raised() -> None:
    def measure(_: Case) -> Sample:
        raise BackendError("no engine for it")

    with pytest.raises(BackendError, match="no engine"):
        run_benchmark(SPEC, measure=measure)


def test_the_json_has_everything_but_paths() -> None:
    content = as_dict(benchmark())
    text = json.dumps(content, allow_nan=False)
    assert "clip.mkv" not in text
    assert "made.safetensors" not in text
    row = content["rows"][0]
    assert row["label"] == "lrsrn x2 960x540 torch bf16"
    assert set(row) >= {
        "decode",
        "upscale",
        "encode",
        "without_encoder",
        "with_encoder",
        "roof_gflops",
        "peak_host_bytes",
    }
    assert [one["roof_gflops"] for one in row["samples"]] == [4000.0, 4000.0]
    assert row["with_encoder"]["bottleneck"] == "upscale"
    assert content["settings"]["preset"] == "veryfast"
    assert content["peers"][0]["peer"] == "ffmpeg-lanczos"
    assert {ratio["kind"] for ratio in content["ratios"]} == {"network", "peer"}
