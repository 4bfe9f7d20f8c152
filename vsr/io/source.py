"""A file as a stream of frames with exact timing; its other streams' packets are set aside for the sink to copy."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Self, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.errors import SourceError
from vsr.frames import Frame, VideoInfo
from vsr.io import filters, formats, limits, orientation, side_data
from vsr.io.continuity import Continuity
from vsr.io.decoding import Decoder
from vsr.io.devices import decoder_acceleration
from vsr.io.opening import open_input, shut
from vsr.io.probe import choose_video, probe
from vsr.io.timeline import Timeline
from vsr.notices import Notices
from vsr.spec import PipelineSpec

# A container whose header declares its duration, so that an early end means that the file is cut short.
_DECLARES_DURATION = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "asf"}
_SHORTFALL_S = Fraction(1, 2)
_LEAST_SHARE = 0.95  # of the frames, one tick each, that the header of an AVI file declares


class VideoSource:
    """Iterate for frames; ``info`` is known on opening, from a first look at the file.

    ``packets`` holds (in order) the demuxed packets of the other streams that the sink has not taken yet; it grows
    no faster than frames are read, and stays empty with ``video_only``, where nobody would take them.
    ``bake_orientation`` rotates the samples, for outputs that can't say it. ``seek`` is where to begin, a timestamp of
    a keyframe: the demuxer goes there or, where it can't, to somewhere before it.
    ``corrupt`` has the pts of each damaged packet, left out or concealed by the decoder, but not of those before
    ``start``: a decoder that begins at ``seek`` may miss what they refer to. ``deinterlaced`` is true where the file's
    frames are interlaced and the given ones are not.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        notices: Notices,
        *,
        bake_orientation: bool = False,
        video_only: bool = False,
        seek: int | None = None,
        start: int | None = None,
    ):
        self._notices = notices
        self._spec = spec
        self._path = spec.source
        self._start = start
        self.frames_read = 0
        self.corrupt: list[int | None] = []
        self._damaged: set[int | None] = set()
        self.packets: deque[Packet[Stream]] = deque(maxlen=0 if video_only else None)
        self._waiting = limits.Waiting(spec.source)
        acceleration = decoder_acceleration(spec.hwaccel, notices)
        stored = probe(spec, notices)
        self.container: InputContainer = open_input(spec, acceleration)
        self._opened_again: InputContainer | None = None
        try:
            self.stream: VideoStream = choose_video(self.container, spec, notices)
            self.stream.thread_type = "AUTO"
            self._continuity = Continuity(notices)
            self._reached: dict[int, int] = {}
            self._video_ticks = 0
            self.info, chain = self._preparation(stored, spec, bake_orientation=bake_orientation)
            frames: Iterator[VideoFrame] = self._same_geometry(self._decode(), stored)
            self._frames = filters.apply(frames, chain, self.stream) if chain else frames
            self._timeline = Timeline(self.info.time_base, self.info.frame_rate, notices)
            if seek is not None:
                self._seek(seek)
        except BaseException:
            shut(self.container)
            raise

    def _preparation(
        self, stored: VideoInfo, spec: PipelineSpec, *, bake_orientation: bool
    ) -> tuple[VideoInfo, filters.Chain]:
        """The filters that deinterlace and turn the frames where that is wanted, and what is true after them."""
        info, chain = stored, filters.Chain()
        self.deinterlaced = info.interlaced and spec.interlaced == "bwdif"
        if self.deinterlaced:
            self._notices.say("the source is interlaced; it is deinterlaced (bwdif), --interlaced keep leaves it")
            chain = filters.DEINTERLACE
            info = replace(info, interlaced=False)
        if bake_orientation and info.display_matrix is not None:
            words = orientation.describe(info.display_matrix)
            info, turn = filters.upright(info)
            if turn:
                self._notices.say(f"the output can't say its orientation; the picture itself gets {words}")
            chain = [*chain, *turn]
        return info, chain

    def _seek(self, timestamp: int) -> None:
        try:
            self.container.seek(timestamp, stream=self.stream)
        except FFmpegError as exc:
            raise SourceError(f"{self._path} can't be read from {timestamp} on: {exc.strerror}") from exc

    def video_packets(self) -> Iterator[Packet[Stream]]:
        """Demux everything in file order: the chosen stream's packets, the others' set aside on the way.

        Raises SourceError for a file that can't be read to its end, or ends long before its header says.
        """
        try:
            for packet in self.container.demux():
                self._continuity.place(packet)
                if packet.stream is not self.stream:
                    self._set_aside(packet)
                    continue
                self._note_reached(packet)
                if packet.dts is not None:
                    self._video_ticks = packet.dts + 1
                yield packet
        except FFmpegError as exc:
            raise SourceError(f"{self._path} can't be read to its end: {exc.strerror}; the file is damaged") from exc
        self._check_whole()

    def _decode(self) -> Iterator[VideoFrame]:
        decoder = Decoder(self.stream, self._one_by_one, self._note_damage)
        for packet in self.video_packets():
            if packet.is_corrupt:
                self._note_damage(packet.pts)
            limits.check_packet(packet, self.stream, self._spec)
            try:
                for frame in decoder.decode(packet):
                    if frame.is_corrupt:
                        self._note_damage(frame.pts)
                    yield side_data.legible(frame, self.stream, self._notices)
            except FFmpegError as exc:
                raise SourceError(f"{self._path} can't be decoded: {exc.strerror}; the file is damaged") from exc

    def _one_by_one(self) -> VideoStream:
        """The stream once more, without frame threads."""
        self._opened_again = open_input(self._spec)
        stream = cast("VideoStream", self._opened_again.streams[self.stream.index])
        limits.restrain(stream, self._spec)
        stream.thread_type = "NONE"
        return stream

    def _note_damage(self, pts: int | None) -> None:
        """Count a damaged packet, once. Raises SourceError where that is asked for."""
        if pts is not None and (pts in self._damaged or (self._start is not None and pts < self._start)):
            return
        self._damaged.add(pts)
        self.corrupt.append(pts)
        if self._spec.on_corrupt == "fail":
            where = "" if pts is None else f" at {float(pts * self.info.time_base):.2f} s"
            raise SourceError(f"{self._path} is damaged{where}; --on-corrupt skip goes on without what is lost")
        self._notices.say("the source has damaged packets; what the decoder can't conceal is left out")
        if limits.is_refused(self.stream, self._spec):
            most = self._spec.max_pixels
            self._notices.say(f"some of them ask for pictures of no size, or of more than {most} pixels (--max-pixels)")

    def _set_aside(self, packet: Packet[Stream]) -> None:
        if packet.size:  # an empty one only tells a decoder that the end is reached
            self._note_reached(packet)
            self._waiting = limits.Waiting(self._path) if not self.packets else self._waiting
            self._waiting.add(packet.size)
            self.packets.append(packet)

    def _note_reached(self, packet: Packet[Stream]) -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            index, end = packet.stream.index, stamp + (packet.duration or 0)
            self._reached[index] = max(self._reached.get(index, 0), end)

    def _check_whole(self) -> None:
        """A file that ends long before its header says is cut short. Raises SourceError."""
        declared = self.container.duration
        if self.container.format.name == "avi" and self._video_ticks < self.stream.frames * _LEAST_SHARE:
            raise SourceError(
                f"{self._path} is cut short: its header declares {self.stream.frames} frames, "
                f"its data ends after {self._video_ticks}"
            )
        if declared is None or self.container.format.name not in _DECLARES_DURATION:
            return
        declared_s = Fraction(declared, av.time_base)
        streams = self.container.streams
        reached_s = max((end * (streams[index].time_base or 0) for index, end in self._reached.items()), default=0)
        tolerance_s = max(min(_SHORTFALL_S, declared_s / 4), declared_s / 50)
        if declared_s - reached_s > tolerance_s:
            raise SourceError(
                f"{self._path} is cut short: its header declares {float(declared_s):.2f} s, "
                f"its data ends at {float(reached_s):.2f} s"
            )

    def _same_geometry(self, frames: Iterator[VideoFrame], info: VideoInfo) -> Iterator[VideoFrame]:
        """Frames of another size or format than the first are converted to it, which is said."""
        name = formats.pix_fmt_of(info.layout)
        for frame in frames:
            changed_size = (frame.width, frame.height) != (info.width, info.height)
            if changed_size:
                limits.check_frame(frame, self._spec)
            if changed_size or formats.layout_of(_software_format(frame)) != info.layout:
                self._notices.say(
                    f"the picture changes to {frame.width}x{frame.height} {_software_format(frame)} within the stream; "
                    f"converted to {info.width}x{info.height} {name}"
                )
                yield frame.reformat(info.width, info.height, name, interpolation="BICUBIC")
            else:
                yield frame

    def __iter__(self) -> Iterator[Frame]:
        info = self.info
        timeline = self._timeline
        usual_duration = self._usual_duration()
        for raw in self._frames:
            ticks = (raw.time_base or info.time_base) / info.time_base
            pts = None if raw.pts is None else round(raw.pts * ticks)
            duration = round((raw.duration or 0) * ticks) or (0 if pts is None else usual_duration)
            self.frames_read += 1
            yield Frame(
                planes=formats.planes_of(raw, info.layout),
                pts=timeline.place(pts, raw.dts, duration),
                time_base=info.time_base,
                duration=duration,
                props=_properties(raw, interlaced=info.interlaced),
            )

    @property
    def frame_step(self) -> int:
        """From one frame to the next where the file has no timestamps at all, in its time base."""
        return self._timeline.step

    def _usual_duration(self) -> int:
        """Of frames whose packets tell none; FFmpeg fills it in likewise, but not while it still probes the file."""
        rate = self.stream.base_rate
        return 0 if rate is None or self.info.still else int(1 / (rate * self.info.time_base))

    @property
    def clock_jumps(self) -> int:
        """How often the source's clock was set back so far; its own timestamps are ambiguous then."""
        return self._continuity.jumps

    @property
    def corrupt_packets(self) -> int:
        """How many packets are damaged."""
        return len(self.corrupt)

    @property
    def timestamps_repaired(self) -> int:
        """How many frames had to be moved to keep time going forward."""
        return self._timeline.repaired

    def close(self) -> None:
        """Close the file; safe to call twice.

        The frames, half read, refer to this source and it to them: without an end to that its decoder, with its threads
        and pictures, would stay until Python looks for such circles, hundreds of pieces later.
        """
        self._frames = iter(())
        shut(self.container)
        if self._opened_again is not None:
            self._opened_again.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _properties(frame: VideoFrame, *, interlaced: bool) -> VideoFrame | None:
    """A tiny frame that carries the properties worth writing again; None, as nearly always, when there are none.

    Which field comes first is one of them, for frames that stay interlaced.
    """
    if interlaced or side_data.names(frame) & side_data.CARRIED:
        return frame.reformat(width=16, height=16, format="yuv420p", interpolation="POINT")
    return None


def _software_format(frame: VideoFrame) -> str:
    return frame.sw_format.name if frame.sw_format else frame.format.name
