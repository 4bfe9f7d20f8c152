"""What is asked of a device whose memory is full: the same frames again, fewer at once, in strips, or of the CPU."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import torch

from vsr.backends import Planes, Runner
from vsr.errors import BackendError, DeviceMemoryError
from vsr.placement import Placement


@dataclass(frozen=True)
class Strips:
    """How a network may be cut into strips."""

    whole: int
    """Rows of the picture."""
    least: int | None
    """Rows of the lowest strip that is worth while; None where the network looks at the whole picture."""


@dataclass(frozen=True)
class _Step:
    """What the device is asked to do at once."""

    placement: Placement
    most: int | None = None
    """Pictures at once; None: a batch as it comes."""


class MemoryLadder:
    """A ``vsr.backends.Runner`` that steps down where its device has not memory enough, and does the batch again.

    The steps, each told to ``tell``: half as many pictures at once, down to one; strips of half as many rows, where
    the network can be cut; ``placement.fallback``, where there is one. It stays on the step that it has reached. Below
    the last one it raises DeviceMemoryError. ``load`` puts the model on a device; the runner before is closed then.
    """

    def __init__(
        self,
        load: Callable[[Placement], Runner],
        placement: Placement,
        strips: Strips,
        tell: Callable[[str], None] | None = None,
    ):
        self._load = load
        self._strips = strips
        self._say = tell or (lambda _: None)
        self._step = self._first = _Step(placement)
        self._runner: Runner | None = None
        self.device = placement.device
        """Where it runs, in words fit for a report."""
        self._take(self._step)

    @property
    def placement(self) -> Placement:
        """Where and how the network runs now."""
        return self._step.placement

    @property
    def stepped_down(self) -> bool:
        """Whether it runs in another way than it was asked to."""
        return self._step != self._first

    def __call__(self, planes: Planes) -> Planes:
        """As ``Runner.__call__``."""
        while True:
            try:
                made = [self._loaded()(part) for part in _parts(planes, self._step.most)]
                return made[0] if len(made) == 1 else tuple(torch.cat(column) for column in zip(*made, strict=True))
            except DeviceMemoryError as exc:
                below = self._below(exc, planes[0].shape[0])
            self._take(below)

    def stream(self, batches: Iterable[Planes], *, hold: int | None) -> Iterator[Planes]:
        """As ``Runner.stream``; a batch must stay as it is until its result is out, for it may be needed again."""
        feed = _Feed(batches)
        while True:
            try:
                yield from self._results(feed, hold)
                return
            except DeviceMemoryError as exc:
                below = self._below(exc, max((planes[0].shape[0] for planes in feed.inside), default=1))
            self._take(below)

    def close(self) -> None:
        """As ``Runner.close``; safe to call twice."""
        if self._runner is not None:
            self._runner.close()

    def _results(self, feed: "_Feed", hold: int | None) -> Iterator[Planes]:
        most = self._step.most
        if most is None:
            for made in self._loaded().stream(feed, hold=hold):
                feed.inside.popleft()
                yield made
        else:
            parts = (part for planes in feed for part in _parts(planes, most))
            yield from _joined(self._loaded().stream(parts, hold=0), feed)

    def _loaded(self) -> Runner:
        if self._runner is None:
            raise BackendError(f"{self.device} has no network loaded")
        return self._runner

    def _take(self, step: _Step) -> None:
        """Load for ``step``, or for one below it. The errors before are gone by now, and with them what they held."""
        while True:
            self.close()
            self._runner, self._step = None, step
            try:
                self._runner = self._load(step.placement)
                self.device = self._runner.device
                return
            except DeviceMemoryError as exc:
                self.device = step.placement.device
                step = self._below(exc, None)

    def _below(self, error: DeviceMemoryError, pictures: int | None) -> _Step:
        """The next step down from here, after ``error`` met that many pictures; None: it met the network alone.

        Raises DeviceMemoryError where there is none.
        """
        placement = self._step.placement
        rows, least = placement.strip_rows or self._strips.whole, self._strips.least
        at_once = min(pictures or 1, self._step.most or pictures or 1)
        if at_once > 1:
            half = -(-at_once // 2)
            self._say(f"{self.device} is out of memory: pictures go through it {half} at a time from now on")
            return replace(self._step, most=half)
        if pictures is not None and least is not None and rows > least:
            fewer = max(rows // 2, least)
            self._say(f"{self.device} is out of memory: the network runs on strips of {fewer} rows from now on")
            return replace(self._step, placement=replace(placement, strip_rows=fewer))
        if placement.fallback is not None:
            self._say(f"{self.device} is out of memory{self._tried(pictures)}: the CPU goes on, which is slower")
            if placement.fallback.remark:
                self._say(placement.fallback.remark)
            return _Step(placement.fallback)
        way_out = "" if placement.device == "cpu" else "--allow-cpu-fallback goes on on the CPU, "
        raise DeviceMemoryError(
            f"{self.device} is out of memory{self._tried(pictures)}; {way_out}a lighter --network needs less"
        ) from error

    def _tried(self, pictures: int | None) -> str:
        if pictures is None:
            return " before the first picture"
        if self._strips.least is None:
            return ", even with --batch-size 1 (this network looks at the whole picture, which --strip-rows can't cut)"
        rows = self._step.placement.strip_rows or self._strips.whole
        return f", even with --batch-size 1 and --strip-rows {rows}"


class _Feed:
    """Batches on their way into a runner, kept until their results are out; iterated again, those come first."""

    def __init__(self, batches: Iterable[Planes]):
        self._coming = iter(batches)
        self._again: deque[Planes] = deque()
        self.inside: deque[Planes] = deque()
        """Given to the runner, in order; whoever takes a result takes its batch off."""

    def __iter__(self) -> Iterator[Planes]:
        self._again.extendleft(reversed(self.inside))
        self.inside.clear()
        while (planes := self._next()) is not None:
            self.inside.append(planes)
            yield planes

    def _next(self) -> Planes | None:
        return self._again.popleft() if self._again else next(self._coming, None)


def _parts(planes: Planes, most: int | None) -> Iterator[Planes]:
    if most is None:
        yield planes
    else:
        yield from zip(*(torch.split(plane, most) for plane in planes), strict=True)


def _joined(parts: Iterable[Planes], feed: _Feed) -> Iterator[Planes]:
    """Whole batches in memory of their own: that of a part may be used again as soon as the next one is taken."""
    whole: Planes = ()
    done = 0
    for part in parts:
        if not done:
            count = feed.inside[0][0].shape[0]
            whole = tuple(torch.empty((count, *plane.shape[1:]), dtype=plane.dtype) for plane in part)
        for joined, plane in zip(whole, part, strict=True):
            joined[done : done + plane.shape[0]] = plane
        done += part[0].shape[0]
        if done == whole[0].shape[0]:
            feed.inside.popleft()
            done = 0
            yield whole
