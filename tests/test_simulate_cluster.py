"""``scripts/simulate-cluster`` agrees with what can be told without a simulation."""

import importlib.machinery
import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "simulate-cluster"
UNLIMITED: dict[str, Any] = {
    "read_mb_s": math.inf, "write_mb_s": math.inf, "scan_mb_s": math.inf, "join_mb_s": math.inf,
    "book_s": 0.0, "start_s": 7.0, "open_s": 3.0, "fps": 10.0, "rate": 25.0, "segment_s": 20.0, "hours": 1.0,
}  # fmt: skip
PIECES = 180
PIECE_S = 3.0 + 20 * 25 / 10


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("simulate_cluster", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        loader.exec_module(module)
    return module


@pytest.mark.parametrize("workers", [1, 2, 7, 64, 180, 1000])
def test_without_limits_it_is_rounds_of_pieces(script: ModuleType, workers: int) -> None:
    result = script.simulate(script.Setting(**UNLIMITED), workers)
    assert result.wall_s == pytest.approx(7.0 + math.ceil(PIECES / workers) * PIECE_S)
    assert result.deaths == 0


def test_one_worker_takes_the_sum_of_all(script: ModuleType) -> None:
    given = {**UNLIMITED, "source_mbit_s": 8.0, "output_mbit_s": 16.0, "scan_mb_s": 100.0, "join_mb_s": 50.0}
    result = script.simulate(script.Setting(**{**given, "book_s": 2.0}), 1)
    assert result.wall_s == pytest.approx(3600 / 100 + 7.0 + PIECES * PIECE_S + 2.0 + 2 * 3600 / 50)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [({"read_mb_s": 10.0, "source_mbit_s": 80.0}, 3600.0), ({"write_mb_s": 5.0, "output_mbit_s": 20.0}, 1800.0)],
)
def test_many_workers_go_at_the_pace_of_their_storage(
    script: ModuleType, limit: dict[str, float], seconds: float
) -> None:
    setting = script.Setting(**{**UNLIMITED, "open_s": 0.0, "start_s": 0.0, **limit})
    result = script.simulate(setting, PIECES)
    assert result.wall_s == pytest.approx(seconds)
    assert result.limit == "storage"
    few = script.simulate(setting, 2)
    assert few.wall_s == pytest.approx(PIECES / 2 * 50)  # two do not reach the limit
    assert few.limit == "workers"


def test_the_driver_books_one_piece_after_another(script: ModuleType) -> None:
    result = script.simulate(script.Setting(**{**UNLIMITED, "book_s": 30.0}), PIECES)
    assert result.wall_s == pytest.approx(7.0 + PIECE_S + PIECES * 30.0)
    assert result.limit == "driver"


def test_deaths_cost_what_was_under_way_and_no_piece_is_lost(script: ModuleType) -> None:
    calm = script.simulate(script.Setting(**UNLIMITED), 20)
    for seed in range(5):
        result = script.simulate(script.Setting(**UNLIMITED, mtbf_hours=0.1), 20, seed)
        assert result.deaths > 0
        # A death costs at most the piece and a start, shared by nobody in the worst case.
        assert calm.wall_s < result.wall_s <= calm.wall_s + result.deaths * (PIECE_S + 7.0)
        assert result == script.simulate(script.Setting(**UNLIMITED, mtbf_hours=0.1), 20, seed)


def test_the_last_piece_is_the_rest_of_the_film(script: ModuleType) -> None:
    setting = script.Setting(hours=1 / 3600 * 70, rate=25.0, segment_s=30.0)
    assert setting.pieces == pytest.approx([750, 750, 250])


def test_the_table_takes_its_figures_from_a_report(tmp_path: Path) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    source.write_bytes(bytes(10_000))
    output.write_bytes(bytes(50_000))
    report = {
        "fps": 12.5, "frames_in": 9000, "source": str(source), "output": str(output), "input": {"frame_rate": "25/1"},
        "wall_s": 720.0, "segments": None,
    }  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(report))
    command = [sys.executable, str(SCRIPT), "--report", str(tmp_path / "report.json"), "--workers", "1", "1000"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "12 pieces of 30 s, 12.5 frames/s a worker"
    assert [line.split()[0] for line in said[2:4]] == ["1", "1000"]
    assert said[2].endswith("workers")
    assert said[3].endswith("pieces")
    assert said[4] == "the limit moves from 1000 workers on: pieces"


def test_of_a_run_in_pieces_the_report_tells_how_fast_they_were_scanned_and_joined(
    script: ModuleType, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    source.write_bytes(bytes(1_000_000))
    output.write_bytes(bytes(4_000_000))
    report = {
        "fps": 9.0, "frames_in": 900, "source": str(source), "output": str(output), "input": {"frame_rate": "25/1"},
        "wall_s": 100.0, "segments": {"total": 2, "kept": 0, "scan_s": 0.5, "join_s": 10.0},
    }  # fmt: skip
    (tmp_path / "report.json").write_text(json.dumps(report))
    setting, _, _ = script.settings_from(["--report", str(tmp_path / "report.json")])
    assert (setting.scan_mb_s, setting.join_mb_s) == pytest.approx((2.0, 0.4))
    assert setting.fps == pytest.approx(10.0)  # while pieces were made
