"""Where a long source is cut into pieces: at keyframes where they are near, between any two frames where not."""

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction

from vsr.io.scan import Scan
from vsr.segments.contract import Piece

MOST = 10_000
"""Pieces of one source; of half a minute each they are 83 hours."""
_NEAR = Fraction(1, 2)
"""Of a piece's length: how far from its wanted end a keyframe may be."""


def cut(scan: Scan, segment_s: float, time_base: Fraction) -> tuple[Piece, ...]:
    """The pieces of a source, each about ``segment_s`` long; the first from its first frame, the last to its end.

    They are longer where there would be more of them than frames, or than MOST: timestamps can be ages apart.
    """
    least = -((scan.first - scan.last) // max(min(scan.frames, MOST), 1))  # rounded up
    length = max(round(Fraction(segment_s) / time_base), least, 1)
    starts: list[int | None] = [None, *_cuts(scan, length)]
    return tuple(
        Piece(index, start, end, None if start is None else scan.seek_for(start))
        for index, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True))
    )


def _cuts(scan: Scan, length: int) -> Iterator[int]:
    """The pts at which a new piece begins; the last piece is no shorter than half a length."""
    keyframes = [keyframe.pts for keyframe in scan.keyframes]
    reached = scan.first
    while reached + length + length // 2 < scan.last:
        wanted = reached + length
        if scan.pts:
            place = bisect_left(keyframes, wanted)
            near = [pts for pts in keyframes[max(place - 1, 0) : place + 1] if abs(pts - wanted) <= length * _NEAR]
            wanted = min(near, key=lambda pts: abs(pts - wanted)) if near else scan.pts[bisect_left(scan.pts, wanted)]
        yield wanted
        reached = wanted
