"""``vsr live`` on the command line: a recording of a test source with its report, and refusals in one line."""

import json
from pathlib import Path

import av
import pytest

from tests.cli.conftest import Run
from vsr.cli.live_line import describe
from vsr.live.controls import Percentiles, Snapshot
from vsr.live.fresh import DEPTH


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_recording_and_its_report(vsr: Run, tmp_path: Path) -> None:
    code, out, err = vsr(
        "live", "test:64x48@25", "out.mkv", "--duration", "1", "--network", "realtime", "--max-latency-ms", "0",
        "--json", "-",
    )  # fmt: skip
    assert code == 0, err
    report = json.loads(out)
    with av.open(str(tmp_path / "out.mkv")) as recording:
        frames = list(recording.decode(recording.streams.video[0]))
        assert recording.streams.audio
    assert (frames[0].width, frames[0].height) == (128, 96)
    assert report["sinks"][0]["frames"] == len(frames) == report["frames_upscaled"] > 0
    assert [name for _, name in report["networks"]] == ["realtime"]
    latency = report["sinks"][0]["latency"]
    assert 0 < latency["p50_ms"] <= latency["p95_ms"] <= latency["p99_ms"]
    left_at_the_end = report["frames_in"] - report["frames_upscaled"] - report["dropped"]
    assert 0 <= left_at_the_end <= DEPTH


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("test",), 2, "window"),
        (("missing.mp4", "out.mp4"), 3, "missing.mp4"),
        (("clip.mp4", "out.mp4"), 2, "--realtime"),
        (("test", "out.xyz"), 4, ".xyz"),
        (("test", "out"), 2, "no sink 'out'"),
        (("test", "foo://x"), 2, "foo://"),
        (("foo://x", "out.mp4"), 2, "foo://x"),
        (("test", "-", "-"), 2, "twice"),
        (("test", "clip.mp4"), 2, "--overwrite"),
        (("rtsp://127.0.0.1:1/x", "out.mp4"), 3, "refused"),
        (("/dev/video77", "out.mp4"), 3, "/dev/video77"),
        (("test", "out.mp4", "--network", "nosuch"), 5, "nosuch"),
        (("test", "out.mp4", "--scale", "7"), 2, "scale 7"),
        (("test", "out.mp4", "--duration=-1"), 2, "--duration is -1"),
        (("test", "out.mp4", "--max-latency-ms=-1"), 2, "--max-latency-ms is -1"),
        (("test", "web", "--port", "99999"), 2, "--port is 99999"),
        (("test", "out.mp4", "--json", "missing/report.json"), 4, "missing/report.json"),
        (("test", "-", "--json", "-"), 2, "standard output"),
        (("test", "out.mp4", "--codec", "nosuch"), 4, "nosuch"),
        (("test", "out.mp4", "--pipeline", "nosuch"), 2, "nosuch"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    arguments: tuple[str, ...], code: int, words: str, *, vsr: Run, clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes((clips / "clip.mp4").read_bytes())
    got, out, err = vsr("live", "--quiet", "--duration", "2", *arguments)
    assert got == code, err
    assert words in err
    assert err.startswith("vsr: ")
    assert err.count("\n") == 1
    assert out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


def test_the_status_line() -> None:
    assert describe(Snapshot()) == "starting"
    state = Snapshot(
        status="live", network="fast", scale=2, source_size=(640, 360), output_size=(1280, 720), fps_in=25,
        fps_out=24.6, latency={"a": Percentiles(40, 55, 60), "b": Percentiles(50, 70, 80)}, dropped=3,
    )  # fmt: skip
    assert describe(state) == (
        "live: 640x360 to 1280x720 with fast, 25.0 fps in, 24.6 out, 50 ms behind (95%: 70), 3 dropped"
    )
