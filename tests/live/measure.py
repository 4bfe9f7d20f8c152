"""How late, how complete and how large ``vsr live`` is, measured from outside while it runs.

    python -m tests.live.measure [--seconds 120] [--case 360p] [--case overload] [--json FILE]

A sender draws its clock into every picture; what vsr sends on is noted datagram by datagram and decoded afterwards,
so that looking at it takes nothing from the machine meanwhile. All of it runs on this machine, the sender included.
"""

from __future__ import annotations

import argparse
import bisect
import json
import math
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.live.judging import missing
from tests.live.programs import Program, free_udp_port
from tests.live.receiver import Decoder, seen
from tests.live.routes import from_sender
from tests.live.runs import live_run

WARM_UP_S = 5.0
"""After the first picture: networks are being loaded and compared."""
SAMPLE_S = 0.5
_DATAGRAM_MAX = 65536
_RECEIVE_BUFFER = 8 << 20
_OF_TS = 188 / 184
"""What a packet of MPEG-TS is larger than what it carries."""


@dataclass(frozen=True)
class Case:
    """What is asked of the machine."""

    size: tuple[int, int]
    network: str
    rate: int = 25
    scale: int = 2


CASES = {
    "360p": Case((640, 360), "realtime"),
    "overload": Case((1920, 1080), "balanced"),
}


@dataclass(frozen=True)
class Delay:
    """Milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Memory:
    """Of the process of ``vsr live``, resident."""

    first_half_mb: float
    """The most in the first half of the time."""
    second_half_mb: float
    slope_mb_per_min: float
    """Of the straight line that fits best."""


@dataclass(frozen=True)
class Figures:
    """What was measured of a case, after the warm-up."""

    case: Case
    frames: int
    """That the sender sent."""
    missing: int
    """Of them, that did not arrive."""
    delay: Delay
    """From the clock in the picture (its making; encoding and sending come after) to its encoded packet's arrival."""
    memory: Memory
    report: dict[str, Any]
    """vsr's own, of the whole run: see vsr.live.report."""


class Catcher:
    """Notes every datagram that arrives at a port, and when."""

    def __init__(self, port: int):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind(("127.0.0.1", port))
        self._socket.settimeout(SAMPLE_S)
        self._bytes = bytearray()
        self._ends: list[int] = []
        self._arrivals_s: list[float] = []
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._take, name="catcher")
        self._thread.start()

    @property
    def first_s(self) -> float:
        """time.monotonic() of the first; 0 before it."""
        return self._arrivals_s[0] if self._arrivals_s else 0.0

    def _take(self) -> None:
        while not self._leave.is_set():
            try:
                datagram = self._socket.recv(_DATAGRAM_MAX)
            except TimeoutError:
                continue
            self._bytes += datagram
            self._ends.append(len(self._bytes))
            self._arrivals_s.append(time.monotonic())

    def close(self) -> None:
        self._leave.set()
        self._thread.join()
        self._socket.close()

    def pictures(self) -> Iterator[tuple[int, float, float]]:
        """(number, delay in seconds, arrival) of every picture: complete with the last byte of its packet."""
        with av.open(BytesIO(bytes(self._bytes)), "r", format="mpegts") as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            arrived = [(packet, self._arrival_s(packet.pos or 0, packet.size)) for packet in packets]
            for picture in seen(arrived, Decoder(stream)):
                if picture.code is not None:
                    yield picture.code.counter, picture.code.age_s(picture.arrived_s), picture.arrived_s

    def _arrival_s(self, start: int, size: int) -> float:
        last = min(start + math.ceil(size * _OF_TS), len(self._bytes))
        return self._arrivals_s[bisect.bisect_left(self._ends, last)]


@contextmanager
def catching() -> Iterator[tuple[str, Catcher]]:
    """(address, catcher) for as long as the block."""
    port = free_udp_port()
    catcher = Catcher(port)
    try:
        yield f"udp://127.0.0.1:{port}", catcher
    finally:
        catcher.close()


def measure(case: Case, seconds: float) -> Figures:
    """Run ``case`` for ``seconds`` after the warm-up."""
    into = from_sender("udp")
    options = ("--scale", case.scale, "--no-audio")
    size = "{}x{}".format(*case.size)
    with (
        catching() as (address, catcher),
        into.sending("--size", size, "--rate", str(case.rate)) as sender,
        live_run(into.vsr, address, *options, network=case.network) as live,
    ):
        began_s = live.program.wait_until(lambda: catcher.first_s, "picture", 60.0) + WARM_UP_S
        live.program.wait_until(lambda: time.monotonic() > began_s, "end of the warm-up")
        samples = watch(live.program, seconds)
        report = live.stop()
        sender_said = sender.stderr
    window = [item for item in catcher.pictures() if began_s <= item[2] <= began_s + seconds]
    numbers, delays_s, _ = zip(*window, strict=True)
    absent = missing(numbers, sender_said)
    return Figures(case, len(set(numbers)) + absent, absent, delay(delays_s), memory(samples), report)


def watch(program: Program, seconds: float) -> list[tuple[float, float]]:
    """(seconds, MiB) of a running program's memory."""
    began_s = time.monotonic()
    samples: list[tuple[float, float]] = []
    while (elapsed_s := time.monotonic() - began_s) < seconds:
        assert program.alive, program.stderr
        lines = Path(f"/proc/{program.pid}/status").read_text(encoding="ascii").splitlines()
        samples.append((elapsed_s, next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))))
        time.sleep(SAMPLE_S)
    return samples


def delay(values_s: Sequence[float]) -> Delay:
    return Delay(*(1e3 * float(np.percentile(values_s, share)) for share in (50, 95, 99, 100)))


def memory(samples: Sequence[tuple[float, float]]) -> Memory:
    times_s, sizes_mb = np.array(samples).T
    half = len(samples) // 2
    slope_mb_per_s = float(np.polyfit(times_s, sizes_mb, 1)[0])
    return Memory(float(sizes_mb[:half].max()), float(sizes_mb[half:].max()), 60 * slope_mb_per_s)


def table(all_figures: dict[str, Figures]) -> str:
    """Markdown: one row a case."""
    head = "| case | frames | missing | p50 | p95 | p99 | longest | by its own report | networks | memory |"
    lines = [head, "|---|---:|---:|---:|---:|---:|---:|---|---|---|"]
    for name, figures in all_figures.items():
        case, late, held = figures.case, figures.delay, figures.memory
        size = f"{case.size[0]}x{case.size[1]} x{case.scale} at {case.rate}/s"
        lines.append(
            f"| {name}: {size} | {figures.frames} | {figures.missing / figures.frames:.2%} "
            f"| {late.p50_ms:.0f} ms | {late.p95_ms:.0f} ms | {late.p99_ms:.0f} ms | {late.max_ms:.0f} ms "
            f"| {own(figures.report)} | {networks(figures.report)} "
            f"| {held.first_half_mb:.0f}, then {held.second_half_mb:.0f} MiB ({held.slope_mb_per_min:+.1f} a minute) |"
        )
    return "\n".join(lines)


def own(report: dict[str, Any]) -> str:
    """Its own drops and delays, in words."""
    (sink,) = report["sinks"]
    dropped = report["dropped"] + sink["dropped"]
    late = sink["latency"]
    delays = f", {late['p50_ms']:.0f} / {late['p95_ms']:.0f} / {late['p99_ms']:.0f} ms" if late else ""
    return f"{dropped / max(report['frames_in'], 1):.2%} dropped{delays}"


def networks(report: dict[str, Any]) -> str:
    """Those at work, in their order, at most the last six."""
    names = [name for _, name in report["networks"]]
    return ", ".join(["..."] * (len(names) > 6) + names[-6:])


def main() -> None:
    """Measure, print the table and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each case, after the warm-up")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="all by default; repeatable")
    parser.add_argument("--json", help="write everything to this file, or - for standard output")
    asked = parser.parse_args()
    all_figures = {name: measure(CASES[name], asked.seconds) for name in asked.case or CASES}
    print(table(all_figures))
    everything = json.dumps({name: asdict(figures) for name, figures in all_figures.items()}, indent=2)
    if asked.json == "-":
        print(everything)
    elif asked.json is not None:
        Path(asked.json).write_text(everything + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
