"""``vsr run`` over files of strangers, in a process of its own that does one after another."""

from __future__ import annotations

import contextlib
import io
import json
import select
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE_S = 60.0
"""For one small file; a busy machine takes a second."""
_CODES = {0, 2, 3, 4, 5, 6, 7}


@dataclass(frozen=True)
class Ended:
    """How a run of ``vsr`` ended."""

    code: int | None
    """Exit code; None where the process died or hung."""
    said: str
    fault: str
    """What should not have been: a traceback, two lines, something left; empty where all is well."""
    memory: int
    """Peak of the process until then, in bytes; 0 where it died or the system doesn't tell."""


class Runner:
    """Runs ``vsr run`` in a process that is made anew when it dies or hangs; what it says there goes to ``folder``."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._errors = folder / "stderr.txt"

    def run(self, source: Path, output: Path, *options: str) -> Ended:
        """One run to its end; ``output`` lies in a folder that is empty."""
        patience_s = DEADLINE_S
        if self._process is None:
            patience_s += DEADLINE_S  # it imports PyTorch first
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps([str(source), str(output), *options]), file=process.stdin, flush=True)
        if not select.select([process.stdout], [], [], patience_s)[0]:
            return self._lost(f"no end within {patience_s:g} s")
        line = process.stdout.readline()
        if not line:
            return self._lost(f"the process ended with {process.wait()}")
        return Ended(**json.loads(line))

    def _start(self) -> subprocess.Popen[str]:
        with self._errors.open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.running"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def _lost(self, fault: str) -> Ended:
        self.close()
        return Ended(None, self._errors.read_text(errors="replace")[-2000:], fault, 0)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run(arguments: Sequence[str]) -> Ended:
    from vsr.benchmark.measuring import peak_host_bytes
    from vsr.cli.app import main

    errors = io.StringIO()
    code: object = 0
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(["run", *arguments])
        except SystemExit as left:
            code = left.code
    said = errors.getvalue()
    fault = _fault(code, said, Path(arguments[1]).parent)
    return Ended(code if isinstance(code, int) else -1, said, fault, peak_host_bytes() or 0)


def _fault(code: object, said: str, folder: Path) -> str:
    """What is wrong about how a run ended."""
    lines = [line for line in said.splitlines() if not line.startswith("vsr: note: ")]
    # What is finished of a longer run stays, for the next time.
    left = sorted(path.name for path in folder.iterdir() if code == 0 or not path.name.endswith(".vsr"))
    running = [thread.name for thread in threading.enumerate() if thread.name.startswith("vsr-")]
    if code not in _CODES:
        return f"exit code {code}"
    if running:
        return f"threads that go on: {running}"
    if code == 0:
        return "" if left and not lines else f"a success that says {lines} and leaves {left}"
    if len(lines) != 1 or not lines[0].startswith("vsr: "):
        return f"a refusal in {len(lines)} lines"
    return f"a refusal that leaves {left}" if left else ""


def _answer() -> None:
    """Answer each line on standard input, the arguments of a run, with how it ended."""
    answers = sys.stdout
    for line in sys.stdin:
        ended = _run(json.loads(line))
        print(json.dumps(vars(ended)), file=answers, flush=True)


if __name__ == "__main__":
    _answer()
