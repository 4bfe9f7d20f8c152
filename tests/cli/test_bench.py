"""``vsr bench`` from the command line: what it prints and writes, and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from vsr.benchmark import measuring, run

TINY = ("bench", "--network", "bicubic", "--size", "64x48", "--backend", "torch", "--frames", 3, "--rounds", 1)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process for each measurement takes seconds to start; tests/benchmark/test_measuring.py starts one."""
    monkeypatch.setattr(run, "measure_apart", measuring.measure)


def test_the_tables_are_printed_and_files_written(vsr: Run, tmp_path: Path) -> None:
    code, out, err = vsr(*TINY, "--json", tmp_path / "b.json", "--markdown", tmp_path / "b.md")
    assert code == 0
    for word in ("End to end, nothing encoded", "Upscale alone", "The roof", "Memory", "bicubic x2 64x48 torch fp32"):
        assert word in out
    assert err == "vsr: round 1 of 1: bicubic x2 64x48 torch fp32\n"
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["rows"][0]["upscale"]["fps"] > 0
    assert content["rows"][0]["samples"][0]["encode"]["frames"] == 3
    assert (tmp_path / "b.md").read_text().startswith("# vsr bench")


def test_json_on_standard_output_is_all_that_is_there(vsr: Run) -> None:
    code, out, _ = vsr(*TINY, "--json", "-")
    assert code == 0
    assert json.loads(out)["settings"]["frames"] == 3


def test_quiet_says_nothing(vsr: Run) -> None:
    assert vsr(*TINY, "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--size", "odd"), 2, "--size is 'odd'"),
        (("--precision", "half"), 2, "--precision is 'half'"),
        (("--vs", "video2x"), 2, "--vs is 'video2x'"),
        (("--vs", "opencv"), 2, "--peer-model"),
        (("--vs", "vs-mlrt", "--peer-python", "no-such-python"), 6, "pip install vapoursynth"),
        (("--input", "absent.mp4"), 3, "absent.mp4 does not exist"),
        (("--network", "nothing"), 5, "no network 'nothing'"),
        (("--network", "rtsrn"), 5, "--untrained"),
        (("--backend", "nothing"), 6, "no backend 'nothing'"),
        (("--json", "absent/b.json"), 4, "can't write absent/b.json"),
        (("--codec", "nothing"), 4, "nothing"),
    ],
)
def test_errors_are_one_line_with_their_code(vsr: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    plain = {"--size": "64x48", "--network": "bicubic"}
    given = [item for key, value in plain.items() if key not in arguments and "--input" not in arguments
             for item in (key, value)]  # fmt: skip
    got, out, err = vsr("bench", *given, "--frames", 2, "--rounds", 1, "--quiet", *arguments)
    assert (got, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1
