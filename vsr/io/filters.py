"""Frames through an FFmpeg filter chain, one frame out for each frame in: deinterlacing and rotation of the samples."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from av.error import BlockingIOError as AvBlockingIOError
from av.error import EOFError as AvEOFError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.frames import VideoInfo
from vsr.io import orientation

Chain = list[tuple[str, str | None]]
"""(name, arguments) of FFmpeg filters, in order."""

DEINTERLACE: Chain = [("bwdif", "mode=send_frame:deint=interlaced")]


def upright(info: VideoInfo) -> tuple[VideoInfo, Chain]:
    """What is true of pictures such as ``info`` once the chain has turned them as they are to be shown."""
    if info.display_matrix is None:
        return info, []
    chain: Chain = orientation.filters(info.display_matrix)
    turned = replace(info, display_matrix=None)
    if info.rotated_sideways:
        sample_aspect_ratio = 1 / info.sample_aspect_ratio
        turned = replace(turned, width=info.height, height=info.width, sample_aspect_ratio=sample_aspect_ratio)
    return turned, chain


class Filtering:
    """A chain at work on frames that are all like ``first``; a filter that looks ahead holds frames back."""

    def __init__(self, chain: Chain, stream: VideoStream, first: VideoFrame):
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=stream.time_base
        )
        nodes = [
            source,
            *(self._graph.add(name, arguments) for name, arguments in chain),
            self._graph.add("buffersink"),
        ]
        self._graph.link_nodes(*nodes)
        self._graph.configure()

    def push(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Give one frame, or None at the end, and take those that are ready."""
        self._graph.push(frame)
        while True:
            try:
                ready = self._graph.pull()
            except (AvBlockingIOError, AvEOFError):
                return
            assert isinstance(ready, VideoFrame)
            yield ready


def apply(frames: Iterable[VideoFrame], chain: Chain, stream: VideoStream) -> Iterator[VideoFrame]:
    """Run ``frames`` through ``chain``."""
    filtering: Filtering | None = None
    for frame in frames:
        filtering = filtering or Filtering(chain, stream, frame)
        yield from filtering.push(frame)
    if filtering is not None:
        yield from filtering.push(None)
