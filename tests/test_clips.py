"""Real clips through ``vsr run``: every file of the folder named by VSR_CLIPS, judged by reading both files again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clip_facts import ClipFacts, read_clip

FOLDER = os.environ.get("VSR_CLIPS")
CLIPS = sorted(p for p in Path(FOLDER).iterdir() if p.is_file()) if FOLDER else []
NETWORK = os.environ.get("VSR_CLIPS_NETWORK", "bicubic")
UNSPECIFIED = (0, 2)

pytestmark = pytest.mark.skipif(not CLIPS, reason="VSR_CLIPS names no folder of clips")


def _run(clip: Path, output: Path) -> dict:  # type: ignore[type-arg]
    command = [sys.executable, "-m", "vsr", "run", str(clip), str(output), "--scale", "2", "--network", NETWORK]
    fast = [] if output.suffix == ".webm" else ["--preset", "ultrafast"] if output.suffix in {".mp4", ".mkv"} else []
    done = subprocess.run([*command, *fast, "--json", "-"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _check_timing(before: ClipFacts, after: ClipFacts) -> None:
    assert len(after.pts_s) == len(before.pts_s)
    worst = max(abs(a - b) for a, b in zip(after.pts_s, before.pts_s, strict=True))
    assert worst <= after.time_base, f"a timestamp moved by {float(worst):.6f} s"


def _check_picture(before: ClipFacts, after: ClipFacts) -> None:
    assert tuple(after.shown) == tuple(2 * side for side in before.shown)
    assert after.bits == before.bits
    for was, now in zip(before.color, after.color, strict=True):
        assert now == was or was in UNSPECIFIED, f"colour {before.color} became {after.color}"


def _check_sound(before: ClipFacts, after: ClipFacts, tolerance_s: float) -> None:
    """The sound ends when it ended against the picture; its start may gain the encoder's padding, before zero."""
    assert len(after.audio) == len(before.audio)
    for was, now in zip(before.audio, after.audio, strict=True):
        shift = (now.end_s - float(after.pts_s[0])) - (was.end_s - float(before.pts_s[0]))
        assert abs(shift) <= tolerance_s
        assert now.first_s <= was.first_s + tolerance_s


@pytest.mark.parametrize("suffix", ["same", ".mp4", ".mkv"])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda p: p.name)
def test_clip_comes_out_whole(clip: Path, suffix: str, tmp_path: Path) -> None:
    output = tmp_path / f"out{clip.suffix if suffix == 'same' else suffix}"
    report = _run(clip, output)
    before = read_clip(clip, report["input"]["video_stream"])
    after = read_clip(output)
    assert report["frames_in"] == report["frames_out"] == len(before.pts_s)
    _check_timing(before, after)
    _check_picture(before, after)
    dropped = [s["kind"] for s in report["streams"] if s["action"] == "drop"]
    if "audio" not in dropped:
        _check_sound(before, after, tolerance_s=0.0025)
    for stream in report["streams"]:
        if stream["action"] != "drop" and stream["kind"] != "video":
            assert stream["kind"] in after.kinds
    assert sorted(p.name for p in tmp_path.iterdir()) == [output.name]
