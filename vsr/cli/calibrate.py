"""``vsr calibrate``: make the ranges with which weights run in int8, and measure what that costs."""

from pathlib import Path
from typing import Annotated

import typer

from vsr.cli.shown import shown_in_line


def calibrate(
    *,
    weights: Annotated[str, typer.Option(help="Name of weights that ship, or a weights file.")],
    data: Annotated[Path, typer.Option(help="Folder of photographs, such as the training's.")],
    evaluation: Annotated[
        list[Path], typer.Option("--eval", help="Folder of images to measure the loss on; may be repeated.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="<weights>.int8.json beside the weights")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the patches.")] = 1,
) -> None:
    """Calibrate weights for --precision int8 on photographs, and write the ranges and the loss in dB.

    Convolutions that would cost more than 0.05 dB keep their floats.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.training.calibration import CalibrationRequest, run_calibration

    request = CalibrationRequest(weights, data, tuple(evaluation), out, seed)
    written = run_calibration(request, lambda line: typer.echo(shown_in_line(line), err=True))
    typer.echo(shown_in_line(str(written)))
