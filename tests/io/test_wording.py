"""FFmpeg is listened to while others are at work: what they log meanwhile is neither printed nor an error."""

import sys
import threading

import av
import pytest
from av.error import FFmpegError

from vsr.io.wording import listening

_BROKEN = b"\0\0\0\1\x65" + bytes(range(250))


def _complain(over: threading.Event) -> None:
    """Have a decoder log errors, one after another."""
    while not over.is_set():
        decoder = av.CodecContext.create("h264", "r")
        for _ in range(50):
            with pytest.raises(FFmpegError):
                decoder.decode(av.Packet(_BROKEN))


def test_what_others_log_is_not_printed(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    over, interval = threading.Event(), sys.getswitchinterval()
    others = [threading.Thread(target=_complain, args=(over,)) for _ in range(3)]
    sys.setswitchinterval(1e-5)
    try:
        for other in others:
            other.start()
        for _ in range(50_000):
            with listening() as words:
                pass
            assert words.lines == []
    finally:
        over.set()
        for other in others:
            other.join()
        sys.setswitchinterval(interval)
    assert capfd.readouterr() == ("", "")


def test_a_level_that_somebody_chose_is_kept() -> None:
    level = av.logging.get_level()
    try:
        for chosen in (av.logging.ERROR, av.logging.WARNING):
            av.logging.set_level(chosen)
            with listening():
                pass
            assert av.logging.get_level() == chosen
    finally:
        av.logging.set_level(level)
