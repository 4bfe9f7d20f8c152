"""``vsr compare``: two videos or pictures side by side, on a page and in figures."""

import sys
from typing import TYPE_CHECKING, Annotated, Self

import typer

from vsr.cli import options
from vsr.cli.shown import shown

if TYPE_CHECKING:
    from vsr.comparison.result import Comparison


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Video, picture or numbered pictures (in_%04d.png).")],
    b: Annotated[str, typer.Argument(metavar="B", help="What to compare A with; another size is no obstacle.")],
    *,
    reference: Annotated[str | None, typer.Option(help="What both should look like; they are scored by it.")] = None,
    out: Annotated[
        str | None, typer.Option(help="Page to write, or a folder for it (NAME_OF_B.compare.html beside B by default).")
    ] = None,
    png: Annotated[str | None, typer.Option(help="Folder for side-by-side PNG files: A, B, difference x8.")] = None,
    frames: Annotated[int, typer.Option(help="How many frames to show, spread evenly, 1 to 200.")] = 12,
    every: Annotated[
        int | None, typer.Option(help="Score each n-th frame (all of a short video, about 300 of a long one).")
    ] = None,
    align_starts: Annotated[
        bool, typer.Option("--align-starts", help="Count the time of each input from its own first frame.")
    ] = False,
    frame_rate: options.FrameRate = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one HTML page with the pictures, their difference, PSNR and SSIM of luma over time, and the facts.

    Frames are matched by their timestamps. The page works without a network; its pictures take at most 64 MB.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.cli.run import tell
    from vsr.comparison.compare import compare as run_comparison
    from vsr.comparison.spec import ComparisonSpec
    from vsr.notices import Notices
    from vsr.spec import parse_rate

    spec = ComparisonSpec(
        a, b, reference=reference, page=out, png_folder=png, frames=frames, every=every, align_starts=align_starts,
        frame_rate=parse_rate(frame_rate) if frame_rate else None, overwrite=overwrite,
    )  # fmt: skip
    with _Scored(enabled=not quiet) as scored:
        result = run_comparison(spec, notices=Notices(None if quiet else tell), progress=scored.update)
    if not quiet:
        print(shown("\n".join(summary(result))))


def summary(result: "Comparison") -> list[str]:
    """The lines for a person: where the page is, and the scores over the whole span."""
    lines = [f"{result.page}: {len(result.shown)} of {len(result.moments)} scored frames shown"]
    for (scored, against), mean in zip(result.pairs, result.means, strict=True):
        psnr = "equal" if mean.psnr_y is None else f"{mean.psnr_y:.2f} dB"
        rest = f"SSIM-Y {mean.ssim_y:.4f}, mean difference {mean.difference:.2f}"
        lines.append(f"{scored} against {against}: PSNR-Y {psnr}, {rest}")
    return lines


class _Scored:
    """How many frames are scored so far, on a terminal; silence elsewhere."""

    def __init__(self, *, enabled: bool):
        from rich.console import Console
        from rich.status import Status

        self._status = Status("", console=Console(stderr=True)) if enabled and sys.stderr.isatty() else None

    def update(self, frames: int) -> None:
        if self._status is not None:
            self._status.update(f"{frames} frames scored")

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()
