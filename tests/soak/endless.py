"""Runs in one process without an end, and after each stretch what the process holds by then.

    python -m tests.soak.endless short|long CLIP FOLDER NETWORK

``short``: one short run after another, of several kinds, all with the same outputs each time. ``long``: CLIP is long.
Prints a line of JSON, a Held, for each run, and within a long one as it goes; ends with 1 when an output is another.
"""

import hashlib
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av

import vsr
from vsr.errors import VsrError
from vsr.pipeline import Progress
from vsr.segments import job
from vsr.spec import make_spec

LOW_PRIORITY = 10
_LOOK_EVERY_S = 0.25
_PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class Held:
    """What the process has at some moment."""

    memory_mib: float
    """Resident."""
    threads: int
    descriptors: int
    frames: int
    """That were made until then."""


def held(frames: int) -> Held:
    """What this process has now."""
    status = (_PROCESS / "status").read_text().splitlines()
    (memory,) = (int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
    threads, descriptors = (len(list(_PROCESS.glob(names))) for names in ("task/*", "fd/*"))
    return Held(memory, threads, descriptors, frames)


def short_runs(clip: Path, folder: Path, network: str) -> Iterator[int]:
    """Frames of each round of runs: in one go, in pieces, with ``network``, and refused. Raises ValueError."""
    damaged = folder / "damaged.mp4"
    damaged.write_bytes(clip.read_bytes()[:2000])
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("out.mkv", {"network": "bicubic", "codec": "mpeg4"}),
        ("pieces.mkv", {"network": "bicubic", "codec": "mpeg4", "segment_s": 0.5}),
        ("network.mkv", {"network": network, "codec": "ffv1"}),
        ("picture_%03d.png", {"network": "bicubic"}),
    ]
    first: dict[str, str] = {}
    while True:
        frames = 0
        for name, options in kinds:
            frames += vsr.upscale(clip, folder / name, overwrite=True, **options).frames_out
            digest = hashlib.sha256()
            for path in sorted(folder.glob(name.replace("%03d", "*"))):
                digest.update(path.read_bytes())
            if first.setdefault(name, digest.hexdigest()) != digest.hexdigest():
                raise ValueError(f"{name} is another than the first time")
        try:
            vsr.upscale(damaged, folder / "refused.mkv")
        except VsrError:
            pass
        else:
            raise ValueError(f"{damaged.name} was not refused")
        yield frames


def long_run(clip: Path, folder: Path, network: str) -> Iterator[int]:
    """Frames of each whole run in pieces; prints what is held within it."""
    looked_s = 0.0

    def look(state: Progress) -> None:
        nonlocal looked_s
        if time.monotonic() - looked_s > _LOOK_EVERY_S:
            looked_s = time.monotonic()
            tell(held(made + state.frames))

    made = 0
    options: dict[str, Any] = {
        "network": network,
        "codec": "libx264",
        "preset": "ultrafast",
        "crf": 40,
        "overwrite": True,
    }
    while True:
        frames = job.run(make_spec(str(clip), str(folder / "long.mkv"), **options), progress=look).frames_out
        made += frames
        yield frames


def tell(now: Held) -> None:
    """Print ``now`` as a line of JSON."""
    print(json.dumps(asdict(now)), flush=True)


def repeat(clip: Path, target: Path, seconds: float) -> Path:
    """Copy the packets of ``clip`` again and again, later each time, until ``target`` is ``seconds`` long."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as output:
        streams = {s.index: output.add_stream_from_template(s, opaque=True) for s in source.streams}
        times = [
            (packet.dts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base)
            for packet in source.demux()
            if packet.pts is not None and packet.dts is not None
        ]
        length_s = max(end for _, end in times) - min(begin for begin, _ in times)
        for turn in range(int(seconds / length_s) + 1):
            source.seek(0)
            for packet in source.demux():
                if packet.pts is not None and packet.dts is not None:
                    shift = math.ceil(turn * length_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    output.mux(packet)
    return target


def main() -> None:
    """Run without an end."""
    os.nice(LOW_PRIORITY)
    kind, clip, folder, network = sys.argv[1:]
    runs = (short_runs if kind == "short" else long_run)(Path(clip), Path(folder), network)
    for total in itertools.accumulate(runs):
        tell(held(total))


if __name__ == "__main__":
    main()
