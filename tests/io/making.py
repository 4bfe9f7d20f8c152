"""Small real files with chosen properties, made by PyAV: the sources of the io tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet
from av.video.frame import VideoFrame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream

ASS_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
    b"Style: Default,Arial,16\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
)


@dataclass
class Recipe:
    """What to make; the defaults are an ordinary small clip."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (64, 48)
    time_base: Fraction = Fraction(1, 12800)
    pts: Sequence[int] = tuple(512 * i for i in range(10))
    rate: Fraction = Fraction(25)
    color: tuple[int, int, int, int] = (1, 1, 1, 1)
    """range, matrix, primaries, transfer (H.273)"""
    sample_aspect_ratio: Fraction = Fraction(1)
    rotation: tuple[float, bool] | None = None
    """degrees anticlockwise, horizontal flip"""
    options: dict[str, str] = field(default_factory=dict)
    audio: Sequence[str] = ()
    """codecs of the audio streams, 0.4 s each"""
    subtitles: Sequence[str] = ()
    chapters: bool = False
    attachment: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


def picture(recipe: Recipe, index: int) -> VideoFrame:
    """A diagonal ramp that moves, in the recipe's format."""
    width, height = recipe.size
    ramp = (np.add.outer(np.arange(height), np.arange(width)) * 2 + index * 5) % 220 + 16
    rgb = np.stack((ramp, ramp[::-1], ramp[:, ::-1]), -1).astype(np.uint8)
    rgb[: height // 3, : width // 4] = 235  # one corner differs, so that every orientation does
    return VideoFrame.from_ndarray(rgb, "rgb24").reformat(
        format=recipe.pix_fmt, dst_colorspace=recipe.color[1] if recipe.color[1] != 2 else None
    )


def make(path: Path, recipe: Recipe | None = None) -> Path:
    """Write the clip to ``path`` and return it."""
    recipe = recipe or Recipe()
    with av.open(str(path), "w") as output:
        video = _add_video(output, recipe)
        others: list[Any] = [output.add_stream(codec, rate=48000) for codec in recipe.audio]
        for codec in recipe.subtitles:
            subtitle: Any = output.add_stream(codec)
            subtitle.codec_context.subtitle_header = ASS_HEADER
            subtitle.codec_context.time_base = Fraction(1, 1000)
            subtitle.metadata["language"] = "deu"
            others.append(subtitle)
        output.metadata.update(recipe.metadata)
        if recipe.attachment:
            output.add_attachment("font.ttf", "application/x-truetype-font", b"not really a font" * 40)
        if recipe.chapters:
            halves = [(0, 200, "first"), (200, 400, "second")]
            output.set_chapters(
                [
                    {"id": i + 1, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                    for i, (a, b, title) in enumerate(halves)
                ]
            )
        _write(output, video, others, recipe)
    return path


def _add_video(output: OutputContainer, recipe: Recipe) -> VideoStream:
    video: Any = output.add_stream(recipe.codec, rate=recipe.rate, options=dict(recipe.options))
    video.width, video.height = recipe.size
    video.pix_fmt = recipe.pix_fmt
    context = video.codec_context
    context.time_base = recipe.time_base
    context.sample_aspect_ratio = recipe.sample_aspect_ratio
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = recipe.color
    if recipe.rotation is not None:
        video.set_display_rotation(recipe.rotation[0], hflip=recipe.rotation[1])
    return cast("VideoStream", video)


def _write(output: OutputContainer, video: VideoStream, others: list[Any], recipe: Recipe) -> None:
    output.start_encoding()
    for stream in others:
        if stream.type == "audio":
            _write_audio(output, stream)
        else:
            event = SubtitleSet.create(text=b"0,0,Default,,0,0,0,,Hello", start=0, end=200, pts=0)
            packet = stream.codec_context.encode_subtitle(event)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = 100
            packet.duration = 200
            output.mux(packet)
    for index, pts in enumerate(recipe.pts):
        frame = picture(recipe, index)
        frame.pts, frame.time_base = pts, recipe.time_base
        output.mux(video.encode(frame))
    output.mux(video.encode(None))


def _write_audio(output: OutputContainer, stream: Any) -> None:
    context = stream.codec_context
    step = getattr(context, "frame_size", 0) or 1024
    for start in range(0, int(48000 * 0.4), step):
        tone = np.sin(np.arange(start, start + step) * 2 * np.pi * 440 / 48000).astype(np.float32) * 0.3
        frame = av.AudioFrame.from_ndarray(np.stack((tone, tone)), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        if context.format.name != "fltp":
            resampler = av.AudioResampler(format=context.format, layout="stereo", rate=48000)
            for piece in resampler.resample(frame):
                output.mux(stream.encode(piece))
        else:
            output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
