"""A file as a stream of frames with exact timing; its other streams' packets are set aside for the sink to copy."""

from __future__ import annotations  # av.Packet is generic for type checkers only

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Self

import av
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.errors import SourceError
from vsr.frames import Frame, VideoInfo
from vsr.io import filters, formats, orientation, side_data
from vsr.io.devices import decoder_acceleration
from vsr.io.opening import open_input
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
    ``bake_orientation`` rotates the samples, for outputs that can't say it.
    ``deinterlaced`` is true where the file's frames are interlaced and the given ones are not.
    """

    def __init__(
        self, spec: PipelineSpec, notices: Notices, *, bake_orientation: bool = False, video_only: bool = False
    ):
        self._notices = notices
        self._path = spec.source
        self.frames_read = 0
        self.corrupt_packets = 0
        self.packets: deque[Packet[Stream]] = deque(maxlen=0 if video_only else None)
        acceleration = decoder_acceleration(spec.hwaccel, notices)
        stored = probe(spec, notices)
        self.container: InputContainer = open_input(spec, acceleration)
        try:
            self.stream: VideoStream = choose_video(self.container, spec, notices)
            self.stream.thread_type = "AUTO"
            self._reached_s = Fraction(0)
            self._video_ticks = 0
            self.info, chain = self._preparation(stored, spec, bake_orientation=bake_orientation)
            frames: Iterator[VideoFrame] = self._same_geometry(self._decode(), stored)
            self._frames = filters.apply(frames, chain, self.stream) if chain else frames
            self._timeline = Timeline(self.info.time_base, self.info.frame_rate, notices)
        except BaseException:
            self.container.close()
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

    def _decode(self) -> Iterator[VideoFrame]:
        """Demux everything in file order; decode the chosen stream, set the other streams' packets aside."""
        try:
            for packet in self.container.demux():
                if packet.stream is not self.stream:
                    self._set_aside(packet)
                    continue
                self._note_reached(packet)
                if packet.dts is not None:
                    self._video_ticks = packet.dts + 1
                try:
                    for frame in self.stream.decode(packet):
                        yield side_data.legible(frame, self.stream)
                except InvalidDataError:
                    self.corrupt_packets += 1
                    self._notices.say("the source has damaged packets; what the decoder can't conceal is skipped")
        except FFmpegError as exc:
            raise SourceError(f"{self._path} can't be read to its end: {exc.strerror}; the file is damaged") from exc
        self._check_whole()

    def _set_aside(self, packet: Packet[Stream]) -> None:
        if packet.size:  # an empty one only tells a decoder that the end is reached
            self._note_reached(packet)
            self.packets.append(packet)

    def _note_reached(self, packet: Packet[Stream]) -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and packet.time_base:
            self._reached_s = max(self._reached_s, (stamp + (packet.duration or 0)) * packet.time_base)

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
        tolerance_s = max(min(_SHORTFALL_S, declared_s / 4), declared_s / 50)
        if declared_s - self._reached_s > tolerance_s:
            raise SourceError(
                f"{self._path} is cut short: its header declares {float(declared_s):.2f} s, "
                f"its data ends at {float(self._reached_s):.2f} s"
            )

    def _same_geometry(self, frames: Iterator[VideoFrame], info: VideoInfo) -> Iterator[VideoFrame]:
        """Frames of another size or format than the first are converted to it, which is said."""
        name = formats.pix_fmt_of(info.layout)
        for frame in frames:
            changed_size = (frame.width, frame.height) != (info.width, info.height)
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
        for raw in self._frames:
            ticks = (raw.time_base or info.time_base) / info.time_base
            pts = None if raw.pts is None else round(raw.pts * ticks)
            duration = round((raw.duration or 0) * ticks)
            self.frames_read += 1
            yield Frame(
                planes=formats.planes_of(raw, info.layout),
                pts=timeline.place(pts, raw.dts, duration),
                time_base=info.time_base,
                duration=duration,
                props=_properties(raw, interlaced=info.interlaced),
            )

    @property
    def timestamps_repaired(self) -> int:
        """How many frames had to be moved to keep time going forward."""
        return self._timeline.repaired

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.container.close()

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
