"""Other processes that measure: each prints one JSON object as its last line, or says why it could not."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vsr import errors
from vsr.benchmark.cases import Case
from vsr.benchmark.measuring import Sample
from vsr.errors import VsrError


def measure_apart(case: Case) -> Sample:
    """One round of ``case`` in a process of its own. Raises the VsrError that it ended with."""
    job = {"case": asdict(case), "started_at_s": time.time()}
    answer = ask([sys.executable, "-m", "vsr.benchmark.measuring"], json.dumps(job), case.label)
    return Sample.from_dict(answer)


def ask(command: Sequence[str], text: str, what: str) -> dict[str, Any]:
    """The JSON object that ``command`` prints when it is given ``text``. Raises VsrError, or what it names."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    answer = _last_object(done.stdout)
    if "error" in answer:
        raise _error(answer["error"])(f"{what}: {answer['message']}")
    if done.returncode or not answer:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise VsrError(f"{what}: the process that measures it ended with {done.returncode}: {reason}")
    return answer


def _last_object(printed: str) -> dict[str, Any]:
    """The JSON object of the last line; empty where that is none."""
    lines = printed.splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _error(name: str) -> type[VsrError]:
    kind = getattr(errors, name, VsrError)
    return kind if isinstance(kind, type) and issubclass(kind, VsrError) else VsrError
