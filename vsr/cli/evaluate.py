"""``vsr eval``: score a network on a folder of images."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Precision(StrEnum):
    """Arithmetic of the network."""

    float32 = "float32"
    bfloat16 = "bfloat16"


def evaluate(
    *,
    data: Annotated[Path, typer.Option(help="Folder of high-resolution images; each is shrunk and upscaled again.")],
    network: Annotated[str, typer.Option(help="Network to score; 'bicubic' is the baseline.")] = "lrsrn",
    scale: Annotated[int, typer.Option(help="Factor by which both sides grow.")] = 2,
    weights: Annotated[
        str | None, typer.Option(help="Shipped weights name or .safetensors file; default: what ships.")
    ] = None,
    json_path: Annotated[str | None, typer.Option("--json", help="Write the scores as JSON to a file, or '-'.")] = None,
    precision: Annotated[Precision, typer.Option(help="Arithmetic of the network.")] = Precision.float32,
) -> None:
    """Print PSNR and SSIM of luma as the literature measures them: shrunk by MATLAB's bicubic, rounded to 8 bits."""
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.evaluation.benchmark import evaluate_folder
    from vsr.evaluation.tables import benchmark_table
    from vsr.networks import load

    loaded = load(network, scale, weights)
    result = evaluate_folder(loaded.network, data, precision.value)
    table = benchmark_table(result, loaded, data)
    if json_path == "-":
        print(json.dumps(table, indent=2, allow_nan=False))
        return
    if json_path is not None:
        _write_json(Path(json_path), table)
    _print_scores(table)


def _write_json(path: Path, table: dict[str, Any]) -> None:
    from vsr.errors import SinkError

    try:
        path.write_text(json.dumps(table, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as exc:
        raise SinkError(f"can't write {path}: {exc.strerror or exc}; give --json a writable path") from exc


def _print_scores(table: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{table['network']} x{table['scale']}, {Path(table['data']).name}"
    view = Table(
        "image", title=title, caption=f"weights {table['weights'] or 'none'}, {table['parameters']} parameters"
    )
    view.add_column("PSNR-Y dB", justify="right")
    view.add_column("SSIM-Y", justify="right")
    for image in table["images"]:
        view.add_row(image["name"], _decibels(image["psnr_y"]), f"{image['ssim_y']:.4f}")
    view.add_section()
    view.add_row("mean", _decibels(table["psnr_y"]), f"{table['ssim_y']:.4f}")
    Console(file=sys.stdout).print(view)


def _decibels(value: float | None) -> str:
    return "identical" if value is None else f"{value:.2f}"
