"""Live sources as tests look at them: some frames, when they were seen, and what the run had to say."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.live import timecode
from vsr.io.live.address import parse
from vsr.io.live.source import StreamSource
from vsr.notices import Notices
from vsr.spec import make_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vsr.frames import VideoInfo
    from vsr.io.live.contract import LiveAudio, LiveFrame


@dataclass(frozen=True)
class Sight:
    """One frame as it was seen."""

    pts: int
    captured_s: float
    seen_s: float
    info: VideoInfo
    code: timecode.Timecode | None


@dataclass
class Watched:
    """A source and what it gave so far."""

    source: StreamSource
    notices: Notices
    sights: list[Sight] = field(default_factory=list)
    sound: list[LiveAudio] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source.listen(self.sound.append)

    def __iter__(self) -> Iterator[Sight]:
        """Each frame as it comes; leaving the loop closes the source."""
        with self.source:
            for frame in self.source:
                self.sights.append(_sight(frame))
                yield self.sights[-1]

    def take(self, count: int | None = None) -> list[Sight]:
        """The first ``count`` frames, or all."""
        for _ in self:
            if len(self.sights) == count:
                break
        return self.sights

    def said(self, words: str) -> bool:
        return any(words in notice for notice in self.notices.said)


def watch(name: str | Path, *, realtime: bool = False, audio: bool = True, **address: object) -> Watched:
    """The source called ``name``; ``address`` replaces fields of its Address, such as its timeouts."""
    notices = Notices()
    parsed = replace(parse(str(name), realtime=realtime), **address)  # type: ignore[arg-type]
    return Watched(StreamSource(parsed, make_spec("", ""), notices, audio=audio), notices)


def at_once(check: Callable[..., None], cases: Sequence[tuple[object, ...]]) -> None:
    """``check`` with the arguments of each case, all at the same time: they wait more than they work."""
    with ThreadPoolExecutor(len(cases)) as pool:
        for running in [pool.submit(check, *case) for case in cases]:
            running.result()


def _sight(frame: LiveFrame) -> Sight:
    seen_s = time.monotonic()
    luma = frame.frame.planes[0]
    code = timecode.read(luma) if luma.dtype == "uint8" else None  # type: ignore[arg-type]
    return Sight(frame.frame.pts, frame.captured_s, seen_s, frame.info, code)
