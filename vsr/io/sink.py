"""Frames into a file: encoded at their own times, muxed with the source's other streams, named only when whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Self

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from vsr.errors import SinkError, UsageError
from vsr.io import picture
from vsr.io.clock import OutputClock
from vsr.io.passthrough import Carrier, StreamPlan, copy_container_facts, live_tags
from vsr.io.scheduling import ordinary_threads
from vsr.io.video_stream import add_video_stream, take_after
from vsr.io.wording import listening

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from vsr.frames import Frame
    from vsr.io.encoders import Encoding
    from vsr.io.source import VideoSource
    from vsr.io.target import Target
    from vsr.notices import Notices
    from vsr.scaling import OutputSize

_LARGEST_MOVIE_TIMESCALE = 1_000_000
_MP4_TAGS = {
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
    "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "track", "disc", "creation_time",
    "encoder", "location", "timecode",
}  # fmt: skip


class FileSink:
    """One output file. Frames go to ``target.partial``; ``commit`` gives it its name, ``abort`` removes it.

    ``streams`` says what becomes of the source's other streams; ``clock`` counts frames and packets.
    """

    def __init__(self, target: Target, encoding: Encoding, size: OutputSize, source: VideoSource, notices: Notices):
        self._target = target
        self._encoding = encoding
        self._source = source
        self.final = target.final
        self.clock = OutputClock(encoding.codec, target.container, source.info, notices)
        self._carrier = Carrier(source.container, source.stream.index, target.container, notices)
        self.streams: list[StreamPlan] = self._carrier.plans
        self.first_s: float | None = None
        self.last_s: float | None = None
        self._open = True
        try:
            self._open_output(size)
        except BaseException:
            self.abort()
            raise

    def _open_output(self, size: OutputSize) -> None:
        """Create the file, open the encoder and write the header, so that what can't work fails before any work."""
        self._target.prepare()
        with listening() as words:
            try:
                self._container: OutputContainer = av.open(
                    str(self._target.partial), "w", format=self._target.container, options=self._muxer_options()
                )
                self._stream = self._add_streams(size)
                with ordinary_threads():
                    self._container.start_encoding()
            except (FFmpegError, ValueError) as exc:
                codec = self._encoding.codec
                raise SinkError(f"{self.final} can't be written with {codec}: {words.of(exc)}") from exc
        self._check_options_used()

    def _muxer_options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        if self._target.container == "image2" and not self._target.numbered:
            options["update"] = "1"
        if self._target.container in {"matroska", "webm", "mpegts"}:
            # An AAC track begins before zero, with its encoder's padding. Matroska says so in signed block times,
            # MPEG-TS in its wrapping clock; FFmpeg would rather move every stream.
            options["avoid_negative_ts"] = "disabled"
        if self._target.container in {"mp4", "mov"}:
            # A late start is kept as an edit in movie ticks, milliseconds by default: too coarse for a timestamp.
            if 1000 < self.clock.time_base.denominator <= _LARGEST_MOVIE_TIMESCALE:
                options["movie_timescale"] = str(self.clock.time_base.denominator)
            tags = live_tags(self._source.container.metadata)
            if any(key.lower() not in _MP4_TAGS for key in tags):
                options["movflags"] = "use_metadata_tags"
        return options

    def _add_streams(self, size: OutputSize) -> VideoStream:
        """The streams in the source's order, the upscaled one in its place."""
        source = self._source
        if self._target.container != "image2":
            copy_container_facts(source.container, self._container)
        for stream in source.container.streams:
            if stream.index == source.stream.index:
                upscaled = add_video_stream(
                    self._container, source.info, encoding=self._encoding, size=size, clock=self.clock
                )
                take_after(upscaled, source.stream, source.info)
            else:
                self._carrier.add(self._container, stream.index)
        return upscaled

    def _check_options_used(self) -> None:
        unused = set(self._stream.codec_context.options) & set(self._encoding.options)
        if unused:
            raise UsageError(f"encoder {self._encoding.codec} has no option '{sorted(unused)[0]}' (--encoder-opt)")

    def write(self, frame: Frame) -> None:
        """Encode and mux one frame, and the packets that the source has set aside until now. Raises SinkError."""
        self.last_s = float(frame.time_s)
        self.first_s = self.last_s if self.first_s is None else self.first_s
        try:
            self._carry()
            self._mux(self._stream.encode(self._picture(frame)))
        except FFmpegError as exc:
            raise SinkError(f"{self.final} can't be written: {exc.strerror}") from exc

    def _carry(self) -> None:
        packets = []
        with suppress(IndexError):
            while True:
                packets.append(self._source.packets.popleft())
        self._carrier.mux(self._container, packets)

    def _picture(self, frame: Frame) -> VideoFrame:
        layout = self._encoding.layout
        properties = frame.props if isinstance(frame.props, VideoFrame) else None
        planar = picture.frame_of(frame.planes, layout, self._encoding.color, like=properties)
        packed = picture.packed(planar, layout, self._encoding.pix_fmt)
        self.clock.stamp(packed, frame)
        packed.pict_type = 0
        return packed

    def _mux(self, packets: list[Packet[Stream]]) -> None:
        for packet in packets:
            self.clock.restore(packet)
            self._container.mux_one(packet)

    def commit(self) -> None:
        """Finish the file and give it its name.

        Raises SinkError, or IntegrityError when not every frame came out at its time.
        """
        try:
            self._mux(self._stream.encode(None))
            self._carry()
            self._carrier.finish(self._container)
            self._close()
        except FFmpegError as exc:
            raise SinkError(f"{self.final} can't be finished: {exc.strerror}") from exc
        self.clock.check(self._source.frames_read)
        self._target.publish()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._container.close()

    def abort(self) -> None:
        """Drop everything written; nothing appears under the output's name. Safe after ``commit``."""
        with suppress(FFmpegError, AttributeError, OSError):
            self._close()
        self._target.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()
