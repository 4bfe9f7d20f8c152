"""A signal ends the process wherever it arrives, in its own way."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import signal, sys, time
from vsr.cli.signals import listen

class Asked:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))

listen()
try:
    asked = Asked()
    del asked
    time.sleep(60)
except (KeyboardInterrupt, SystemExit) as ended:
    sys.exit(getattr(ended, "code", 130))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_within_a_destructor_is_not_lost(number: signal.Signals, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(int(number))], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (code, "")


def test_ctrl_c_while_the_command_is_still_loading(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "vsr", "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, "vsr: interrupted before anything was begun\n")
