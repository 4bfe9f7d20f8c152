"""Runs on a cluster from end to end, and what is refused or decided before a piece is made."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.segments.pieces import ON_LOOPBACK, eventually, packets, stations
from vsr.errors import BackendError, SourceError
from vsr.segments import cluster
from vsr.segments.cluster import ClusterCrew
from vsr.segments.contract import Job
from vsr.segments.errand import SharedErrand
from vsr.segments.identity import source_identity
from vsr.segments.job import run
from vsr.segments.manifest import parse
from vsr.spec import PipelineSpec


@pytest.mark.skipif(sys.platform != "linux", reason="finds Ray's workers in /proc")
def test_a_run_that_is_killed_with_its_workers_goes_on(
    address: str, lossless: tuple[PipelineSpec, Path], tmp_path: Path
) -> None:
    spec, expected = lossless
    output = tmp_path / "out.mkv"
    command = [sys.executable, "-m", "vsr", "run", spec.source, str(output), "--cluster", address]
    command += ["--codec", "ffv1", "--encoder-opt", "g=1", "--network", "bicubic", "--segment", "0.4"]
    env = {**os.environ, **ON_LOOPBACK}
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    manifest = tmp_path / "out.mkv.vsr" / "manifest.json"
    eventually(lambda: manifest.exists() and parse(manifest.read_bytes()).done != ())
    first.kill()
    first.wait()
    eventually(lambda: not stations())  # Ray ends the workers of a run that is gone
    second = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert second.returncode == 0, second.stderr
    assert "pieces are there from an earlier run" in second.stderr
    assert packets(output) == packets(expected)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ({"folder": Path("absent")}, "can't write into absent"),
        ({"identity": {"bytes": 7}}, "has another file as .*in.mkv"),
        ({"spec": PipelineSpec("absent.mkv", "out.mkv")}, "can't read the source"),
    ],
)
def test_a_node_that_sees_other_files_says_so(
    spec: PipelineSpec, tmp_path: Path, there: dict[str, Any], message: str
) -> None:
    errand = SharedErrand(spec, tmp_path, Fraction(1, 25), "weights", source_identity(spec.source))
    assert errand.arrive() == Job(spec, tmp_path, Fraction(1, 25), "weights")
    with pytest.raises(SourceError, match=rf"node .* {message}.*--ship"):
        replace(errand, **there).arrive()


@pytest.mark.parametrize(
    ("nodes", "workers", "resources", "threads"),
    [
        (
            [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 64.0}, {"CPU": 16.0, "GPU": 8.0}],
            10,
            {"num_gpus": 1, "num_cpus": 0},
            None,
        ),
        ([{"CPU": 64.0}, {"CPU": 6.0}, {}], 17, {"num_gpus": 0, "num_cpus": 4}, 4),
        ([{"CPU": 2.0}, {"CPU": 8.0}], 5, {"num_gpus": 0, "num_cpus": 2}, 2),
    ],
)
def test_a_worker_takes_a_gpu_or_a_few_cores(
    nodes: list[dict[str, float]], workers: int, resources: dict[str, float], threads: int | None
) -> None:
    lost = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
    ray = SimpleNamespace(nodes=lambda: [lost, *({"Alive": True, "Resources": each} for each in nodes)])
    room = cluster.room_of(ray)
    assert (room.workers, room.resources, room.threads) == (workers, resources, threads)


@pytest.mark.parametrize(
    ("device", "there"),
    [("auto", "auto"), ("cuda:all", "cuda"), ("cuda:0,cuda:1", "cuda"), ("cuda:3", "cuda"), ("cpu,cpu", "cpu")],
)
def test_a_device_is_named_as_the_worker_sees_it(spec: PipelineSpec, device: str, there: str) -> None:
    assert cluster.abroad(replace(spec, device=device)).device == there


def test_ray_that_is_absent_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BackendError, match=r"pip install 'vsr\[cluster\]'"):
        ClusterCrew("auto", ship=False)


def test_a_cluster_that_is_absent_is_said_at_once(spec: PipelineSpec, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and not listened to
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(BackendError, match=f"no Ray cluster answers at '{address}'.*ray start --head"):
            run(replace(spec, output=str(tmp_path / "out.mkv"), cluster=address))
    assert list(tmp_path.iterdir()) == []
