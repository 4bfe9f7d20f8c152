"""The source's other streams: decided before the first frame (copied, converted, dropped), then carried along."""

from __future__ import annotations  # av's stream classes are generic for type checkers only

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import av
from av.error import FFmpegError
from av.stream import AttachmentStream, Disposition, Stream

from vsr.io.clock import NO_TIME_BEFORE_ZERO
from vsr.io.conversion import AudioConverter, Converter, SubtitleConverter, lacks_places
from vsr.io.limits import check_cover
from vsr.io.opening import open_again
from vsr.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream

Action = Literal["copy", "convert", "drop"]

_BITMAP_SUBTITLES = {"dvb_subtitle", "dvd_subtitle", "hdmv_pgs_subtitle", "xsub", "dvbsub", "dvdsub", "pgssub"}
_SUBTITLE_CODECS = {"mp4": "mov_text", "mov": "mov_text", "ipod": "mov_text", "matroska": "ass", "webm": "webvtt"}
_AUDIO_CODECS = {"webm": "libopus", "mp4": "aac", "mov": "aac", "matroska": "flac"}
# These muxers take any stream as private data that nothing can read back; only what they really define passes.
_TAKES_ANYTHING = {"mpegts", "mpeg", "vob", "svcd", "dvd", "avi", "flv"}
_DEFINED_DATA = {"klv", "scte_35", "timed_id3", "dvb_teletext", "dvb_subtitle", "dvbsub", "hdmv_pgs_subtitle", "pgssub"}
_PICTURE_TYPES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
_STALE_TAGS = {
    "encoder",
    "duration",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "bps",
    "number_of_frames",
    "number_of_bytes",
}


@dataclass(frozen=True)
class StreamPlan:
    """What becomes of one stream of the source."""

    index: int
    kind: str
    codec: str
    action: Action
    target: str
    """Codec in the output; empty when dropped."""
    reason: str
    """Why it is not copied; empty when it is."""

    def sentence(self) -> str:
        """In words, for the user."""
        what = f"{self.kind} stream #{self.index} ({self.codec})"
        if self.action == "convert":
            return f"{what} is converted to {self.target}: {self.reason}"
        return f"{what} is dropped: {self.reason}"


def live_tags(tags: dict[str, str]) -> dict[str, str]:
    """Metadata without what described the old file's making and would be wrong of the new one."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower().split("-")[0] not in _STALE_TAGS and not key.upper().startswith("_STATISTICS")
    }


def plan_stream(stream: Stream, container: str) -> StreamPlan:
    """Decide for one stream by trying: a header with only this stream is written to memory by the real muxer."""
    codec = _codec_name(stream)
    if container == "image2":
        return _plan(stream, codec, "drop", reason="a picture file holds nothing else")
    if stream.disposition & Disposition.attached_pic and container in {"matroska", "webm"}:
        return _plan_cover(stream, codec, container)
    if _really_holds(stream, codec, container):
        return _plan_held(stream, codec, container)
    target = _conversion_target(stream, codec, container)
    if target is not None:
        simplified = " (styling may be simplified)" if stream.type == "subtitle" else ""
        return _plan(stream, codec, "convert", target, f"{container} can't hold {codec}{simplified}")
    if codec == "bin_data" and stream.container.chapters():
        return _plan(stream, codec, "drop", reason="it is the chapters' own track; they are carried as chapters")
    return _plan(stream, codec, "drop", reason=f"{container} can't hold it; mkv holds most")


def _plan_held(stream: Stream, codec: str, container: str) -> StreamPlan:
    # MP4's muxer meets this in the very end, when all the work is done.
    in_mp4 = container == "mp4" and codec.startswith("pcm_")
    if in_mp4 and lacks_places(cast("AudioStream", stream).codec_context.layout):
        return _plan(stream, codec, "convert", codec, "mp4 says where channels are; their usual places are taken")
    return _plan(stream, codec, "copy", codec)


def _plan_cover(stream: Stream, codec: str, container: str) -> StreamPlan:
    if container == "matroska" and codec in _PICTURE_TYPES:
        return _plan(stream, codec, "convert", "attachment", "Matroska keeps cover pictures as attachments")
    return _plan(stream, codec, "drop", reason=f"{container} can't hold this cover picture")


def _conversion_target(stream: Stream, codec: str, container: str) -> str | None:
    """The codec to convert a stream to that the container can't hold as it is; None where there is no way."""
    if stream.codec_context is None:
        return None
    if stream.type == "subtitle" and codec not in _BITMAP_SUBTITLES:
        return _SUBTITLE_CODECS.get(container)
    if stream.type == "audio":
        rate = cast("AudioStream", stream).codec_context.sample_rate
        return (_AUDIO_CODECS.get(container) or _default_audio(container)) if rate else None
    return None


def _plan(stream: Stream, codec: str, action: Action, target: str = "", reason: str = "") -> StreamPlan:
    return StreamPlan(stream.index, stream.type, codec, action, target, reason)


def _codec_name(stream: Stream) -> str:
    if stream.codec_context is not None:
        return stream.codec_context.codec.canonical_name
    return getattr(stream, "name", None) or "unknown"


def _really_holds(stream: Stream, codec: str, container: str) -> bool:
    if container in _TAKES_ANYTHING and stream.type not in {"audio", "video"} and codec not in _DEFINED_DATA:
        return False
    if isinstance(stream, AttachmentStream) and container != "matroska":
        return False
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _default_audio(container: str) -> str | None:
    with av.open(io.BytesIO(), "w", format=container) as trial:
        codec = trial.default_audio_codec
    return None if codec == "none" else codec


class Carrier:
    """Adds the planned streams to an output and muxes their packets as the source hands them over."""

    def __init__(self, source: InputContainer, upscaled_index: int, container: str, notices: Notices):
        self._source = source
        self._streams: dict[int, Stream] = {}
        self._converters: dict[int, Converter] = {}
        self._last_dts: dict[int, int] = {}
        self._skips_padding = container in NO_TIME_BEFORE_ZERO
        self.packets_muxed: dict[int, int] = {}
        self.plans = [plan_stream(s, container) for s in source.streams if s.index != upscaled_index]
        for plan in self.plans:
            if plan.action != "copy":
                notices.say(plan.sentence())

    def add(self, output: OutputContainer, index: int) -> None:
        """Add the stream that carries source stream ``index``, unless it is dropped."""
        plan = next(p for p in self.plans if p.index == index)
        stream = self._source.streams[index]
        if plan.action == "drop":
            return
        if plan.action == "copy":
            added: Stream = output.add_stream_from_template(stream, opaque=True)
            self._streams[index] = added
        elif stream.type == "video":
            self._attach_picture(output, stream, plan.codec)
            return
        else:
            converter = _converter(output, stream, plan.target)
            self._converters[index] = converter
            added = converter.stream
        self.packets_muxed[index] = 0
        added.metadata.update(live_tags(stream.metadata))
        added.disposition = stream.disposition

    def _attach_picture(self, output: OutputContainer, stream: Stream, codec: str) -> None:
        """A cover picture's only packet is read here: an attachment is part of the header."""
        with open_again(self._source) as again:
            packet = next((p for p in again.demux(again.streams[stream.index]) if p.size), None)
            if packet is not None:
                check_cover(packet.size)
                name, mimetype = _PICTURE_TYPES[codec]
                output.add_attachment(name, mimetype, bytes(packet))

    def mux(self, output: OutputContainer, packets: Iterable[Packet[Stream]]) -> None:
        """Mux packets of the source; those of dropped streams fall out here."""
        for packet in packets:
            index = packet.stream.index
            if index in self._converters:
                for converted in self._converters[index].convert(packet):
                    output.mux_one(converted)
                    self.packets_muxed[index] += 1
            elif index in self._streams:
                if self._skips_padding and _is_before_zero(packet):
                    continue  # an encoder's padding, which no player lets be heard
                self._keep_order(index, packet)
                packet.stream = self._streams[index]
                output.mux_one(packet)
                self.packets_muxed[index] += 1

    def finish(self, output: OutputContainer) -> None:
        """Flush the converters."""
        for index, converter in self._converters.items():
            for packet in converter.flush():
                output.mux_one(packet)
                self.packets_muxed[index] += 1

    def _keep_order(self, index: int, packet: Packet[Stream]) -> None:
        """Muxers refuse a dts that does not grow; a broken one is moved by a tick, as FFmpeg does."""
        if packet.pts is None and packet.dts is None:
            packet.pts = packet.dts = 0  # a cover picture
        if packet.dts is None:
            return
        last = self._last_dts.get(index)
        if last is not None and packet.dts <= last and packet.stream.type != "subtitle":
            packet.dts = last + 1
            if packet.pts is not None:
                packet.pts = max(packet.pts, packet.dts)
        self._last_dts[index] = packet.dts


def _is_before_zero(packet: Packet[Stream]) -> bool:
    return packet.pts is not None and packet.pts + (packet.duration or 0) <= 0 and packet.pts < 0


def _converter(output: OutputContainer, stream: Stream, codec: str) -> Converter:
    if stream.type == "audio":
        return AudioConverter(output, cast("AudioStream", stream), codec)
    return SubtitleConverter(output, cast("SubtitleStream", stream), codec)


def copy_container_facts(source: InputContainer, output: OutputContainer) -> None:
    """Global metadata and chapters."""
    output.metadata.update(live_tags(source.metadata))
    chapters = source.chapters()
    if chapters:
        output.set_chapters(chapters)
