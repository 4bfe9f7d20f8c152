"""One round of a case, in this process and in one of its own."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.benchmark.conftest import SPEC
from vsr.benchmark.cases import Case, make_matrix
from vsr.benchmark.clips import Clip
from vsr.benchmark.measuring import Sample, measure
from vsr.benchmark.processes import ask, measure_apart
from vsr.errors import BackendError, SourceError, VsrError


def test_a_round_measures_everything_and_survives_json(case: Case) -> None:
    sample = measure(case)
    timings = [sample.decode, sample.upscale, sample.encode, sample.without_encoder.timing, sample.with_encoder.timing]
    assert [timing.frames for timing in timings] == [SPEC.frames] * 5
    assert set(sample.with_encoder.occupancy) == {"decode", "upscale", "encode"}
    assert sample.load_ms > 0
    assert sample.first_frame_ms > 0
    assert (sample.roof_gflops, sample.start_s) == (None, None)  # bicubic convolves nothing; no process was started
    assert (sample.pcie_bytes, sample.peak_device_bytes) == (0, None)
    assert Sample.from_dict(json.loads(json.dumps(asdict(sample)))) == sample


def test_a_process_of_its_own_tells_what_it_measured(case: Case) -> None:
    sample = measure_apart(case)
    assert sample.upscale.frames == SPEC.frames
    assert sample.start_s is not None
    assert sample.start_s > 1e-3 * (sample.load_ms + sample.first_frame_ms)
    assert sample.peak_host_bytes is None or 10 << 20 < sample.peak_host_bytes < 10 << 30


@pytest.mark.cuda
def test_on_a_gpu_the_planes_cross_and_memory_is_taken(tiny: Clip, tmp_path: Path) -> None:
    spec = replace(SPEC, networks=("lrsrn",), device="cuda:0")
    sample = measure(make_matrix(spec, [tiny], tmp_path).cases[0])
    assert sample.pcie_bytes == 64 * 48 * 3 // 2 * (1 + 4)
    assert sample.peak_device_bytes is not None
    assert sample.peak_device_bytes > 0
    assert sample.roof_refused is None


def test_a_clip_that_is_gone_is_refused(case: Case) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        measure(replace(case, clip="gone.mkv"))


@pytest.mark.parametrize(
    ("prints", "error", "words"),
    [
        ('{"error": "BackendError", "message": "no engine"}', BackendError, "a row: no engine"),
        ('{"error": "Path", "message": "odd"}', VsrError, "a row: odd"),
        ("not JSON", VsrError, "a row: the process that measures it ended with 0: it said nothing"),
        ("3", VsrError, "ended with 0"),
        ("", VsrError, "ended with 0"),
    ],
)
def test_an_error_of_the_other_process_is_raised_here(prints: str, error: type[VsrError], words: str) -> None:
    with pytest.raises(error, match=words):
        ask(["cat"], prints, "a row")


def test_a_process_that_dies_is_named_with_its_last_words() -> None:
    with pytest.raises(VsrError, match="a row: the process that measures it ended with 3: it broke"):
        ask(["sh", "-c", "echo first >&2; echo it broke >&2; exit 3"], "", "a row")
