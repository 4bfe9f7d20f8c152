"""What comes out of a comparison."""

from dataclasses import dataclass
from pathlib import Path

from vsr.comparison.inputs import Role, Size
from vsr.comparison.scoring import Mean, Moment


@dataclass(frozen=True)
class Comparison:
    """One finished comparison."""

    page: Path
    size: Size
    """Of all pictures when they were scored and shown."""
    every: int
    """Each so-manieth frame of A is scored."""
    pairs: tuple[tuple[Role, Role], ...]
    """What is scored against what."""
    means: tuple[Mean, ...]
    """In the order of ``pairs``."""
    moments: tuple[Moment, ...]
    shown: tuple[int, ...]
    """Indices of the moments that the page shows."""
