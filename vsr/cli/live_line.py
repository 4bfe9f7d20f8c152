"""The line on a terminal that says how a live run stands; silence elsewhere."""

import sys
from typing import Self

from rich.console import Console
from rich.live import Live

from vsr.live.controls import Controls, Snapshot

_REFRESHES_A_SECOND = 4


class LiveLine:
    """Shows the snapshots of ``controls`` while it is entered."""

    def __init__(self, controls: Controls, *, enabled: bool):
        self._live: Live | None = None
        if enabled and sys.stderr.isatty():
            self._live = Live(
                get_renderable=lambda: describe(controls.snapshot),
                console=Console(stderr=True),
                refresh_per_second=_REFRESHES_A_SECOND,
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()


def describe(state: Snapshot) -> str:
    """One line: sizes, network, rates, delay of the slowest sink, losses."""
    if not state.network:
        return state.status
    (width, height), (out_width, out_height) = state.source_size, state.output_size
    late = max(state.latency.values(), key=lambda p: p.p95_ms, default=None)
    delay = "" if late is None else f", {late.p50_ms:.0f} ms behind (95%: {late.p95_ms:.0f})"
    return (
        f"{state.status}: {width}x{height} to {out_width}x{out_height} with {state.network}, "
        f"{state.fps_in:.1f} fps in, {state.fps_out:.1f} out{delay}, {state.dropped} dropped"
    )
