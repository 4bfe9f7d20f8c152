"""What a live run did, as one record for people and for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from vsr.errors import SinkError
from vsr.live.controls import Percentiles
from vsr.live.outlets import Outlet
from vsr.live.stages import LiveStages
from vsr.notices import Notices


@dataclass(frozen=True)
class SinkReport:
    """One sink of a live run."""

    name: str
    frames: int
    """Written, held ones included."""
    dropped: int
    """Frames that a newer one replaced while the sink was still busy."""
    failures: int
    error: str | None
    """Why it was given up, if it was."""
    ms_per_frame: float
    latency: Percentiles | None
    """From the capture of a frame until this sink was done with it: encoded, and handed to the muxer."""


@dataclass(frozen=True)
class LiveReport:
    """One finished live run; ``as_dict`` is what ``--json`` writes."""

    source: str
    wall_s: float
    frames_in: int
    """Decoded."""
    frames_upscaled: int
    dropped: int
    """Decoded frames that gave way to newer ones before they were upscaled."""
    held: int
    """Frames shown again while the source was gone or the run paused."""
    reconnects: int
    corrupt_packets: int
    upscale_ms: float
    networks: tuple[tuple[float, str], ...]
    """(seconds from the start, network) of each change of the network at work, the first included."""
    sinks: tuple[SinkReport, ...]
    notices: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def check(self) -> None:
        """Raises SinkError where a sink was given up while others went on."""
        failed = [sink.error for sink in self.sinks if sink.error]
        if failed:
            raise SinkError("; ".join(failed))


def make_live_report(stages: LiveStages, notices: Notices, *, wall_s: float) -> LiveReport:
    """Gather the report of a finished run."""
    source, ladder = stages.source, stages.ladder
    return LiveReport(
        source=source.name,
        wall_s=wall_s,
        frames_in=stages.decoded.items,
        frames_upscaled=ladder.frames,
        dropped=stages.dropped,
        held=stages.hold.held,
        reconnects=source.reconnects,
        corrupt_packets=source.corrupt_packets,
        upscale_ms=1e3 * ladder.busy_s / max(ladder.frames, 1),
        networks=tuple((at_s - stages.started_s, name) for at_s, name in ladder.changes),
        sinks=tuple(_sink_report(outlet) for outlet in stages.outlets.outlets),
        notices=notices.said,
    )


def _sink_report(outlet: Outlet) -> SinkReport:
    return SinkReport(
        name=outlet.sink.name,
        frames=outlet.written,
        dropped=outlet.dropped,
        failures=outlet.failures,
        error=None if outlet.error is None else str(outlet.error),
        ms_per_frame=1e3 * outlet.busy_s / max(outlet.written, 1),
        latency=outlet.meter.whole(),
    )
