"""A live recording: every frame at its time, in sync, without B-frames, and playable however it ends."""

import resource
import signal
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.io.live.footage import (
    BEEP,
    BEGIN,
    RATE,
    TICKS,
    difference,
    feed,
    footage,
    frames_that_play,
    luma,
    picture,
    play,
    sink_of,
    sound_of,
)
from tests.live.programs import module
from vsr.errors import SinkError
from vsr.io.live.contract import SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.notices import Notices

CONTAINERS = ["mp4", "mov", "mkv", "webm", "ts", "flv", "nut"]
MILLISECONDS = Fraction(1, 1000)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_frame_comes_out_at_its_time_without_b_frames(suffix: str, tmp_path: Path) -> None:
    frames = footage(75)
    sink = sink_of(tmp_path / f"out.{suffix}")
    feed(sink, frames)
    sink.finish()
    played = play(tmp_path / f"out.{suffix}")
    assert len(played.times) == 75
    begin = played.times[0]
    for frame, time_s in zip(frames, played.times, strict=True):
        assert abs((time_s - begin) - (frame.frame.pts - BEGIN) * TIME_BASE) <= MILLISECONDS
    assert "B" not in played.kinds
    assert max(difference(luma(n, 160, 96), seen) for n, seen in enumerate(played.luma)) < 2.5


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts"])
def test_frames_stay_at_their_times_where_others_were_dropped_and_the_sound_goes_on(
    suffix: str, tmp_path: Path
) -> None:
    sink = sink_of(tmp_path / f"out.{suffix}")
    kept = [n for n in range(150) if n in (0, 23, 24, 40, 90) or n > 100]
    whole = footage(150)
    sink.open(whole[0], audio=True)
    for number in range(150):
        sink.hear(sound_of(number))
        if number in kept:
            sink.write(whole[number])
    sink.finish()
    times = play(tmp_path / f"out.{suffix}").times
    expected = [(whole[number].frame.pts - BEGIN) * TIME_BASE for number in kept]
    assert [float(t - times[0]) for t in times] == pytest.approx([float(e) for e in expected], abs=0.001)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_sound_stays_with_its_frame(suffix: str, tmp_path: Path) -> None:
    sink = sink_of(tmp_path / f"out.{suffix}")
    feed(sink, footage(45))
    sink.finish()
    played = play(tmp_path / f"out.{suffix}")
    assert abs(played.beep_s - float(played.times[BEEP])) < 0.005


def test_keyframes_come_every_two_seconds_at_any_rate(tmp_path: Path) -> None:
    # Frames at a third of the rate that the source declares, as under overload.
    frames = [picture(number, BEGIN + number * 3 * TICKS) for number in range(65)]
    sink = sink_of(tmp_path / "out.mkv")
    feed(sink, frames, audio=False)
    sink.finish()
    gaps = [float(later - earlier) for earlier, later in pairwise(play(tmp_path / "out.mkv").keyframes)]
    assert gaps == pytest.approx([2.0, 2.0, 2.0], abs=0.11)


@pytest.mark.parametrize("suffix", ["flv", "mkv"])
def test_times_closer_than_the_containers_still_grow(suffix: str, tmp_path: Path) -> None:
    frames = [picture(number, BEGIN + number * 20) for number in range(10)]  # 0.2 ms apart
    sink = sink_of(tmp_path / f"out.{suffix}")
    feed(sink, frames, audio=False)
    sink.finish()
    times = play(tmp_path / f"out.{suffix}").times
    assert len(times) == 10
    assert all(later > earlier for earlier, later in pairwise(times))


def test_a_picture_of_another_size_is_fitted_between_black_bars(tmp_path: Path) -> None:
    said: list[str] = []
    sink = sink_of(tmp_path / "out.mkv", Notices(said.append))
    feed(sink, [*footage(5), *(picture(n, size=(96, 96)) for n in range(5, 10))], audio=False)
    sink.finish()
    seen = play(tmp_path / "out.mkv").luma
    assert seen[4].shape == seen[9].shape == (96, 160)
    assert difference(luma(9, 96, 96), seen[9][:, 32:128]) < 2.5
    for bar in (seen[9][:, :30], seen[9][:, 130:]):
        assert float(np.abs(bar.astype(int) - 16).mean()) < 2
    assert any("96x96" in text and "160x96" in text for text in said)


def test_a_constant_rate_repeats_and_leaves_out_to_keep_time(tmp_path: Path) -> None:
    # Two frames within one tick, then a gap of three ticks.
    numbers_and_ticks = [(0, 0.0), (1, 1.0), (2, 1.3), (3, 2.0), (4, 5.0)]
    frames = [picture(number, BEGIN + round(ticks * TICKS)) for number, ticks in numbers_and_ticks]
    sink = sink_of(tmp_path / "out.y4m")
    feed(sink, frames)
    sink.finish()
    played = play(tmp_path / "out.y4m")
    assert [round(time_s * RATE) for time_s in played.times] == [0, 1, 2, 3, 4, 5]
    shown = [next(n for n in range(5) if not difference(luma(n, 160, 96), seen)) for seen in played.luma]
    assert shown == [0, 1, 3, 3, 3, 4]


def test_missing_sound_is_silence_and_late_sound_is_left_out(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out.nut")
    sink.open(picture(0), audio=True)
    for number in range(60):
        if number < 10:
            sink.hear(sound_of(number))
        if number == 50:  # a loud second that belongs to frames 12 to 42; half a second of it is too late by now
            begin = sound_of(12).pts
            sink.hear(LiveAudio(np.full((SAMPLE_RATE, 2), 8000, np.int16), begin))
        sink.write(picture(number))
    sink.finish()
    played = play(tmp_path / "out.nut")
    ends = played.sound_begins + Fraction(len(played.sound), SAMPLE_RATE)
    assert played.times[-1] - ends <= Fraction(1, 2)
    loud = np.flatnonzero(np.abs(played.sound) > 0.1)
    # The frames stood at number 49: what is more than half a second older had been given out as silence.
    assert float(played.sound_begins + Fraction(int(loud[0]), SAMPLE_RATE)) == pytest.approx(
        float(played.times[49]) - 0.5, abs=0.001
    )
    assert float(played.sound_begins + Fraction(int(loud[-1]), SAMPLE_RATE)) == pytest.approx(
        float(played.times[42]), abs=0.001
    )


def test_a_recording_appears_when_it_is_finished(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out.mp4")
    feed(sink, footage(10))
    assert not (tmp_path / "out.mp4").exists()
    sink.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_what_is_cut_short_is_kept_under_a_name_that_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "out.unfinished.mkv").write_bytes(b"an earlier one")
    sink = sink_of(tmp_path / "out.mkv", Notices(said.append))
    feed(sink, footage(10))
    sink.abort()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.unfinished-2.mkv", "out.unfinished.mkv"]
    assert len(play(tmp_path / "out.unfinished-2.mkv").times) == 10
    assert "out.unfinished-2.mkv" in said[-1]


def test_a_recording_without_a_frame_leaves_nothing(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out.mkv")
    sink.open(picture(0), audio=True)
    sink.abort()
    assert not list(tmp_path.iterdir())


def test_another_range_and_matrix_are_converted(tmp_path: Path) -> None:
    limited, full = 213, 230  # the code of 90 % in each
    first = _evenly(picture(0), limited)
    second = _evenly(picture(1), full)
    color = replace(first.info.color, matrix=6, full_range=True)
    sink = sink_of(tmp_path / "out.mkv")
    feed(sink, [first, replace(second, info=replace(second.info, color=color))], audio=False)
    sink.finish()
    seen = play(tmp_path / "out.mkv").luma
    assert difference(seen[0], seen[1]) < 1.5


def _evenly(frame: LiveFrame, code: int) -> LiveFrame:
    planes = tuple(np.full_like(plane, 128 if index else code) for index, plane in enumerate(frame.frame.planes))
    return replace(frame, frame=replace(frame.frame, planes=planes))


def test_killed_recordings_can_be_played(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("out.mp4", "out.mkv")]
    with module("tests.io.live.footage", 100_000, *names) as program:
        program.wait_until(lambda: _sizes(tmp_path) and min(_sizes(tmp_path)) > 100_000, "recordings")
        program.process.send_signal(signal.SIGKILL)
        program.process.wait()
    for part in _files(tmp_path):
        played = play(part)
        assert len(played.times) > 30
        assert all(abs((later - earlier) * RATE - 1) < 0.05 for earlier, later in pairwise(played.times))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in _files(folder)]


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def test_a_full_disk_ends_the_recording_and_keeps_it(tmp_path: Path) -> None:
    with module("tests.io.live.footage", 100_000, tmp_path / "out.mp4", before=_small_files) as program:
        assert program.wait() == SinkError.exit_code
        assert f"SinkError: {tmp_path / 'out.mp4'} can't be written" in program.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.unfinished.mp4"]
    assert frames_that_play(tmp_path / "out.unfinished.mp4") > 30
