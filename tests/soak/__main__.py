"""Soak vsr: kill jobs and resume them, run damaged files, and watch endless runs whose memory must stay flat.

For the whole time two processes run at low priority: one makes short runs of several kinds, also some that fail, one
after another; the other a long one, in pieces. Meanwhile, in turn: jobs are killed at moments drawn from the seed and
resumed, on one device and on two, and mutated files are upscaled or refused.

Fails (exit code 1) when an output of a resumed or repeated run is another than the first; when a finished piece is
lost or something is left behind; when a mutated file hangs or crashes vsr; and when an endless process has more
memory (its peak in the second half over 1.02 times that in the first), threads or open files as time goes on, the
first fifth of it apart.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.hostile.clips import make_clips
from tests.hostile.fuzz import cases, fuzz
from tests.segments.killing import Job, Ordeal, draw, make_source
from tests.soak.endless import repeat
from tests.soak.watching import FEWEST, Watched, watched

SAMPLE = Path(__file__).parents[2] / "samples" / "big-buck-bunny.mp4"
LONGEST_CLIP_S = 1200.0
KILLS, KILLS_ON_TWO, FILES = 10, 2, 100
"""Of each turn."""


@dataclass
class Results:
    """What was seen so far."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Something that must not be; said at once."""
        self.faults.append(text)
        print(f"FAULT: {text}", file=sys.stderr, flush=True)


Turn = Callable[[Results, int], None]
"""Does its part once more, with a seed."""


def kills(folder: Path, count: int, *options: str) -> Turn:
    """Kill one job ``count`` times, and let it get to its end."""
    folder.mkdir()
    source = make_source(folder)

    def job() -> Job:
        outputs = folder / "outputs"
        shutil.rmtree(outputs, ignore_errors=True)
        outputs.mkdir()
        return Job(source, outputs / "out.mkv", *options)

    for _ in range(2):  # the first run of all takes longer
        whole = job()
        life = whole.live()
    expected = whole.output.read_bytes()

    def turn(results: Results, seed: int) -> None:
        ordeal = Ordeal(job(), expected)
        try:
            ordeal.suffer(draw(Random(seed), count, life.wall_s))
        except AssertionError as error:
            results.fault(f"killed with {' '.join(options) or 'no options'}, seed {seed}: {error}")
        results.counts[f"kills {' '.join(options)}".strip()] += ordeal.killed

    return turn


def mutations(folder: Path) -> Turn:
    """Run mutated files."""
    folder.mkdir()
    clips = make_clips(folder)

    def turn(results: Results, seed: int) -> None:
        for case, ended in fuzz(cases(clips, FILES, seed)):
            results.counts["mutated files upscaled" if ended.code == 0 else "mutated files refused"] += 1
            if ended.fault:
                results.fault(f"{case}: {ended.fault}: {ended.said}")

    return turn


def soak(minutes: float, seed: int, clip: Path, network: str, folder: Path) -> tuple[Results, list[Watched]]:
    """Do all of it for so long."""
    results = Results()
    ends_s = time.monotonic() + minutes * 60
    long_clip = repeat(clip, folder / f"long{clip.suffix}", min(minutes * 240, LONGEST_CLIP_S))
    with ExitStack() as running:
        endless = [
            running.enter_context(watched("short", make_source(folder, 30), folder / "short", network)),
            running.enter_context(watched("long", long_clip, folder / "long", network)),
        ]
        turns = [
            kills(folder / "one", KILLS),
            kills(folder / "two", KILLS_ON_TWO, "--device", "cpu,cpu"),
            mutations(folder / "mutated"),
        ]
        for number, turn in enumerate(itertools.cycle(turns), start=seed):
            if time.monotonic() > ends_s:
                break
            turn(results, number)
        for process in endless:
            if wrong := process.end():
                results.fault(wrong)
    return results, endless


def table(results: Results, endless: Sequence[Watched]) -> str:
    """What was done, and what the endless processes held in the first and in the second half of their time."""
    lines = [f"{count:>8} {what}" for what, count in sorted(results.counts.items())]
    lines.append(f"\n{'':12}{'frames':>8}{'samples':>9}{'memory, MiB':>15}{'threads':>12}{'open files':>12}")
    for one in endless:
        row = f"{one.name:12}{one.frames:>8}{len(one.samples):>9}"
        if len(one.samples) >= FEWEST:
            memory, threads, files = one.held()
            row += f"{memory!s:>15}{threads!s:>12}{files!s:>12}"
        lines.append(row)
    return "\n".join([*lines, "", f"{len(results.faults)} faults", *results.faults])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long (60); under 5 too little is seen")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the mutations (1)")
    parser.add_argument("--clip", type=Path, default=SAMPLE, help="what the long run repeats (the sample)")
    parser.add_argument("--network", default="realtime", help="of the endless runs (realtime)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results, endless = soak(asked.minutes, asked.seed, asked.clip, asked.network, Path(folder))
    print(table(results, endless))
    sys.exit(1 if results.faults else 0)


if __name__ == "__main__":
    main()
