"""Audio and text subtitles into codecs that the output's container can hold."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, cast

from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.error import EOFError as AvEOFError
from av.error import InvalidDataError
from av.subtitles.subtitle import SubtitleSet

from vsr.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

_OPUS_RATE = 48000


class Converter(Protocol):
    """Packets of a source stream in, packets of ``stream`` out."""

    @property
    def stream(self) -> Stream:
        """The stream of the output."""
        ...

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """What one packet becomes."""
        ...

    def flush(self) -> Iterator[Packet[Stream]]:
        """What is left at the end."""
        ...


def lacks_places(layout: AudioLayout) -> bool:
    """True where there is only a number of channels, as AVI and Matroska give of PCM, and no word of where each is."""
    return layout.name == f"{layout.nb_channels} channels"


class AudioConverter:
    """Decode, resample to what the encoder takes, encode; timestamps stay where they were."""

    def __init__(self, output: OutputContainer, source: AudioStream, codec: str):
        self._source = source
        rate = _OPUS_RATE if codec == "libopus" else source.codec_context.sample_rate
        layout = source.codec_context.layout
        if lacks_places(layout):
            layout = AudioLayout(f"{layout.nb_channels}c")  # the usual one of so many
        added = output.add_stream(codec, rate=rate, layout=layout)
        self.stream = cast("AudioStream", added)
        self.stream.codec_context.time_base = Fraction(1, rate)
        self._resampler: AudioResampler | None = None

    def _resample(self, frame: AudioFrame | None) -> list[AudioFrame]:
        if self._resampler is None:
            context = self.stream.codec_context
            self._resampler = AudioResampler(
                format=context.format, layout=context.layout, rate=context.sample_rate, frame_size=context.frame_size
            )
        return self._resampler.resample(frame)

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """Packets of the encoder for one packet of the source; a damaged packet gives none."""
        try:
            decoded = self._source.decode(packet)
        except InvalidDataError:
            return
        for frame in decoded:
            for resampled in self._resample(frame):
                yield from self.stream.encode(resampled)

    def flush(self) -> Iterator[Packet[Stream]]:
        """Empty the decoder, the resampler and the encoder."""
        try:
            for frame in self._source.decode(None):
                for resampled in self._resample(frame):
                    yield from self.stream.encode(resampled)
        except AvEOFError:
            pass
        if self._resampler is not None:
            for resampled in self._resample(None):
                yield from self.stream.encode(resampled)
        yield from self.stream.encode(None)


class SubtitleConverter:
    """Text subtitles through FFmpeg's common form (ASS events) into the container's own."""

    def __init__(self, output: OutputContainer, source: SubtitleStream, codec: str):
        self._source = source
        self.stream = cast("SubtitleStream", output.add_stream(codec))
        source.codec_context.open(strict=False)  # a decoder knows its header once it is open
        header = source.codec_context.subtitle_header
        if header is None:
            raise SinkError(f"subtitle stream #{source.index} has no header and can't be converted to {codec}")
        self.stream.codec_context.subtitle_header = header
        self.stream.codec_context.time_base = Fraction(1, 1000)

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """The event of one packet, at its own time."""
        if packet.pts is None or not packet.size:
            return
        try:
            events: SubtitleSet | None = self._source.decode2(packet)
        except InvalidDataError:
            return
        if events is None or not len(events):
            return
        encoded = self.stream.codec_context.encode_subtitle(events)
        encoded.time_base = packet.time_base
        encoded.pts = encoded.dts = packet.pts
        encoded.duration = packet.duration
        encoded.stream = self.stream
        yield encoded

    def flush(self) -> Iterator[Packet[Stream]]:
        """Nothing is held back."""
        yield from ()
