"""The page of a live run, its ends in memory: what arrives, what stops it, and a fault in each stage."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from tests.conftest import stage_threads
from tests.live.moving import INFO, PATIENCE_S, MemorySink, MemorySource, live_frame
from tests.live.programs import wait_until
from vsr import pipeline
from vsr.errors import BackendError, SinkError, SourceError
from vsr.io.live.contract import LiveFrame
from vsr.live.choices import make_controls
from vsr.live.controls import Controls
from vsr.live.outlets import Outlets
from vsr.live.report import LiveReport
from vsr.live.spec import LiveSpec
from vsr.notices import Notices
from vsr.spec import make_spec
from vsr.upscaler import Upscaler


class Run:
    """A live run whose source waits for the sinks, so that every frame gets there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, frames: Iterator[LiveFrame], sinks: Sequence[MemorySink]):
        self.sinks = sinks
        self.source = MemorySource(frames, self._pace)
        self._given = 0
        self.controls: Controls | None = None
        self.notices = Notices()

        @contextmanager
        def ends(*_: object) -> Iterator[tuple[MemorySource, Sequence[MemorySink]]]:
            yield self.source, sinks

        monkeypatch.setattr(pipeline, "open_ends", ends)

    def _pace(self, _: LiveFrame) -> None:
        """The next frame when every sink that is alive has the last one."""
        given = self._given
        self._given += 1
        wait_until(
            lambda: (
                self.source.closed.is_set()
                or all(len(sink.frames) >= given or "abort" in sink.calls for sink in self.sinks)
            ),
            "the last frame in every sink",
        )

    def __call__(self, **asked: object) -> LiveReport:
        spec = LiveSpec("memory", ("memory",), make_spec("a", "b", pipeline="live", network="bicubic"))
        spec = replace(spec, **asked)  # type: ignore[arg-type]
        self.controls = make_controls(spec.pipeline)
        return pipeline.live(spec, self.controls, notices=self.notices)


def assert_set(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S)


def frames(count: int) -> Iterator[LiveFrame]:
    return (live_frame(number) for number in range(count))


def test_every_frame_gets_to_every_sink_in_order_and_upscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    sinks = [MemorySink("a"), MemorySink("b")]
    report = Run(monkeypatch, frames(30), sinks)()
    for sink in sinks:
        assert sink.numbers == list(range(30))
        assert sink.frames[0].info.width == 2 * INFO.width
        assert [int(f.frame.planes[0][0, 0]) for f in sink.frames] == [16 + n for n in range(30)]
        assert sink.calls == ["open", "finish"]
    assert (report.frames_in, report.frames_upscaled, report.dropped) == (30, 30, 0)
    assert [sink.frames for sink in report.sinks] == [30, 30]
    latency = report.sinks[0].latency
    assert latency is not None
    assert 0 <= latency.p50_ms <= latency.p95_ms <= latency.p99_ms
    assert report.networks[0][1] == "bicubic"


def test_the_newest_frame_wins_while_the_sink_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def all_at_once() -> Iterator[LiveFrame]:
        yield from frames(100)
        ended.set()

    sink = MemorySink(gate=lambda _: assert_set(ended))
    run = Run(monkeypatch, all_at_once(), [sink])
    run.source.pace = lambda _: None
    report = run()
    assert sink.numbers[-1] == 99
    assert sink.numbers == sorted(set(sink.numbers))
    assert report.dropped >= 90
    assert report.dropped + report.frames_upscaled == report.frames_in == 100


def test_stop_finishes_the_sinks(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()
    run = Run(monkeypatch, frames(10**6), [sink])

    def stop_at_five(frame: LiveFrame) -> None:
        if frame.frame.pts >= 5 * 3600 and run.controls is not None:
            run.controls.stop()

    sink.gate = stop_at_five
    run()
    assert sink.calls == ["open", "finish"]
    assert 6 <= len(sink.frames) <= 7


def test_it_ends_after_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()
    report = Run(monkeypatch, frames(10**6), [sink])(duration_s=0.2)
    assert sink.calls == ["open", "finish"]
    assert 0.2 <= report.wall_s < PATIENCE_S


def test_it_ends_after_its_duration_though_its_sink_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    sink = MemorySink(gate=lambda frame: assert_set(stuck) if frame.frame.pts else None)
    run = Run(monkeypatch, frames(10**6), [sink])
    run.source.pace = lambda _: None
    finish = Outlets.finish

    def release_and_finish(outlets: Outlets) -> None:
        stuck.set()
        finish(outlets)

    monkeypatch.setattr(Outlets, "finish", release_and_finish)
    assert run(duration_s=0.3).wall_s < PATIENCE_S
    assert sink.calls == ["open", "finish"]


def test_a_run_that_saw_no_frame_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"no frame came from memory in 0\.\d s"):
        Run(monkeypatch, iter(()), [MemorySink()])()


def test_a_source_that_fails_ends_the_run_and_finishes_nothing_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[LiveFrame]:
        yield from frames(3)
        raise SourceError("the camera burns")

    sink = MemorySink()
    with pytest.raises(SourceError, match="burns") as caught:
        Run(monkeypatch, failing(), [sink])()
    assert "in stage 'decode'" in caught.value.__notes__
    assert sink.calls[-1] == "abort", "which keeps what a recording has"
    assert stage_threads() == []


def test_an_upscaler_that_fails_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    works = Upscaler.upscale
    calls = itertools.count()

    def failing(upscaler: Upscaler, planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        if next(calls) == 8:
            raise BackendError("the device is lost")
        return works(upscaler, planes)

    monkeypatch.setattr(Upscaler, "upscale", failing)
    sink = MemorySink()
    with pytest.raises(BackendError, match="device is lost"):
        Run(monkeypatch, frames(20), [sink])(
            pipeline=make_spec("a", "b", pipeline="live", network="realtime"), max_latency_ms=None
        )
    assert 3 <= len(sink.frames) <= 4, "one by one after four to get ready"
    assert stage_threads() == []


@pytest.mark.parametrize("at", [0, 1, 7])
def test_a_sink_that_fails_leaves_the_other_and_is_reported(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    dies = MemorySink("dies", fail=lambda frame: frame.frame.pts >= at * 3600)
    lives = MemorySink("lives")
    report = Run(monkeypatch, frames(20), [dies, lives])()
    with pytest.raises(SinkError, match="dies fails on purpose"):
        report.check()
    assert lives.numbers == list(range(20))
    assert lives.calls == ["open", "finish"]
    assert dies.numbers == list(range(at))


def test_the_last_sink_that_fails_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink(fail=lambda frame: frame.frame.pts >= 3 * 3600)
    with pytest.raises(SinkError, match="on purpose"):
        Run(monkeypatch, frames(10**6), [sink])()


def test_a_lost_source_holds_the_last_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()

    def going_away() -> Iterator[LiveFrame]:
        yield live_frame(0)
        wait_until(lambda: sink.frames, "the first frame")
        run.source.lost = True
        wait_until(lambda: sum(frame.held for frame in sink.frames) >= 2, "held frames")
        run.source.lost = False
        yield live_frame(250)

    run = Run(monkeypatch, going_away(), [sink])
    run.source.pace = lambda _: None
    report = run()
    pts = [frame.frame.pts for frame in sink.frames]
    assert pts == sorted(set(pts))
    assert sink.numbers == [0, 250]
    assert report.held >= 2
    assert all((f.frame.planes[0] == 16).all() for f in sink.frames if f.held)


def test_the_snapshot_says_how_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MemorySink()
    run = Run(monkeypatch, frames(10**6), [sink])
    sink.gate = lambda _: run.controls.stop() if run.controls and run.controls.snapshot.latency else None
    run()
    assert run.controls is not None
    state = run.controls.snapshot
    assert (state.status, state.network, state.scale) == ("live", "bicubic", 2)
    assert (state.source_size, state.output_size) == ((32, 24), (64, 48))
    assert set(state.stage_ms) == {"upscale", "memory"}
    assert state.fps_in > 0
