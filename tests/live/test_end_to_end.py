"""Real senders, ``vsr live`` as a process, real viewers: what arrives is the stream, larger, in order, in time."""

from pathlib import Path

import pytest

from tests.live.judging import (
    assert_in_order,
    assert_in_sync,
    assert_shows_the_scene,
    assert_spaced,
    by_number,
    counters,
    missing,
    psnr,
)
from tests.live.programs import RTSP_SERVER, needs
from tests.live.receiver import read_file
from tests.live.routes import from_sender, to_viewer
from tests.live.runs import RATE, SIZE, SIZE_OPTION, dropped, live_run
from tests.live.scene import Scene
from vsr.pipeline import run
from vsr.spec import make_spec

pytestmark = needs("ffmpeg")


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        ("udp", "rtmp"),
        ("srt", "udp"),
        ("rtmp", "rtsp"),
        pytest.param("rtsp", "srt", marks=needs(RTSP_SERVER)),
    ],
)
def test_a_stream_goes_through(source: str, sink: str, tmp_path: Path) -> None:
    into, out = from_sender(source), to_viewer(sink)
    with out.receiving() as viewer, into.sending(*SIZE_OPTION, "--audio") as sender:
        with live_run(into.vsr, out.vsr) as live:
            live.program.wait_until(lambda: viewer.count >= 75, "75 pictures")
            report = live.stop()
        frames, beeps_s = viewer.frames(), viewer.beeps()
        assert_in_order(frames)
        assert_spaced(frames, RATE)
        assert missing(frames, sender.stderr) <= dropped(report)
        assert len(frames) > 0.7 * (counters(frames)[-1] - counters(frames)[0])
        assert_shows_the_scene(frames, Scene(*SIZE, RATE), scale=2)
        assert_in_sync(frames, beeps_s, RATE)


def test_the_picture_is_the_networks(tmp_path: Path) -> None:
    """What is recorded live is what ``vsr run`` makes of the same packets with that network, and no other's work."""
    into = from_sender("udp")
    kept, recording = tmp_path / "kept.ts", tmp_path / "live.mkv"
    options = ("--max-latency-ms", 0, "--crf", 8, "--duration", 3)
    with into.sending(*SIZE_OPTION, "--keep", str(kept)), live_run(into.vsr, recording, *options) as live:
        report = live.ended()
    assert [name for _, name in report["networks"]] == ["realtime"]
    seen, _ = read_file(recording)
    assert len(seen) == report["sinks"][0]["frames"] > 10
    likeness = {}
    for network in ("realtime", "bicubic"):
        output = tmp_path / f"{network}.mkv"
        run(make_spec(str(kept), str(output), network=network, codec="ffv1"))
        made = by_number(read_file(output)[0])
        likeness[network] = min(psnr(frame.luma, made[number].luma) for number, frame in by_number(seen).items())
    assert likeness["realtime"] > 40
    assert likeness["realtime"] > likeness["bicubic"] + 3
