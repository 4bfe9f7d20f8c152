"""The sound of a live source: 48 kHz stereo on the run's clock, contiguous while the source is there."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, LiveAudio

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

Samples = npt.NDArray[np.int16]
_CHUNK = 1024
_TOLERANCE = SAMPLE_RATE * 60 // 1000
_LONGEST_SILENCE = SAMPLE_RATE * 10
"""A longer gap, which only a lost source leaves, stays a gap."""


class Resampling:
    """Decoded sound of one stream as int16 samples; follows a change of its format."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._format: tuple[object, ...] = ()

    def take(self, frame: AudioFrame) -> Iterator[tuple[Samples, Fraction | None]]:
        """(count, CHANNELS) samples, with the source's stamp of the first one in seconds."""
        frame_format = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or frame_format != self._format:
            self._resampler = AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE)
            self._format = frame_format
        for ready in self._resampler.resample(frame):
            stamp_s = None if ready.pts is None or ready.time_base is None else ready.pts * ready.time_base
            yield cast("Samples", ready.to_ndarray()).reshape(-1, CHANNELS), stamp_s


class Track:
    """The sound of a whole run, over all connections."""

    def __init__(self) -> None:
        self._next: int | None = None

    def place(self, samples: Samples, run_s: Fraction | None) -> Iterator[LiveAudio]:
        """Put samples that belong at ``run_s`` (None: after the last) where they leave no gap and overlap nothing.

        A small deviation from the count of samples is left alone, else jitter of the stamps would be heard.
        """
        position = self._next if run_s is None else round(run_s * SAMPLE_RATE)
        if position is None:
            return
        if self._next is None:
            samples = samples[max(-position, 0) :]  # what was before the run is cut
            self._next = position = max(position, 0)
        gap = position - self._next
        if gap > _LONGEST_SILENCE:
            self._next = position
        elif gap > _TOLERANCE:
            yield from self._chunks(np.zeros((gap, CHANNELS), np.int16))
        elif gap < -_TOLERANCE:
            samples = samples[-gap:]
        yield from self._chunks(samples)

    def _chunks(self, samples: Samples) -> Iterator[LiveAudio]:
        for first in range(0, len(samples), _CHUNK):
            chunk = samples[first : first + _CHUNK]
            assert self._next is not None
            yield LiveAudio(chunk, self._next)
            self._next += len(chunk)
