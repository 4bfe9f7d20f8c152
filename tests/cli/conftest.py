"""The command line in this process."""

from collections.abc import Callable

import pytest

from vsr.cli.app import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def vsr(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run
