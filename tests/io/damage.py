"""Files that are damaged in chosen packets: what a bad sector or a bad cable leaves."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import av
from av.error import FFmpegError


def packet_times(path: Path) -> list[int]:
    """pts of the video packets, in the file's order."""
    with av.open(str(path)) as container:
        return [packet.pts for packet in container.demux(video=0) if packet.size and packet.pts is not None]


def damage(source: Path, damaged: Path, packets: Sequence[int]) -> list[int]:
    """Copy an MP4 or MOV file with the bytes of these video packets all ones; their pts."""
    with av.open(str(source)) as container:
        places = [(packet.pos or 0, packet.size, packet.pts) for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    for start, size, _ in (places[index] for index in packets):
        content[start : start + size] = b"\xff" * size
    damaged.write_bytes(content)
    return [pts for _, _, pts in (places[index] for index in packets) if pts is not None]


def spoil(source: Path, damaged: Path, chance: Random) -> None:
    """Copy a file with stretches of a few video packets overwritten: much of it decodes, to something else."""
    with av.open(str(source)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    for _ in range(chance.choice((1, 1, 2, 4))):
        start, size = chance.choice(places)
        first = chance.randrange(size)
        for place in range(start + first, start + first + chance.randrange(1, max(2, size - first))):
            content[place] = chance.choice((0, 255, content[place] ^ (1 << chance.randrange(8))))
    damaged.write_bytes(content)


def one_by_one(path: Path) -> tuple[list[int | None], list[int | None], list[bytes]]:
    """Times of the frames and of the damaged packets, and the frames, of FFmpeg's decoder without threads."""
    times: list[int | None] = []
    bad: list[int | None] = []
    content = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                for frame in stream.decode(packet):
                    times.append(frame.pts)
                    content.append(frame.to_ndarray().tobytes())
            except FFmpegError:
                bad.append(packet.pts)
    return times, bad, content
