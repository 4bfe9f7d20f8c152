"""What a viewer may see of a live run and ask of it, from any thread; there is nothing else that can be asked."""

import threading
from dataclasses import dataclass, field
from typing import Literal

from vsr.errors import UsageError

OWN_SIZE = 0
"""In the place of a scale: the size that the run was started with (``--to``)."""
Status = Literal["starting", "live", "lost", "paused", "ended"]


@dataclass(frozen=True)
class Percentiles:
    """Of a latency, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Snapshot:
    """How a live run stands; a new one several times a second."""

    status: Status = "starting"
    network: str = ""
    """The one at work, which may be a cheaper one than was asked for."""
    scale: int = OWN_SIZE
    source_size: tuple[int, int] = (0, 0)
    """(width, height)."""
    output_size: tuple[int, int] = (0, 0)
    fps_in: float = 0.0
    fps_out: float = 0.0
    stage_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds a frame of ``upscale``, just now, and of each sink by its name, over the whole run."""
    latency: dict[str, Percentiles] = field(default_factory=dict)
    """From capture to after the sink, by sink, over the last seconds."""
    dropped: int = 0
    """Frames that gave way to newer ones, since the start."""
    tier_changes: int = 0
    reconnects: int = 0


class Controls:
    """One run's: the networks and scales that may be chosen, the choice, pause and stop, and the latest snapshot."""

    def __init__(self, networks: tuple[str, ...], scales: tuple[int, ...], *, network: str, scale: int):
        self.networks = networks
        self.scales = scales
        self._lock = threading.Lock()
        self._choice = (network, scale)
        self._paused = False
        self._stop = threading.Event()
        self.snapshot = Snapshot()
        """Replaced whole by the run."""

    @property
    def choice(self) -> tuple[str, int]:
        """(network, scale) as asked for."""
        with self._lock:
            return self._choice

    def choose(self, *, network: str | None = None, scale: int | None = None) -> None:
        """Ask for another network or scale. Raises UsageError for one that is not among the choices."""
        if network is not None and network not in self.networks:
            raise UsageError(f"no network '{network}' here; choose one of: {', '.join(self.networks)}")
        if scale is not None and scale not in self.scales:
            raise UsageError(f"scale {scale} is not offered; choose one of: {', '.join(map(str, self.scales))}")
        with self._lock:
            self._choice = (network or self._choice[0], scale or self._choice[1])

    @property
    def paused(self) -> bool:
        """While true, sinks keep their last picture."""
        return self._paused

    def pause(self, *, on: bool) -> None:
        """Pause or go on."""
        self._paused = on

    def stop(self) -> None:
        """End the run as on Ctrl-C: recordings are finished."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """True once the run was asked to end."""
        return self._stop.is_set()

    def wait_stopped(self, timeout_s: float) -> bool:
        """Wait until ``stop`` is called, at most so long; true when it was."""
        return self._stop.wait(timeout_s)
