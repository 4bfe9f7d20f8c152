"""Pieces made by two machines of a Ray cluster that see the same files: the same ones, whatever dies."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.segments.pieces import FRAMES, Run, StationsKilled, contents, packets
from vsr.errors import BackendError, UsageError
from vsr.segments import cluster
from vsr.segments.cluster import ClusterCrew
from vsr.segments.contract import Job, Piece
from vsr.segments.job import run
from vsr.segments.station import versions
from vsr.spec import PipelineSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds Ray's workers in /proc")


@pytest.fixture(scope="module")
def shared(address: str) -> Iterator[ClusterCrew]:
    with ClusterCrew(address, ship=False) as crew:
        yield crew


def test_two_machines_make_what_one_process_makes(
    shared: ClusterCrew, job: tuple[Job, tuple[Piece, ...]], reference: dict[str, bytes]
) -> None:
    run = Run(shared, *job)
    run.finish()
    assert shared.width == 2
    assert run.frames == FRAMES
    assert contents(run.job.folder) == reference


def test_killed_workers_are_replaced_without_a_word_of_ray(
    shared: ClusterCrew,
    job: tuple[Job, tuple[Piece, ...]],
    reference: dict[str, bytes],
    capfd: pytest.CaptureFixture[str],
) -> None:
    run = StationsKilled(shared, *job)
    run.finish()
    assert run.killed
    assert run.frames == FRAMES
    assert any("is made again" in text for text in run.notices.said)
    assert {name: content for name, content in contents(run.job.folder).items() if name in reference} == reference
    assert capfd.readouterr() == ("", "")


def test_an_error_of_a_worker_is_raised_as_it_is(shared: ClusterCrew, job: tuple[Job, tuple[Piece, ...]]) -> None:
    right, pieces = job
    wrong = replace(right, spec=replace(right.spec, encoder_options=(("no-such", "1"),)))
    run = Run(shared, wrong, pieces)
    with pytest.raises(UsageError, match="no option 'no-such'"):
        run.finish()
    assert not run.notices.said


def test_a_run_on_a_cluster_equals_one_in_one_process_frame_for_frame(
    shared: ClusterCrew, lossless: tuple[PipelineSpec, Path], tmp_path: Path
) -> None:
    spec, expected = lossless
    output = tmp_path / "out.mkv"
    report = run(replace(spec, output=str(output)), crew=shared)
    assert report.frames_out == FRAMES
    assert report.segments is not None
    assert report.segments.total == 5
    assert packets(output) == packets(expected)
    assert list(tmp_path.iterdir()) == [output]


def test_a_node_of_another_version_is_refused(
    shared: ClusterCrew, job: tuple[Job, tuple[Piece, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "versions", lambda: {**versions(), "av": "1.2.3"})
    with pytest.raises(BackendError, match=r"node .* has av .*, this machine 1\.2\.3; install the same"):
        Run(shared, *job).finish()
