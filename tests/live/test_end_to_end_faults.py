"""Real senders and viewers that are killed in the middle of ``vsr live``: it goes on, and so do all the others."""

import resource
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.judging import assert_in_order, assert_shows_the_scene, assert_spaced, counters
from tests.live.programs import RTSP_SERVER, needs
from tests.live.receiver import Seen, read_file
from tests.live.routes import from_sender, to_viewer
from tests.live.runs import LARGER, RATE, SIZE, SIZE_OPTION, UNSETTLED, live_run
from tests.live.scene import Scene, record
from tests.live.timecode import Timecode

SILENT_S = 1.5
"""More than this without a picture and the source's silence was not bridged: held ones begin after one second."""
pytestmark = needs("ffmpeg")


def senders_of(frames: list[Seen]) -> list[list[Seen]]:
    """The pictures of each sender (every one counts from 0), held ones included."""
    cuts = [at for at, (old, new) in enumerate(pairwise(counters(frames)), start=1) if new < old]
    return [frames[start:end] for start, end in pairwise([0, *cuts, len(frames)])]


def until_held(frames: list[Seen]) -> list[Seen]:
    """The pictures before the first that was shown twice."""
    numbers = counters(frames)
    return frames[: next((at for at, (old, new) in enumerate(pairwise(numbers), start=1) if new == old), len(frames))]


def least_delay_s(frames: list[Seen]) -> float:
    """By which pictures arrived after their time; the least, since the first come in a burst."""
    return min(frame.arrived_s - float(frame.pts_s) for frame in frames)


@pytest.mark.parametrize(("protocol", "times"), [pytest.param("rtsp", 1, marks=needs(RTSP_SERVER))])
def test_a_source_comes_back(protocol: str, times: int) -> None:
    into, out = from_sender(protocol), to_viewer("udp")
    with ExitStack() as cleared:
        viewer = cleared.enter_context(out.receiving())
        sender = cleared.enter_context(into.sending(*SIZE_OPTION))
        live = cleared.enter_context(live_run(into.vsr, out.vsr))
        live.wait_for_pictures(viewer, 30)
        for turn in range(1, times + 1):
            sender.kill()
            live.wait_for_notices("is lost at", turn)
            live.wait_for_pictures(viewer, 5)  # held ones
            sender = cleared.enter_context(into.sending(*SIZE_OPTION))
            live.wait_for_notices("is back at", turn)
            live.wait_for_pictures(viewer, 30)
        report = live.stop()
        frames = viewer.frames()
    assert report["reconnects"] == times
    assert report["held"] >= 5 * times
    assert all(0 < later.pts_s - earlier.pts_s < SILENT_S for earlier, later in pairwise(frames))
    parts = senders_of(frames)
    assert len(parts) == times + 1
    for part in parts:
        assert_in_order(until_held(part)[UNSETTLED:])
        assert_spaced(until_held(part)[UNSETTLED:], RATE)
    # The run's time is the real time: what was lost in a gap would make everything after it late.
    assert least_delay_s(parts[-1]) == pytest.approx(least_delay_s(parts[0]), abs=1)


def test_a_viewer_comes_back_twice_and_a_recording_does_not_care(tmp_path: Path) -> None:
    into, out = from_sender("udp"), to_viewer("rtmp")
    recording = tmp_path / "live.mkv"
    with ExitStack() as cleared:
        viewer = cleared.enter_context(out.receiving())
        cleared.enter_context(into.sending(*SIZE_OPTION))
        live = cleared.enter_context(live_run(into.vsr, out.vsr, recording))
        for turn in (1, 2):
            live.wait_for_pictures(viewer, 20)
            viewer.program.kill()
            live.wait_for_notices("is lost at", turn)
            viewer = cleared.enter_context(out.receiving())
            live.wait_for_notices("is back at", turn)
        live.wait_for_pictures(viewer, 20)
        report = live.stop()
        assert_in_order(viewer.frames())
    pushed, recorded = report["sinks"]
    assert pushed["failures"] >= 2
    assert (recorded["failures"], recorded["error"]) == (0, None)
    frames, _ = read_file(recording)
    assert len(frames) == recorded["frames"]
    assert_in_order(frames)
    assert_spaced(frames, RATE)


def full_disk() -> None:
    """No file may grow beyond 40 kB: done by the kernel."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


def test_a_full_disk_does_not_take_the_viewer_along(tmp_path: Path) -> None:
    into, out = from_sender("udp"), to_viewer("udp")
    recording = tmp_path / "live.mkv"
    with (
        out.receiving() as viewer,
        into.sending(*SIZE_OPTION),
        live_run(into.vsr, recording, out.vsr, "--crf", 8, before=full_disk) as live,
    ):
        live.wait_for_notices("is given up at", 1)
        live.wait_for_pictures(viewer, 30)
        report = live.stop(exit_code=4)
    assert "File too large" in report["sinks"][0]["error"]
    assert report["sinks"][1]["error"] is None
    assert_in_order(viewer.frames())


def test_another_size_in_the_middle_is_followed(tmp_path: Path) -> None:
    """One connection, one stream: the camera's operator chose another resolution."""
    both = tmp_path / "both.ts"
    with both.open("wb") as file:
        for size in (SIZE, LARGER):
            codes = [Timecode(number, 0) for number in range(40)]
            file.write(record(tmp_path / "part.ts", Scene(*size, RATE), codes).read_bytes())
    recording = tmp_path / "live.mkv"
    with live_run(both, recording, "--realtime") as live:
        report = live.ended()
    assert any("the picture changes to 320x180" in notice for notice in report["notices"])
    frames, _ = read_file(recording)
    assert len(frames) == report["sinks"][0]["frames"]
    # A recording can't change its size: the larger picture is fitted into the smaller one's place.
    for part, size in zip(senders_of(frames), (SIZE, LARGER), strict=True):
        assert_in_order(part)
        assert_shows_the_scene(part, Scene(*size, RATE), LARGER)
