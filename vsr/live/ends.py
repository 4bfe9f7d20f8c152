"""The two ends of a live run, opened from their names: the source, and the sinks, which share one page."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from vsr.io.live.contract import LiveSink, LiveSource
from vsr.live.controls import Controls
from vsr.live.spec import LiveSpec
from vsr.notices import Notices

if TYPE_CHECKING:
    from vsr.web.server import Web

BROWSER = "browser"


@contextmanager
def open_ends(spec: LiveSpec, controls: Controls, notices: Notices) -> Iterator[tuple[LiveSource, list[LiveSink]]]:
    """(source, sinks) of ``spec``; the page is served while this is open. Raises UsageError, SourceError, SinkError."""
    from vsr.io.live.source import open_source
    from vsr.live.sinks import make_sinks

    with ExitStack() as stack:

        @cache
        def page() -> "Web":
            from vsr.web.server import Web  # needs the packages of the extra

            return stack.enter_context(Web(spec.host, spec.port, controls, notices, camera=spec.source == BROWSER))

        sinks = make_sinks(spec, controls, notices, web=lambda: page().sink())
        if spec.source == BROWSER:
            yield page().source(audio=spec.audio), sinks
        else:
            yield (
                open_source(spec.source, spec.pipeline, notices, realtime=spec.realtime, audio=spec.audio),
                sinks,
            )
