"""A file that is being written: the upscaled stream's packets among the source's other streams, named when whole."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from vsr.errors import SinkError
from vsr.io.disk_space import reason
from vsr.io.passthrough import Carrier, StreamPlan, copy_container_facts, live_tags
from vsr.io.scheduling import ordinary_threads
from vsr.io.video_stream import add_video_stream, take_after
from vsr.io.wording import listening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from vsr.io.clock import OutputClock
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


class OutputFile:
    """Opens ``target.partial`` with every stream and writes its header, so that what can't work fails before any work.

    ``stream`` is the upscaled one, its encoder open; ``plans`` says what becomes of the source's others. Raises
    SinkError.
    """

    def __init__(
        self,
        target: Target,
        encoding: Encoding,
        size: OutputSize,
        source: VideoSource,
        *,
        clock: OutputClock,
        notices: Notices,
    ):
        self.final = target.final
        self._target = target
        self._source = source
        self._carrier = Carrier(source.container, source.stream.index, target.container, notices)
        self.plans: list[StreamPlan] = self._carrier.plans
        self._open = True
        try:
            self._target.prepare()
            with listening() as words:
                try:
                    self._container: OutputContainer = av.open(
                        str(target.partial), "w", format=target.container, options=self._muxer_options(clock)
                    )
                    self.stream = self._add_streams(encoding, size, clock)
                    with ordinary_threads():
                        self._container.start_encoding()
                except (FFmpegError, ValueError) as exc:
                    why = reason(exc, target.partial, words.of(exc))
                    raise SinkError(f"{self.final} can't be written with {encoding.codec}: {why}") from exc
        except BaseException:
            self.abort()
            raise

    def _muxer_options(self, clock: OutputClock) -> dict[str, str]:
        options: dict[str, str] = {}
        if self._target.container == "image2" and not self._target.numbered:
            options["update"] = "1"
        if self._target.container in {"matroska", "webm", "mpegts"}:
            # An AAC track begins before zero, with its encoder's padding. Matroska says so in signed block times,
            # MPEG-TS in its wrapping clock; FFmpeg would rather move every stream.
            options["avoid_negative_ts"] = "disabled"
            # No random identifiers: the same run gives the same file, whether or not it was interrupted.
            options["fflags"] = "+bitexact"
        if self._target.container in {"mp4", "mov"}:
            # A late start is kept as an edit in movie ticks, milliseconds by default: too coarse for a timestamp.
            if 1000 < clock.time_base.denominator <= _LARGEST_MOVIE_TIMESCALE:
                options["movie_timescale"] = str(clock.time_base.denominator)
            tags = live_tags(self._source.container.metadata)
            if any(key.lower() not in _MP4_TAGS for key in tags):
                options["movflags"] = "use_metadata_tags"
        return options

    def _add_streams(self, encoding: Encoding, size: OutputSize, clock: OutputClock) -> VideoStream:
        """The streams in the source's order, the upscaled one in its place."""
        source = self._source
        if self._target.container != "image2":
            copy_container_facts(source.container, self._container)
        for stream in source.container.streams:
            if stream.index == source.stream.index:
                upscaled = add_video_stream(self._container, source.info, encoding=encoding, size=size, clock=clock)
                take_after(upscaled, source.stream, source.info)
            else:
                self._carrier.add(self._container, stream.index)
        return upscaled

    def carry(self) -> None:
        """Mux the packets of other streams that the source has set aside until now. Raises SinkError."""
        packets = []
        with suppress(IndexError):
            while True:
                packets.append(self._source.packets.popleft())
        with self._errors("written"):
            self._carrier.mux(self._container, packets)

    def mux(self, packets: Iterable[Packet[Stream]]) -> None:
        """Mux packets of the upscaled stream. Raises SinkError."""
        with self._errors("written"):
            for packet in packets:
                self._container.mux_one(packet)

    def finish(self) -> None:
        """Write what is left of the other streams, and the trailer. Raises SinkError."""
        self.carry()
        with self._errors("finished"):
            self._carrier.finish(self._container)
            self._close()

    def publish(self) -> None:
        """Give the finished file its name. Raises SinkError."""
        self._target.publish()

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except FFmpegError as exc:
            raise SinkError(f"{self.final} can't be {verb}: {reason(exc, self._target.partial)}") from exc

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._container.close()

    def abort(self) -> None:
        """Drop everything written, unless it was published. Safe at any time."""
        with suppress(FFmpegError, AttributeError, OSError):
            self._close()
        self._target.discard()
