"""Pushed streams: a real receiver gets every frame, and one that dies or stalls is said within seconds."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.io.live.footage import BEEP, RATE, difference, feed, footage, luma, picture, play, sink_of
from tests.live.programs import Program, free_port, free_udp_port, module, needs, running, wait_until
from vsr.errors import SinkError
from vsr.io.live import forms, stream_sink

pytestmark = [needs("ffmpeg"), pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for ports")]

FRAMES = 60
SCHEMES = ["rtsp", "rtmp", "tcp", "udp", "srt"]
_LISTEN = {
    "rtsp": ["-rtsp_flags", "listen"],
    "rtmp": ["-listen", "1", "-f", "flv"],
    "tcp": ["-f", "mpegts"],
    "udp": ["-f", "mpegts"],
    "srt": ["-f", "mpegts"],
}
_QUERY = {"tcp": "?listen=1", "udp": "?timeout=1000000", "srt": "?mode=listener"}


def _in_use(port: int, table: str) -> bool:
    rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    listening = "0A" if table == "tcp" else "07"
    return any(f":{port:04X}" in row.split()[1] and row.split()[3] == listening for row in rows)


@contextmanager
def receiver(scheme: str, *output: str) -> Iterator[tuple[str, Program]]:
    """A program that receives one stream and copies it into ``output``, and the address to push to."""
    datagrams = scheme in {"udp", "srt"}
    port = free_udp_port() if datagrams else free_port()
    address = f"{scheme}://127.0.0.1:{port}" + ("/live/test" if scheme in {"rtsp", "rtmp"} else "")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", *_LISTEN[scheme], "-i", address + _QUERY.get(scheme, "")]
    with running([*command, "-map", "0", "-c", "copy", *output]) as program:
        program.wait_until(lambda: _in_use(port, "udp" if datagrams else "tcp"), "receiver")
        yield address, program


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_receiver_gets_every_frame_in_sync(scheme: str, tmp_path: Path) -> None:
    with receiver(scheme, str(tmp_path / "got.mkv")) as (address, program):
        sink = sink_of(address)
        feed(sink, footage(FRAMES))
        sink.finish()
        program.wait()
    played = play(tmp_path / "got.mkv")
    assert len(played.times) == FRAMES
    # FFmpeg places what comes before the first clock report of RTSP as if that were the time.
    assert all(abs((later - earlier) * RATE - 1) < 0.05 for earlier, later in pairwise(played.times[1:]))
    assert max(difference(luma(number, 160, 96), seen) for number, seen in enumerate(played.luma)) < 3
    assert abs(played.beep_s - float(played.times[BEEP])) < 0.005
    assert "B" not in played.kinds


def _first_error(write: Callable[[int], None], begin: int) -> SinkError:
    numbers = count(begin)

    def error() -> SinkError | None:
        try:
            write(next(numbers))
        except SinkError as exc:
            return exc
        return None

    found = wait_until(error, "error")
    assert found is not None
    return found


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "tcp", "srt"])
def test_a_receiver_that_dies_is_an_error_as_is_none(scheme: str) -> None:
    with receiver(scheme, "-f", "null", "-") as (address, program):
        sink = sink_of(address)
        assert sink.returns
        feed(sink, (picture(number, size=(640, 480)) for number in range(10)))
        program.kill()
        error = _first_error(lambda number: sink.write(picture(number, size=(640, 480))), 10)
        assert str(error).startswith(address)
        assert "\n" not in str(error)
        sink.abort()
    if scheme != "srt":  # whose relay goes on calling for seconds
        with pytest.raises(SinkError):
            sink.open(picture(0), audio=False)
        sink.abort()


@pytest.mark.parametrize("scheme", ["rtmp", "rtsp", "tcp"])
def test_a_receiver_that_stalls_is_an_error(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # RTSP waits so long for each of a picture's many small packets.
    monkeypatch.setattr(forms, "PATIENCE_US", 100_000)
    monkeypatch.setattr(stream_sink, "GIVE_UP_S", 1)
    noise = np.random.default_rng(1)
    with receiver(scheme, "-f", "null", "-") as (address, program):
        # Noise without a bound fills what lies between the two before long.
        sink = sink_of(address, preset="ultrafast", encoder_options=(("qp", "1"), ("maxrate", "0")))

        def write(number: int) -> None:
            frame = picture(number, size=(320, 240))
            frame.frame.planes[0][:] = noise.integers(0, 256, (240, 320))
            sink.write(frame)

        sink.open(picture(0, size=(320, 240)), audio=False)
        write(0)
        program.send(signal.SIGSTOP)
        _first_error(write, 1)
        sink.abort()
        program.send(signal.SIGCONT)


def test_hls_keeps_a_short_playlist_and_ends_it(tmp_path: Path) -> None:
    sink = sink_of(f"hls:{tmp_path / 'live'}")
    feed(sink, footage(20 * RATE))
    playlist = tmp_path / "live" / "index.m3u8"
    assert "#EXT-X-ENDLIST" not in playlist.read_text()
    pieces = [line for line in playlist.read_text().splitlines() if line.startswith("#EXTINF")]
    assert pieces == ["#EXTINF:2.000000,"] * 6
    sink.finish()
    assert "#EXT-X-ENDLIST" in playlist.read_text()
    played = play(playlist)
    assert len(list((tmp_path / "live").glob("*.ts"))) <= 8
    assert all(abs((later - earlier) * RATE - 1) < 0.05 for earlier, later in pairwise(played.times))


@pytest.mark.parametrize(("name", "container", "sound"), [("-", "nut", True), ("y4m:-", "yuv4mpegpipe", False)])
def test_a_pipe_carries_the_pictures_as_they_are(name: str, container: str, sound: bool, tmp_path: Path) -> None:
    with module("tests.io.live.footage", 30, name, pipe_stdout=True) as program:
        assert program.process.stdout is not None
        (tmp_path / "got").write_bytes(program.process.stdout.read())
        assert program.wait() == 0
    played = play(tmp_path / "got", container)
    assert [difference(luma(number, 160, 96), seen) for number, seen in enumerate(played.luma)] == [0] * 30
    if sound:
        assert played.beep_s == pytest.approx(float(played.times[BEEP]), abs=0.001)


def test_a_pipe_that_nobody_reads_any_more_is_said() -> None:
    with module("tests.io.live.footage", 100_000, "-", pipe_stdout=True) as program:
        assert program.process.stdout is not None
        assert program.process.stdout.read(100_000)
        program.process.stdout.close()
        assert program.wait() == SinkError.exit_code
        assert program.stderr.strip().splitlines()[-1] == "SinkError: - can't be written: nobody reads it any more"
