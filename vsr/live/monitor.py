"""Watches a live run: moves it between networks, and says several times a second how it stands."""

import time

import numpy as np

from vsr.io.live.contract import LiveFrame
from vsr.live.controls import Controls, Snapshot, Status
from vsr.live.governor import Governor, Window
from vsr.live.stages import LiveStages
from vsr.notices import Notices

_WINDOW_S = 0.5
_SNAPSHOT_S = 0.25
_EXHAUSTED_WINDOWS = 6


class Monitor:
    """``tick`` it with every frame that was shown, or None; all on the main thread."""

    def __init__(
        self, stages: LiveStages, controls: Controls, governor: Governor | None, notices: Notices, *,
        duration_s: float | None,
    ):  # fmt: skip
        self._stages = stages
        self._ladder = stages.ladder
        self._outlets = stages.outlets.outlets
        self._controls = controls
        self._governor = governor
        self._notices = notices
        self._duration_s = duration_s
        self._window = _Counts(stages.started_s)
        self._shown = _Counts(stages.started_s)
        self._interval_ms: float | None = None
        self._generation = 0
        self._exhausted = 0
        self._sizes = ((0, 0), (0, 0))

    def tick(self, frame: LiveFrame | None) -> None:
        """Look at the clock; decide and tell where it is time to."""
        now_s = time.monotonic()
        if frame is not None:
            source = frame.before or frame
            self._sizes = (source.info.width, source.info.height), (frame.info.width, frame.info.height)
        if now_s - self._window.at_s >= _WINDOW_S:
            self._decide(now_s)
        if now_s - self._shown.at_s >= _SNAPSHOT_S:
            self._publish(now_s)

    @property
    def over(self) -> bool:
        """True once the run was asked to end, or has lasted as long as it was to."""
        return self._controls.stopped or (self._duration_s is not None and self.elapsed_s >= self._duration_s)

    @property
    def elapsed_s(self) -> float:
        """Since the start of the run."""
        return time.monotonic() - self._stages.started_s

    def _decide(self, now_s: float) -> None:
        before, self._window = self._window, self._counts(now_s)
        arrived = self._window.arrived - before.arrived
        if arrived > 1:
            interval_ms = 1e3 * (now_s - before.at_s) / arrived
            self._interval_ms = interval_ms if self._interval_ms is None else (self._interval_ms + interval_ms) / 2
        if self._governor is None:
            self._ladder.wanted = len(self._ladder.names)
            return
        if self._generation != self._ladder.generation:
            self._generation = self._ladder.generation
            self._governor.restart(min(self._governor.rung, max(len(self._ladder.costs_ms) - 1, 0)))
            self._ladder.wanted = self._governor.rung
            return
        upscaled = self._window.upscaled - before.upscaled
        latencies = [o.meter.since(before.at_s) for o in self._outlets if o.error is None]
        late = [float(np.percentile(values, 75)) for values in latencies if values]
        window = Window(
            latency_ms=max(late) if late else None,
            arrived=arrived,
            dropped=self._window.dropped - before.dropped,
            interval_ms=self._interval_ms,
            upscale_ms=1e3 * (self._window.busy_s - before.busy_s) / upscaled if upscaled else None,
        )
        self._move(self._governor, now_s, window)

    def _move(self, governor: Governor, now_s: float, window: Window) -> None:
        old, new = governor.rung, governor.decide(now_s, window, self._ladder.costs_ms)
        self._ladder.wanted = new
        names, at = self._ladder.names, f"at {now_s - self._stages.started_s:.1f} s"
        if new < old:
            late = "" if window.latency_ms is None else f", {window.latency_ms:.0f} ms behind"
            self._notices.say(
                f"{names[new]} instead of {names[old]} {at}: too slow{late}, {window.dropped} of {window.arrived} "
                "frames dropped"
            )
        elif new > old:
            self._notices.say(f"{names[new]} instead of {names[old]} {at}: there is time for it")
        self._exhausted = self._exhausted + 1 if governor.exhausted else 0
        if self._exhausted == _EXHAUSTED_WINDOWS:
            self._notices.say(
                f"even {names[0]} can't keep up with this source on this machine: frames are dropped to stay in time; "
                "a smaller --scale or a faster --preset helps"
            )

    def _publish(self, now_s: float) -> None:
        before, self._shown = self._shown, self._counts(now_s)
        elapsed_s = now_s - before.at_s
        frames = self._shown.upscaled - before.upscaled
        stage_ms = dict(self._controls.snapshot.stage_ms)
        if frames:
            stage_ms["upscale"] = 1e3 * (self._shown.busy_s - before.busy_s) / frames
        for outlet in self._outlets:
            if outlet.written:
                stage_ms[outlet.sink.name] = 1e3 * outlet.busy_s / outlet.written
        recent = {o.sink.name: o.meter.recent() for o in self._outlets}
        self._controls.snapshot = Snapshot(
            status=self._status(),
            network=self._ladder.network,
            scale=self._controls.choice[1],
            source_size=self._sizes[0],
            output_size=self._sizes[1],
            fps_in=(self._shown.arrived - before.arrived) / elapsed_s,
            fps_out=frames / elapsed_s,
            stage_ms=stage_ms,
            latency={name: value for name, value in recent.items() if value is not None},
            dropped=self._shown.dropped,
            tier_changes=max(len(self._ladder.changes) - 1, 0),
            reconnects=self._stages.source.reconnects,
        )

    def _status(self) -> Status:
        if self._controls.paused:
            return "paused"
        if self._stages.source.lost:
            return "lost"
        return "live" if self._ladder.frames else "starting"

    def _counts(self, now_s: float) -> "_Counts":
        stages = self._stages
        return _Counts(now_s, stages.decoded.items, stages.dropped, self._ladder.frames, self._ladder.busy_s)


class _Counts:
    """The run's counters at one moment."""

    def __init__(self, at_s: float, arrived: int = 0, dropped: int = 0, upscaled: int = 0, busy_s: float = 0.0):
        self.at_s = at_s
        self.arrived = arrived
        self.dropped = dropped
        self.upscaled = upscaled
        self.busy_s = busy_s
