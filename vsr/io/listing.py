"""A container and its streams as plain values, for ``vsr info``."""

from __future__ import annotations  # av's stream classes are generic for type checkers only

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

# Average and base rate of a constant rate differ by the rounding of its timestamps only.
_RATE_TOLERANCE = Fraction(1, 200)


def container_facts(container: InputContainer) -> dict[str, Any]:
    """Format, size, times, chapters and metadata."""
    return {
        "format": container.format.name,
        "name": container.format.long_name,
        "bytes": container.size if container.size and container.size > 0 else None,
        "bit_rate": container.bit_rate or None,
        "start_s": None if container.start_time is None else container.start_time / av.time_base,
        "duration_s": None if container.duration is None else container.duration / av.time_base,
        "chapters": len(container.chapters()),
        "metadata": dict(container.metadata),
    }


def stream_facts(stream: Stream) -> dict[str, Any]:
    """Codec, language, disposition and times of a stream of any type."""
    context = stream.codec_context
    timed = stream.duration is not None and stream.time_base is not None
    return {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context is not None else getattr(stream, "name", None) or "unknown",
        "profile": stream.profile if context is not None else None,
        "details": _details(stream),
        "language": stream.language,
        "title": stream.metadata.get("title"),
        "disposition": [flag.name for flag in type(stream.disposition) if flag in stream.disposition],
        "start_s": _start_s(stream),
        "duration_s": float(stream.duration * stream.time_base) if timed else None,  # type: ignore[operator]
    }


def _details(stream: Stream) -> str:
    context: Any = stream.codec_context
    if context is None:
        return ""
    if stream.type == "video":
        return f"{context.width}x{context.height} {context.pix_fmt or 'of unknown samples'}"
    if stream.type == "audio":
        return f"{context.sample_rate} Hz, {context.layout.name}"
    return ""


def _start_s(stream: Stream) -> float | None:
    if stream.start_time is None or not stream.time_base:
        return None
    return float(stream.start_time * stream.time_base)


def timing_facts(stream: VideoStream, *, interlaced: bool) -> dict[str, Any]:
    """Rates and start of a video stream, and whether its frames last unequally long."""
    average, base = stream.average_rate, stream.base_rate
    return {
        "average_rate": str(average) if average else None,
        "base_rate": str(base) if base else None,
        "variable_rate": _is_variable(average, base, interlaced=interlaced),
        "start_s": _start_s(stream),
    }


def _is_variable(average: Fraction | None, base: Fraction | None, *, interlaced: bool) -> bool:
    """FFmpeg's base rate reaches every timestamp: above the average, some frames last longer than others.

    Of interlaced video it may count fields. A base below the average is a wrong claim about the average.
    """
    if not average or not base:
        return False
    frames_per_step = base / average
    if interlaced and abs(frames_per_step / 2 - 1) <= _RATE_TOLERANCE:
        return False
    return frames_per_step > 1 + _RATE_TOLERANCE
