"""LiveSpec: everything a live run is asked to do, checked before anything is opened."""

from dataclasses import dataclass

from vsr.errors import UsageError
from vsr.spec import PipelineSpec

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8767


@dataclass(frozen=True)
class LiveSpec:
    """One live run: a source, sinks, and how the picture is made between them."""

    source: str
    sinks: tuple[str, ...]
    pipeline: PipelineSpec
    """Network, size, device and encoder; its ``source`` and ``output`` are not used."""
    max_latency_ms: float | None = 300.0
    """Beyond it a cheaper network takes over; None: the network stays, whatever the delay."""
    realtime: bool = False
    """Read a file at its own pace."""
    audio: bool = True
    duration_s: float | None = None
    """End after so long; None: until stopped."""
    host: str = DEFAULT_HOST
    """Where the page is served."""
    port: int = DEFAULT_PORT

    def __post_init__(self) -> None:
        if not self.sinks:
            raise UsageError("a live run needs a sink: a window, a file, an address, '-' or web")
        if self.max_latency_ms is not None and not self.max_latency_ms > 0:
            raise UsageError(f"--max-latency-ms is {self.max_latency_ms:g}; it must be more than 0")
        if self.duration_s is not None and not self.duration_s > 0:
            raise UsageError(f"--duration is {self.duration_s:g}; it must be more than 0 seconds")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port is {self.port}; it must be between 0 and 65535")
