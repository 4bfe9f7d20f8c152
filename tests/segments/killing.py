"""A job that is killed again and again and resumed by the same command: it must get to the same output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.forked import Forked
from tests.io.making import Recipe, make
from vsr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from random import Random

DEADLINE_S = 60.0
"""For one life, on a busy machine."""
_LOOK_EVERY_S = 0.0005
_TICKS = 512

EVENTS: dict[str, Callable[[str], bool]] = {
    "a folder": lambda name: name == "lock",
    "a piece is begun": lambda name: ".piece." in name,
    "a piece is there": lambda name: name.endswith(".piece"),
    "a third piece is there": lambda name: name == "000002.piece",
    "a manifest is begun": lambda name: name.startswith(".manifest"),
    "a manifest is there": lambda name: name.startswith("manifest "),
    "joining": lambda name: name.startswith("joined"),
    "an output": lambda name: name == "output",
}
"""What may be seen of a job: event -> whether this new name tells of it."""


@dataclass(frozen=True)
class Kill:
    """A moment: so long after something new was seen, or, without an event, after the start."""

    event: str | None
    after_s: float

    def __str__(self) -> str:
        return f"{self.after_s * 1000:.1f} ms after {self.event or 'the start'}"


def draw(random: Random, count: int, life_s: float) -> list[Kill]:
    """Moments all over a life of ``life_s``: half by the clock, half by what is seen, in any order."""
    timed = [Kill(None, life_s * (number + random.random()) / (count // 2)) for number in range(count // 2)]
    events = list(EVENTS)
    seen = [Kill(events[number % len(events)], random.random() * 0.01) for number in range(count - len(timed))]
    kills = timed + seen
    random.shuffle(kills)
    return kills


def make_source(folder: Path, frames: int = 150) -> Path:
    """A clip of 25 frames a second with sound, and a keyframe every 0.4 s."""
    pts = tuple(_TICKS * number for number in range(frames))
    return make(folder / "source.mp4", Recipe(pts=pts, options={"g": "10", "bf": "2"}, audio=("aac",)))


@dataclass(frozen=True)
class Life:
    """What became of one process."""

    code: int
    """As of subprocess: a signal's is negative."""
    stderr: str
    wall_s: float


class Job:
    """``vsr run`` of ``source`` into pieces of half a second."""

    def __init__(self, source: Path, output: Path, *options: str):
        self.output, self.folder = output, output.with_name(f"{output.name}.vsr")
        self.manifest = self.folder / "manifest.json"
        # An encoder that gives the same bytes each time.
        encoder = ("--network", "bicubic", "--codec", "mpeg4")
        self._arguments = ("run", str(source), str(output), "--segment", "0.5", *encoder, *options)

    def live(self, kill: Kill | None = None, number: signal.Signals = signal.SIGKILL) -> Life:
        """One process, ended by ``number`` at that moment unless it is faster. Fails when it hangs."""
        before = self._seen()
        began_s = time.monotonic()
        with self._process() as (process, stderr):
            if kill is not None:
                _wait_until(lambda: process.poll() is not None or self._happened(kill, before))
                _wait_until(lambda: process.poll() is not None, kill.after_s)
                process.send_signal(number)
            try:
                code = process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{process.args} still runs after {DEADLINE_S:g} s") from None
            wall_s = time.monotonic() - began_s
            _check_alone(process.pid)
            return Life(code, stderr(), wall_s)

    def done(self) -> set[int]:
        """Numbers of the pieces that count as finished."""
        return (
            {row["index"] for row in json.loads(self.manifest.read_bytes())["done"]}
            if self.manifest.exists()
            else set()
        )

    @contextmanager
    def _process(self) -> Iterator[tuple[Forked, Callable[[], str]]]:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = Forked("vsr", self._arguments, stdout=stdout.fileno(), stderr=stderr.fileno())
            try:
                yield process, lambda: os.pread(stderr.fileno(), 1 << 20, 0).decode(errors="replace")
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def _happened(self, kill: Kill, before: set[str]) -> bool:
        return kill.event is None or any(map(EVENTS[kill.event], self._seen() - before))

    def _seen(self) -> set[str]:
        """What is there of the job; a manifest that was replaced is another one."""
        names = {"output"} if self.output.exists() else set()
        try:
            names.update(path.name for path in self.folder.iterdir())
            names.add(f"manifest {self.manifest.stat().st_ino}")
        except FileNotFoundError:
            pass
        return names


def _wait_until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Until it is so, or the time is over."""
    ends = time.monotonic() + deadline_s
    while not condition() and (left_s := ends - time.monotonic()) > 0:
        time.sleep(min(_LOOK_EVERY_S, left_s))


def _check_alone(group: int) -> None:
    """Workers end with the process that they work for."""

    def gone() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    _wait_until(gone)
    assert gone(), f"processes of group {group} outlive the one that began them"


@dataclass
class Ordeal:
    """Kills of one job, and what was seen of it."""

    job: Job
    expected: bytes
    """The output of a run that nobody ended."""
    killed: int = 0
    finished: int = 0
    """How often the job got to its end."""

    def suffer(self, kills: Sequence[Kill]) -> None:
        """Die at each of these moments, and get to the end after the last. Fails when anything is lost or left."""
        for planned in kills:
            kill = planned
            while not self._dies(kill):
                kill = replace(kill, after_s=kill.after_s / 2)  # it was too late
        self._end(self.job.live(), 0)

    def _dies(self, kill: Kill) -> bool:
        """False when the job got to its end before that moment."""
        done = self.job.done()
        life = self.job.live(kill)
        if life.code != -signal.SIGKILL:
            self._end(life, 0)
            return False
        self.killed += 1
        if not self.job.output.exists():
            assert self.job.done() >= done, f"finished pieces are lost {kill}"
        elif not self.job.manifest.exists():
            # All was done but to clear up, and that is what the same command does before it refuses to do it again.
            self._end(self.job.live(), UsageError.exit_code)
        else:
            assert self.job.output.read_bytes() == self.expected, f"a false output {kill}"
        return True

    def _end(self, life: Life, code: int) -> None:
        assert life.code == code, f"exit code {life.code}: {life.stderr}"
        assert self.job.output.read_bytes() == self.expected, "another output"
        left = sorted(path.name for path in self.job.output.parent.iterdir())
        assert left == [self.job.output.name], f"{left} is left"
        self.finished += 1
        self.job.output.unlink()
