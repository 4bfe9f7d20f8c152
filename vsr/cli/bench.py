"""``vsr bench``: how fast each stage is, all of them together, against the machine's roof and against peers."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vsr.cli.shown import cell, shown_in_line

if TYPE_CHECKING:
    from vsr.benchmark.run import Benchmark


_LABEL_WIDTH = 30
"""Characters of most rows' names, which then stay on one line of a narrow terminal."""


def bench(
    *,
    source: Annotated[
        str | None, typer.Option("--input", help="Clip to measure on; default: a synthetic one of each --size.")
    ] = None,
    network: Annotated[list[str] | None, typer.Option(help="Network, see 'vsr models'; default: lrsrn.")] = None,
    size: Annotated[list[str] | None, typer.Option(help="Size of the synthetic clip; default: 960x540.")] = None,
    scale: Annotated[int, typer.Option(help="Factor: 2, 3 or 4.")] = 2,
    backend: Annotated[
        list[str] | None, typer.Option(help="What runs the network, or 'all' usable here; default: as 'vsr run'.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[list[str] | None, typer.Option(help="auto, fp32, bf16, fp16 or int8; default: auto.")] = None,
    batch_size: Annotated[int, typer.Option(help="Frames through the network at once.")] = 1,
    frames: Annotated[int, typer.Option(help="Frames of the clip.")] = 120,
    rounds: Annotated[int, typer.Option(help="How often each is measured, in turns.")] = 3,
    codec: Annotated[str, typer.Option(help="FFmpeg encoder of the end.")] = "libx264",
    preset: Annotated[
        str | None, typer.Option(help="Its speed preset; default: veryfast for libx264 and libx265.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Measure networks without shipped weights with fresh ones.")
    ] = False,
    vs: Annotated[list[str] | None, typer.Option(help="Peer to run beside: ffmpeg-lanczos, opencv or vs-mlrt.")] = None,
    peer_model: Annotated[Path | None, typer.Option(help="Network of --vs opencv, such as FSRCNN_x2.pb.")] = None,
    peer_python: Annotated[Path | None, typer.Option(help="Python of --vs vs-mlrt, which has VapourSynth.")] = None,
    json_path: Annotated[str | None, typer.Option("--json", help="Write everything as JSON to a file, or '-'.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown to a file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write tables and plots as one page that loads nothing.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write the plots as PNG files into a folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Neither progress nor tables.")] = False,
) -> None:
    """Measure decode, upscale and encode alone and together, memory, warm-up, the machine's roof, and peers.

    --network, --size, --backend, --precision and --vs may be repeated: every combination is measured, each round in a
    process of its own, in turns.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.benchmark.run import as_dict, run_benchmark
    from vsr.benchmark.spec import BenchSpec, parse_clip_size
    from vsr.benchmark.writing import Outputs

    spec = BenchSpec(
        source=source,
        networks=tuple(network or ("lrsrn",)),
        sizes=tuple(parse_clip_size(text) for text in size or ()),
        scale=scale,
        backends=tuple(backend or ()),
        device=device,
        precisions=tuple(precision or ("auto",)),  # type: ignore[arg-type] # checked there
        batch_size=batch_size,
        frames=frames,
        rounds=rounds,
        codec=codec,
        preset=preset,
        untrained=untrained,
        peers=tuple(vs or ()),  # type: ignore[arg-type] # checked there
        peer_model=peer_model,
        peer_python=peer_python,
    )
    outputs = Outputs(None if json_path in (None, "-") else Path(str(json_path)), markdown, html, plots)
    outputs.check()
    result = run_benchmark(spec, tell=_silent if quiet else _tell)
    outputs.write(result)
    if json_path == "-":
        print(json.dumps(as_dict(result), indent=2, allow_nan=False))
    elif not quiet:
        _print(result)


def _silent(_: str) -> None:
    """Nobody wants to know how far it is."""


def _tell(text: str) -> None:
    print(f"vsr: {shown_in_line(text)}", file=sys.stderr)


def _print(result: "Benchmark") -> None:
    from rich.console import Console
    from rich.table import Table

    from vsr.benchmark.tables import machine_line, notes, tables

    console = Console(file=sys.stdout)
    console.print(cell(machine_line(result)))
    for table in tables(result):
        view = Table(title=cell(table.title), title_justify="left")
        view.add_column(cell(table.columns[0]), min_width=_LABEL_WIDTH)
        for column in table.columns[1:]:
            view.add_column(cell(column), justify="right")
        for row in table.rows:
            view.add_row(*map(cell, row))
        console.print(view)
    for note in notes(result):
        console.print(cell(f"- {note}"))
