"""FFmpeg's own scaler on frames of planes: what vsr is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from vsr.io import formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vsr.frames import Frame, VideoInfo


def lanczos(frames: Iterable[Frame], info: VideoInfo, width: int, height: int) -> Iterator[VideoFrame]:
    """``frames`` of ``info`` through the filter ``scale`` with Lanczos, its other flags and its threads by default."""
    name = formats.pix_fmt_of(info.layout)
    graph = Graph()
    pix_fmt = VideoFormat(name, info.width, info.height)
    source = graph.add_buffer(width=info.width, height=info.height, format=pix_fmt, time_base=info.time_base)
    graph.link_nodes(source, graph.add("scale", f"{width}:{height}:flags=lanczos"), graph.add("buffersink"))
    graph.configure()
    for frame in frames:
        picture = VideoFrame(info.width, info.height, name)
        formats.fill(picture, frame.planes, info.layout)
        picture.pts, picture.time_base = frame.pts, frame.time_base
        graph.push(picture)
        yield cast("VideoFrame", graph.pull())
