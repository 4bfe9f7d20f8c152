from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, LiveAudio
from vsr.io.live.sound import Resampling, Samples, Track


def ramp(first: int, count: int) -> Samples:
    return np.repeat(np.arange(first, first + count, dtype=np.int16)[:, None], CHANNELS, axis=1)


def heard(chunks: list[LiveAudio]) -> Samples:
    """All samples in order, once it is sure that they neither leave gaps nor overlap."""
    assert all(later.pts == chunk.pts + len(chunk.samples) for chunk, later in pairwise(chunks))
    assert all(0 < len(chunk.samples) <= 1024 for chunk in chunks)
    return np.concatenate([chunk.samples for chunk in chunks])


def test_jitter_of_the_stamps_is_not_heard() -> None:
    track = Track()
    chunks: list[LiveAudio] = []
    for i in range(20):
        jitter_s = Fraction((-1) ** i, 50)
        chunks += track.place(ramp(i * 960, 960), Fraction(i, 50) + (jitter_s if i else 0))
    np.testing.assert_array_equal(heard(chunks), ramp(0, 20 * 960))


def test_gap_is_filled_with_silence_of_its_length() -> None:
    track = Track()
    chunks = [*track.place(ramp(1, 4800), Fraction(0)), *track.place(ramp(1, 100), Fraction(1))]
    samples = heard(chunks)
    assert not samples[4800:48000].any()
    np.testing.assert_array_equal(samples[48000:], ramp(1, 100))


def test_overlap_is_cut() -> None:
    track = Track()
    chunks = [*track.place(ramp(0, 9600), Fraction(0)), *track.place(ramp(4800, 9600), Fraction(1, 10))]
    np.testing.assert_array_equal(heard(chunks), ramp(0, 14400))


def test_sound_from_before_the_run_is_cut() -> None:
    chunks = list(Track().place(ramp(0, 4800), Fraction(-1, 20)))
    assert chunks[0].pts == 0
    np.testing.assert_array_equal(heard(chunks), ramp(2400, 2400))


def test_gap_of_a_source_that_was_long_away_stays_a_gap() -> None:
    track = Track()
    list(track.place(ramp(0, 100), Fraction(0)))
    (chunk,) = track.place(ramp(0, 100), Fraction(3600))
    assert chunk.pts == 3600 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("rate", "layout", "sample_format"), [(44100, "mono", "fltp"), (48000, "5.1", "s16"), (8000, "mono", "s16")]
)
def test_any_format_becomes_the_one_of_live_sound(rate: int, layout: str, sample_format: str) -> None:
    resampling = Resampling()
    count = 0
    for i in range(50):
        frame = AudioFrame(sample_format, layout, rate // 50)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = rate, i * (rate // 50), Fraction(1, rate)
        for samples, stamp_s in resampling.take(frame):
            assert samples.dtype == np.int16
            assert samples.shape[1] == CHANNELS
            assert stamp_s is not None
            assert float(stamp_s) == pytest.approx(count / SAMPLE_RATE, abs=1 / 1000)
            count += len(samples)
    assert count == pytest.approx(SAMPLE_RATE, abs=SAMPLE_RATE / 100)


def test_change_of_format_is_followed() -> None:
    resampling = Resampling()
    for rate in (44100, 48000, 44100):
        frame = AudioFrame("s16", "stereo", rate // 10)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        assert sum(len(samples) for samples, _ in resampling.take(frame)) == pytest.approx(4800, abs=50)
