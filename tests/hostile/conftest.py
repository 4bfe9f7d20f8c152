"""A command line that tells how it ended, a process for what may eat memory, and a server that notes who asked it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.running import Runner
from vsr.cli.app import main


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    line: str
    """What it said on standard error beside notes; it may be one line only."""


Vsr = Callable[..., Said]


@pytest.fixture
def vsr(capfd: pytest.CaptureFixture[str]) -> Vsr:
    """Run ``vsr`` in this process. Standard error is the process's, C included."""

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capfd.readouterr().err
        lines = [line for line in said.splitlines() if not line.startswith("vsr: note: ")]
        assert len(lines) == (0 if left.value.code == 0 else 1), said
        return Said(int(left.value.code or 0), "".join(lines))

    return run


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """``vsr run`` in another process, whose memory is counted."""
    with Runner(tmp_path_factory.mktemp("runner")) as process:
        yield process


@dataclass
class Server:
    """A web server on this machine."""

    url: str
    folder: Path
    """What it serves."""
    asked: list[str] = field(default_factory=list)
    """The paths that somebody wanted."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    serving = Server("", folder)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            serving.asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as httpd:
        serving.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        yield serving
        httpd.shutdown()
        thread.join()
