"""Frames into a file: encoded at their own times, muxed with the source's other streams, named only when whole."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Self, cast

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from vsr.errors import IntegrityError, SinkError, UsageError
from vsr.frames import Frame, VideoInfo
from vsr.io import formats, orientation
from vsr.io.encoders import Encoding
from vsr.io.passthrough import NO_TIME_BEFORE_ZERO, Carrier, StreamPlan, copy_container_facts, live_tags
from vsr.io.wording import listening

if TYPE_CHECKING:
    from types import TracebackType

    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from vsr.io.source import VideoSource
    from vsr.io.target import Target
    from vsr.notices import Notices
    from vsr.scaling import OutputSize

# These containers have no timestamps of their own, only a frame rate.
_CONSTANT_RATE = {"avi", "yuv4mpegpipe", "rawvideo", "image2"}
# These encoders count frames of one rate; in a container with timestamps their packets get the frames' own back.
_COUNTING_ENCODERS = {"mpeg1video", "mpeg2video", "mpeg4"}
_CODEC_FLAG_QSCALE, _CODEC_FLAG_FRAME_DURATION = 1 << 1, 1 << 8
_CODEC_FLAG_INTERLACED_DCT, _CODEC_FLAG_INTERLACED_ME = 1 << 18, 1 << 29
_LARGEST_MOVIE_TIMESCALE = 1_000_000
_FF_QP2LAMBDA = 118
_MP4_TAGS = {
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping",
    "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "track", "disc", "creation_time",
    "encoder", "location", "timecode",
}  # fmt: skip


@dataclass
class SinkReport:
    """What was written."""

    frames: int = 0
    packets: int = 0
    first_pts_s: float | None = None
    last_pts_s: float | None = None
    streams: list[StreamPlan] = field(default_factory=list)


class FileSink:
    """One output file. Frames go to ``target.partial``; ``commit`` gives it its name, ``abort`` removes it."""

    def __init__(self, target: Target, encoding: Encoding, size: OutputSize, source: VideoSource, notices: Notices):
        self._target = target
        self._encoding = encoding
        self._source = source
        self._notices = notices
        self.info = source.info
        self._time_base = self._choose_time_base(source.info)
        self._last_pts: int | None = None
        counting = encoding.codec in _COUNTING_ENCODERS and target.container not in _CONSTANT_RATE
        self._retimed: deque[tuple[int, int]] | None = deque() if counting else None
        self._pts_balance = 0
        self.report = SinkReport()
        self.final = target.final
        self._open = True
        try:
            self._open_output(size)
        except BaseException:
            self.abort()
            raise

    def _open_output(self, size: OutputSize) -> None:
        """Create the file, open the encoder and write the header, so that what can't work fails before any work."""
        with listening() as words:
            try:
                self._container: OutputContainer = av.open(
                    str(self._target.partial), "w", format=self._target.container, options=self._muxer_options()
                )
                self._stream = self._add_streams(size)
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
            if 1000 < self._time_base.denominator <= _LARGEST_MOVIE_TIMESCALE:
                options["movie_timescale"] = str(self._time_base.denominator)
            tags = live_tags(self._source.container.metadata)
            if any(key.lower() not in _MP4_TAGS for key in tags):
                options["movflags"] = "use_metadata_tags"
        return options

    def _choose_time_base(self, info: VideoInfo) -> Fraction:
        """The source's own, so that no timestamp changes; a frame's length where the container knows only a rate."""
        if self._target.container in _CONSTANT_RATE and info.frame_rate:
            return 1 / info.frame_rate.limit_denominator(65535)
        return info.time_base

    def _add_streams(self, size: OutputSize) -> VideoStream:
        """The streams in the source's order, the upscaled one in its place."""
        self._carrier = Carrier(
            self._source.container, self._source.stream.index, self._target.container, self._notices
        )
        self.report.streams = self._carrier.plans
        if self._target.container != "image2":
            copy_container_facts(self._source.container, self._container)
        upscaled: VideoStream | None = None
        for stream in self._source.container.streams:
            if stream.index == self._source.stream.index:
                upscaled = self._add_video(size)
            else:
                self._carrier.add(self._container, stream.index)
        assert upscaled is not None
        return upscaled

    def _add_video(self, size: OutputSize) -> VideoStream:
        info, encoding = self.info, self._encoding
        stream = cast("VideoStream", self._container.add_stream(encoding.codec, rate=info.frame_rate or Fraction(25)))
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, encoding.pix_fmt
        context = stream.codec_context
        context.time_base = self._time_base
        if self._retimed is not None:
            context.time_base = 1 / (info.frame_rate or Fraction(25)).limit_denominator(1001)
        context.sample_aspect_ratio = size.sample_aspect_ratio.limit_denominator(65535)
        context.color_range = 2 if encoding.color.full_range else 1
        context.colorspace, context.color_primaries = encoding.color.matrix, encoding.color.primaries
        context.color_trc = encoding.color.transfer
        context.flags |= _CODEC_FLAG_FRAME_DURATION
        if info.interlaced:
            context.flags |= _CODEC_FLAG_INTERLACED_DCT | _CODEC_FLAG_INTERLACED_ME
            context.field_order = self._source.stream.codec_context.field_order
        if encoding.qscale is not None:
            context.flags |= _CODEC_FLAG_QSCALE
            context.global_quality = encoding.qscale * _FF_QP2LAMBDA
        if self._target.container in NO_TIME_BEFORE_ZERO | {"mpegts"} or self._retimed is not None:
            context.max_b_frames = 0  # their dts begins before zero
        options = dict(encoding.options)
        if encoding.layout.chroma_shift_x:
            options.setdefault("chroma_sample_location", encoding.color.chroma_location)
        stream.codec_context.options = options
        if info.display_matrix is not None:
            factors = Fraction(size.width, info.width), Fraction(size.height, info.height)
            stream.set_display_matrix(orientation.scaled(info.display_matrix, *factors))
        stream.metadata.update(live_tags(self._source.stream.metadata))
        stream.disposition = self._source.stream.disposition
        return stream

    def _check_options_used(self) -> None:
        unused = set(self._stream.codec_context.options) & set(self._encoding.options)
        if unused:
            raise UsageError(f"encoder {self._encoding.codec} has no option '{sorted(unused)[0]}' (--encoder-opt)")

    def write(self, frame: Frame) -> None:
        """Encode and mux one frame, and the packets that the source has set aside until now. Raises SinkError."""
        try:
            self._carry()
            picture = self._picture(frame)
            self.report.frames += 1
            self._note_time(frame)
            self._mux(self._stream.encode(picture))
        except FFmpegError as exc:
            raise SinkError(f"{self._target.final} can't be written: {exc.strerror}") from exc

    def _carry(self) -> None:
        packets = []
        with suppress(IndexError):
            while True:
                packets.append(self._source.packets.popleft())
        self._carrier.mux(self._container, packets)

    def _picture(self, frame: Frame) -> VideoFrame:
        planar = formats.pix_fmt_of(self._encoding.layout)
        height, width = frame.planes[0].shape
        if isinstance(frame.props, VideoFrame):
            picture = frame.props.reformat(width, height, planar, interpolation="POINT")
        else:
            picture = VideoFrame(width, height, planar)
        formats.fill(picture, frame.planes, self._encoding.layout)
        picture.colorspace = self._encoding.color.matrix
        picture.color_range = 2 if self._encoding.color.full_range else 1
        if self._encoding.pix_fmt not in (planar, planar.replace("yuv", "yuvj")):
            picture = picture.reformat(format=self._encoding.pix_fmt, interpolation="POINT")
        picture.time_base = self._time_base
        picture.pts = self._place(frame)
        picture.duration = round(frame.duration * frame.time_base / self._time_base)
        if self._retimed is not None:
            self._retimed.append((picture.pts, picture.duration))
            picture.time_base = self._stream.codec_context.time_base
            picture.pts, picture.duration = self.report.frames, 1
        picture.pict_type = 0
        return picture

    def _place(self, frame: Frame) -> int:
        exact = frame.time_s / self._time_base
        pts = round(exact)
        if pts != exact and self._time_base != self.info.time_base:
            self._notices.say(f"{self._target.container} has a constant frame rate: timestamps are rounded to it")
        if self._last_pts is not None:
            pts = max(pts, self._last_pts + 1)
        self._last_pts = pts
        self._pts_balance += pts
        return pts

    def _note_time(self, frame: Frame) -> None:
        time_s = float(frame.time_s)
        self.report.first_pts_s = time_s if self.report.first_pts_s is None else self.report.first_pts_s
        self.report.last_pts_s = time_s

    def _mux(self, packets: list[Packet[Stream]]) -> None:
        for packet in packets:
            self.report.packets += 1
            if self._retimed is not None:
                packet.pts, packet.duration = self._retimed.popleft()
                packet.dts, packet.time_base = packet.pts, self._time_base
            self._pts_balance -= packet.pts or 0
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
            raise SinkError(f"{self._target.final} can't be finished: {exc.strerror}") from exc
        self._check_integrity()
        self._target.publish()

    def _check_integrity(self) -> None:
        read, written, packets = self._source.frames_read, self.report.frames, self.report.packets
        if not read == written == packets:
            raise IntegrityError(
                f"{read} frames were read, {written} upscaled, {packets} encoded; the output is discarded; "
                "please report this with the source"
            )
        if self._pts_balance != 0:
            raise IntegrityError("the encoder changed timestamps; the output is discarded; try another --codec")

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()
