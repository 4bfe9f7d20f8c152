"""Frames through an FFmpeg filter chain, one frame out for each frame in: deinterlacing and rotation of the samples."""

from collections.abc import Iterable, Iterator

from av.error import BlockingIOError as AvBlockingIOError
from av.error import EOFError as AvEOFError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

Chain = list[tuple[str, str | None]]
"""(name, arguments) of FFmpeg filters, in order."""

DEINTERLACE: Chain = [("bwdif", "mode=send_frame:deint=interlaced")]


def _build(chain: Chain, stream: VideoStream, first: VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=first.width, height=first.height, format=first.format, time_base=stream.time_base)
    nodes = [source, *(graph.add(name, arguments) for name, arguments in chain), graph.add("buffersink")]
    graph.link_nodes(*nodes)
    graph.configure()
    return graph


def apply(frames: Iterable[VideoFrame], chain: Chain, stream: VideoStream) -> Iterator[VideoFrame]:
    """Run ``frames`` through ``chain``; a filter that looks ahead holds frames back until the end."""
    graph: Graph | None = None
    for frame in frames:
        if graph is None:
            graph = _build(chain, stream, frame)
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        graph.push(None)
        yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (AvBlockingIOError, AvEOFError):
            return
        assert isinstance(frame, VideoFrame)
        yield frame
