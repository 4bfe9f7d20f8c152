"""Before and after in one picture: left of a line the source as a player would enlarge it, right of it the upscaled."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, lcm
from typing import TYPE_CHECKING, cast

import numpy as np

from vsr.io.picture import Canvas, resized

if TYPE_CHECKING:
    from vsr.frames import Plane, VideoInfo
    from vsr.io.live.contract import LiveFrame

_MARGIN = 2
"""Columns of the source beyond the line, so that what is enlarged has its neighbours there too."""
_LINE_WIDTH = 2


def compose(frame: LiveFrame, position: float) -> LiveFrame:
    """``frame`` with what is left of ``position`` (0 to 1 of its width) as its ``before`` shows it, enlarged plainly.

    Its time and information stay; the planes are new. Without a ``before``, or with the line at the left edge, it is
    ``frame`` itself.
    """
    before, info = frame.before, frame.info
    step = 1 << info.layout.chroma_shift_x
    line = round(min(max(position, 0.0), 1.0) * info.width / step) * step
    if before is None or line == 0:
        return frame
    planes: list[Plane] = []
    for index, (left, after) in enumerate(zip(_enlarged(before, info, line), frame.frame.planes, strict=True)):
        factor = step if _is_chroma(info, index) else 1
        plane = np.concatenate((left[:, : line // factor], after[:, line // factor :]), axis=1)
        plane[:, max(line - _LINE_WIDTH, 0) // factor : line // factor] = _line_code(info, index)
        planes.append(cast("Plane", plane))
    return replace(frame, frame=replace(frame.frame, planes=tuple(planes)))


def _enlarged(before: LiveFrame, info: VideoInfo, line: int) -> tuple[Plane, ...]:
    """Planes of the source's left part in the size, layout and colour of ``info``, at least ``line`` columns wide."""
    source = before.info
    scale = Fraction(info.width, source.width)
    # A whole number of columns and of chroma samples on both sides: nothing is stretched by a fraction of a pixel.
    step = lcm(scale.denominator, 1 << source.layout.chroma_shift_x, scale.denominator << info.layout.chroma_shift_x)
    columns = min(ceil((line / scale + _MARGIN) / step) * step, source.width)
    part = tuple(
        plane[:, : -(-columns >> source.layout.chroma_shift_x) if _is_chroma(source, index) else columns]
        for index, plane in enumerate(before.frame.planes)
    )
    return resized(
        part,
        Canvas(columns, source.height, source.layout, source.color),
        Canvas(int(columns * scale), info.height, info.layout, info.color),
    )


def _is_chroma(info: VideoInfo, index: int) -> bool:
    return info.layout.family == "yuv" and index in {1, 2}


def _line_code(info: VideoInfo, index: int) -> int:
    """White."""
    bits = info.layout.bits
    if _is_chroma(info, index):
        return 1 << (bits - 1)
    full = info.color.full_range or info.layout.family == "rgb"
    return (1 << bits) - 1 if full else 235 << (bits - 8)
