"""``vsr eval``: score networks on folders of images and on videos."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vsr.cli.shown import cell, shown, shown_in_line
from vsr.errors import SinkError, UsageError
from vsr.io.durable import write_report

if TYPE_CHECKING:
    from vsr.evaluation.run import Evaluation


class Precision(StrEnum):
    """Arithmetic of the network."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Track(StrEnum):
    """How images are shrunk."""

    clean = "clean"
    jpeg = "jpeg"


class Codec(StrEnum):
    """What compresses the shrunk videos."""

    h264 = "h264"
    hevc = "hevc"
    vp9 = "vp9"
    av1 = "av1"


def evaluate(
    *,
    data: Annotated[
        list[Path] | None, typer.Option(help="Folder of high-resolution images, to shrink and upscale again.")
    ] = None,
    video: Annotated[
        list[Path] | None, typer.Option(help="High-resolution video, lossless at best, or a folder of its frames.")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Network to score, or 'all'; default: what --weights is for, or lrsrn.")
    ] = None,
    scale: Annotated[list[int] | None, typer.Option(help="Factor by which both sides grow; default: 2.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights: a shipped name, a file, or 'all' that ship; default: what ships.")
    ] = None,
    track: Annotated[
        list[Track] | None, typer.Option(help="How images are shrunk, jpeg as in LRSRN's paper; default: clean.")
    ] = None,
    codec: Annotated[
        Codec | None, typer.Option(help="What compresses the shrunk videos, with --crf; default: h264.")
    ] = None,
    crf: Annotated[str, typer.Option(help="Rate factors, such as 23,28,33; 'none' does not compress.")] = "none",
    frames: Annotated[int | None, typer.Option(help="At most so many frames of each video.")] = None,
    tof: Annotated[bool, typer.Option("--tof", help="Measure the error of the optical flow too.")] = False,
    time: Annotated[str | None, typer.Option(help="Time each network on frames of WIDTHxHEIGHT, as 960x540.")] = None,
    precision: Annotated[Precision, typer.Option(help="Arithmetic of the network.")] = Precision.float32,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json_path: Annotated[str | None, typer.Option("--json", help="Write the scores as JSON to a file, or '-'.")] = None,
    markdown_path: Annotated[
        str | None, typer.Option("--markdown", help="Write them as Markdown tables to a file, or '-'.")
    ] = None,
) -> None:
    """Print PSNR and SSIM of luma as the literature measures them, ours beside published.

    --data, --video, --network, --scale and --track may be repeated. Videos get their error in time too.
    """
    _check_outputs(json_path, markdown_path)
    if codec is not None and crf == "none":
        raise UsageError(f"--codec {codec.value} needs to know how strongly to compress; give --crf, such as 23,28,33")
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.evaluation.run import run_evaluation
    from vsr.evaluation.spec import EvaluationSpec, parse_crfs, parse_frame_size

    spec = EvaluationSpec(
        folders=tuple(data or ()),
        tracks=tuple(one.value for one in track or (Track.clean,)),
        videos=tuple(video or ()),
        codec=(codec or Codec.h264).value,
        crfs=parse_crfs(crf),
        most_frames=frames,
        flow=tof,
        networks=tuple(network or ()),
        scales=tuple(scale or ()),
        weights=weights,
        precision=precision.value,
        device=device,
        frame_size=None if time is None else parse_frame_size(time),
    )
    _deliver(run_evaluation(spec, tell=_silent if spec.single else _tell), json_path, markdown_path)


def _silent(_: str) -> None:
    """One network on one folder needs no word about how far it is."""


def _tell(text: str) -> None:
    print(f"vsr: {shown_in_line(text)}", file=sys.stderr)


def _check_outputs(json_path: str | None, markdown_path: str | None) -> None:
    """Hours of scoring must not end with nowhere to write them. Raises UsageError or SinkError."""
    if json_path == "-" == markdown_path:
        raise UsageError("--json - and --markdown - both want standard output; give one of them a file")
    for option, path in (("--json", json_path), ("--markdown", markdown_path)):
        if path not in (None, "-") and not Path(path).parent.is_dir():
            raise SinkError(f"can't write {path}: its folder does not exist; give {option} a writable path")


def _deliver(evaluation: "Evaluation", json_path: str | None, markdown_path: str | None) -> None:
    """Write what was asked for; print the scores where nothing else goes to standard output. Raises SinkError."""
    from vsr.evaluation.markdown import markdown
    from vsr.evaluation.tables import evaluation_table

    table, text = evaluation_table(evaluation), markdown(evaluation)
    _write("--json", json_path, json.dumps(table, indent=2, allow_nan=False) + "\n")
    _write("--markdown", markdown_path, text)
    if "-" in (json_path, markdown_path):
        return
    if evaluation.spec.single:
        _print_scores(table)
    else:
        print(shown(text), end="")


def _write(option: str, path: str | None, text: str) -> None:
    if path == "-":
        print(shown(text), end="")
    elif path is not None:
        try:
            write_report(Path(path), text.encode())
        except OSError as exc:
            raise SinkError(f"can't write {path}: {exc.strerror or exc}; give {option} a writable path") from exc


def _print_scores(table: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{table['network']} x{table['scale']}, {Path(table['data']).name}"
    caption = f"weights {table['weights'] or 'none'}, {table['parameters']} parameters"
    view = Table("image", title=cell(title), caption=cell(caption))
    view.add_column("PSNR-Y dB", justify="right")
    view.add_column("SSIM-Y", justify="right")
    for image in table["images"]:
        view.add_row(cell(image["name"]), _decibels(image["psnr_y"]), f"{image['ssim_y']:.4f}")
    view.add_section()
    view.add_row("mean", _decibels(table["psnr_y"]), f"{table['ssim_y']:.4f}")
    Console(file=sys.stdout).print(view)


def _decibels(value: float | None) -> str:
    return "identical" if value is None else f"{value:.2f}"
