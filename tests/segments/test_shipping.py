"""Pieces made by machines that see none of the job's files: they come through the cluster."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.segments.pieces import FRAMES, Run, StationsKilled, contents, job_of, made_here, packets
from vsr.errors import UsageError
from vsr.networks.weights import SHIPPED_DIR
from vsr.segments import cluster
from vsr.segments.cluster import ClusterCrew
from vsr.segments.contract import Job, Piece
from vsr.segments.errand import ShippedErrand
from vsr.segments.job import run
from vsr.spec import PipelineSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds Ray's workers in /proc")


@pytest.fixture(scope="module")
def shipping(address: str) -> Iterator[ClusterCrew]:
    """Sends files in several chunks, after which they are nowhere but in the cluster."""
    stored = ClusterCrew._stored

    def store_and_remove(crew: ClusterCrew, path: Path) -> tuple[Any, ...]:
        chunks = stored(crew, path)
        assert len(chunks) > 1
        path.unlink()
        return chunks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "CHUNK_BYTES", 200)
        patch.setattr(ClusterCrew, "_stored", store_and_remove)
        with ClusterCrew(address, ship=True) as crew:
            yield crew


def shipped(home: Path) -> list[Path]:
    """What the nodes keep of shipped files."""
    return list(home.glob("vsr-shipped-*/*"))


def test_shipped_files_are_all_that_a_node_needs(
    shipping: ClusterCrew, spec: PipelineSpec, ray_home: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(spec.source, tmp_path / "here only.mkv"))
    weights = [shutil.copy(SHIPPED_DIR / f"lrsrn_x2_clean{suffix}", tmp_path) for suffix in (".json", ".safetensors")]
    mine = replace(spec, source=str(path), network="lrsrn", weights=str(weights[-1]))
    job, pieces = job_of(mine, tmp_path / "pieces")
    expected, _ = job_of(mine, tmp_path / "expected")
    made_here(expected, pieces[:2])
    run = Run(shipping, job, pieces[:2])
    run.finish()
    assert not path.exists()
    assert contents(job.folder) == contents(expected.folder)
    assert shipped(ray_home) == []


def test_files_of_other_weights_have_another_place(shipping: ClusterCrew, spec: PipelineSpec, tmp_path: Path) -> None:
    """A run that was killed leaves the old ones on every node."""
    keys = set()
    for weights in ("these", "others"):
        path = Path(shutil.copy(spec.source, tmp_path / "in.mkv"))
        errand = shipping._shipped(Job(replace(spec, source=str(path)), tmp_path, Fraction(1, 25), weights))
        assert isinstance(errand, ShippedErrand)
        keys.add(errand.key)
    assert len(keys) == 2


def test_what_dies_is_made_elsewhere_of_shipped_files_too(
    shipping: ClusterCrew, spec: PipelineSpec, ray_home: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    path = Path(shutil.copy(spec.source, tmp_path / "in.mkv"))
    run = StationsKilled(shipping, *job_of(replace(spec, source=str(path)), tmp_path / "pieces"))
    run.finish()
    assert run.killed
    assert contents(run.job.folder) == reference
    assert shipped(ray_home) == []


def test_a_run_with_shipped_files_equals_one_in_one_process_frame_for_frame(
    shipping: ClusterCrew, lossless: tuple[PipelineSpec, Path], ray_home: Path, tmp_path: Path
) -> None:
    spec, expected = lossless
    home = tmp_path / "home"
    home.mkdir()
    path = shutil.copy(spec.source, home / "in.mkv")
    output = tmp_path / "out.mkv"
    report = run(replace(spec, output=str(output), source=str(path)), crew=shipping)
    assert report.frames_out == FRAMES
    assert report.segments is not None
    assert report.segments.total == 5
    assert packets(output) == packets(expected)
    assert shipped(ray_home) == []


def test_numbered_pictures_are_not_shipped(shipping: ClusterCrew, spec: PipelineSpec, tmp_path: Path) -> None:
    job = Job(replace(spec, source=str(tmp_path / "%04d.png")), tmp_path, Fraction(1, 25), "")
    with pytest.raises(UsageError, match="--ship sends one file"):
        Run(shipping, job, [Piece(0, None, None, None)]).finish()
