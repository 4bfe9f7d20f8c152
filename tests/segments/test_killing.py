"""``kill -9`` at any moment of a job: the same command gets to the same output, and loses no finished piece."""

import signal
from pathlib import Path
from random import Random

import pytest

from tests.segments.killing import Job, Kill, Ordeal, draw, make_source


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """The output of a run that nobody ends, and how long one lasts."""
    job = Job(source, tmp_path_factory.mktemp("whole") / "out.mkv")
    assert job.live().code == 0
    content = job.output.read_bytes()
    job.output.unlink()
    life = job.live()
    assert life.code == 0
    assert job.output.read_bytes() == content
    return content, life.wall_s


@pytest.mark.parametrize("seed", range(3))
def test_what_is_killed_anywhere_gets_to_the_same_end(
    seed: int, source: Path, whole: tuple[bytes, float], tmp_path: Path
) -> None:
    content, life_s = whole
    ordeal = Ordeal(Job(source, tmp_path / "out.mkv"), content)
    ordeal.suffer(draw(Random(seed), 10, life_s))
    assert ordeal.killed == 10


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_asked_to_end_says_what_it_keeps(
    number: signal.Signals, code: int, source: Path, whole: tuple[bytes, float], tmp_path: Path
) -> None:
    job = Job(source, tmp_path / "out.mkv")
    life = job.live(Kill("a third piece is there", 0), number)
    assert life.code == code
    assert "pieces are kept in" in life.stderr
    assert "Traceback" not in life.stderr
    assert len(job.done()) >= 2
    Ordeal(job, whole[0]).suffer([])
