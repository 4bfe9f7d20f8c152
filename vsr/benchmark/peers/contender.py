"""A peer on one clip: a process that decodes it, upscales it, drops the frames and tells when each was done."""

from dataclasses import dataclass

from vsr.benchmark.processes import ask
from vsr.benchmark.timing import Timing, timing_of


@dataclass(frozen=True)
class Contender:
    """How to run one peer on one clip."""

    peer: str
    setting: str
    """In words: what tells it from the same peer's others, such as its network and precision."""
    width: int
    height: int
    """Of the clip."""
    command: tuple[str, ...]
    """Prints a JSON object: ``laps_s`` (when each frame was done, from the start), ``wall_s``, ``cpu_s``."""
    network: str | None = None
    """Of vsr's, where the peer runs one with the same weights."""

    @property
    def label(self) -> str:
        """In words, for tables."""
        return f"{self.peer} {self.width}x{self.height} {self.setting}"

    def measure(self) -> Timing:
        """One round. Raises VsrError."""
        answer = ask(self.command, "", self.label)
        return timing_of(answer["laps_s"], answer["wall_s"], answer["cpu_s"])
