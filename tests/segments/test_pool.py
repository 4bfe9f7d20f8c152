"""Pieces made by processes of this machine: the same ones, whatever becomes of the processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.segments.pieces import FRAMES, Run, contents, eventually, job_of
from vsr.errors import BackendError, SourceError, UsageError, VsrError
from vsr.notices import Notices
from vsr.segments.contract import Job, Piece
from vsr.segments.pool import PoolCrew
from vsr.spec import PipelineSpec

_DEADLINE_S = 60


@pytest.fixture(scope="module")
def crew() -> Iterator[PoolCrew]:
    with PoolCrew(("cpu", "cpu")) as crew:
        yield crew


def kill_workers() -> None:
    """As a system that is short of memory does."""
    for process in multiprocessing.active_children():
        process.kill()


class KilledOn(Run):
    """Kills the workers as often as ``times`` when it hears of frames that were made."""

    times = 1

    def count(self, frames: int) -> None:
        super().count(frames)
        if frames > 0 and self.times:
            self.times -= 1
            kill_workers()


def test_two_workers_make_what_one_process_makes(
    crew: PoolCrew, job: tuple[Job, tuple[Piece, ...]], reference: dict[str, bytes]
) -> None:
    run = Run(crew, *job)
    run.finish()
    assert crew.width == 2
    assert sorted(done.record.index for done in run.done) == [0, 1, 2, 3, 4]
    assert run.frames == sum(done.record.frames for done in run.done) == FRAMES
    assert contents(run.job.folder) == reference


def test_killed_workers_are_replaced_and_their_pieces_made_again(
    crew: PoolCrew, job: tuple[Job, tuple[Piece, ...]], reference: dict[str, bytes]
) -> None:
    run = KilledOn(crew, *job)
    run.finish()
    assert run.frames == FRAMES  # those that were lost are not counted twice
    assert any("SIGKILL" in text and "is made again" in text for text in run.notices.said)
    assert {name: content for name, content in contents(run.job.folder).items() if name in reference} == reference


def test_a_piece_that_kills_its_workers_ends_the_job_but_not_the_crew(
    crew: PoolCrew, spec: PipelineSpec, tmp_path: Path
) -> None:
    job, _ = job_of(spec, tmp_path / "pieces")
    pieces = [Piece(0, None, 8000, None)]  # all of it
    deadly = KilledOn(crew, job, pieces)
    deadly.times = 1000
    with pytest.raises(
        BackendError, match=r"piece 0 \(from the beginning to 8\.00 s\) can't be made: its worker died 3 times.*SIGKILL"
    ) as caught:
        deadly.finish()
    assert "on cpu" in str(caught.value)
    assert deadly.done == []
    run = Run(crew, job, pieces)
    run.finish()
    assert run.frames == FRAMES


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"source": "absent.mkv"}, SourceError, "absent.mkv does not exist"),
        ({"encoder_options": (("no-such", "1"),)}, UsageError, "no option 'no-such'"),
    ],
)
def test_an_error_in_a_worker_is_raised_as_it_is(
    crew: PoolCrew, job: tuple[Job, tuple[Piece, ...]], change: dict[str, object], kind: type[VsrError], message: str
) -> None:
    right, pieces = job
    wrong = replace(right, spec=replace(right.spec, **change))  # type: ignore[arg-type]
    with pytest.raises(kind, match=message):
        Run(crew, wrong, pieces).finish()
    assert contents(wrong.folder) == {}


def test_an_error_ends_the_pieces_under_way_and_keeps_the_finished_ones(
    crew: PoolCrew, spec: PipelineSpec, tmp_path: Path
) -> None:
    job, pieces = job_of(spec, tmp_path / "pieces")
    (job.folder / "000003.piece").mkdir()  # in the way of the fourth one's name
    run = Run(crew, job, pieces)
    with pytest.raises(VsrError, match=r"000003\.piece"):
        run.finish()
    made = {f"{done.record.index:06d}.piece" for done in run.done}
    assert len(made) < len(pieces)
    assert {path.name for path in job.folder.glob("*.piece") if path.is_file()} == made


def test_several_jobs_share_a_crew(
    crew: PoolCrew, spec: PipelineSpec, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    runs = [Run(crew, *job_of(spec, tmp_path / name)) for name in ("a", "b", "c")]
    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(Run.finish, runs))
    for run in runs:
        assert run.frames == FRAMES
        assert contents(run.job.folder) == reference


def test_leaving_in_the_middle_ends_the_pieces_under_way(crew: PoolCrew, job: tuple[Job, tuple[Piece, ...]]) -> None:
    heard: list[int] = []
    with closing(crew.make(*job, Notices(), frames=heard.append)) as pieces:
        next(pieces)
    names = contents(job[0].folder)
    run = Run(crew, *job)  # the workers' next errand: whatever they were at before is over when it is done
    run.finish()
    assert len([name for name in names if name.endswith(".piece")]) < len(job[1])


def test_nobody_waits_for_a_crew_that_was_left(job: tuple[Job, tuple[Piece, ...]]) -> None:
    with PoolCrew(("cpu",)) as crew:
        pass
    with pytest.raises(RuntimeError, match="was left"):
        next(crew.make(*job, Notices(), frames=lambda _: None))


_AT_WORK = """
import multiprocessing, sys
from pathlib import Path
from tests.segments.pieces import Run, job_of
from vsr.segments.pool import PoolCrew
from vsr.spec import PipelineSpec

def tell(frames):
    print(*[process.pid for process in multiprocessing.active_children()], flush=True)

if __name__ == "__main__":
    spec = PipelineSpec(sys.argv[1], "out.mkv", network="bicubic", to="1024x768")
    with PoolCrew(("cpu", "cpu")) as crew:
        run = Run(crew, *job_of(spec, Path(sys.argv[2])))
        run.count = tell
        run.finish()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda process: process.kill(), id="killed"),
        pytest.param(lambda process: os.killpg(process.pid, signal.SIGINT), id="Ctrl-C in its terminal"),
    ],
)
def test_workers_end_with_their_parent(
    tmp_path: Path, spec: PipelineSpec, stop: Callable[["subprocess.Popen[str]"], None]
) -> None:
    script = tmp_path / "at_work.py"
    script.write_text(_AT_WORK)
    process = subprocess.Popen(
        [sys.executable, str(script), spec.source, str(tmp_path / "pieces")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
    )
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert workers
    stop(process)
    _, stderr = process.communicate(timeout=_DEADLINE_S)
    assert "in a worker" not in stderr
    assert stderr.count("Traceback") <= 1  # of this script's own Ctrl-C
    eventually(lambda: not any(_is_alive(pid) for pid in workers))


_LOADING = """
import sys
from multiprocessing import get_context
from vsr.segments.child import begin

if __name__ == "__main__":
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=begin, args=(theirs, 1))
    process.start()
    print(process.pid, flush=True)
    process.join()
"""
_NEVER_LOADED = """
import sys, threading
print("loading", flush=True)
threading.Event().wait()
"""


def test_a_worker_that_is_still_loading_ends_with_its_parent_too(tmp_path: Path) -> None:
    """It was deaf until PyTorch was loaded: a minute on a busy machine."""
    (tmp_path / "torch.py").write_text(_NEVER_LOADED)
    script = tmp_path / "loading.py"
    script.write_text(_LOADING)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])},
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    assert process.stdout.readline() == "loading\n"
    process.kill()
    process.wait()
    eventually(lambda: not _is_alive(worker))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and ") Z" in stat.read_text())
