"""``vsr train``: make a weights file from a recipe and a folder of images."""

from pathlib import Path
from typing import Annotated

import typer

from vsr.cli.shown import shown_in_line


def train(
    *,
    recipe: Annotated[str, typer.Option(help="Name of a recipe that ships, or a TOML file.")],
    data: Annotated[Path, typer.Option(help="Folder of high-resolution training images.")],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option("--eval", help="Folder of images to score on; may be repeated. A recipe may stop by the first."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint, the scalars and the weights.")] = Path(
        "training"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    steps_factor: Annotated[int, typer.Option(help="Train so many times as long as the recipe says.")] = 1,
    compiled: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Compile the step.", show_default="on a GPU")
    ] = None,
) -> None:
    """Train a network and write its deployed weights and their card to OUT/<recipe>.safetensors and .json.

    A recipe of several scales gives a file for each.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.training.run import TrainingRequest, run_training

    request = TrainingRequest(
        recipe=recipe,
        data=data,
        eval_folders=tuple(evaluation or ()),
        out=out,
        resume=resume,
        device=device,
        steps_factor=steps_factor,
        compiled=compiled,
    )
    for path in run_training(request, shown_in_line):
        typer.echo(shown_in_line(str(path)))
