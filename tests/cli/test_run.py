"""``vsr run`` as a process: its report, its silence, its exit codes and what Ctrl-C leaves behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.io.making import Recipe, make


def _start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vsr", "run", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clip") / "in.mp4", Recipe(audio=("aac",)))


def test_json_to_stdout_is_the_whole_report_and_nothing_else(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    process = _start(clip, output, "--json", "-", "--network", "lrsrn")
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    report = json.loads(stdout)
    assert report["frames_in"] == report["frames_out"] == 10
    assert [stage["name"] for stage in report["stages"]] == ["decode", "upscale", "encode"]
    assert report["bottleneck"] in {"decode", "upscale", "encode"}
    assert all(0 <= stage["occupancy"] <= 1 and stage["ms_per_frame"] >= 0 for stage in report["stages"])
    assert report["network"]["name"] == "lrsrn"
    assert len(report["network"]["sha256"]) == 64
    assert {"backend", "precision", "device", "fps", "color", "streams", "notices"} <= report.keys()
    assert report["streams"][0]["action"] == "copy"
    assert stderr == ""


def test_json_to_a_file_and_a_summary_for_people(vsr: Run, clip: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, stdout, _ = vsr("run", clip, tmp_path / "out.mkv", "--json", report, "--network", "bicubic")
    assert code == 0
    assert "128x96, 10 frames" in stdout
    assert "limited by" in stdout
    assert json.loads(report.read_text())["result"]["width"] == 128


def test_quiet_says_nothing(vsr: Run, clip: Path, tmp_path: Path) -> None:
    assert vsr("run", clip, tmp_path / "out.mkv", "--quiet", "--network", "bicubic") == (0, "", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, code: int) -> None:
    untagged = make(
        tmp_path / "in.mkv", Recipe(size=(320, 180), pts=tuple(range(0, 512 * 60, 512)), color=(0, 2, 2, 2))
    )
    process = _start(untagged, tmp_path / "out.mkv", "--network", "lrsrn")
    assert process.stderr is not None
    assert "colour matrix" in process.stderr.readline()  # the source is open, the run is about to begin
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
