"""Sources on the network, from real senders on loopback that write a timecode into each picture."""

from __future__ import annotations

import http.server
import itertools
import math
import random
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
from av.codec.context import CodecContext
from av.video.frame import VideoFrame

from tests.io.live.watching import Sight, Watched, watch
from tests.io.making import Recipe, make
from tests.live.programs import RTSP_SERVER, Program, free_port, free_udp_port, needs, wait_until
from tests.live.sender import sending
from vsr.errors import SourceError
from vsr.io.live.contract import SAMPLE_RATE, LiveAudio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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
@pytest.mark.parametrize(
    ("protocol", "tolerance"), [("udp", 0), ("rtmp", MILLISECOND), ("rtsp", MILLISECOND), ("srt", 0)]
)
def test_pushed_stream(protocol: str, tolerance: int) -> None:
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
    watched = watch(url)
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
@pytest.mark.parametrize(
    ("protocol", "deaths", "reconnects", "tolerance"), [("udp", 2, 0, 0), ("rtmp", 1, 1, MILLISECOND)]
)
def test_killed_sender_comes_back(protocol: str, deaths: int, reconnects: int, tolerance: int) -> None:
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
    assert watched.said("nothing came for 0.5 s")
    assert not watched.source.lost
    check_gap(before[-1], after)


class Camera(http.server.BaseHTTPRequestHandler):
    """A camera of the web's early days: JPEG pictures without end in one answer."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=cut")
        self.end_headers()
        encoder = CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 160, 96, "yuvj420p", Fraction(1, 10)
        frame = VideoFrame(160, 96, "yuvj420p")
        with suppress(OSError):
            for number in itertools.count():
                frame.pts = number
                (packet,) = encoder.encode(frame)
                head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {packet.size}\r\n\r\n"
                self.wfile.write(head.encode() + bytes(packet) + b"\r\n")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None: ...


def test_pictures_without_stamps_have_their_real_time() -> None:
    with answering(Camera) as url:
        sights = watch(f"{url}/video.mjpg").take(10)
    assert sights[0].info.color.full_range
    passed_s = sights[-1].seen_s - sights[0].seen_s
    assert (sights[-1].pts - sights[0].pts) / 90000 == pytest.approx(passed_s, abs=0.2)


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server, and its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False  # leaving waits for them
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@needs("ffmpeg")
def test_hls_comes_at_its_own_pace(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=30", "-t", "6"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30", "-f", "hls"),
            *("-hls_time", "1", "-hls_list_size", "0", "-hls_flags", "omit_endlist", str(tmp_path / "live.m3u8")),
        ],
        check=True,
    )
    with answering(partial(Files, directory=str(tmp_path))) as url:
        sights = watch(f"{url}/live.m3u8").take(40)
    assert [sight.pts for sight in sights] == [STEP * i for i in range(40)]
    assert sights[-1].seen_s - sights[0].seen_s > 1


def test_playlist_from_a_server_opens_no_file(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.ts", Recipe())
    for segment, opens in (("clip.ts", True), (clip.as_uri(), False), (f"subfile,,start,0,end,0,,:{clip}", False)):
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{segment}\n#EXT-X-ENDLIST\n"
        (tmp_path / "live.m3u8").write_text(playlist)
        with answering(partial(Files, directory=str(tmp_path))) as url:
            watched = watch(f"{url}/live.m3u8")
            if opens:
                assert len(watched.take()) == 10
            else:
                with pytest.raises(SourceError):
                    watched.take()


@pytest.mark.parametrize("scheme", ["tcp", "rtsp", "rtmp", "http"])
def test_nobody_at_the_address(scheme: str) -> None:
    with pytest.raises(SourceError, match=f"{scheme}://.*refused") as caught:
        watch(f"{scheme}://127.0.0.1:{free_port()}/x").take(1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "read"), [("TCP", "rtmp://127.0.0.1:{}/a/b?listen=1"), ("UDP", "udp://127.0.0.1:{}")])
def test_no_place_to_wait_at(kind: str, read: str) -> None:
    with socket.socket(type=socket.SOCK_STREAM if kind == "TCP" else socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        if kind == "TCP":
            other.listen()
        with pytest.raises(SourceError, match="Address already in use"):
            watch(read.format(other.getsockname()[1])).take(1)


def test_silence_at_the_address() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(SourceError, match=r"no answer within 0\.5 s"),
    ):
        watch(f"tcp://127.0.0.1:{server.getsockname()[1]}", open_timeout_s=0.5).take(1)


@needs("ffmpeg")
def test_nobody_at_an_srt_address() -> None:
    with pytest.raises(SourceError, match=r"srt://.* can't be opened: [^:]+$"):
        watch(f"srt://127.0.0.1:{free_udp_port()}?connect_timeout=300").take(1)


def test_srt_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="no ffmpeg program on PATH"):
        watch("srt://127.0.0.1:9").take(1)


def test_noise_from_a_sender() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            line, _ = server.accept()
            with line, suppress(OSError):
                line.sendall(random.Random(2).randbytes(3_000_000))

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(SourceError, match="not a video"):
            watch(f"tcp://127.0.0.1:{server.getsockname()[1]}").take(1)
        thread.join()


@pytest.mark.parametrize("read", ["udp://127.0.0.1:{port}", "rtmp://127.0.0.1:{port}/a/b?listen=1"])
def test_closing_ends_the_waiting_for_a_sender(read: str) -> None:
    watched = watch(read.format(port=free_port()), open_timeout_s=0.5)
    threading.Timer(0.1, watched.source.close).start()
    assert watched.take() == []
