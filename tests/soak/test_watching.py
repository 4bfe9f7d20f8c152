"""The watch over endless processes: what grows is named, what stays is not, and neither is a death overlooked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.live.programs import wait_until
from tests.soak.endless import Held
from tests.soak.watching import Watched

_SAY_AND_STAY = "import sys; print(sys.argv[1], flush=True); sys.stdin.read()"
EARLY = Held(100.0, 5, 9, 0)
WARMING = Held(300.0, 9, 9, 0)


@contextmanager
def watching(samples: list[Held], folder: Path) -> Iterator[Watched]:
    """A process that tells of ``samples``, and stays."""
    lines = "\n".join(json.dumps(asdict(sample)) for sample in samples)
    command = [sys.executable, "-c", _SAY_AND_STAY, lines]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        running = Watched("a run", process, folder / "stderr")
        wait_until(lambda: len(running.samples) == len(samples), "samples")
        yield running


@pytest.mark.parametrize(
    ("late", "fault"),
    [
        (EARLY, ""),
        (Held(101.9, 5, 9, 0), ""),
        (Held(102.1, 5, 9, 0), "a run: more memory"),
        (Held(100.0, 6, 9, 0), "a run: more threads"),
        (Held(100.0, 5, 10, 0), "a run: more open files"),
    ],
)
def test_what_grows_after_the_warm_up_is_named(late: Held, fault: str, tmp_path: Path) -> None:
    with watching([*[WARMING] * 12, *[EARLY] * 24, *[late] * 24], tmp_path) as running:
        assert running.end() == fault


def test_a_process_that_ended_by_itself_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "stderr").write_text("out.mkv is another than the first time\n")
    with watching([EARLY] * 60, tmp_path) as running:
        assert running.process.stdin is not None
        running.process.stdin.close()
        running.process.wait()
        assert running.end() == "a run ended with 0: out.mkv is another than the first time"
