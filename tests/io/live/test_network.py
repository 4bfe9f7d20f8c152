"""Sources on the network, from real senders on loopback that write a timecode into each picture."""

from __future__ import annotations

import math
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.io.live.watching import Sight, Watched, at_once, watch
from tests.live.programs import RTSP_SERVER, Program, free_port, free_udp_port, needs, wait_until
from tests.live.sender import sending
from vsr.io.live.contract import SAMPLE_RATE, LiveAudio

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("nothing_stays_open")
RATE = 30
STEP = 3000
"""Between frames, in 1/90000."""
MILLISECOND = 90

PROTOCOLS = {
    "udp": ("udp://127.0.0.1:{port}?pkt_size=1316", "udp://127.0.0.1:{port}"),
    "rtmp": ("rtmp://127.0.0.1:{port}/live/key", "rtmp://127.0.0.1:{port}/live/key?listen=1"),
    "rtsp": ("rtsp://127.0.0.1:{port}/camera", "rtsp://127.0.0.1:{port}/camera?listen"),
    "srt": ("srt://127.0.0.1:{port}", "srt://127.0.0.1:{port}?mode=listener"),
}
"""Where the sender pushes to, and what vsr is given."""


def addresses(protocol: str) -> tuple[str, str]:
    port = free_udp_port() if protocol in {"udp", "srt"} else free_port()
    pushed, read = (text.format(port=port) for text in PROTOCOLS[protocol])
    return pushed, read


def check_order_and_spacing(sights: list[Sight], tolerance: int) -> None:
    """Every picture is newer than the one before it, and as much later as the sender made it later."""
    codes = [sight.code for sight in sights if sight.code is not None]
    assert len(codes) == len(sights), "each timecode can be read"
    for (sight, later), (code, later_code) in zip(pairwise(sights), pairwise(codes), strict=True):
        assert later_code.counter > code.counter
        assert later.pts - sight.pts == pytest.approx((later_code.counter - code.counter) * STEP, abs=tolerance)


def check_capture(sights: list[Sight]) -> None:
    """What is claimed of a frame's age can't be more than the truth, which the picture tells.

    A sender that is late stamps a frame with the time for which it was due: the truth is its most punctual frame's.
    """
    began_s = min(made_s(s) - s.code.counter / RATE for s in sights if s.code is not None)
    for sight in sights:
        assert sight.code is not None
        age_s = sight.seen_s - (began_s + sight.code.counter / RATE)
        assert 0 <= sight.seen_s - sight.captured_s <= age_s + 0.1


def beeps_s(sound: list[LiveAudio]) -> list[float]:
    """Run times at which a beep begins."""
    samples = np.concatenate([chunk.samples[:, 0] for chunk in sound]).astype(int)
    loud = np.flatnonzero(np.abs(samples) > 4000)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-SAMPLE_RATE) > SAMPLE_RATE // 4)]
    return [(sound[0].pts + int(start)) / SAMPLE_RATE for start in starts]


def check_sound(watched: Watched) -> None:
    """A beep begins with each frame whose number is a whole second's."""
    sound = watched.sound
    assert all(later.pts == chunk.pts + len(chunk.samples) for chunk, later in pairwise(sound))
    seconds = [s.pts / 90000 for s in watched.sights if s.code is not None and s.code.counter % RATE == 0]
    beeps = beeps_s(sound)
    matches = [beep for beep in beeps for second in seconds if abs(beep - second) < 0.06]
    assert matches, f"beeps at {beeps} s, pictures at {seconds} s"


@needs("ffmpeg")
def test_pushed_streams() -> None:
    at_once(check_pushed_stream, [("udp", 0), ("rtmp", MILLISECOND), ("rtsp", MILLISECOND), ("srt", 0)])


def check_pushed_stream(protocol: str, tolerance: int) -> None:
    pushed, read = addresses(protocol)
    watched = watch(read)
    with sending(pushed, "--audio"):
        sights = watched.take(40)
    # An RTSP sender's first reports correct the time once.
    check_order_and_spacing(sights[10:] if protocol == "rtsp" else sights, tolerance)
    check_capture(sights[10:])
    check_sound(watched)
    info = sights[0].info
    assert (info.width, info.height, info.layout.chroma_name) == (320, 180, "4:2:0")
    assert watched.source.reconnects == 0


@needs("ffmpeg", RTSP_SERVER)
def test_rtsp_server_is_lost_and_found() -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/camera"
    watched = watch(url, read_timeout_s=20.0)  # a killed server closes its lines; silence is another test's matter
    frames = iter(watched)
    with serving(url):
        before = [next(frames) for _ in range(30)]
    begin_s = time.monotonic()
    with serving(url):
        while len(made_after(begin_s, watched)) < 30:
            next(frames)
    watched.source.close()
    assert watched.source.reconnects == 1
    assert watched.said("is lost at")
    assert watched.said("is back at")
    after = made_after(begin_s, watched)
    check_order_and_spacing(before[15:], MILLISECOND)
    check_order_and_spacing(after[15:], MILLISECOND)
    check_gap(before[-1], after[0])


@contextmanager
def serving(url: str) -> Iterator[Program]:
    """An RTSP server that takes clients; killed at the end."""
    port = urlsplit(url).port
    assert port is not None

    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    with sending(url, "--serve", "--audio") as server:
        server.wait_until(answers, "open port")
        yield server
        server.kill()


def check_gap(before: Sight, after: Sight) -> None:
    """The run's time goes on over the gap as real time does."""
    assert (after.pts - before.pts) / 90000 == pytest.approx(made_s(after) - made_s(before), abs=1)


@needs("ffmpeg")
def test_killed_senders_come_back() -> None:
    at_once(check_killed_sender, [("udp", 2, 0, 0), ("rtmp", 1, 1, MILLISECOND)])


def check_killed_sender(protocol: str, deaths: int, reconnects: int, tolerance: int) -> None:
    """Over UDP nothing tells of it but the stamps, which begin anew."""
    pushed, read = addresses(protocol)
    watched = watch(read, read_timeout_s=20.0)
    frames = iter(watched)
    begun_s = []
    for _ in range(deaths + 1):
        begun_s.append(time.monotonic())
        with sending(pushed, "--audio") as sender:
            while len(made_after(begun_s[-1], watched)) < 15:
                next(frames)
            sender.kill()
    watched.source.close()
    assert all(later.pts > sight.pts for sight, later in pairwise(watched.sights))
    assert watched.source.reconnects == reconnects
    for begin_s, end_s in pairwise([*begun_s, math.inf]):
        life = [sight for sight in made_after(begin_s, watched) if made_s(sight) < end_s]
        check_order_and_spacing(life[:15], tolerance)
        check_capture(life[5:15])


def made_s(sight: Sight) -> float:
    """When its sender made the picture, on the clock of time.monotonic()."""
    assert sight.code is not None
    return sight.seen_s - sight.code.age_s(sight.seen_s)


def made_after(begin_s: float, watched: Watched) -> list[Sight]:
    """The frames of a sender that began then; what sockets still held of another's is not among them."""
    return [sight for sight in watched.sights if sight.code is not None and made_s(sight) >= begin_s]


@needs("ffmpeg")
def test_sender_that_keeps_the_line_and_says_nothing_is_lost() -> None:
    pushed, read = addresses("rtmp")
    watched = watch(read, read_timeout_s=0.5)
    frames = iter(watched)
    with sending(pushed) as sender:
        before = [next(frames) for _ in range(10)]
        sender.send(signal.SIGSTOP)

        def wake() -> None:
            wait_until(lambda: watched.source.lost, "notice that the source is lost")
            sender.send(signal.SIGCONT)

        waking = threading.Thread(target=wake)
        waking.start()
        after = next(frames)
        waking.join()
    watched.source.close()
    assert watched.said("nothing came for 0.5 s"), watched.notices.said
    assert not watched.source.lost
    check_gap(before[-1], after)
