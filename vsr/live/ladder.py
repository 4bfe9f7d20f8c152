"""The upscaling stage of a live run: networks from cheap to dear, the dearest that keeps up at work."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self

from vsr.errors import VsrError
from vsr.frames import VideoInfo
from vsr.io.live.contract import LiveFrame
from vsr.live.controls import Controls
from vsr.live.rung import Rung, RungPlan, plan_rungs
from vsr.notices import Notices
from vsr.spec import PipelineSpec

_MEASURE_AGAIN_S = 8.0
_MEASURING_SHARE = 0.01
"""Of the time, at most."""
_HOPELESS = 2
"""Times a frame's interval: a network that takes longer will not keep up soon."""
_USUAL_RATE = 25


class Ladder:
    """Call it with the source's frames for the upscaled ones, in order, one out for each in; a None passes through.

    ``wanted`` is the rung to use (0 the cheapest), set from another thread; where it is not ready yet, the next
    cheaper one works. Without ``may_descend`` there is only the network that was asked for.
    """

    def __init__(self, spec: PipelineSpec, controls: Controls, notices: Notices, *, may_descend: bool):
        self._spec = spec
        self._controls = controls
        self._asked = controls.choice
        self._notices = notices
        self._may_descend = may_descend
        self._key: object = None
        self._rungs: _Rungs | None = None
        self._retired: list[_Rungs] = []
        self.wanted = 0
        self.generation = 0
        """Grows when the rungs are other ones: what was learnt of the old ones holds no longer."""
        self.changes: list[tuple[float, str]] = []
        """(time.monotonic(), network) of each change of the network at work."""
        self.frames = 0
        self.busy_s = 0.0
        self.last_s = 0.0
        """What the last frame took."""

    def __call__(self, frames: Iterable[LiveFrame | None]) -> Iterator[LiveFrame | None]:
        for frame in frames:
            if frame is None:
                yield None
                continue
            rung = self._rungs_for(frame.info).best(self.wanted)
            if not self.changes or self.changes[-1][1] != rung.name:
                self.changes.append((time.monotonic(), rung.name))
            started = time.perf_counter()
            upscaled = _upscaled(frame, rung)
            self.last_s = time.perf_counter() - started
            self.busy_s += self.last_s
            self.frames += 1
            yield upscaled

    @property
    def network(self) -> str:
        """The one at work."""
        return self.changes[-1][1] if self.changes else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The rungs, ready or not, the cheapest first."""
        return self._rungs.names if self._rungs else ()

    @property
    def costs_ms(self) -> tuple[float, ...]:
        """Milliseconds a frame of the rungs that are ready, as measured when they got so."""
        return self._rungs.costs_ms if self._rungs else ()

    def _rungs_for(self, info: VideoInfo) -> "_Rungs":
        """The rungs for such pictures and the present choice, made anew when one of them changed."""
        choice = self._controls.choice
        key = (info.width, info.height, info.layout, info.color, info.sample_aspect_ratio, choice)
        if self._rungs is None or key != self._key:
            if self._rungs is not None:
                self._rungs.retire()
                self._retired = [rungs for rungs in (*self._retired, self._rungs) if rungs.thread.is_alive()]
            plans = plan_rungs(self._chosen(), info, may_descend=self._may_descend)
            self._rungs, self._key = _Rungs(plans, self._notices), key
            self.generation += 1
        return self._rungs

    def _chosen(self) -> PipelineSpec:
        """The spec with the viewers' choice in it: weights and an exact size hold for what they were given with."""
        spec, (network, scale) = self._spec, self._controls.choice
        if network != self._asked[0]:
            spec = replace(spec, network=network, weights=None)
        if scale != self._asked[1]:
            spec = replace(spec, scale=scale, to=None)
        return spec

    def close(self) -> None:
        """Give every network's device back."""
        if self._rungs is not None:
            self._rungs.retire()
            self._retired.append(self._rungs)
            self._rungs = None
        for rungs in self._retired:
            rungs.thread.join()
        self._retired.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Rungs:
    """Networks for one kind of picture: the cheapest is ready at once, the others as a thread gets them ready."""

    def __init__(self, plans: Sequence[RungPlan], notices: Notices):
        self.names = tuple(plan.name for plan in plans)
        self._notices = notices
        self._ready = [plans[0].open(notices)]
        self._waiting = deque(plans[1:])
        self._hopeless_ms = _HOPELESS * 1e3 / float(plans[0].source.frame_rate or _USUAL_RATE)
        self._used = 0
        self._leave = threading.Event()
        self.thread = threading.Thread(target=self._own, name="vsr-prepare", daemon=True)
        self.thread.start()

    def _own(self) -> None:
        """Get the others ready, keep their costs true, and close all of them when they are no longer wanted."""
        pause_s = 0.0
        try:
            while not self._leave.wait(pause_s):
                # What comes after a network that is far too dear is dearer: it waits until that one is not.
                if self._waiting and self._ready[-1].cost_ms <= self._hopeless_ms:
                    self._ready.append(self._waiting.popleft().open(self._notices))
                    pause_s = _MEASURE_AGAIN_S * (not self._waiting)
                else:
                    pause_s = max(_MEASURE_AGAIN_S, self._measure_next() / _MEASURING_SHARE)
        except VsrError as error:
            self._notices.say(f"{self.names[len(self._ready) - 1]} is the dearest network that works here: {error}")
        self._leave.wait()
        for rung in self._ready:
            rung.upscaling.close()

    def _measure_next(self) -> float:
        """The one above the one at work again, which was measured beside what ran then; how many seconds that took."""
        started = time.perf_counter()
        above = self._used + 1
        if above < len(self._ready):
            self._ready[above] = self._ready[above].measured()
        return time.perf_counter() - started

    @property
    def costs_ms(self) -> tuple[float, ...]:
        return tuple(rung.cost_ms for rung in self._ready)

    def best(self, wanted: int) -> Rung:
        """The rung ``wanted``, or the dearest that is ready below it."""
        self._used = min(wanted, len(self._ready) - 1)
        return self._ready[self._used]

    def retire(self) -> None:
        """Not used from now on."""
        self._leave.set()


def _upscaled(frame: LiveFrame, rung: Rung) -> LiveFrame:
    larger = replace(frame.frame, planes=rung.upscaling.upscale(frame.frame))
    return LiveFrame(larger, rung.info, frame.captured_s, before=frame, held=frame.held)
