"""Processes that run without an end, watched from outside, and whether what they hold grows."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.soak.endless import Held

MOST_GROWTH = 1.02
"""Of the second half's highest memory over the first half's."""
WARM_UP_SHARE = 0.2
"""Of the samples: until then caches fill, in FFmpeg, OpenVINO and the allocator."""
FEWEST = 20
"""Samples with which something can be said."""


@dataclass(frozen=True)
class Halves:
    """One quantity in the first and in the second half of the time after the warm-up."""

    first: float
    second: float

    def __str__(self) -> str:
        return f"{self.first:.0f} -> {self.second:.0f}"


@dataclass
class Watched:
    """A process of tests.soak.endless."""

    name: str
    process: subprocess.Popen[str]
    errors: Path
    """What it says on standard error."""
    samples: list[Held] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._listen, name=f"watch {self.name}")
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.samples.append(Held(**json.loads(line)))

    def end(self) -> str:
        """End it. What was wrong with it, or nothing."""
        ended = self.process.poll()
        self.process.kill()
        self._thread.join()
        if ended is not None:
            return f"{self.name} ended with {ended}: {self.errors.read_text(errors='replace').strip()[-500:]}"
        if len(self.samples) < FEWEST:
            return f"{self.name} gave {len(self.samples)} samples, and {FEWEST} are needed: give more minutes"
        grown = self.grown()
        return f"{self.name}: more {' and '.join(grown)}" if grown else ""

    @property
    def frames(self) -> int:
        """Made so far."""
        return self.samples[-1].frames if self.samples else 0

    def grown(self) -> list[str]:
        """Of what it has more as time goes on."""
        memory, threads, descriptors = self.held()
        return [
            *(["memory"] if memory.second > memory.first * MOST_GROWTH else []),
            *(["threads"] if threads.second > threads.first else []),
            *(["open files"] if descriptors.second > descriptors.first else []),
        ]

    def held(self) -> tuple[Halves, Halves, Halves]:
        """Memory in MiB, its peaks; threads and open files, their usual numbers: they come and go with each piece."""
        first, second = self._halves()
        return (
            Halves(max(one.memory_mib for one in first), max(one.memory_mib for one in second)),
            Halves(median(one.threads for one in first), median(one.threads for one in second)),
            Halves(median(one.descriptors for one in first), median(one.descriptors for one in second)),
        )

    def _halves(self) -> tuple[list[Held], list[Held]]:
        warm = self.samples[int(len(self.samples) * WARM_UP_SHARE) :]
        return warm[: len(warm) // 2], warm[len(warm) // 2 :]


@contextmanager
def watched(kind: str, clip: Path, folder: Path, network: str) -> Iterator[Watched]:
    """``kind`` of endless runs of ``clip``, into ``folder``, ended with the block at the latest."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.soak.endless", kind, str(clip), str(folder), network]
    said = folder.with_suffix(".stderr")
    with (
        said.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield Watched(f"{kind} runs", process, said)
        finally:
            process.kill()
