"""How senders reach vsr and vsr reaches viewers: for each protocol the addresses of both sides of one connection."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.live.programs import Program, free_port, free_udp_port
from tests.live.receiver import Receiver, receiving
from tests.live.sender import sending


@dataclass(frozen=True)
class Route:
    """One connection."""

    vsr: str
    """The address for vsr."""
    other: str
    """The address for the sender or the viewer."""
    serves: bool = False
    """True where the sender is the server and must be there first."""

    @contextmanager
    def sending(self, *options: str) -> Iterator[Program]:
        """A sender, which is there when the block begins."""
        with sending(self.other, *options, *["--serve"] * self.serves) as sender:
            if self.serves:
                sender.wait_until(lambda: _answers(self.other), "answer to a connection")
            yield sender

    @contextmanager
    def receiving(self) -> Iterator[Receiver]:
        """A viewer."""
        with receiving(self.other) as receiver:
            yield receiver


def from_sender(protocol: str) -> Route:
    """A fresh route into vsr: udp, a sender that waits for calls (srt), one that calls (rtmp) or a camera (rtsp)."""
    if protocol in {"udp", "srt"}:
        address = f"{protocol}://127.0.0.1:{free_udp_port()}"
        return Route(address, address + ("?mode=listener" if protocol == "srt" else "?pkt_size=1316"))
    address = f"{protocol}://127.0.0.1:{free_port()}/live/one"
    return Route(address, address, serves=True) if protocol == "rtsp" else Route(f"{address}?listen=1", address)


def to_viewer(protocol: str) -> Route:
    """A fresh route out of vsr, to a viewer who waits for it."""
    if protocol in {"udp", "srt"}:
        address = f"{protocol}://127.0.0.1:{free_udp_port()}"
        return Route(address, address + ("?mode=listener" if protocol == "srt" else ""))
    address = f"{protocol}://127.0.0.1:{free_port()}/live/one"
    return Route(address, address)


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0
