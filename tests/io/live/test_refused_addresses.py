"""Addresses where nobody is, nobody speaks, or nothing sensible is said."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.io.live.watching import watch
from tests.live.programs import free_port, free_udp_port, needs
from vsr.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("nothing_stays_open")


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
