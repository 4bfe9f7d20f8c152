"""The sound of a live output: encoded beside the frames, never missing for long, never early or late."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from vsr.io.live.contract import CHANNELS, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from vsr.io.live.contract import LiveAudio

_BIT_RATE = 160_000
_LATEST_S = 0.5
"""Sound that is later than its frames by more is replaced by silence: players wait for it."""
_PADDING = 1024
"""Samples that an encoder (AAC) puts before the first one."""
_PIECE = SAMPLE_RATE // 2
"""Silence is made in pieces of so many samples, however long it is."""


class Voice:
    """An audio stream of ``output`` that begins with the frame at ``begin_s``. All methods give encoded packets."""

    def __init__(self, output: OutputContainer, codec: str, begin_s: Fraction):
        lossy = not codec.startswith("pcm")
        self.stream = cast("AudioStream", output.add_stream(codec, rate=SAMPLE_RATE, layout="stereo"))
        self.stream.codec_context.time_base = Fraction(1, SAMPLE_RATE)
        if lossy:
            self.stream.codec_context.bit_rate = _BIT_RATE
        # The padding must not come before the frame: some muxers would move every stream for it.
        self._next = round(begin_s * SAMPLE_RATE) + (_PADDING if lossy else 0)
        self._resampler: AudioResampler | None = None

    def hear(self, audio: LiveAudio) -> Iterator[Packet[Stream]]:
        """Encode ``audio`` from where the sound stands; a gap before it is silence, what is too late is left out."""
        yield from self._silence(audio.pts)
        yield from self._encode(audio.samples[self._next - audio.pts :])

    def keep_up(self, time_s: Fraction) -> Iterator[Packet[Stream]]:
        """Silence where the sound is far behind a frame of ``time_s``."""
        yield from self._silence(round((time_s - Fraction(_LATEST_S)) * SAMPLE_RATE))

    def finish(self) -> Iterator[Packet[Stream]]:
        """What the encoder still holds."""
        if self._resampler is not None:
            for frame in self._resampler.resample(None):
                yield from self.stream.encode(frame)
            yield from self.stream.encode(None)

    def _silence(self, until: int) -> Iterator[Packet[Stream]]:
        while self._next < until:
            yield from self._encode(np.zeros((min(until - self._next, _PIECE), CHANNELS), np.int16))

    def _encode(self, samples: npt.NDArray[np.int16]) -> Iterator[Packet[Stream]]:
        if not len(samples):
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), self._next
        self._next += len(samples)
        for piece in self._resampled(frame):
            yield from self.stream.encode(piece)

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        """In the encoder's own sample format and frame length, which are known once it is open."""
        if self._resampler is None:
            context = self.stream.codec_context
            self._resampler = AudioResampler(
                format=context.format, layout=context.layout, rate=context.sample_rate, frame_size=context.frame_size
            )
        return self._resampler.resample(frame)
