"""Mutated files through ``vsr run``: each must be upscaled or refused in one line, in time, in bounded memory.

``python -m tests.hostile.fuzz --count 2000 --seed 1`` tells of each that was not, and exits with 1.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.hostile.clips import make_clips
from tests.hostile.mutations import mutate
from tests.hostile.running import Ended, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_PIXELS = 1 << 20
MOST_MEMORY = 2 << 30
"""Of the process, in bytes: PyTorch, and frames of MOST_PIXELS on their way."""
_VIDEO = ("--codec", "libx264", "--preset", "ultrafast")
_OUTPUTS = ("out.mkv", "out.mp4", "out.mov", "out_%03d.png")


@dataclass(frozen=True)
class Case:
    """One mutated file; the same case makes the same file."""

    clip: Path
    seed: int
    number: int

    def make(self, folder: Path) -> tuple[Path, str, tuple[str, ...]]:
        """The mutated file, in ``folder``, the name of what to make of it, and options; half are made in pieces."""
        rng = random.Random(f"{self.seed}/{self.number}/{self.clip.name}")
        file = folder / f"in{self.clip.suffix}"
        file.write_bytes(mutate(self.clip.read_bytes(), rng))
        output = rng.choice(_OUTPUTS)
        options = () if "%" in output else _VIDEO
        return file, output, (*options, "--segment", rng.choice(("0", "0.1")))

    def __str__(self) -> str:
        return f"{self.clip.name}, seed {self.seed}, number {self.number}"


def cases(clips: Sequence[Path], count: int, seed: int, first: int = 0) -> list[Case]:
    """``count`` cases from number ``first`` on, the clips in turn."""
    return [Case(clips[number % len(clips)], seed, number) for number in range(first, first + count)]


def fuzz(work: Sequence[Case]) -> Iterator[tuple[Case, Ended]]:
    """Run the cases, one after another."""
    with tempfile.TemporaryDirectory() as folder, Runner(Path(folder)) as runner:
        results = Path(folder, "results")
        for case in work:
            results.mkdir()
            file, output, options = case.make(Path(folder))
            ended = runner.run(
                file, results / output, "--network", "bicubic", "--backend", "torch",
                "--max-pixels", str(MOST_PIXELS), *options,
            )  # fmt: skip
            if not ended.fault and ended.memory > MOST_MEMORY:
                ended = replace(ended, fault=f"{ended.memory >> 20} MiB were used")
                runner.close()
            yield case, ended
            shutil.rmtree(results)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the case to begin with")
    parser.add_argument("--clips", type=Path, help="folder of files to mutate (small ones of many kinds)")
    arguments = parser.parse_args()
    faults, upscaled, memory, longest_s, before = 0, 0, 0, 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        clips = sorted(path for path in arguments.clips.iterdir()) if arguments.clips else make_clips(Path(folder))
        for case, ended in fuzz(cases(clips, arguments.count, arguments.seed, arguments.first)):
            longest_s, before = max(longest_s, time.monotonic() - before), time.monotonic()
            memory = max(memory, ended.memory)
            upscaled += ended.code == 0
            if ended.fault:
                faults += 1
                print(f"{case}: {ended.fault}\n{ended.said}", flush=True)
    print(
        f"{arguments.count} files: {upscaled} upscaled, {arguments.count - upscaled} not, {faults} faults; "
        f"at most {memory >> 20} MiB, the longest took {longest_s:.1f} s"
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
