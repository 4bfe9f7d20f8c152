"""Real runs of ``vsr live`` that die suddenly, or have more to do than the machine can."""

import sys
from contextlib import ExitStack
from pathlib import Path

from tests.live.judging import assert_in_order
from tests.live.programs import needs, running
from tests.live.receiver import read_file
from tests.live.routes import from_sender
from tests.live.runs import SIZE_OPTION, live_run
from vsr.live.fresh import DEPTH

BURNERS = 12
"""Busy processes: with so many, a machine of a few cores has next to nothing left."""


def written(recording: Path) -> int:
    """Bytes so far of a recording that has no name yet."""
    part = unfinished(recording)
    return 0 if part is None else part.stat().st_size


def unfinished(recording: Path) -> Path | None:
    """What there is of a recording that has no name yet."""
    return next(recording.parent.glob(f".vsr-*.part/{recording.name}"), None)


@needs("ffmpeg")
def test_sudden_death_leaves_recordings_that_play(tmp_path: Path) -> None:
    """kill -9: no chance to finish anything."""
    into = from_sender("udp")
    recordings = [tmp_path / "live.mkv", tmp_path / "live.mp4"]
    with into.sending(*SIZE_OPTION), live_run(into.vsr, *recordings) as live:
        live.program.wait_until(lambda: min(map(written, recordings)) > 40_000, "recordings")
        live.program.kill()
    for recording in recordings:
        part = unfinished(recording)
        assert part is not None
        frames, _ = read_file(part)
        assert len(frames) > 10
        assert_in_order(frames)


def test_too_much_work_lowers_the_network_until_it_is_over(tmp_path: Path) -> None:
    recording = tmp_path / "live.mkv"
    options = ("--max-latency-ms", 100, "--no-audio")
    with ExitStack() as cleared, live_run("test:320x180@30", recording, *options) as live:
        live.wait_for_notices("there is time for it", 1)
        for _ in range(BURNERS):
            cleared.enter_context(running([sys.executable, "-c", "while True: pass"]))
        live.wait_for_notices("too slow", 1)
        climbs = live.program.stderr.count("there is time for it")
        cleared.close()
        live.wait_for_notices("there is time for it", climbs + 1)
        before = written(recording)
        live.program.wait_until(lambda: written(recording) > before + 50_000, "frames by the dearer network")
        report = live.stop()
    (sink,) = report["sinks"]
    names = [name for _, name in report["networks"]]
    assert {"bicubic", "realtime"} <= set(names)
    assert len(names) >= 4
    # A queue that grows would be as late as the load was long.
    assert sink["latency"]["p95_ms"] < 2000
    left_over = report["frames_in"] - report["frames_upscaled"] - report["dropped"]
    assert 0 <= left_over <= DEPTH + 1  # what waited at the end, and what was at work
