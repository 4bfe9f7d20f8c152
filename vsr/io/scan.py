"""Where a source can be cut: its video packets' times, read without decoding a frame."""

import itertools
from bisect import bisect_right
from dataclasses import dataclass

from vsr.io.source import VideoSource


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A packet from which a decoder can begin."""

    pts: int
    seek: int
    """Timestamp to give to the demuxer, which looks at dts or at pts depending on the container."""


@dataclass(frozen=True)
class Scan:
    """When a source's frames are, in its time base."""

    first: int
    last: int
    """Of all timestamps."""
    pts: tuple[int, ...]
    """Of every frame in order; empty where packets lack times or share them, so that only decoding tells."""
    keyframes: tuple[Keyframe, ...]
    """In order; empty where ``pts`` is, and where the demuxer can't find them by their times."""
    frames: int
    """How many packets there are, whatever they say of their times."""

    def seek_for(self, pts: int) -> int | None:
        """Where to begin reading so that the frames from ``pts`` on come out as in the whole: one keyframe early.

        The group of pictures in between warms up what looks back: a deinterlacer, gradual refresh, open groups.
        None: at the beginning.
        """
        before = bisect_right(self.keyframes, pts, key=lambda keyframe: keyframe.pts) - 2
        return self.keyframes[before].seek if before >= 0 else None


def scan(source: VideoSource) -> Scan:
    """Read ``source``, which nobody iterates, to its end.

    Raises SourceError for a file that is damaged or cut short, now and not after hours of work.
    """
    stamps: list[int] = []
    keyframes: list[Keyframe] = []
    told, count = True, 0
    for packet in source.video_packets():
        if not packet.size or packet.is_discard:
            continue
        count += 1
        told = told and packet.pts is not None
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None:
            continue
        stamps.append(stamp)
        if packet.is_keyframe:
            keyframes.append(Keyframe(stamp, stamp if packet.dts is None else min(stamp, packet.dts)))
    # Without any times they are made from the frame rate, from zero on.
    stamps.sort()
    first, last = (stamps[0], stamps[-1]) if stamps else (0, count * source.frame_step)
    in_order = all(a.pts < b.pts for a, b in itertools.pairwise(keyframes))
    if told and in_order and all(a < b for a, b in itertools.pairwise(stamps)):
        # Where the clock was set back a timestamp tells no place to the demuxer: reading begins at the beginning.
        return Scan(first, last, tuple(stamps), () if source.clock_jumps else tuple(keyframes), count)
    return Scan(first, last, (), (), count)
