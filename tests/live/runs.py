"""``vsr live`` as a process: begun, ended as a user ends it, its report read."""

import json
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.programs import Program, module
from tests.live.receiver import Receiver

SIZE, LARGER, RATE = (160, 90), (320, 180), 30
"""Of the senders, where nothing else is said: so small that a busy machine keeps up."""
UNSETTLED = 15
"""First pictures of a camera: one is from before it was asked, and its clock gets known only after a few."""
SIZE_OPTION = ("--size", "160x90")


class LiveRun:
    """One that runs."""

    def __init__(self, program: Program, report: Path):
        self.program = program
        self._report = report

    def wait_for_pictures(self, viewer: Receiver, count: int) -> None:
        """Until ``viewer`` has got so many pictures from now on. Fails when either of both ends meanwhile."""
        wanted = viewer.count + count
        self.program.wait_until(
            lambda: viewer.count >= wanted or not viewer.program.alive, f"{count} pictures at {viewer.program}"
        )
        assert viewer.count >= wanted, viewer.program.stderr

    def wait_for_notices(self, words: str, count: int) -> None:
        """Until it has said ``words`` as often as that."""
        self.program.wait_until(lambda: self.program.stderr.count(words) >= count, f"'{words}' number {count}")

    def stop(self, number: signal.Signals = signal.SIGINT, exit_code: int = 0) -> dict[str, Any]:
        """End it as a user does; see ``ended``."""
        self.program.send(number)
        return self.ended(exit_code)

    def ended(self, exit_code: int = 0) -> dict[str, Any]:
        """Its report (vsr.live.report), once it has ended with ``exit_code``."""
        assert self.program.wait() == exit_code, self.program.stderr
        return dict(json.loads(self._report.read_text(encoding="utf-8")))


@contextmanager
def live_run(
    source: object, *arguments: object, network: str = "realtime", before: Callable[[], None] | None = None
) -> Iterator[LiveRun]:
    """``vsr live SOURCE`` with ``arguments`` (sinks, options); ``before`` as in programs.running."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ("--network", network, "--json", report)
        with module("vsr", "live", source, *arguments, *options, before=before) as program:
            yield LiveRun(program, report)


def dropped(report: dict[str, Any], sink: int = 0) -> int:
    """Frames that a run says it left out on their way to a sink."""
    return int(report["dropped"]) + int(report["sinks"][sink]["dropped"])
