"""Decoded frames as live pictures: upright and progressive, and what is true of them follows the stream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vsr.io import filters, side_data
from vsr.io.live.contract import TIME_BASE
from vsr.io.probe import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from vsr.frames import ChromaLocation, VideoInfo
    from vsr.notices import Notices


class Pictures:
    """Follows the frames of one stream; a change of size, format or colour begins a new description."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, notices: Notices, location: ChromaLocation | None
    ):
        self._container = container
        self._stream = stream
        self._notices = notices
        self._location = location
        """Heard from FFmpeg's log with the first frame of a run; later on others are at work with FFmpeg."""
        self._likeness: tuple[object, ...] | None = None
        self._deinterlacing = False
        self._filtering: filters.Filtering | None = None
        self.info: VideoInfo | None = None
        """Of the latest picture; None before the first."""

    @property
    def location(self) -> ChromaLocation | None:
        """Where the chroma samples of this stream lie, once known."""
        return self._location

    def take(self, raw: VideoFrame) -> Iterator[tuple[VideoFrame, VideoInfo]]:
        """Give one decoded frame; take the pictures that are ready, each with what is true of it."""
        frame = side_data.legible(raw, self._stream, self._notices)
        likeness = _likeness(frame)
        if likeness != self._likeness or (frame.interlaced_frame and not self._deinterlacing):
            yield from self.finish()
            self._begin(frame)
            self._likeness = likeness
        info = self.info
        assert info is not None
        if self._filtering is None:
            yield frame, info
        else:
            for ready in self._filtering.push(frame):
                yield ready, info

    def finish(self) -> Iterator[tuple[VideoFrame, VideoInfo]]:
        """The pictures that a filter still holds back."""
        if self._filtering is not None and self.info is not None:
            for ready in self._filtering.push(None):
                yield ready, self.info
        self._filtering = None

    def _begin(self, frame: VideoFrame) -> None:
        stored = describe(self._container, self._stream, frame, self._notices, chroma_location=self._location)
        self._location = stored.color.chroma_location
        info, chain = stored, filters.Chain()
        self._deinterlacing = info.interlaced
        if self._deinterlacing:
            self._notices.say("the source is interlaced; it is deinterlaced (bwdif)")
            chain = filters.DEINTERLACE
            info = replace(info, interlaced=False)
        info, turn = filters.upright(info)
        chain = [*chain, *turn]
        self.info = replace(info, time_base=TIME_BASE, still=False, frame_count=None, duration_s=None)
        self._filtering = filters.Filtering(chain, self._stream, frame) if chain else None


def _likeness(frame: VideoFrame) -> tuple[object, ...]:
    """What frames share that can go through the same filters with the same description."""
    return (
        frame.width,
        frame.height,
        (frame.sw_format or frame.format).name,
        int(frame.colorspace),
        int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
        side_data.display_matrix(frame),
    )
