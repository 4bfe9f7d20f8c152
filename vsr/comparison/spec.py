"""ComparisonSpec: everything a comparison is asked to do, checked before anything is opened."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vsr.errors import UsageError

MOST_FRAMES = 200
"""On one page."""


@dataclass(frozen=True)
class ComparisonSpec:
    """One comparison. Inputs are videos, pictures or numbered pictures (``in_%04d.png``), all of one kind."""

    a: str
    b: str
    reference: str | None = None
    """What A and B should look like; None scores B against A."""
    page: str | None = None
    """HTML file to write, or a folder for it; None puts ``NAME_OF_B.compare.html`` beside B."""
    png_folder: str | None = None
    """Folder for side-by-side PNG files; None writes none."""
    frames: int = 12
    """How many frames to show, 1 to 200, spread evenly over what is scored."""
    every: int | None = None
    """Score each n-th frame; None scores all of a short video, about 300 of a long one."""
    align_starts: bool = False
    """Count the time of each input from its own first frame."""
    frame_rate: Fraction | None = None
    """Of numbered pictures; 25 when None."""
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= MOST_FRAMES:
            raise UsageError(f"--frames is {self.frames}; a page shows 1 to {MOST_FRAMES}")
        if self.every is not None and self.every < 1:
            raise UsageError(f"--every is {self.every}; it must be at least 1")
        if self.page_path.suffix.lower() not in {".html", ".htm"}:
            raise UsageError(f"--out is {self.page}; the page is HTML, so give a name that ends in .html")

    @property
    def inputs(self) -> tuple[str, ...]:
        """A, B and, where there is one, the reference."""
        return (self.a, self.b) if self.reference is None else (self.a, self.b, self.reference)

    @property
    def page_path(self) -> Path:
        """Where the page goes."""
        name = f"{Path(self.b).stem}.compare.html"
        if self.page is None:
            return Path(self.b).parent / name
        return Path(self.page) / name if Path(self.page).is_dir() else Path(self.page)
