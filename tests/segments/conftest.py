"""A small job for those who make pieces, and a Ray cluster of two machines that are both this one."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.io.making import make
from tests.segments.pieces import FRAMES, ON_LOOPBACK, ONE_THREAD, RATE, contents, job_of, made_here, source
from tests.segments.runs import SOURCES
from vsr.segments.contract import Job, Piece
from vsr.segments.job import run
from vsr.spec import PipelineSpec

_STORE_BYTES = 100 << 20


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> PipelineSpec:
    """Five pieces of a small clip, by an encoder that writes the same each time."""
    path = source(tmp_path_factory.mktemp("source") / "in.mkv", FRAMES)
    return PipelineSpec(
        str(path), "out.mkv", network="bicubic", codec="libx264", encoder_options=ONE_THREAD, segment_s=40 / RATE
    )


@pytest.fixture(scope="session")
def reference(spec: PipelineSpec, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pieces' files as one process makes them."""
    job, pieces = job_of(spec, tmp_path_factory.mktemp("reference") / "pieces")
    made_here(job, pieces)
    return contents(job.folder)


@pytest.fixture
def job(spec: PipelineSpec, tmp_path: Path) -> tuple[Job, tuple[Piece, ...]]:
    """The job of ``spec``, nothing of it made yet."""
    return job_of(spec, tmp_path / "pieces")


@pytest.fixture(scope="session")
def ray_home() -> Iterator[Path]:
    """Temporary folder of the cluster and its workers: short, because names of sockets have to be."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as home:
        yield Path(home)


@pytest.fixture(scope="session")
def address(ray_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a cluster of two machines with a core each, on loopback; nothing of it is left afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ON_LOOPBACK.items():
            patch.setenv(name, value)
        patch.setenv("TMPDIR", str(ray_home))
        patch.setenv("RAY_TMPDIR", str(ray_home))
        patch.setenv("VSR_CACHE", str(tmp_path_factory.mktemp("cache")))
        from ray.cluster_utils import Cluster

        machines = Cluster()
        try:
            for _ in range(2):
                machines.add_node(
                    num_cpus=1, object_store_memory=_STORE_BYTES, node_ip_address="127.0.0.1",
                    include_dashboard=False, include_log_monitor=False,
                )  # fmt: skip
            patch.undo()  # its processes have it
            yield machines.address
        finally:
            machines.shutdown()


@pytest.fixture(scope="session")
def lossless(spec: PipelineSpec, tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineSpec, Path]:
    """A spec whose packets are frames, each by itself, and what one process makes of it in one go."""
    lossless = replace(spec, codec="ffv1", encoder_options=(("g", "1"),))
    path = tmp_path_factory.mktemp("one go") / "out.mkv"
    run(replace(lossless, output=str(path), segment_s=0.0))
    return lossless, path


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for name, recipe in SOURCES.items():
        make(folder / name, recipe)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where to write; of a finished run only its output is left."""
    place = tmp_path / "outputs"
    place.mkdir()
    yield place
    assert [path.name for path in place.iterdir() if not path.name.startswith(("out.", "whole."))] == []
